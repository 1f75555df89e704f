//! The axis of a plot: from nothing to a round number, in round steps.

/// Steps between the foot of a plot and its top, at most.
const STEPS_MAX: f64 = 4.0;

/// An axis that begins at zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// From one line to the next: 1, 2 or 5 times a power of ten.
    pub(crate) step: f64,
    /// Lines above the foot.
    pub(crate) steps: u8,
}

impl Scale {
    /// The axis for values from zero to `max`. Of whole things, such as sessions, there is no half.
    pub(crate) fn of(max: f64, of_whole_things: bool) -> Self {
        let least = if of_whole_things { 1.0 } else { f64::MIN_POSITIVE };
        if !max.is_finite() || max <= 0.0 {
            return Self { step: 1.0, steps: 1 };
        }
        let power = 10_f64.powf((max / STEPS_MAX).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0, 20.0]
            .map(|times| (times * power).max(least))
            .into_iter()
            .find(|step| max / step <= STEPS_MAX)
            .unwrap_or(max);
        let steps = (max / step).ceil().clamp(1.0, STEPS_MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 4")]
        Self { step, steps: steps as u8 }
    }

    /// The number at the top.
    pub(crate) fn top(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// The numbers at its lines, from the foot to the top.
    pub(crate) fn lines(self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(move |line| self.step * f64::from(line))
    }

    /// Which part of the height a value takes, from 0 to 1.
    pub(crate) fn part(self, value: f64) -> f64 {
        (value / self.top()).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader expects of an axis.
    #[test]
    fn axes_are_round() {
        for (max, whole, lines) in [
            (0.0, true, vec![0.0, 1.0]),
            (1.0, true, vec![0.0, 1.0]),
            (3.0, true, vec![0.0, 1.0, 2.0, 3.0]),
            (4.2, false, vec![0.0, 2.0, 4.0, 6.0]),
            (97.0, true, vec![0.0, 50.0, 100.0]),
            (120.0, true, vec![0.0, 50.0, 100.0, 150.0]),
            (0.3, false, vec![0.0, 0.1, 0.2, 0.3]),
            (f64::NAN, false, vec![0.0, 1.0]),
            (f64::INFINITY, false, vec![0.0, 1.0]),
        ] {
            let found: Vec<f64> = Scale::of(max, whole).lines().collect();
            assert_eq!(found.len(), lines.len(), "{max}: {found:?}");
            assert!(found.iter().zip(&lines).all(|(a, b)| (a - b).abs() < 1e-9), "{max}: {found:?}");
        }
    }

    proptest! {
        /// Every value has its place on the axis, the highest in its upper half or on a first line, and lines are whole where
        /// things are.
        #[test]
        fn every_value_has_its_place(max in 0.0_f64..1e15, part in 0.0_f64..=1.0, whole: bool) {
            let max = if whole { max.ceil() } else { max };
            let scale = Scale::of(max, whole);
            prop_assert!((1..=4).contains(&scale.steps));
            prop_assert!(scale.top() >= max * (1.0 - 1e-12), "{max} {scale:?}");
            prop_assert!(scale.steps == 1 || scale.top() <= max * 2.0 + 1e-9, "{max} {scale:?}");
            let digit = scale.step / 10_f64.powf(scale.step.log10().floor());
            prop_assert!([1.0, 2.0, 5.0, 10.0].iter().any(|round| (digit - round).abs() < 1e-6), "{max} {scale:?}");
            prop_assert!(!whole || scale.lines().all(|line| line.fract().abs() < 1e-9), "{max} {scale:?}");
            let value = max * part;
            prop_assert!((0.0..=1.0).contains(&scale.part(value)));
            prop_assert!((scale.part(value) * scale.top() - value).abs() <= max * 1e-9 + 1e-9);
        }
    }
}
