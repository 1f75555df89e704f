//! Server time of each page.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;

use super::visitor::Visitor;
use super::{PortalOptions, Result};
use crate::process::Voxgate;

/// The list of pages that the tests in the browser walk.
const PAGES: &str = include_str!("../../../e2e/pages.json");
/// Visits before it is measured.
const WARM_UP: usize = 20;

#[derive(Debug, Deserialize)]
struct Listed {
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
struct Page {
    name: String,
    route: String,
    #[serde(rename = "as")]
    viewer: String,
    path: Option<String>,
    /// What is filled in first; then it is no visit.
    press: Option<serde_json::Value>,
    /// The status, where it isn't a page that was asked for well.
    answers: Option<u16>,
}

/// Visits every page whose address needs no id of somebody's, signed in as the first account, which has a workspace with all
/// the keys and operates the instance.
pub(crate) async fn measure(options: &PortalOptions, voxgate: &Voxgate) -> Result<()> {
    let listed: Listed = serde_json::from_str(PAGES)?;
    let mut anonymous = Visitor::new(voxgate.port(), Ipv4Addr::LOCALHOST)?;
    let mut owner = Visitor::new(voxgate.port(), Ipv4Addr::LOCALHOST)?;
    let (email, password) = voxgate.account();
    let answer = owner.submit("/sign-in", &[("email", email), ("password", password)]).await?;
    if !answer.status.is_redirection() {
        return Err(format!("the first account can't sign in: {} {}", answer.status, answer.text).into());
    }
    println!(
        "{:28} {:>8} {:>8} {:>9}   with {} keys, {} visits",
        "page", "p50 ms", "p95 ms", "bytes", options.keys, options.visits
    );
    let mut slowest = (Duration::ZERO, String::new());
    for page in listed.pages {
        let path = page.path.as_deref().unwrap_or(&page.route);
        let visitor = match page.viewer.as_str() {
            "anonymous" => &mut anonymous,
            "owner" | "operator" => &mut owner,
            _ => continue,
        };
        if path.contains('{') || page.press.is_some() || page.answers.is_some() {
            continue;
        }
        let measured = visits(options, visitor, path).await?;
        println!(
            "{:28} {:8.2} {:8.2} {:9}",
            page.name,
            millis(measured.p50),
            millis(measured.p95),
            measured.bytes
        );
        slowest = slowest.max((measured.p95, page.name));
    }
    println!("slowest p95: {:.2} ms, {} (goal: at most 10 ms)", millis(slowest.0), slowest.1);
    Ok(())
}

struct Measured {
    p50: Duration,
    p95: Duration,
    bytes: usize,
}

async fn visits(options: &PortalOptions, visitor: &mut Visitor, path: &str) -> Result<Measured> {
    let mut times = Vec::with_capacity(options.visits);
    let mut bytes = 0;
    for visit in 0..WARM_UP + options.visits.max(1) {
        let answer = visitor.get(path).await?;
        if !answer.status.is_success() {
            let to = answer.location.unwrap_or_default();
            return Err(format!("{path} answered {} {to}: nothing was measured", answer.status).into());
        }
        bytes = answer.text.len();
        if visit >= WARM_UP {
            times.push(answer.took);
        }
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    Ok(Measured { p50: at(50), p95: at(95), bytes })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
