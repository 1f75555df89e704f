//! The signer of a bug that we don't have: it signs any bytes with the instance's own key, which it opens with the master key.
//! Attacks on claims need valid signatures.

use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::{MasterKey, SigningKey};
use domain::{Algorithm, Kid, SystemRng};
use sea_orm::{ConnectionTrait as _, Database, DbErr, Statement};
use serde_json::Value;

use crate::Fault;

/// What kind of token a temporary key says it is.
pub(crate) const TYP: &str = "temporary-key+jwt";

/// A key, with the power to sign any text.
#[derive(Debug)]
pub(crate) struct Forge {
    pub(crate) key: SigningKey,
}

/// Bytes as they stand in a token.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a part of a token.
pub(crate) fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap_or_default()
}

impl Forge {
    /// The key that the instance of this data folder signs with.
    pub(crate) async fn of_instance(data_dir: &Path) -> Result<Self, Fault> {
        let master = std::fs::read_to_string(data_dir.join("master.key"))
            .map_err(|error| format!("the master key: {error}"))?;
        let master = MasterKey::from_text(&master).map_err(|error| error.to_string())?;
        let (kid, sealed) = signing_key(data_dir).await.map_err(|error| format!("the database: {error}"))?;
        let opened =
            master.open(&format!("signing_key/{kid}"), &sealed).map_err(|error| error.to_string())?;
        let key =
            SigningKey::from_pkcs8(&kid, Algorithm::EdDsa, &opened).map_err(|error| error.to_string())?;
        Ok(Self { key })
    }

    /// Somebody else's.
    pub(crate) fn foreign() -> Self {
        Self { key: SigningKey::generate(Algorithm::EdDsa, &SystemRng) }
    }

    /// The header of its tokens.
    pub(crate) fn header(&self) -> String {
        format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYP}"}}"#, self.key.kid())
    }

    /// A signature over these very bytes.
    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        let pair = Ed25519KeyPair::from_pkcs8(&self.key.to_pkcs8());
        pair.map(|pair| pair.sign(message.as_bytes()).as_ref().to_vec()).unwrap_or_default()
    }

    /// A token of these very bytes, with a valid signature.
    pub(crate) fn token(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.sign(&message);
        format!("{message}.{}", base64url(signature))
    }

    /// A token with its usual header and these claims.
    pub(crate) fn of_claims(&self, claims: &Value) -> String {
        self.token(self.header(), claims.to_string())
    }
}

/// The key that signs now, as it rests.
async fn signing_key(data_dir: &Path) -> Result<(Kid, Vec<u8>), DbErr> {
    let url = format!("sqlite://{}?mode=ro", data_dir.join("voxgate.db").display());
    let database = Database::connect(url).await?;
    let query = "SELECT kid, sealed_private_key FROM signing_keys WHERE state = 'signing'";
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), query)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("no key signs".to_owned()))?;
    let found = (Kid::new(&row.try_get::<String>("", "kid")?), row.try_get("", "sealed_private_key")?);
    database.close().await?;
    Ok(found)
}
