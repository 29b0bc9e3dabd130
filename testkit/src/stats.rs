//! Summaries of several measurements.

/// The median; the mean of the middle two of an even number of values. Zero without values.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let sorted = sorted(values);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 }
}

/// The smallest value that at least this fraction of the values does not exceed: 0.99 for p99, 1 for the maximum. Zero
/// without values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index among some thousands of values"
)]
#[must_use]
pub fn quantile(values: impl IntoIterator<Item = f64>, fraction: f64) -> f64 {
    let sorted = sorted(values);
    let rank = (sorted.len() as f64 * fraction).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// The minimum and the maximum.
#[must_use]
pub fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let sorted = sorted(values);
    (sorted.first().copied().unwrap_or_default(), sorted.last().copied().unwrap_or_default())
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A number for a table: `1,234,567`, `98.3`, `7.6`.
#[must_use]
pub fn formatted(value: f64) -> String {
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
    fn the_median_is_the_middle_value_or_the_mean_of_two() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let hundred = || (1..=100).map(f64::from);
        for (fraction, value) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((quantile(hundred(), fraction) - value).abs() < f64::EPSILON, "{fraction}");
        }
        assert!(quantile([], 0.99).abs() < f64::EPSILON);
    }

    #[test]
    fn the_range_holds_all_values() {
        assert_eq!(range([2.0, 3.0, 1.0]), (1.0, 3.0));
    }

    #[test]
    fn thousands_are_separated_by_commas() {
        let texts = [0.04, 99.94, 100.0, 1234.0, 1_234_567.0].map(formatted);
        assert_eq!(texts, ["0.0", "99.9", "100", "1,234", "1,234,567"]);
    }
}
