//! The explanation: check by check, and what comes of it.

use std::net::{IpAddr, Ipv4Addr};

use credentials::{Jwks, PlainSecret, Shape, classify, verify_signature};
use domain::token::Claims;
use domain::{ClientRef, Product, Reason, Refusal, Region, Timestamp};
use serde_json::{Value, json};
use verify::{Leeway, Need, Surface};

use super::token::Said;
use super::{Known, form, relative};
use crate::operator::views;

/// What is asked about a credential.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The credential.
    pub credential: &'a str,
    /// A key set to check a token's signature with.
    pub jwks: Option<&'a Jwks>,
    /// What an instance's database knows.
    pub known: Option<&'a Known>,
    /// What it is wanted for.
    pub wanted: &'a Wanted,
    /// How far clocks may be apart.
    pub leeway: Leeway,
    /// The present moment.
    pub now: Timestamp,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("wanted", self.wanted).finish_non_exhaustive()
    }
}

/// What a credential is wanted for; what isn't said isn't asked.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// For this product.
    pub product: Option<Product>,
    /// In this region.
    pub region: Option<Region>,
    /// For what belongs to this client_ref.
    pub client_ref: Option<ClientRef>,
    /// From a page of this origin.
    pub origin: Option<String>,
    /// From this address.
    pub peer: Option<IpAddr>,
    /// In `?jwt=` rather than in the header.
    pub in_url: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Badly: this refuses the credential.
    Failed,
    /// Not at all: what would tell isn't here.
    Unknown,
}

impl Outcome {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was looked at: `form`, `header`, `signature`, `time`, `product`, `area`, `instance`, `client_ref`.
    pub about: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, for people.
    pub says: String,
    /// The code of the refusal, where there is one.
    pub reason: Option<Reason>,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It would be let in.
    Good,
    /// It would be refused.
    Refused,
    /// Nothing speaks against it, and only an instance can tell the rest.
    Undecided,
}

impl Verdict {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }
}

/// An explanation.
#[derive(Debug)]
pub struct Explanation {
    shape: Shape,
    hint: Option<String>,
    said: Option<Said>,
    stored: Option<Value>,
    now: Timestamp,
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// What comes of them.
    pub verdict: Verdict,
}

/// Explains a credential.
pub fn explain(question: &Question<'_>) -> Explanation {
    let shape = classify(question.credential);
    let said = (shape == Shape::Token).then(|| Said::read(question.credential));
    let mut checks = vec![form_check(shape, question.credential)];
    if let Some(said) = &said {
        checks.push(header_check(said));
        checks.extend(token_checks(question, said));
    }
    if let Some(known) = question.known
        && shape != Shape::Mistyped
    {
        checks.push(instance_check(question, known, shape));
        checks.extend(client_ref_check(question, known, shape));
    }
    let verdict = if checks.iter().any(|check| check.outcome == Outcome::Failed) {
        Verdict::Refused
    } else if question.known.is_some() {
        Verdict::Good
    } else {
        Verdict::Undecided
    };
    let hint = matches!(shape, Shape::ApiKey | Shape::ManagementToken | Shape::Enrolment | Shape::Other)
        .then(|| PlainSecret::new(question.credential.to_owned()).hint());
    let stored = question.known.and_then(stored);
    Explanation { shape, hint, said, stored, now: question.now, checks, verdict }
}

fn passed(about: &'static str, says: impl Into<String>) -> Check {
    Check { about, outcome: Outcome::Passed, says: says.into(), reason: None }
}

fn unknown(about: &'static str, says: impl Into<String>) -> Check {
    Check { about, outcome: Outcome::Unknown, says: says.into(), reason: None }
}

fn failed(about: &'static str, reason: Reason, says: impl Into<String>) -> Check {
    Check { about, outcome: Outcome::Failed, says: says.into(), reason: Some(reason) }
}

fn refused(about: &'static str, refusal: &Refusal) -> Check {
    failed(about, refusal.reason, refusal.detail.as_ref())
}

fn form_check(shape: Shape, credential: &str) -> Check {
    match shape {
        Shape::ApiKey | Shape::ManagementToken | Shape::Enrolment => {
            passed("form", "length, characters and checksum are right")
        }
        Shape::Token => passed("form", "three parts with dots between them, as signed tokens have"),
        Shape::Other => {
            unknown("form", "no form of Voxgate's own: only an instance can know it, as an imported key")
        }
        Shape::Mistyped => failed("form", Reason::CredentialUnknown, form::slip(credential)),
    }
}

