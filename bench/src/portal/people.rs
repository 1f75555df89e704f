//! Accounts to try passwords on.

use domain::{AccountId, Clock as _, SystemClock, SystemRng};
use storage::{AuditAction, AuditEntry, DbPlace, Store};

use super::Result;

/// Makes the first account an operator, adds accounts that have its password, and gives their addresses.
pub(crate) async fn add(place: &DbPlace, count: usize) -> Result<Vec<String>> {
    let store = Store::open(place).await?;
    let first = store.find_account_by_email("dev@localhost").await?.ok_or("dev makes an account")?;
    let now = SystemClock.now();
    let mut change = store.change().await?;
    // So that the pages of the instance's operators are measured as well.
    change.set_operator(first.account.id, true).await?;
    let mut emails = Vec::with_capacity(count);
    for number in 0..count {
        let mut person = first.clone();
        person.account.id = AccountId::generate(now, &SystemRng);
        person.account.email = format!("known-{number:06}@bench.example");
        person.account.is_operator = false;
        emails.push(person.account.email.clone());
        change.insert_account(&person).await?;
    }
    let entry = AuditEntry {
        at: now,
        workspace_id: None,
        actor: String::from("operator"),
        from: None,
        action: AuditAction::AccountCreated,
        subject: first.account.id.to_string(),
        detail: String::new(),
        names: Vec::new(),
    };
    drop(change.publish(&entry).await?);
    store.close().await?;
    Ok(emails)
}
