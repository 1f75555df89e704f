//! The doors of the portal, as browsers see them: passwords with a second factor, passkeys, other providers, and the page where
//! they are set up.

#[path = "../../../../control/tests/control/support/authenticator.rs"]
mod authenticator;
mod browser;
mod demanded;
mod factors;
#[path = "../../../../control/tests/control/support/people.rs"]
mod people;
#[path = "../../../../control/tests/control/support/provider.rs"]
mod provider;
mod providers;

use std::net::{IpAddr, Ipv4Addr};

use control::Actor;

const ACTOR: Actor = Actor::OPERATOR;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
