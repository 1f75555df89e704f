//! The name of a public key: its RFC 7638 thumbprint, so that a kid can't be given to two keys.

use aws_lc_rs::digest;
use domain::{Algorithm, Kid};

use crate::encoding::encode;

/// Length of an Ed25519 public key.
pub(crate) const ED25519_BYTES: usize = 32;
/// Length of an uncompressed point on P-256: a tag and two coordinates.
pub(crate) const P256_BYTES: usize = 65;

/// The members of a public key in a JWK that its thumbprint is made of, in the order of RFC 7638.
pub(crate) enum PublicMembers {
    Ed25519 { x: String },
    P256 { x: String, y: String },
}

impl PublicMembers {
    /// None if the bytes have the wrong length or form for the algorithm.
    pub(crate) fn new(algorithm: Algorithm, public_key: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::EdDsa if public_key.len() == ED25519_BYTES => {
                Some(Self::Ed25519 { x: encode(public_key) })
            }
            Algorithm::Es256 if public_key.len() == P256_BYTES && public_key[0] == 4 => {
                Some(Self::P256 { x: encode(&public_key[1..33]), y: encode(&public_key[33..]) })
            }
            Algorithm::EdDsa | Algorithm::Es256 => None,
        }
    }

    pub(crate) fn thumbprint(&self) -> Kid {
        let canonical = match self {
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
        };
        Kid::new(&encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::decode;

    /// The thumbprint of the example in RFC 8037, appendix A.3.
    #[test]
    fn the_example_of_rfc_8037() {
        let public_key = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let members = PublicMembers::new(Algorithm::EdDsa, &public_key).unwrap();
        assert_eq!(members.thumbprint().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// Bytes of another length or form name no key.
    #[test]
    fn other_forms_have_no_name() {
        assert!(PublicMembers::new(Algorithm::EdDsa, &[1; 33]).is_none());
        assert!(PublicMembers::new(Algorithm::Es256, &[4; 33]).is_none());
        assert!(PublicMembers::new(Algorithm::Es256, &[2; 65]).is_none());
        assert!(PublicMembers::new(Algorithm::Es256, &[4; 65]).is_some());
    }
}
