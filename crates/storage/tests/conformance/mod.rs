//! The contract that every database must pass. A backend's test file hands in how to open a store in a folder.

pub(crate) mod builders;
pub(crate) mod feed;
pub(crate) mod owners;
pub(crate) mod records;
pub(crate) mod values;

/// Runs every case against stores that `$open` opens.
macro_rules! suite {
    ($open:expr) => {
        crate::conformance::cases! { $open;
            values::identifiers_are_compared_exactly,
            values::texts_survive,
            values::lists_are_in_order,
            owners::what_belongs_to_another_workspace_looks_absent,
            owners::what_belongs_to_a_deleted_project_looks_absent,
            feed::a_change_with_an_error_in_it_is_not_kept,
            feed::a_dropped_change_leaves_no_trace,
            feed::revisions_are_given_in_the_order_of_commits,
            feed::what_gateways_need_not_know_takes_no_revision,
            feed::the_snapshot_equals_the_feed,
            feed::the_feed_can_be_read_from_anywhere,
            records::usage_is_counted_exactly_once,
            records::last_use_never_goes_back,
            records::names_can_be_forgotten,
            records::expired_revocations_are_forgotten,
        }
    };
}

macro_rules! cases {
    ($open:expr; $($module:ident :: $case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let store = ($open)(folder.path()).await;
                crate::conformance::$module::$case(&store).await;
                store.close().await.unwrap();
            }
        )+
    };
}

pub(crate) use {cases, suite};
