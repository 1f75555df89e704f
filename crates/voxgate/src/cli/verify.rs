//! `voxgate verify`: what a credential is, and why it would be refused.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use credentials::Jwks;
use domain::{ClientRef, Clock as _, Product, Region, SystemClock};
use verify::Leeway;
use zeroize::Zeroizing;

use super::args::parse_client_ref;
use super::style::{Painter, Tone};
use super::{Failure, database, input, instance, output};
use crate::explain::{Explanation, Known, Outcome, Question, Verdict, Wanted, explain};
use crate::remote::HttpClient;

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent anywhere: the form and what a token says are looked at here, its signature is checked with a key set, and
with a data folder or a configuration file the instance's database is read, and only read; its server may run meanwhile.
On a command line other users of the machine can read a credential: send a long-lived one on standard input.

Examples:
  voxgate verify - < key.txt
  voxgate verify --jwks https://mp.example.org/.well-known/jwks.json eyJhbGciOi…
  voxgate verify --data-dir ./try --for rt --region eu1 - < key.txt
  voxgate verify --config voxgate.toml --for batch --client-ref USER123 --json - < key.txt")]
pub(super) struct VerifyArgs {
    /// The key or token; \"-\" reads it from standard input
    #[arg(value_name = "KEY_OR_TOKEN")]
    pub(super) credential: String,
    /// Would it be let in for this product: batch, rt, tts or flow
    #[arg(long = "for", visible_alias = "type", value_name = "PRODUCT")]
    pub(super) product: Option<Product>,
    /// Would it be let in in this region: eu1, us1, au1, eu2 or us2
    #[arg(long)]
    pub(super) region: Option<Region>,
    /// Would it reach what belongs to this client_ref
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    pub(super) client_ref: Option<ClientRef>,
    /// Would it be let in from a page of this origin, as in https://app.example.org
    #[arg(long)]
    pub(super) origin: Option<String>,
    /// Would it be let in from this address
    #[arg(long, value_name = "ADDRESS")]
    pub(super) from: Option<IpAddr>,
    /// Would it be let in in ?jwt= of a realtime URL
    #[arg(long)]
    pub(super) in_url: bool,
    /// Check a token's signature with this key set: a file or an http(s) URL
    #[arg(long, value_name = "FILE_OR_URL", conflicts_with_all = ["data_dir", "config"])]
    pub(super) jwks: Option<String>,
    /// Certificate authorities to trust for --jwks, beside the machine's (PEM)
    #[arg(long, value_name = "FILE", requires = "jwks")]
    pub(super) ca_file: Option<PathBuf>,
    /// The data folder of the instance whose database is read
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// The configuration file of the instance whose database is read
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(arguments: VerifyArgs) -> Result<(), Failure> {
    let credential = credential(&arguments)?;
    let jwks = match &arguments.jwks {
        None => None,
        Some(place) => Some(key_set(place, arguments.ca_file.as_deref()).await?),
    };
    let mut leeway = Leeway::default();
    let mut known = None;
    if arguments.data_dir.is_some() || arguments.config.is_some() {
        let place = instance::place(arguments.data_dir.as_deref(), arguments.config.as_deref())?;
        leeway = place.control.leeway;
        let store = database::open_read_only(&place.control).await?;
        let read = Known::read(&store, &credential, leeway).await;
        known = Some(read.map_err(|error| Failure::from_error(&error))?);
    }
    let wanted = Wanted {
        product: arguments.product,
        region: arguments.region,
        client_ref: arguments.client_ref,
        origin: arguments.origin,
        peer: arguments.from,
        in_url: arguments.in_url,
    };
    let explanation = explain(&Question {
        credential: &credential,
        jwks: jwks.as_ref(),
        known: known.as_ref(),
        wanted: &wanted,
        leeway,
        now: SystemClock.now(),
    });
    if arguments.json {
        output::say_json(&explanation.to_json())?;
    } else {
        say_for_people(&explanation);
    }
    match explanation.verdict {
        Verdict::Refused => Err(Failure("this credential would be refused".to_owned())),
        Verdict::Good | Verdict::Undecided => Ok(()),
    }
}

fn credential(arguments: &VerifyArgs) -> Result<Zeroizing<String>, Failure> {
    if arguments.credential == "-" {
        return input::credential();
    }
    if credentials::classify(&arguments.credential) != credentials::Shape::Token {
        output::remark(
            "note: other users of this machine can read command lines: send a key on standard input, with -",
        );
    }
    Ok(Zeroizing::new(arguments.credential.clone()))
}

/// A key set from a file or from a URL.
async fn key_set(place: &str, ca_file: Option<&std::path::Path>) -> Result<Jwks, Failure> {
    let text = if place.starts_with("https://") || place.starts_with("http://") {
        let client = HttpClient::new(ca_file).map_err(|error| Failure::from_error(&error))?;
        let answer = client.get(place).await.map_err(|error| {
            let Failure(why) = Failure::from_error(&error);
            Failure(format!("the key set {place} can't be had: {why}"))
        })?;
        if !answer.status.is_success() {
            return Err(Failure(format!(
                "the key set {place} can't be had: the server answered {}",
                answer.status
            )));
        }
        String::from_utf8_lossy(&answer.body).into_owned()
    } else {
        std::fs::read_to_string(place)
            .map_err(|error| Failure(format!("the key set {place} can't be read: {error}")))?
    };
    Jwks::from_json(&text).map_err(|error| Failure(format!("{place}: {error}")))
}

/// Which fields of what is stored are shown, in this order.
const STORED: [&str; 16] = [
    "apikey_id",
    "token_id",
    "name",
    "project_id",
    "workspace_id",
    "workspace_name",
    "plan",
    "areas",
    "products",
    "permissions",
    "networks",
    "client_ref",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
];

fn say_for_people(explanation: &Explanation) {
    let painter = Painter::for_stdout();
    output::say(&format!("This is {}.", output::harmless(&explanation.what())));
    for line in explanation.words() {
        output::say(&format!("  {}", output::harmless(&line)));
    }
    if let Some(stored) = explanation.stored() {
        output::say("In the database:");
        let is_told = |field: &&str| !stored[*field].is_null() && stored[*field] != serde_json::json!([]);
        let fields: Vec<&str> = STORED.into_iter().filter(is_told).collect();
        output::say_fields(stored, &fields);
    }
    for check in &explanation.checks {
        let tone = match check.outcome {
            Outcome::Passed => Tone::Good,
            Outcome::Failed => Tone::Bad,
            Outcome::Unknown => Tone::Doubtful,
        };
        let word = painter.paint(&format!("{:7}", check.outcome.as_str()), tone);
        output::say(&format!("{word}  {}: {}", check.about, output::harmless(&check.says)));
    }
    let verdict = match explanation.verdict {
        Verdict::Good => painter.paint("It would be let in.", Tone::Good),
        Verdict::Undecided => {
            "Nothing speaks against it; only an instance knows whether it is alive.".to_owned()
        }
        Verdict::Refused => painter.paint("It would be refused.", Tone::Bad),
    };
    output::say(&verdict);
    if let Some(reason) = explanation.refusal().and_then(|check| check.reason) {
        output::say(&format!("The reason is {reason}; {} says what to do.", crate::explain::page(reason)));
    }
}
