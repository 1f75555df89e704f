//! What a request to make a key asks for, read from query and body before anything is decided.

use control::TtlSeconds;
use domain::{Area, AreaSet, ClientRef, Leash, Networks, Product, ProductSet, ProjectId, Timestamp};

use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::request;

/// A request for a temporary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemporaryKeyForm {
    pub(crate) product: Product,
    pub(crate) ttl_seconds: u32,
    pub(crate) area: Option<Area>,
    pub(crate) client_ref: Option<ClientRef>,
    pub(crate) leash: Leash,
}

/// A request for a permanent key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PermanentKeyForm {
    pub(crate) project_id: ProjectId,
    pub(crate) name: String,
    pub(crate) areas: Option<AreaSet>,
    pub(crate) products: Option<ProductSet>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) networks: Networks,
    pub(crate) client_ref: Option<ClientRef>,
}

/// The product that the query names; none means batch.
pub(crate) fn product(query: &[(String, String)]) -> Result<Product, Invalid> {
    let Some(first) = request::one(query, "type")? else { return Ok(Product::Batch) };
    Product::from_name(first).ok_or_else(|| {
        let names: Vec<&str> = Product::ALL.iter().map(|product| product.as_str()).collect();
        Invalid::one_of("type", "query", &names)
    })
}

impl TemporaryKeyForm {
    /// Reads and checks every value that minting looks at.
    pub(crate) fn read(
        query: &[(String, String)],
        fields: &Fields,
        ranges: &TtlSeconds,
    ) -> Result<Self, Invalid> {
        let product = product(query)?;
        let range = ranges.of(product);
        let ttl_seconds = fields
            .integer_within("ttl", range.min_seconds, range.max_seconds)
            .map_err(|invalid| explain_ttl(invalid, product, ranges))?
            .ok_or_else(|| Invalid::required("ttl", "body"))?;
        let area = fields.choice("region", Area::ALL, Area::as_str)?;
        if product == Product::Rt && area.is_some_and(|area| !area.has_realtime()) {
            return Err(Invalid::one_of("region", "body", &["eu", "usa"])
                .with_detail("au supports batch only, so it can't be combined with type=rt."));
        }
        Ok(Self {
            product,
            ttl_seconds,
            area,
            client_ref: fields.client_ref()?,
            leash: leash(product, fields)?,
        })
    }
}

/// A long ttl for the wrong product is the likeliest mistake: say which product would take it.
fn explain_ttl(invalid: Invalid, product: Product, ranges: &TtlSeconds) -> Invalid {
    let range = ranges.of(product);
    let detail = format!(
        "A temporary key for {product} lives {} to {} seconds.{}",
        range.min_seconds,
        range.max_seconds,
        if product == Product::Batch { " Without ?type=… a key is for batch." } else { "" }
    );
    invalid.with_detail(detail)
}

/// The limits that the key is to carry.
fn leash(product: Product, fields: &Fields) -> Result<Leash, Invalid> {
    let leash = Leash {
        max_sessions: fields.integer_within("max_sessions", 1, u32::MAX)?,
        uses: fields.integer_within("uses", 1, u32::MAX)?,
        max_session_seconds: fields.integer_within("max_session_seconds", 1, u32::MAX)?,
        max_audio_seconds: fields.integer_within("max_audio_seconds", 1, u32::MAX)?,
        end_at_expiry: fields.boolean("end_at_expiry")?.unwrap_or(false),
        origins: some("origins", fields.origins()?, Vec::is_empty)?,
        networks: some("networks", fields.networks()?, |networks| networks.0.is_empty())?,
        lock: fields.lock()?,
    };
    only_for_sessions(product, &leash)?;
    Ok(leash)
}

/// A list that limits, if it is there. An empty one is refused: it is more likely a list that somebody failed to fill than a wish for
/// no limit at all.
fn some<T: Default>(field: &str, list: Option<T>, is_empty: impl FnOnce(&T) -> bool) -> Result<T, Invalid> {
    match list {
        Some(list) if is_empty(&list) => {
            Err(Invalid::too_few(field)
                .with_detail(format!("Leave {field} out for a key without that limit.")))
        }
        list => Ok(list.unwrap_or_default()),
    }
}

