//! The contract that every database must pass: each case runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

pub(crate) mod builders;
pub(crate) mod factors;
pub(crate) mod feed;
pub(crate) mod invitations;
pub(crate) mod key_life;
pub(crate) mod key_search;
pub(crate) mod lists;
pub(crate) mod owners;
pub(crate) mod people;
pub(crate) mod profiles;
pub(crate) mod quotas;
pub(crate) mod records;
mod restored_factors;
mod upgrade;
pub(crate) mod usage_sum;
pub(crate) mod values;
pub(crate) mod webhooks;

use std::path::Path;

use storage::{DbPlace, Store};
use testdb::TestDatabase;

/// A store of its own for a case, and what must stay as long as it is open.
pub(crate) struct Opened {
    pub(crate) store: Store,
    _kept: Kept,
}

enum Kept {
    Folder { _folder: tempfile::TempDir },
    Database { _database: TestDatabase },
}

/// In a file of SQLite.
pub(crate) async fn on_sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let place = DbPlace::File(Path::new(folder.path()).join("voxgate.db"));
    Opened { store: Store::open(&place).await.unwrap(), _kept: Kept::Folder { _folder: folder } }
}

/// In a database of PostgreSQL.
pub(crate) async fn on_postgres() -> Opened {
    let database = TestDatabase::create();
    let place = DbPlace::parse(&database.url()).unwrap();
    Opened { store: Store::open(&place).await.unwrap(), _kept: Kept::Database { _database: database } }
}

macro_rules! cases {
    ($database:ident; $($module:ident :: $case:ident),+ $(,)?) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let opened = crate::$database().await;
                    crate::$module::$case(&opened.store).await;
                    opened.store.close().await.unwrap();
                }
            )+
        }
    };
}

/// Runs every case on a database.
macro_rules! suite {
    ($database:ident) => {
        cases! { $database;
            values::identifiers_are_compared_exactly,
            values::texts_survive,
            values::lists_are_in_order,
            owners::what_belongs_to_another_workspace_looks_absent,
            owners::what_belongs_to_a_deleted_project_looks_absent,
            factors::a_code_is_used_once,
            factors::a_recovery_code_is_used_once,
            factors::a_passkey_belongs_to_one_account,
            factors::an_identity_is_one_accounts,
            factors::a_ticket_is_used_once,
            factors::factors_go_with_their_account,
            feed::a_change_with_an_error_in_it_is_not_kept,
            feed::a_dropped_change_leaves_no_trace,
            feed::revisions_are_given_in_the_order_of_commits,
            feed::what_gateways_need_not_know_takes_no_revision,
            feed::the_snapshot_equals_the_feed,
            feed::the_feed_can_be_read_from_anywhere,
            key_life::a_key_is_changed_by_its_owner_alone,
            key_life::many_keys_are_kept_at_once,
            key_life::uses_of_temporary_keys_are_kept_apart,
            key_life::a_revoked_signing_key_stays_revoked,
            key_life::sealed_values_are_replaced_together,
            key_search::keys_are_found_by_what_is_remembered,
            key_search::searches_are_paged_newest_first,
            key_search::searches_stay_in_the_workspace,
            people::accounts_are_changed,
            people::members_come_and_go,
            people::workspaces_are_changed,
            people::pages_add_up,
            people::the_log_is_filtered,
            profiles::links_are_used_once,
            profiles::an_address_changes,
            profiles::unconfirmed_accounts_are_forgotten,
            invitations::an_invitation_ends_once,
            invitations::invitations_are_listed_and_forgotten,
            lists::texts_are_found,
            lists::a_project_is_changed_by_its_owner_alone,
            lists::keys_are_counted,
            lists::members_are_listed,
            lists::the_instance_is_looked_through,
            lists::the_log_is_read_from_its_end,
            webhooks::messages_are_kept_and_taken,
            webhooks::some_are_passed_over,
            webhooks::expiries_are_told_once,
            webhooks::a_client_ref_is_taken_out_of_messages,
            quotas::quotas_are_set_and_told,
            quotas::refusals_are_summed_up,
            records::usage_is_counted_exactly_once,
            records::usage_is_counted_in_order,
            records::last_use_never_goes_back,
            records::names_can_be_forgotten,
            records::expired_revocations_are_forgotten,
            records::what_nobody_needs_is_forgotten,
            usage_sum::usage_is_summed_up,
            usage_sum::usage_is_narrowed,
            usage_sum::usage_of_an_end_user_is_forgotten,
        }
    };
}

suite!(on_sqlite);
suite!(on_postgres);
