//! The decision.

use std::net::IpAddr;

use domain::{Product, Reason, Refusal, Region, Timestamp};
use verify::{Bearer, Need, Principal, Surface, Tables, presented_bearer};

use super::{Route, Scan};

/// A request's head, parsed, and where it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its route.
    pub route: Route<'a>,
    /// Its header fields, looked at once.
    pub scan: Scan<'a>,
    /// The client's address.
    pub peer: IpAddr,
    /// The region where it arrived.
    pub region: Region,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It reads.
    Read,
    /// It makes something.
    Create,
    /// It deletes.
    Delete,
}

/// An authorised request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    /// What it does.
    pub verb: Verb,
    /// Who it comes from.
    pub principal: Principal,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is made once per request, mostly the large one, and taken apart at once"
)]
pub enum Verdict {
    /// It goes on.
    Go(Go),
    /// It goes on though nobody is known: the route is public.
    Public,
    /// A page asks whether it may call.
    Preflight,
    /// The path has other methods: these.
    NotAllowed(&'static str),
    /// It is refused.
    Refuse(Refusal),
}

/// Decides about a request of the Jobs API.
pub fn decide(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Verdict {
    if let Err(refusal) = asked.scan.unambiguous() {
        return Verdict::Refuse(refusal);
    }
    let allow = allowed(asked.route);
    let verb = match asked.method {
        "OPTIONS" => return Verdict::Preflight,
        "GET" | "HEAD" if allow.starts_with("GET") => Verb::Read,
        "POST" if allow.contains("POST") => Verb::Create,
        "DELETE" if allow.contains("DELETE") => Verb::Delete,
        _ => return Verdict::NotAllowed(allow),
    };
    if asked.route == Route::Features {
        return Verdict::Public;
    }
    match authenticate(asked, tables, now) {
        Ok(principal) => Verdict::Go(Go { verb, principal }),
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

/// The methods of a route.
const fn allowed(route: Route<'_>) -> &'static str {
    match route {
        Route::Jobs => "GET, HEAD, POST, OPTIONS",
        Route::Job(_) => "GET, HEAD, DELETE, OPTIONS",
        Route::Transcript(_) | Route::Log(_) | Route::Data(_) | Route::Usage | Route::Features => {
            "GET, HEAD, OPTIONS"
        }
        Route::Generate(_) => "POST, OPTIONS",
    }
}

/// The product that a route belongs to.
pub(crate) const fn product(route: Route<'_>) -> Product {
    match route {
        Route::Generate(_) => Product::Tts,
        _ => Product::Batch,
    }
}

fn authenticate(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Result<Principal, Refusal> {
    let presented = match asked.scan.authorization().map_or(Bearer::Absent, presented_bearer) {
        Bearer::Credential(presented) => presented,
        Bearer::Absent => {
            return Err(Refusal::new(
                Reason::CredentialMissing,
                "Send an API key or a temporary key in the header Authorization: Bearer KEY.",
            ));
        }
        Bearer::Malformed => {
            return Err(Refusal::new(
                Reason::CredentialUnknown,
                "The Authorization header can't be read. It must be Authorization: Bearer KEY.",
            ));
        }
    };
    let need = Need {
        surface: Surface::Batch,
        product: Some(product(asked.route)),
        region: Some(asked.region),
        peer: asked.peer,
        origin: asked.scan.origin(),
        usage: asked.route == Route::Usage,
    };
    tables.verify(presented, &need, now)
}

/// The areas that the same credential would be good for, for the answer to one that was used in the wrong place.
pub(crate) fn areas_elsewhere(asked: &Asked<'_>, tables: &Tables, now: Timestamp) -> Option<domain::AreaSet> {
    let Bearer::Credential(presented) = presented_bearer(asked.scan.authorization()?) else { return None };
    let need = Need {
        surface: Surface::Batch,
        product: Some(product(asked.route)),
        region: None,
        peer: asked.peer,
        origin: asked.scan.origin(),
        usage: false,
    };
    Some(tables.verify(presented, &need, now).ok()?.areas())
}

#[cfg(test)]
mod tests {
    use domain::link::{Change, KeyRecord, Revision};
    use domain::{Area, AreaSet, ProductSet};

    use super::*;
    use crate::somebody::{NOW, Somebody, client_ref};

    /// Each route of the Jobs API, and the methods that it has.
    const METHODS: [(Route<'static>, &str); 8] = [
        (Route::Jobs, "GET, HEAD, POST, OPTIONS"),
        (Route::Job("a"), "GET, HEAD, DELETE, OPTIONS"),
        (Route::Transcript("a"), "GET, HEAD, OPTIONS"),
        (Route::Log("a"), "GET, HEAD, OPTIONS"),
        (Route::Data("a"), "GET, HEAD, OPTIONS"),
        (Route::Usage, "GET, HEAD, OPTIONS"),
        (Route::Features, "GET, HEAD, OPTIONS"),
        (Route::Generate("a"), "POST, OPTIONS"),
    ];

    /// The decision about a request with these header fields.
    fn decided(somebody: &Somebody, method: &str, route: Route<'_>, fields: &[(&str, &[u8])]) -> Verdict {
        decide(&asked(method, route, fields), &somebody.tables, NOW)
    }

    fn asked<'a>(method: &'a str, route: Route<'a>, fields: &'a [(&'a str, &'a [u8])]) -> Asked<'a> {
        let peer = IpAddr::from([192, 0, 2, 7]);
        Asked { method, route, scan: Scan::read(fields), peer, region: Region::Eu1 }
    }

    /// A key for all products, of one area.
    fn somebody() -> Somebody {
        let somebody = Somebody::new(1);
        let products: ProductSet = Product::ALL.iter().copied().collect();
        let record = KeyRecord { products, ..somebody.key.clone() };
        somebody.tables.apply(Revision(2), &[Change::Key(record)]);
        somebody
    }

    /// A method that a path has is what it says; any other is told which ones there are, before anybody is asked for a key.
    #[test]
    fn methods_are_those_of_the_route() {
        let somebody = somebody();
        let bearer = format!("Bearer {}", somebody.secret.expose());
        let fields: &[(&str, &[u8])] = &[("authorization", bearer.as_bytes())];
        for (route, allow) in METHODS {
            for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH", "TRACE", "get", ""] {
                let shown = format!("{method} {route:?}");
                let known = allow.split(", ").any(|known| known == method);
                let verb = match method {
                    "GET" | "HEAD" => Verb::Read,
                    "POST" => Verb::Create,
                    _ => Verb::Delete,
                };
                match decided(&somebody, method, route, fields) {
                    Verdict::Preflight => assert_eq!(method, "OPTIONS", "{shown}"),
                    Verdict::NotAllowed(told) => {
                        assert_eq!((known, told), (false, allow), "{shown}");
                        assert_eq!(decided(&somebody, method, route, &[]), Verdict::NotAllowed(allow));
                    }
                    Verdict::Public => assert_eq!((route, verb), (Route::Features, Verb::Read), "{shown}"),
                    Verdict::Go(go) => {
                        assert_ne!(route, Route::Features);
                        assert_eq!((known, go.verb), (true, verb), "{shown}");
                        let product =
                            if route == Route::Generate("a") { Product::Tts } else { Product::Batch };
                        assert_eq!(go.principal.product(), Some(product), "{shown}");
                    }
                    Verdict::Refuse(refusal) => panic!("{shown}: {refusal}"),
                }
            }
        }
    }

    /// Without a key only the public list is read; with one that can't be read, nothing is.
    #[test]
    fn no_key_no_entry() {
        let somebody = somebody();
        for (route, allow) in METHODS.into_iter().filter(|(route, _)| *route != Route::Features) {
            let method = if allow.contains("GET") { "GET" } else { "POST" };
            for (fields, reason) in [
                (&[][..], Reason::CredentialMissing),
                (&[("authorization", b"Basic YTpi".as_slice())][..], Reason::CredentialUnknown),
            ] {
                let Verdict::Refuse(refusal) = decided(&somebody, method, route, fields) else {
                    panic!("{route:?} let somebody in");
                };
                assert_eq!(refusal.reason, reason, "{route:?}");
            }
        }
        assert_eq!(decided(&somebody, "GET", Route::Features, &[]), Verdict::Public);
        let two: &[(&str, &[u8])] = &[("authorization", b"Bearer a"), ("authorization", b"Bearer b")];
        for method in ["GET", "OPTIONS", "PUT"] {
            let Verdict::Refuse(refusal) = decided(&somebody, method, Route::Features, two) else {
                panic!("{method} with two credentials");
            };
            assert_eq!(refusal.reason, Reason::CredentialAmbiguous);
        }
    }

    /// Usage is told to whoever has the whole project; jobs are there for a client_ref, too.
    #[test]
    fn usage_is_of_the_whole_project() {
        let somebody = Somebody::new(1);
        let record = KeyRecord { client_ref: Some(client_ref("user-1")), ..somebody.key.clone() };
        somebody.tables.apply(Revision(2), &[Change::Key(record)]);
        let bearer = format!("Bearer {}", somebody.secret.expose());
        let fields: &[(&str, &[u8])] = &[("authorization", bearer.as_bytes())];
        for (route, _) in METHODS.into_iter().filter(|(_, allow)| allow.contains("GET")) {
            let refused = match decided(&somebody, "GET", route, fields) {
                Verdict::Refuse(refusal) => Some(refusal.reason),
                _ => None,
            };
            let expected = (route == Route::Usage).then_some(Reason::UsageNeedsProject);
            assert_eq!(refused, expected, "{route:?}");
        }
    }

    /// Who comes to the wrong region is told the areas of their own key, and nobody else's.
    #[test]
    fn areas_are_told_to_their_owner() {
        let somebody = somebody();
        let bearer = format!("Bearer {}", somebody.secret.expose());
        let own: &[(&str, &[u8])] = &[("authorization", bearer.as_bytes())];
        let told = |fields, region| {
            let asked = Asked { region, ..asked("GET", Route::Jobs, fields) };
            areas_elsewhere(&asked, &somebody.tables, NOW)
        };
        let eu = Some(AreaSet::EMPTY.with(Area::Eu));
        assert_eq!([told(own, Region::Eu1), told(own, Region::Us1)], [eu, eu]);
        let others: [&[(&str, &[u8])]; 3] =
            [&[], &[("authorization", b"Bearer unknown")], &[("authorization", b"Basic YTpi")]];
        for fields in others {
            assert_eq!(told(fields, Region::Us1), None, "{fields:?}");
        }
    }
}
