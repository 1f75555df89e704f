//! Whether the time of an answer tells who has an account: known and unknown addresses in random order, and Welch's t between
//! the two, over all answers and over those under the 90th percentile (where the machine's own noise is cut away).

use std::net::Ipv4Addr;

use domain::{Rng as _, SystemRng};

use super::Result;
use super::visitor::Visitor;
use crate::process::Voxgate;

/// From here on a difference is taken to be real.
const T_MAX: f64 = 4.5;
/// Attempts before it is measured.
const WARM_UP: usize = 10;
/// Attempts with one form, known and unknown, for which there are networks.
const ATTEMPTS_MAX: usize = 20_000;

/// The forms that take an address from whoever comes along.
const FORMS: [(&str, &[&str]); 3] = [
    ("/sign-in", &["email", "password"]),
    ("/register", &["email", "password"]),
    ("/forgot-password", &["email"]),
];
/// Where they are.
pub(crate) const PATHS: [&str; 3] = [FORMS[0].0, FORMS[1].0, FORMS[2].0];

/// Tries these of them, or all.
pub(crate) async fn measure(voxgate: &Voxgate, known: &[String], only: &[String]) -> Result<()> {
    if known.len() * 2 > ATTEMPTS_MAX {
        return Err(format!("at most {} attempts have a network of their own", ATTEMPTS_MAX / 2).into());
    }
    println!(
        "{:28} {:>10} {:>10} {:>8} {:>8}   {} attempts each",
        "form",
        "known ms",
        "unknown ms",
        "t",
        "t cut",
        known.len()
    );
    let wanted = |form: &str| only.is_empty() || only.iter().any(|one| one == form);
    for (number, (form, fields)) in FORMS.into_iter().enumerate().filter(|(_, (form, _))| wanted(form)) {
        let samples = attempts(voxgate, number, form, fields, known).await?;
        let (all, cut) = (welch(&samples.known, &samples.unknown), samples.cut());
        let verdict = if all.abs().max(cut.abs()) < T_MAX { "equal" } else { "TELLS" };
        let (known, unknown) = (mean(&samples.known), mean(&samples.unknown));
        println!("{form:28} {known:10.2} {unknown:10.2} {all:8.2} {cut:8.2}   {verdict}");
    }
    Ok(())
}

#[derive(Default)]
struct Samples {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

impl Samples {
    fn cut(&self) -> f64 {
        let mut all: Vec<f64> = self.known.iter().chain(&self.unknown).copied().collect();
        all.sort_by(f64::total_cmp);
        let limit = all.get(all.len() * 9 / 10).copied().unwrap_or(f64::INFINITY);
        let under = |times: &[f64]| times.iter().copied().filter(|time| *time < limit).collect::<Vec<_>>();
        welch(&under(&self.known), &under(&self.unknown))
    }
}

/// Each attempt has an account and a network of its own, so that no limit is met.
async fn attempts(
    voxgate: &Voxgate,
    number: usize,
    form: &str,
    fields: &[&str],
    known: &[String],
) -> Result<Samples> {
    let mut samples = Samples::default();
    let mut order: Vec<(usize, bool)> =
        (0..known.len()).flat_map(|each| [(each, true), (each, false)]).collect();
    shuffle(&mut order);
    for (count, (each, is_known)) in order.into_iter().enumerate() {
        let unknown = format!("other-{each:06}@bench.example");
        let email = if is_known { known[each].as_str() } else { unknown.as_str() };
        let pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|field| (*field, if *field == "email" { email } else { "wrong password, whoever" }))
            .collect();
        let mut visitor = Visitor::new(voxgate.port(), network(number, count))?;
        let token = visitor.form_token(form).await?;
        let answer = visitor.post(form, &token, &pairs).await?;
        if answer.status.as_u16() == 429 || answer.status.is_server_error() {
            return Err(format!("{form} answered {}: nothing was measured", answer.status).into());
        }
        if count >= WARM_UP {
            let side = if is_known { &mut samples.known } else { &mut samples.unknown };
            side.push(answer.took.as_secs_f64() * 1e3);
        }
    }
    Ok(samples)
}

/// A loopback address of its own for each attempt, in a /24 of its own.
fn network(form: usize, attempt: usize) -> Ipv4Addr {
    let number = 1 + form * ATTEMPTS_MAX + attempt;
    Ipv4Addr::new(127, (number >> 8) as u8, number as u8, 9)
}

fn shuffle(order: &mut [(usize, bool)]) {
    for last in (1..order.len()).rev() {
        let mut bytes = [0; 8];
        SystemRng.fill(&mut bytes);
        order.swap(last, (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize);
    }
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn welch(left: &[f64], right: &[f64]) -> f64 {
    let spread = |times: &[f64]| {
        let middle = mean(times);
        let squares: f64 = times.iter().map(|time| (time - middle).powi(2)).sum();
        squares / (times.len() as f64 - 1.0) / times.len() as f64
    };
    (mean(left) - mean(right)) / (spread(left) + spread(right)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples of one kind are equal; a shift that a person wouldn't notice is found.
    #[test]
    fn a_small_shift_is_found() {
        let noise = |shift: f64| (0..400).map(|n| f64::from(n % 20) + shift).collect::<Vec<f64>>();
        assert!(welch(&noise(0.0), &noise(0.0)).abs() < 0.001);
        assert!(welch(&noise(2.0), &noise(0.0)) > T_MAX);
    }

    /// No two attempts come from one network.
    #[test]
    fn networks_differ() {
        let all: std::collections::BTreeSet<_> =
            (0..3).flat_map(|form| (0..ATTEMPTS_MAX).map(move |attempt| network(form, attempt))).collect();
        assert_eq!(all.len(), 3 * ATTEMPTS_MAX);
    }
}
