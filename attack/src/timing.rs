//! Timing: whether what is compared shows in how long it takes (dudect: two classes of inputs, measured in turns, Welch's t).

use std::hint::black_box;
use std::time::Instant;

use credentials::secret::is_same;
use credentials::{MasterKey, SecretKind, hash_secret};
use domain::{Rng as _, SystemRng};

/// Beyond this the two classes differ.
const T_MAX: f64 = 4.5;
/// Measurements of each class.
const MEASUREMENTS: usize = 200_000;
/// Calls of one measurement: a clock's tick is longer than one comparison.
const CALLS: usize = 16;
/// What of the slowest measurements is left out, since it is the machine's own noise, in percent.
const SLOWEST_PERCENT: usize = 5;

/// Measures each comparison of secrets; tells whether none shows what it compares.
pub(crate) fn run() -> bool {
    println!("{:<48} {:>8}  {:>12}", "comparison", "|t|", "of at most");
    let mut all_constant = true;
    for (name, t) in [
        ("a master key with another: the first byte, the last", master_keys()),
        ("a mark or form token: the first byte, the last", marks()),
        ("a hash of a key: random keys, one key", hashes()),
    ] {
        let constant = t.abs() < T_MAX;
        println!("{name:<48} {:>8.2}  {T_MAX:>12} {}", t.abs(), if constant { "" } else { "DIFFERS" });
        all_constant &= constant;
    }
    all_constant
}

/// Two master keys that differ in their first byte, or in their last.
fn master_keys() -> f64 {
    let mut bytes = [0; 32];
    SystemRng.fill(&mut bytes);
    let with = |at: usize| {
        let mut other = bytes;
        other[at] ^= 1;
        other.to_vec()
    };
    let own = MasterKey::from_bytes(bytes);
    compare(&[with(0), with(31)], |other| {
        let other: [u8; 32] = other.try_into().unwrap_or_default();
        black_box(own.is_same_as(&MasterKey::from_bytes(other)));
    })
}

/// Marks and form tokens that differ from the right one in their first byte, or in their last.
fn marks() -> f64 {
    let right = SecretKind::ApiKey.generate(&SystemRng).expose().as_bytes().to_vec();
    let with = |at: usize| {
        let mut other = right.clone();
        other[at] ^= 1;
        other
    };
    compare(&[with(0), with(right.len() - 1)], |presented| {
        black_box(is_same(black_box(&right), presented));
    })
}

/// What every look-up begins with: the hash of what was presented, whatever it is.
fn hashes() -> f64 {
    let keys = [SecretKind::ApiKey.generate(&SystemRng), SecretKind::ApiKey.generate(&SystemRng)];
    let texts = keys.map(|key| key.expose().as_bytes().to_vec());
    compare(&texts, |presented| {
        black_box(hash_secret(std::str::from_utf8(presented).unwrap_or_default()));
    })
}

/// Welch's t of one function over two inputs of the same length, measured in turns whose order is random. Both inputs are
/// looked at in the same place, so that nothing but what they hold can make a difference.
fn compare(inputs: &[Vec<u8>; 2], mut work: impl FnMut(&[u8])) -> f64 {
    let mut times = [Vec::with_capacity(MEASUREMENTS), Vec::with_capacity(MEASUREMENTS)];
    let mut order = vec![0; MEASUREMENTS.div_ceil(4)];
    SystemRng.fill(&mut order);
    let mut place = inputs[0].clone();
    for round in 0..MEASUREMENTS * 2 {
        let class = usize::from(order[round / 8] >> (round % 8) & 1);
        place.copy_from_slice(&inputs[class]);
        let place = black_box(&place);
        let begun = Instant::now();
        for _ in 0..CALLS {
            work(place);
        }
        times[class].push(begun.elapsed().as_nanos() as f64);
    }
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let limit = all[all.len() * (100 - SLOWEST_PERCENT) / 100];
    let [first, second] = times.map(|times| Sample::of(times.into_iter().filter(|time| *time <= limit)));
    first.welch_t(&second)
}

/// Mean, variance and size of a sample.
#[derive(Debug, Clone, Copy)]
struct Sample {
    mean: f64,
    variance: f64,
    size: f64,
}

impl Sample {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let size = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / size;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (size - 1.0);
        Self { mean, variance, size }
    }

    fn welch_t(&self, other: &Self) -> f64 {
        (self.mean - other.mean) / (self.variance / self.size + other.variance / other.size).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statistic tells samples that differ from those that don't.
    #[test]
    fn different_samples_are_told_apart() {
        let sample = |shift: f64| Sample::of((0..1000).map(move |index| f64::from(index % 10) + shift));
        assert!(sample(0.0).welch_t(&sample(0.0)).abs() < T_MAX);
        assert!(sample(0.0).welch_t(&sample(1.0)).abs() > T_MAX);
    }
}
