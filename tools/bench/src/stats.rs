//! The middle of several measurements, and how far they lie apart.

/// The median; of an even number the mean of the two in the middle. Zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let sorted = sorted(values);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { middle(half) } else { (middle(half.saturating_sub(1)) + middle(half)) / 2.0 }
}

/// What so large a share of the values does not exceed: 0.99 for p99, 1 for the greatest. Zero of none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place among some thousands of values"
)]
pub(crate) fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let sorted = sorted(values);
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.max(1) - 1).copied().unwrap_or_default()
}

/// The least and the greatest.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let sorted = sorted(values);
    (sorted.first().copied().unwrap_or_default(), sorted.last().copied().unwrap_or_default())
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A number as people read it: `12,345`, `1,234`, `98`, `7.6`.
pub(crate) fn readable(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let (mut text, length) = (String::new(), digits.len());
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (length - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_quantile_is_a_value_that_was_there() {
        let hundred = || (1..=100).map(f64::from);
        for (share, value) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((quantile(hundred(), share) - value).abs() < f64::EPSILON, "{share}");
        }
        assert!(quantile([], 0.99).abs() < f64::EPSILON);
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0.04, 99.94, 100.0, 1234.0, 1_234_567.0].map(readable);
        assert_eq!(texts, ["0.0", "99.9", "100", "1,234", "1,234,567"]);
    }
}