/// Refuses what would be taken for a limit where nothing counts it.
fn only_for_sessions(product: Product, leash: &Leash) -> Result<(), Invalid> {
    match leash.misplaced(product) {
        Some(field) => Err(Invalid::no_sessions(field, product)),
        None => Ok(()),
    }
}

impl PermanentKeyForm {
    /// Reads and checks every value of a permanent key.
    pub(crate) fn read(query: &[(String, String)], fields: &Fields, now: Timestamp) -> Result<Self, Invalid> {
        // The published form names one product in the query; `products` in the body says it for several.
        let in_query = query.iter().any(|(name, _)| name == "type");
        let from_query = product(query)?;
        let products = fields
            .choices("products", Product::ALL, Product::as_str)?
            .map(ProductSet::from_iter)
            .or_else(|| in_query.then(|| ProductSet::EMPTY.with(from_query)));
        Ok(Self {
            project_id: fields
                .integer("project_id")?
                .map(ProjectId::new)
                .ok_or_else(|| Invalid::required("project_id", "body"))?,
            name: fields.name()?.unwrap_or_default(),
            areas: fields.choices("areas", Area::ALL, Area::as_str)?.map(AreaSet::from_iter),
            products,
            expires_at: fields.moment_after("expires_at", now)?,
            networks: fields.networks()?.unwrap_or_default(),
            client_ref: fields.client_ref()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(product: Option<&str>, body: Value) -> Result<TemporaryKeyForm, Invalid> {
        let mut query = vec![("sm-sdk".to_owned(), "python-5.0.0".to_owned())];
        query.extend(product.map(|product| ("type".to_owned(), product.to_owned())));
        TemporaryKeyForm::read(&query, &Fields(body.as_object().unwrap().clone()), &TtlSeconds::default())
    }

    /// Every body that released clients are known to send is taken.
    #[test]
    fn bodies_of_released_clients_are_taken() {
        for (product, body) in [
            (Some("rt"), json!({"ttl": 60, "region": "eu"})),
            (Some("batch"), json!({"ttl": 60, "region": "eu", "client_ref": "USER123"})),
            (Some("flow"), json!({"ttl": 300, "sm-sdk": "python-0.1.2"})),
            (None, json!({"ttl": 3600})),
            (Some("tts"), json!({"ttl": 86400, "region": null, "client_ref": null})),
        ] {
            assert!(read(product, body.clone()).is_ok(), "{product:?} {body}");
        }
        assert_eq!(read(None, json!({"ttl": 60})).unwrap().product, Product::Batch);
    }

    /// The ranges are per product and hold on both sides; the message is the one that clients know.
    #[test]
    fn ttl_has_a_range_per_product() {
        for (product, max) in [("batch", 3600), ("rt", 86400), ("tts", 86400), ("flow", 86400)] {
            assert!(read(Some(product), json!({"ttl": 60})).is_ok());
            assert!(read(Some(product), json!({"ttl": max})).is_ok());
            let below = read(Some(product), json!({"ttl": 59})).unwrap_err();
            assert_eq!(
                (below.code, below.message.as_str()),
                (609, "ttl in body should be greater than or equal to 60")
            );
            let above = read(Some(product), json!({"ttl": max + 1})).unwrap_err();
            assert_eq!(
                (above.code, above.message),
                (608, format!("ttl in body should be less than or equal to {max}"))
            );
        }
        assert_eq!(read(None, json!({})).unwrap_err().message, "ttl in body is required");
    }

    /// Wrong values are named with what is allowed.
    #[test]
    fn wrong_values_name_the_allowed_ones() {
        for (product, body, code, message) in [
            (Some("voice"), json!({"ttl": 60}), 606, "type in query should be one of [batch rt tts flow]"),
            (Some("RT"), json!({"ttl": 60}), 606, "type in query should be one of [batch rt tts flow]"),
            (None, json!({"ttl": 60, "region": "eu1"}), 606, "region in body should be one of [eu usa au]"),
            (None, json!({"ttl": 60, "region": 1}), 601, "region in body must be of type string"),
            (Some("rt"), json!({"ttl": 60, "region": "au"}), 606, "region in body should be one of [eu usa]"),
            (None, json!({"ttl": "60"}), 601, "ttl in body must be of type integer"),
            (None, json!({"ttl": 60, "client_ref": 5}), 601, "client_ref in body must be of type string"),
            (
                None,
                json!({"ttl": 60, "max_sessions": 0}),
                609,
                "max_sessions in body should be greater than or equal to 1",
            ),
            (
                None,
                json!({"ttl": 60, "end_at_expiry": 1}),
                601,
                "end_at_expiry in body must be of type boolean",
            ),
            (
                Some("rt"),
                json!({"ttl": 60, "uses": 0}),
                609,
                "uses in body should be greater than or equal to 1",
            ),
            (
                Some("rt"),
                json!({"ttl": 60, "max_audio_seconds": 1.5}),
                601,
                "max_audio_seconds in body must be of type integer",
            ),
            (
                Some("tts"),
                json!({"ttl": 60, "uses": 1}),
                605,
                "uses in body limits realtime sessions, and a tts key opens none",
            ),
            (Some("rt"), json!({"ttl": 60, "lock": []}), 601, "lock in body must be of type object"),
            (
                Some("rt"),
                json!({"ttl": 60, "origins": []}),
                612,
                "origins in body should have at least 1 items",
            ),
            (None, json!({"ttl": 60, "networks": []}), 612, "networks in body should have at least 1 items"),
            (
                None,
                json!({"ttl": 60, "lock": {}}),
                605,
                "lock in body limits realtime sessions, and a batch key opens none",
            ),
        ] {
            let invalid = read(product, body.clone()).unwrap_err();
            assert_eq!((invalid.code, invalid.message.as_str()), (code, message), "{product:?} {body}");
        }
        assert!(read(Some("batch"), json!({"ttl": 60, "region": "au"})).is_ok());
    }

    /// Every limit of a leash is taken as it is given.
    #[test]
    fn leashes_are_read_whole() {
        let body = json!({"ttl": 60, "max_sessions": 1, "uses": 2, "max_session_seconds": 3, "max_audio_seconds": 4,
            "end_at_expiry": true, "origins": ["https://app.example.com"], "networks": ["192.0.2.0/24"],
            "lock": {"transcription_config": {"language": "en"}}});
        let leash = read(Some("rt"), body).unwrap().leash;
        assert_eq!((leash.max_sessions, leash.uses), (Some(1), Some(2)));
        assert_eq!((leash.max_session_seconds, leash.max_audio_seconds), (Some(3), Some(4)));
        assert!(leash.end_at_expiry && leash.origins.len() == 1 && leash.networks.0.len() == 1);
        assert_eq!(leash.lock.as_deref(), Some(r#"{"transcription_config":{"language":"en"}}"#));
    }

    /// A product named twice could be read either way, so it is refused.
    #[test]
    fn a_product_is_named_once() {
        let twice = [("type".to_owned(), "rt".to_owned()), ("type".to_owned(), "batch".to_owned())];
        assert!(product(&twice).is_err());
        assert_eq!(product(&twice[..1]), Ok(Product::Rt));
    }

    /// A permanent key needs its project, and takes the fields beside the documented ones.
    #[test]
    fn permanent_keys_are_read_whole() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let read = |query: &[(String, String)], body: Value| {
            PermanentKeyForm::read(query, &Fields(body.as_object().unwrap().clone()), now)
        };
        assert_eq!(read(&[], json!({"name": "x"})).unwrap_err().message, "project_id in body is required");
        let form = read(
            &[],
            json!({"project_id": 7, "name": "x", "areas": ["usa"], "products": ["rt"], "networks": ["10.0.0.0/8"],
                   "expires_at": "2030-01-01T00:00:00Z", "client_ref": "u", "contract_id": 3}),
        )
        .unwrap();
        assert_eq!(form.products, Some(ProductSet::EMPTY.with(Product::Rt)));
        let by_query = read(&[("type".to_owned(), "tts".to_owned())], json!({"project_id": 7})).unwrap();
        assert_eq!(by_query.products, Some(ProductSet::EMPTY.with(Product::Tts)));
        assert_eq!(read(&[], json!({"project_id": 7})).unwrap().products, None);
    }
}
