//! So many in any second: the generic cell rate algorithm, on one number per thing that is limited.
//!
//! The number is the moment, in microseconds, by which what was taken so far is within the rate. A bucket that nobody has
//! used yet begins with any moment that is past.

use crate::Timestamp;

const SECOND_MICROS: i64 = 1_000_000;

/// Takes one of `per_second_max`; unused ones are kept for a second. The new moment, or else after how many microseconds there
/// is one again.
///
/// # Errors
/// When there is none left.
pub fn take_one(due_micros: i64, per_second_max: u32, now: Timestamp) -> Result<i64, i64> {
    if per_second_max == 0 {
        return Err(SECOND_MICROS);
    }
    let every_micros = (SECOND_MICROS / i64::from(per_second_max)).max(1);
    take(due_micros, every_micros, SECOND_MICROS, now)
}

/// Takes one where there is a new one each so many seconds and so many are kept, as for guesses at a code. The new moment, or
/// else after how many microseconds there is one again.
///
/// # Errors
/// When there is none left.
pub fn take_one_slowly(
    due_micros: i64,
    every_seconds: u32,
    kept_max: u32,
    now: Timestamp,
) -> Result<i64, i64> {
    let every_micros = i64::from(every_seconds.max(1)) * SECOND_MICROS;
    take(due_micros, every_micros, every_micros.saturating_mul(i64::from(kept_max)), now)
}

/// Takes one of those that come `every_micros`, of which as many are kept as come in `kept_micros`.
fn take(due_micros: i64, every_micros: i64, kept_micros: i64, now: Timestamp) -> Result<i64, i64> {
    let now = now.as_micros();
    // Nothing is due later than this, so such a moment was written before a clock was set back.
    let due = if due_micros > now.saturating_add(kept_micros) { now } else { due_micros.max(now) };
    let next = due.saturating_add(every_micros);
    let over = next.saturating_sub(now).saturating_sub(kept_micros);
    if over > 0 { Err(over) } else { Ok(next) }
}

/// Whether a bucket with this moment is as good as one that nobody has used.
pub fn is_idle(due_micros: i64, now: Timestamp) -> bool {
    let now = now.as_micros();
    due_micros <= now || due_micros > now.saturating_add(SECOND_MICROS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn taken(due: &mut i64, per_second_max: u32, now: Timestamp) -> usize {
        let mut count = 0;
        while let Ok(next) = take_one(*due, per_second_max, now) {
            *due = next;
            count += 1;
        }
        count
    }

    /// A clock that is set back shuts nobody out: at most a second's worth more passes.
    #[test]
    fn a_clock_that_goes_back_shuts_nobody_out() {
        let mut due = 0;
        assert_eq!(taken(&mut due, 10, NOW), 10);
        assert!(take_one(due, 10, NOW).is_err());
        let earlier = NOW.plus_seconds(-3600);
        assert!(is_idle(due, earlier));
        assert_eq!(taken(&mut due, 10, earlier), 10);
    }

    /// None at all is none, and says to come again later rather than at once.
    #[test]
    fn zero_is_none() {
        assert_eq!(take_one(0, 0, NOW), Err(SECOND_MICROS));
    }

    /// A slow rate: so many at once, then one each time the interval is over, and no more for having waited long.
    #[test]
    fn a_slow_rate_holds() {
        let take_all = |due: &mut i64, now| {
            let mut count = 0;
            while let Ok(next) = take_one_slowly(*due, 60, 5, now) {
                *due = next;
                count += 1;
            }
            count
        };
        let mut due = 0;
        assert_eq!(take_all(&mut due, NOW), 5);
        assert_eq!(take_one_slowly(due, 60, 5, NOW), Err(60 * SECOND_MICROS));
        assert_eq!(take_all(&mut due, NOW.plus_seconds(59)), 0);
        assert_eq!(take_all(&mut due, NOW.plus_seconds(120)), 2);
        assert_eq!(take_all(&mut due, NOW.plus_seconds(86_400)), 5);
        assert!(take_one_slowly(0, 60, 0, NOW).is_err());
    }

    proptest! {
        /// In no second more than twice the rate passes, in the long run the rate; who waits as told gets one.
        #[test]
        fn the_rate_holds(per_second_max in 1_u32..2000, steps in proptest::collection::vec(0_i64..400_000, 1..40)) {
            let (mut due, mut now, mut count) = (0, NOW, 0);
            for step in &steps {
                now = Timestamp::from_micros(now.as_micros() + step);
                count += taken(&mut due, per_second_max, now);
                let wait = take_one(due, per_second_max, now).unwrap_err();
                prop_assert!(take_one(due, per_second_max, Timestamp::from_micros(now.as_micros() + wait)).is_ok());
                prop_assert!(wait == 1 || take_one(due, per_second_max, Timestamp::from_micros(now.as_micros() + wait - 1)).is_err());
            }
            let cost = SECOND_MICROS / i64::from(per_second_max);
            let most = (now.as_micros() - NOW.as_micros() + SECOND_MICROS) / cost;
            prop_assert!(i64::try_from(count).unwrap() <= most);
        }
    }
}
