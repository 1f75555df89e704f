//! Guessing passwords: slow for whoever guesses, and nobody else is shut out by it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use control::{
    Control, ControlConfig, Known, PasswordAttempt, PasswordRefused, RegistrationPolicy, SignInLimits,
    SlowRate,
};
use domain::{Account, ManualClock, SystemRng};
use tempfile::TempDir;

use crate::support::ACTOR;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "wrong horse battery staple";

/// Small ones, since each guess costs a hash.
const LIMITS: SignInLimits = SignInLimits {
    network: SlowRate { burst_max: 8, every_seconds: 6 },
    account_and_network: SlowRate { burst_max: 3, every_seconds: 60 },
    account: SlowRate { burst_max: 10, every_seconds: 600 },
    device: SlowRate { burst_max: 2, every_seconds: 60 },
    mails_of_network: SlowRate { burst_max: 20, every_seconds: 30 },
    mails_to_address: SlowRate { burst_max: 4, every_seconds: 900 },
};

struct Instance {
    _folder: TempDir,
    clock: Arc<ManualClock>,
    control: Arc<Control>,
}

impl Instance {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(crate::support::start_time()));
        let mut config = ControlConfig::in_folder(folder.path());
        config.sign_in = LIMITS;
        config.registration.policy = RegistrationPolicy::Open;
        let control = Control::open(config, Arc::clone(&clock) as _, Arc::new(SystemRng)).await.unwrap();
        Self { _folder: folder, clock, control }
    }
}

fn network(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(192, 0, high, low))
}

fn attempt<'a>(email: &'a str, password: &'a str, from: IpAddr) -> PasswordAttempt<'a> {
    PasswordAttempt { email, password, from, device: None }
}

async fn instance_with_ada() -> (Instance, Account) {
    let instance = Instance::new().await;
    let ada = instance.control.create_account(&ACTOR, EMAIL, PASSWORD).await.unwrap();
    (instance, ada)
}