fn header_check(said: &Said) -> Check {
    let member = |name: &str| said.header[name].as_str().unwrap_or("nothing").to_owned();
    if said.header.is_null() || said.claims.is_null() {
        return failed(
            "header",
            Reason::TokenInvalid,
            "its parts are no JSON in base64url: it was altered or cut",
        );
    }
    if said.header["typ"] != json!(credentials::token::TYP) {
        let says = format!(
            "its typ is {}, not {}: another program made it, or Voxgate for something else",
            member("typ"),
            credentials::token::TYP
        );
        return failed("header", Reason::TokenInvalid, says);
    }
    if domain::Algorithm::from_name(&member("alg")).is_none() {
        let says = format!("its alg is {}; Voxgate signs with EdDSA or ES256", member("alg"));
        return failed("header", Reason::TokenInvalid, says);
    }
    passed("header", "it says that it is a temporary key")
}

fn token_checks(question: &Question<'_>, said: &Said) -> Vec<Check> {
    let jwks = question.jwks.or(question.known.map(|known| &known.jwks));
    let Some(jwks) = jwks else {
        return vec![
            unknown(
                "signature",
                "not checked: give the key set with --jwks, or an instance with --data-dir or --config",
            ),
            said_time(said, question),
        ];
    };
    let claims = match verify_signature(question.credential, |kid| jwks.find(kid).cloned()) {
        Ok(claims) => claims,
        Err(error) => {
            return vec![failed("signature", error.reason(), error.to_string()), said_time(said, question)];
        }
    };
    let mut checks = vec![passed("signature", "made with a key of the set"), said_time(said, question)];
    // With an instance at hand, its tables say this better.
    if question.known.is_none() {
        checks.extend(claimed(question, &claims));
    }
    checks
}

fn said_time(said: &Said, question: &Question<'_>) -> Check {
    let (Some(from), Some(until)) = (said.not_before(), said.expires_at()) else {
        return failed("time", Reason::TokenInvalid, "it doesn't say from when until when it is good");
    };
    let (now, leeway) = (question.now, question.leeway);
    if now >= until.plus_seconds(i64::from(leeway.expiry_seconds)) {
        return failed("time", Reason::CredentialExpired, format!("it expired {}", relative(until, now)));
    }
    if now < from.plus_seconds(-i64::from(leeway.early_seconds)) {
        let says =
            format!("it begins {}: compare this machine's clock with the issuer's", relative(from, now));
        return failed("time", Reason::CredentialEarly, says);
    }
    passed("time", format!("it expires {}", relative(until, now)))
}

/// What signed claims alone say about what is wanted.
fn claimed(question: &Question<'_>, claims: &Claims) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(product) = question.wanted.product {
        checks.push(if claims.product == product {
            passed("product", format!("it is for {product}"))
        } else {
            let says =
                format!("it is for {}, not for {product}: mint it with ?type={product}", claims.product);
            failed("product", Reason::WrongProduct, says)
        });
    }
    if let Some(region) = question.wanted.region {
        let areas = claims.areas.names();
        checks.push(if claims.areas.contains(region.area()) {
            passed("area", format!("it is good in {areas}"))
        } else {
            let says = format!("it is good in {areas}; {region} is in the area {}", region.area());
            failed("area", Reason::WrongArea, says)
        });
    }
    checks
}

fn instance_check(question: &Question<'_>, known: &Known, shape: Shape) -> Check {
    let now = question.now;
    if shape == Shape::ManagementToken || known.management_token.is_some() {
        return match known.tables.verify_management(question.credential, now) {
            Ok(manager) => passed("instance", format!("it may {}", manager.permissions().names())),
            Err(refusal) => refused("instance", &refusal),
        };
    }
    let wanted = question.wanted;
    let said = Said::read(question.credential);
    let origin = wanted.origin.as_deref().or_else(|| said.claims["leash"]["origins"][0].as_str());
    let peer = wanted.peer.unwrap_or_else(|| usual_peer(known, &said));
    let need = |product: Product| Need {
        surface: surface(product, wanted.in_url),
        product: Some(product),
        region: wanted.region,
        peer,
        origin,
        usage: false,
    };
    let judge = |product: Product| known.tables.verify(question.credential, &need(product), now);
    let first_good = || Product::ALL.iter().copied().find(|product| judge(*product).is_ok());
    let product = wanted.product.or_else(first_good).unwrap_or(Product::Batch);
    match judge(product) {
        Ok(principal) => {
            let (products, areas) = (principal.products().names(), principal.areas().names());
            passed("instance", format!("it is alive, and good for {products} in {areas}"))
        }
        Err(refusal) => refused("instance", &refusal),
    }
}

