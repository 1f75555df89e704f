//! Secrets of webhooks and what is signed with them, as Standard Webhooks has it: `whsec_` and base64, HMAC-SHA-256 over id,
//! time and body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials::{MasterKey, hmac_sha256};
use domain::{Rng, Timestamp, WebhookId, WebhookMessageId};
use storage::StoredWebhook;
use zeroize::Zeroizing;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// The random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A secret's own bytes.
pub(crate) type SecretBytes = Zeroizing<Vec<u8>>;

/// A new secret.
pub(crate) fn generate(rng: &dyn Rng) -> SecretBytes {
    let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
    rng.fill(&mut bytes);
    bytes
}

/// The secret as its holder gets it, once.
pub(crate) fn text(secret: &SecretBytes) -> Zeroizing<String> {
    Zeroizing::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(secret.as_slice())))
}

/// Under which a secret is sealed, so that it opens only at its own webhook.
fn context(id: WebhookId) -> String {
    format!("webhook {id}")
}

pub(crate) fn seal(id: WebhookId, secret: &SecretBytes, under: &MasterKey, rng: &dyn Rng) -> Vec<u8> {
    under.seal(&context(id), secret, rng)
}

/// Seals a webhook's secrets under another master key; none where one can't be opened.
pub(crate) fn reseal(
    stored: &StoredWebhook,
    from: &MasterKey,
    to: &MasterKey,
    rng: &dyn Rng,
) -> Option<StoredWebhook> {
    let context = context(stored.webhook.id);
    let anew = |sealed: &[u8]| Some(to.seal(&context, &from.open(&context, sealed).ok()?, rng));
    let sealed_former_secret = match &stored.sealed_former_secret {
        Some(sealed) => Some(anew(sealed)?),
        None => None,
    };
    Some(StoredWebhook {
        webhook: stored.webhook.clone(),
        sealed_secret: anew(&stored.sealed_secret)?,
        sealed_former_secret,
    })
}

/// The value of `webhook-signature`: one signature for each secret that is good now; none where the present one can't be opened.
pub(crate) fn signature(
    stored: &StoredWebhook,
    master_key: &MasterKey,
    id: WebhookMessageId,
    at: Timestamp,
    body: &str,
) -> Option<String> {
    let context = context(stored.webhook.id);
    let is_former_good = stored.webhook.former_secret_until.is_some_and(|until| at < until);
    let former = stored.sealed_former_secret.as_deref().filter(|_| is_former_good);
    let mut signatures = Vec::new();
    for sealed in [Some(stored.sealed_secret.as_slice()), former].into_iter().flatten() {
        let secret = master_key.open(&context, sealed).ok()?;
        signatures.push(sign(&secret, id, at, body));
    }
    Some(signatures.join(" "))
}

fn sign(secret: &[u8], id: WebhookMessageId, at: Timestamp, body: &str) -> String {
    let signed = format!("{id}.{}.{body}", at.as_seconds());
    format!("v1,{}", BASE64_STANDARD.encode(hmac_sha256(secret, signed.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature is the one that the standard's own example has, but for the id, which is one of ours.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        // The example of the Standard Webhooks libraries.
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let signature = BASE64_STANDARD.encode(hmac_sha256(&secret, signed.as_bytes()));
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let id = WebhookMessageId::from_u128(7);
        let at = Timestamp::from_seconds(1_614_265_330);
        let ours = hmac_sha256(&secret, format!("{id}.1614265330.{{}}").as_bytes());
        assert_eq!(sign(&secret, id, at, "{}"), format!("v1,{}", BASE64_STANDARD.encode(ours)));
    }
}