/// Guesses until it is told to wait, and says how many passwords were looked at.
async fn guess(control: &Control, email: &str, from: IpAddr) -> u32 {
    for guessed in 0..1000 {
        match control.recognise(attempt(email, WRONG, from)).await {
            Err(PasswordRefused::Wrong) => {}
            Err(PasswordRefused::TooMany { retry_seconds }) => {
                assert!(retry_seconds > 0);
                return guessed;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("guessed a thousand times")
}

/// One network gets as many guesses at an account as the limit says, whatever way it spells the address and whether or not
/// anybody has it; after the told wait it gets one more; and the owner signs in from elsewhere all the while.
#[tokio::test]
async fn one_network_guesses_slowly_and_shuts_nobody_out() {
    let (instance, ada) = instance_with_ada().await;
    let control = &instance.control;
    let most = LIMITS.account_and_network.burst_max;
    assert_eq!(guess(control, EMAIL, network(1)).await, most);
    for spelling in ["ADA@example.org", "Ada@Example.ORG", "ad\u{61}@EXAMPLE.org"] {
        let refused = control.recognise(attempt(spelling, PASSWORD, network(1))).await;
        assert!(matches!(refused, Err(PasswordRefused::TooMany { .. })), "{spelling}: {refused:?}");
    }
    let found = control.recognise(attempt(EMAIL, PASSWORD, network(2))).await.unwrap();
    assert_eq!(found.account, ada);
    assert_eq!(guess(control, "nobody@example.org", network(3)).await, most);
    instance.clock.advance_seconds(60);
    assert_eq!(control.recognise(attempt(EMAIL, PASSWORD, network(1))).await.unwrap().account, ada);
}

/// A network that guesses at many accounts is slowed down as a whole, and others aren't.
#[tokio::test]
async fn one_network_guesses_at_all_accounts_together() {
    let (instance, ada) = instance_with_ada().await;
    let control = &instance.control;
    let mut guessed = 0;
    for number in 0..5 {
        let email = format!("somebody{number}@example.org");
        guessed += guess(control, &email, network(1)).await;
    }
    // Attempts that were refused count, too.
    assert!((4..LIMITS.network.burst_max).contains(&guessed), "{guessed}");
    assert_eq!(control.recognise(attempt(EMAIL, PASSWORD, network(2))).await.unwrap().account, ada);
}

/// An attacker with many networks gets so many guesses at an account in all, and then one in minutes. Meanwhile the owner
/// signs in with a browser that was there before; a mark of another account, a forged and an outdated one help nobody.
#[tokio::test]
async fn many_networks_shut_no_known_browser_out() {
    let (instance, ada) = instance_with_ada().await;
    let control = &instance.control;
    let bob = control.create_account(&ACTOR, "bob@example.org", PASSWORD).await.unwrap();
    let of = |account: &Account| control.mark_device(account.id).expose().to_owned();
    let (mark, other) = (of(&ada), of(&bob));
    let most = LIMITS.account.burst_max;
    let mut guessed = 0;
    for number in 0..6 {
        guessed += guess(control, EMAIL, network(number)).await;
    }
    assert_eq!(guessed, most);
    let from = network(1000);
    let with = |device| PasswordAttempt { email: EMAIL, password: PASSWORD, from, device };
    let forged = format!("{}0", &mark[..mark.len() - 1]);
    let forged = if forged == mark { format!("{}1", &mark[..mark.len() - 1]) } else { forged };
    let longer = format!("f{}", &mark[1..]);
    for device in [None, Some(other.as_str()), Some(&forged), Some(&longer), Some(""), Some("über")] {
        let refused = control.recognise(with(device)).await;
        assert!(matches!(refused, Err(PasswordRefused::TooMany { .. })), "{device:?}: {refused:?}");
    }
    assert_eq!(control.recognise(with(Some(&mark))).await.unwrap().account, ada);
    // The browser's own guesses are counted, too.
    let wrong = PasswordAttempt { email: EMAIL, password: WRONG, from: network(1001), device: Some(&mark) };
    let mut refused = 0;
    for _ in 0..6 {
        refused += u32::from(matches!(control.recognise(wrong).await, Err(PasswordRefused::TooMany { .. })));
    }
    assert!(refused >= 4, "{refused}");
    instance.clock.advance_seconds(control::KNOWN_DEVICE_DAYS_MAX * 24 * 3600);
    for number in 2000..2006 {
        guess(control, EMAIL, network(number)).await;
    }
    assert!(matches!(control.recognise(with(Some(&mark))).await, Err(PasswordRefused::TooMany { .. })));
}

/// Whoever is shut out chooses another password by a link to the mailbox, which the guessing doesn't hinder.
#[tokio::test]
async fn the_mailbox_is_a_way_in() {
    let (instance, ada) = instance_with_ada().await;
    let control = &instance.control;
    for number in 0..6 {
        guess(control, EMAIL, network(number)).await;
    }
    let from = network(1000);
    let (_, secret) = control.begin_password_reset(EMAIL, from).await.unwrap().unwrap();
    let another = "another horse battery staple";
    assert_eq!(control.reset_password(secret.expose(), another, from).await.unwrap().id, ada.id);
    let mark = control.mark_device(ada.id);
    let attempt = PasswordAttempt { email: EMAIL, password: another, from, device: Some(mark.expose()) };
    assert_eq!(control.recognise(attempt).await.unwrap().account.id, ada.id);
}

/// What is refused for being too much costs no hash: it is answered while the pool is full. Whoever isn't over a limit is
/// told to come again, and gets in when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_is_told_and_the_refused_cost_nothing() {
    let (instance, _) = instance_with_ada().await;
    let control = Arc::clone(&instance.control);
    guess(&control, EMAIL, network(1)).await;
    let crowd: Vec<_> = (0..100_u16)
        .map(|number| {
            let control = Arc::clone(&control);
            tokio::spawn(async move {
                let email = format!("a{number}@example.org");
                control.recognise(attempt(&email, WRONG, network(100 + number))).await
            })
        })
        .collect();
    for number in 1000.. {
        // Looked at for a moment: whoever would have to wait goes away.
        let asked = control.recognise(attempt("who@example.org", WRONG, network(number)));
        match tokio::time::timeout(Duration::from_millis(5), asked).await {
            Ok(Err(PasswordRefused::Busy)) => break,
            _ => tokio::task::yield_now().await,
        }
    }
    let busy_too = control.recognise(attempt(EMAIL, PASSWORD, network(2))).await;
    assert!(matches!(busy_too, Err(PasswordRefused::Busy)), "{busy_too:?}");
    let refused = control.recognise(attempt(EMAIL, PASSWORD, network(1))).await;
    assert!(matches!(refused, Err(PasswordRefused::TooMany { .. })), "{refused:?}");
    let mut served = 0;
    for caller in crowd {
        served += u32::from(matches!(caller.await.unwrap(), Err(PasswordRefused::Wrong)));
    }
    assert!(served > 2, "{served}");
    assert!(control.recognise(attempt(EMAIL, PASSWORD, network(3))).await.is_ok());
}

/// A disabled account, a deleted one and one that nobody confirmed are refused like a wrong password, with the right one.
#[tokio::test]
async fn whoever_may_not_sign_in_learns_nothing() {
    let (instance, ada) = instance_with_ada().await;
    let control = &instance.control;
    let said = |result: Result<Known, PasswordRefused>| result.unwrap_err().to_string();
    let wrong = said(control.recognise(attempt(EMAIL, WRONG, network(1))).await);
    control.disable_account(&ACTOR, ada.id).await.unwrap();
    assert_eq!(said(control.recognise(attempt(EMAIL, PASSWORD, network(1))).await), wrong);
    control.enable_account(&ACTOR, ada.id).await.unwrap();
    assert!(control.recognise(attempt(EMAIL, PASSWORD, network(1))).await.is_ok());
    let by_token = control::Actor::account(ada.id);
    control.create_account(&by_token, "eve@example.org", PASSWORD).await.unwrap();
    assert_eq!(said(control.recognise(attempt("eve@example.org", PASSWORD, network(1))).await), wrong);
    control.delete_account(&ACTOR, ada.id).await.unwrap();
    assert_eq!(said(control.recognise(attempt(EMAIL, PASSWORD, network(1))).await), wrong);
    assert_eq!(said(control.recognise(attempt("no address", PASSWORD, network(1))).await), wrong);
    assert_eq!(said(control.recognise(attempt(EMAIL, &"x".repeat(2000), network(1))).await), wrong);
}