const fn surface(product: Product, in_url: bool) -> Surface {
    match product {
        Product::Rt | Product::Flow if in_url => Surface::RealtimeUrl,
        Product::Rt | Product::Flow => Surface::RealtimeHeader,
        Product::Batch | Product::Tts => Surface::Batch,
    }
}

/// Where a request comes from when nobody says: from a network that the key allows, so that the answer is about the rest.
fn usual_peer(known: &Known, said: &Said) -> IpAddr {
    let of_key = known.key.as_ref().and_then(|key| key.networks.0.first()).map(ipnet::IpNet::addr);
    let of_leash =
        said.claims["leash"]["networks"][0].as_str().and_then(|text| text.parse::<ipnet::IpNet>().ok());
    of_leash.map(|network| network.addr()).or(of_key).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Whether the credential reaches what belongs to a client_ref.
fn client_ref_check(question: &Question<'_>, known: &Known, shape: Shape) -> Option<Check> {
    let wanted = question.wanted.client_ref.as_ref()?;
    let key = known.key.as_ref()?;
    let own = match shape {
        Shape::Token => {
            let said = Said::read(question.credential);
            said.claims["client_ref"].as_str().and_then(|text| ClientRef::new(text).ok())
        }
        _ => key.client_ref.clone(),
    };
    if known.tables.client_ref_shut(key.project_id, wanted) {
        let says =
            format!("the client_ref {wanted} was revoked: nothing is minted for it until it is readmitted");
        return Some(failed("client_ref", Reason::CredentialRevoked, says));
    }
    Some(match own {
        None => passed("client_ref", format!("it sees the whole project, and {wanted} with it")),
        Some(own) if own == *wanted => passed("client_ref", format!("it is isolated to {wanted}")),
        Some(own) => {
            let says = format!("it is isolated to {own}: what belongs to {wanted} doesn't exist for it");
            failed("client_ref", Reason::JobNotFound, says)
        }
    })
}

fn stored(known: &Known) -> Option<Value> {
    let mut value = match (&known.key, &known.management_token) {
        (Some(key), _) => views::key(key),
        (None, Some(token)) => views::token(token),
        (None, None) => return None,
    };
    if let Some(workspace) = &known.workspace {
        value["workspace_id"] = json!(workspace.id);
        value["workspace_name"] = json!(workspace.name);
        value["plan"] = json!(workspace.plan);
    }
    Some(value)
}

impl Explanation {
    /// What it is, in words.
    pub fn what(&self) -> String {
        let name = match (&self.said, self.shape) {
            (Some(said), _) if said.header["typ"] == json!(credentials::token::TYP) => "a temporary key",
            (_, shape) => form::name(shape),
        };
        match &self.hint {
            Some(hint) => format!("{name} ({hint})"),
            None => name.to_owned(),
        }
    }

    /// What a token says of itself, a line each; empty for what is no token.
    pub fn words(&self) -> Vec<String> {
        self.said.as_ref().map(|said| said.words(self.now)).unwrap_or_default()
    }

    /// What the database holds of it.
    pub const fn stored(&self) -> Option<&Value> {
        self.stored.as_ref()
    }

    /// The check that refuses it: the instance's own answer where there is one, for that is what clients get.
    pub fn refusal(&self) -> Option<&Check> {
        let mut failed = self.checks.iter().filter(|check| check.outcome == Outcome::Failed);
        let by_instance = self.checks.iter().find(|check| {
            check.outcome == Outcome::Failed && matches!(check.about, "instance" | "client_ref")
        });
        by_instance.or_else(|| failed.next())
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> Value {
        let check = |check: &Check| {
            json!({
                "about": check.about,
                "outcome": check.outcome.as_str(),
                "says": check.says,
                "reason": check.reason,
            })
        };
        let refusal = self.refusal();
        json!({
            "is": self.what(),
            "hint": self.hint,
            "verdict": self.verdict.as_str(),
            "reason": refusal.and_then(|check| check.reason),
            "detail": refusal.map(|check| &check.says),
            "page": refusal.and_then(|check| check.reason).map(page),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
            "says": self.said.as_ref().map(|said| json!({"header": said.header, "claims": said.claims})),
            "stored": self.stored,
        })
    }
}

/// The page about a reason, in the documentation.
pub fn page(reason: Reason) -> String {
    format!("docs/errors/{reason}.md")
}
