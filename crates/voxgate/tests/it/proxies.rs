//! Trusted proxies of the whole: a client that lies about its address changes nothing, neither for itself nor for others.

use std::net::SocketAddr;

use testkit::within;
use voxgate::config::load;
use voxgate::wire::Instance;

use crate::serve::free_address;

/// More than one network may present, and far fewer than what a few may.
const CALLS: usize = 400;

struct Served {
    instance: Instance,
    address: SocketAddr,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Served {
    /// With this machine as a trusted proxy, or with another one.
    async fn start(trusted: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address().await;
        let text = format!(
            "data_dir = \"{}\"\ntrusted_proxies = [\"{trusted}\"]\n[admin]\naddress = \"\"\n[[listener]]\n\
             address = \"{address}\"\nserves = \"home:eu1\"\n",
            folder.path().join("data").display()
        );
        let settings = load(&text).unwrap_or_else(|problems| panic!("{problems:?}")).settings;
        let instance = voxgate::serve::start(&settings, &|_| None).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { instance, address, client, _folder: folder }
    }

    /// The status of a call with a credential that is none, from a client that says that it has this address.
    async fn guess(&self, claimed: &str) -> u16 {
        let request = self.client.get(format!("http://{}/v1/projects", self.address));
        let request = request.bearer_auth("nonsense").header("x-forwarded-for", claimed);
        within("an answer", request.send()).await.unwrap().status().as_u16()
    }
}

/// Who guesses credentials is slowed down by its own address, whatever addresses it claims; and it can't have somebody else
/// slowed down by claiming theirs.
#[tokio::test]
async fn claimed_addresses_change_no_rate() {
    let untrusting = Served::start("192.0.2.0/24").await;
    let mut slowed = false;
    for number in 0..CALLS {
        slowed |= untrusting.guess(&format!("198.51.{}.{}", number / 250, number % 250)).await == 429;
    }
    assert!(slowed, "{CALLS} guesses from one address, each with another claim");
    untrusting.instance.shutdown().await;

    let trusting = Served::start("127.0.0.0/8").await;
    for number in 0..CALLS {
        let status = trusting.guess(&format!("198.51.{}.{}", number / 250, number % 250)).await;
        assert_eq!(status, 401, "each of them guesses once");
    }
    let mut slowed = false;
    for _ in 0..CALLS {
        // The attacker writes its victim's address before its own, which the proxy appends.
        slowed |= trusting.guess("203.0.113.9, 198.51.100.66").await == 429;
    }
    assert!(slowed, "the attacker is slowed down");
    assert_eq!(trusting.guess("203.0.113.9").await, 401, "its victim is not");
    trusting.instance.shutdown().await;
}
