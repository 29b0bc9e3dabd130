//! Amounts of money.

use order_service::domain::Money;

/// An accepted amount is a JSON number, is exact, and is the same after encoding and decoding.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(money) = Money::parse(text) else { return };
    assert!(money <= Money::MAX, "{text:?} is above the greatest amount");
    assert_eq!(Money::parse(&money.to_string()), Ok(money), "{text:?} is {money}");
    assert_eq!(exact_cents(text), Some(money.cents()), "{text:?} is {money}");
}

/// The cents by schoolbook arithmetic on the digits, None if the text is no amount: a second implementation.
fn exact_cents(text: &str) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i128>().unwrap_or(0)),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_negative = whole.starts_with('-');
    let digits: String = whole.trim_start_matches('-').chars().chain(fraction.chars()).collect();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let shortened = significant.trim_end_matches('0');
    let zeros = i128::try_from(significant.len() - shortened.len()).ok()?;
    let power = exponent - i128::try_from(fraction.len()).ok()? + zeros + 2;
    let power = usize::try_from(power).ok().filter(|power| shortened.len() + power <= 12)?;
    let cents = format!("{shortened}{}", "0".repeat(power)).parse().ok()?;
    (!is_negative).then_some(cents)
}
