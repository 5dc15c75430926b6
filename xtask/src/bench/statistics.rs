//! What several runs of one command say together.
//!
//! The median, because one run disturbed by another process must not move the result; with the least
//! and the greatest beside it, because a median alone hides how much the machine disturbed. A mean
//! with a deviation was refused: a handful of runs is not a normal distribution.

/// The middle of some values and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle value, or the mean of the two middle ones.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// `None` for no values; NaN must not be among them.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }

    /// The same values in another unit.
    pub fn times(self, factor: f64) -> Self {
        Self { median: self.median * factor, min: self.min * factor, max: self.max * factor }
    }

    /// `median (min–max)`, or the one value where all are the same when written.
    pub fn text(self, write: impl Fn(f64) -> String) -> String {
        let (median, min, max) = (write(self.median), write(self.min), write(self.max));
        if min == max { median } else { format!("{median} ({min}–{max})") }
    }
}

/// `1234567.8` as `1,234,568`; for values of 0 and above.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: Option<(f64, f64, f64)>) {
        let spread = Spread::of(values.iter().copied());
        assert_eq!(spread.map(|spread| (spread.median, spread.min, spread.max)), expected);
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_ones() {
        check(&[], None);
        check(&[3.0], Some((3.0, 3.0, 3.0)));
        check(&[9.0, 1.0, 2.0], Some((2.0, 1.0, 9.0)));
        check(&[4.0, 1.0, 2.0, 9.0], Some((3.0, 1.0, 9.0)));
    }

    #[test]
    fn the_reach_is_left_out_when_it_cannot_be_seen() {
        let write = |value: f64| format!("{value:.1}");
        let text = |values: &[f64]| Spread::of(values.iter().copied()).map(|spread| spread.text(write));
        assert_eq!(text(&[1.0, 2.0, 4.0]).as_deref(), Some("2.0 (1.0–4.0)"));
        assert_eq!(text(&[1.01, 1.02]).as_deref(), Some("1.0"));
    }

    #[test]
    fn digits_are_in_threes() {
        for (value, expected) in [
            (0.4, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (123_456.0, "123,456"),
            (1_234_567.8, "1,234,568"),
        ] {
            assert_eq!(thousands(value), expected);
        }
    }
}
