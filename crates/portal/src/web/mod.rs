//! What every room stands on.

pub(crate) mod cookies;
pub(crate) mod form_token;
pub(crate) mod member;
pub(crate) mod notice;
pub(crate) mod page;
pub(crate) mod paging;
pub(crate) mod posted;
pub(crate) mod problem;
pub(crate) mod recent;
pub(crate) mod redirect;
pub(crate) mod state;
pub(crate) mod time;
pub(crate) mod visit;

pub(crate) use member::{Admin, Member};
pub(crate) use page::Page;
pub use posted::FORM_BYTES_MAX;
pub(crate) use posted::{Posted, comes_from_elsewhere};
pub(crate) use problem::Problem;
pub(crate) use recent::{Recent, RecentAdmin, RecentMember, RecentOperator};
pub(crate) use state::Portal;
pub use visit::RECENT_MINUTES_MAX;
pub(crate) use visit::{InstanceOperator, Recognised, SignedIn, Visitor};
