//! The trace that a request belongs to, as its headers have it: <https://www.w3.org/TR/trace-context/>.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of a `traceparent` of version 00: `00-TRACE-SPAN-FLAGS`.
const TRACEPARENT_CHARS: usize = 55;

/// A participant must pass on this many characters of `tracestate` at least (§3.3.1.5). This one drops the members that
/// go beyond it.
pub(super) const MAX_TRACESTATE_CHARS: usize = 512;

/// The most members of a `tracestate` (§3.3.1.1).
const MAX_TRACESTATE_MEMBERS: usize = 32;

/// A span of a trace, and whether the trace is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Those who are called should record their spans.
    pub(crate) is_sampled: bool,
}

/// The number of a trace, in text 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId(pub(super) NonZeroU128);

/// The number of a span in its trace, in text 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanId(NonZeroU64);

impl TraceId {
    /// A new one.
    pub(super) fn random() -> Self {
        Self(NonZeroU128::new(fastrand::u128(..)).unwrap_or(NonZeroU128::MIN))
    }
}

impl SpanId {
    /// A new one.
    pub(super) fn random() -> Self {
        Self(NonZeroU64::new(fastrand::u64(..)).unwrap_or(NonZeroU64::MIN))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A `traceparent` of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

impl TraceContext {
    /// The caller's span. None without a valid `traceparent`: the trace begins here.
    pub(crate) fn of_caller(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        Self::parse(value.to_str().ok()?)
    }

    /// Parses a `traceparent` of any version (§3.2). A later version may append fields.
    fn parse(text: &str) -> Option<Self> {
        let (known, rest) = text.split_at_checked(TRACEPARENT_CHARS)?;
        let mut fields = known.split('-');
        let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let is_valid_version = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            _ => hexadecimal(version, 2).is_some() && (rest.is_empty() || rest.starts_with('-')),
        };
        if !is_valid_version || fields.next().is_some() {
            return None;
        }
        let flags = hexadecimal(flags, 2)?;
        Some(Self {
            trace_id: TraceId(NonZeroU128::new(hexadecimal(trace, 32)?)?),
            span_id: SpanId(NonZeroU64::new(u64::try_from(hexadecimal(span, 16)?).ok()?)?),
            is_sampled: flags & 1 == 1,
        })
    }
}

/// The number in a text of `digits` lower-case hexadecimal digits.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digits = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_digits { u128::from_str_radix(text, 16).ok() } else { None }
}

/// What other tracing systems have written into `tracestate`, to be passed on unchanged. None where there is nothing,
/// or anything that is not valid (§3.3).
pub(crate) fn trace_state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut members: Vec<&str> = Vec::new();
    for value in headers.get_all(TRACESTATE) {
        for member in value.to_str().ok()?.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            if !member.is_empty() {
                members.push(member);
            }
            // Before all else: what follows takes the longer, the more there are.
            if members.len() > MAX_TRACESTATE_MEMBERS {
                return None;
            }
        }
    }
    let keys: Vec<&str> = members.iter().map(|member| key(member)).collect::<Option<_>>()?;
    let is_repeated = keys.iter().enumerate().any(|(index, key)| keys.iter().skip(index + 1).any(|other| key == other));
    if members.is_empty() || is_repeated {
        return None;
    }
    let mut state = String::new();
    for member in members {
        if state.len() + 1 + member.len() > MAX_TRACESTATE_CHARS {
            break;
        }
        if !state.is_empty() {
            state.push(',');
        }
        state.push_str(member);
    }
    HeaderValue::from_str(&state).ok()
}

/// The key of a `key=value`, where both are valid (§3.3.1.3).
fn key(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let is_part = |part: &str, max: usize, may_begin_with_digit: bool| {
        let is_char = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
        let is_first = |byte: u8| byte.is_ascii_lowercase() || (may_begin_with_digit && byte.is_ascii_digit());
        part.len() <= max && part.bytes().all(is_char) && part.bytes().next().is_some_and(is_first)
    };
    let is_key = match key.split_once('@') {
        Some((tenant, system)) => is_part(tenant, 241, true) && is_part(system, 14, false),
        // Level 2 allows a digit at the beginning.
        None => is_part(key, 256, true),
    };
    let is_char = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=' && byte != b',';
    let is_value = (1..=256).contains(&value.len()) && value.bytes().all(is_char) && !value.ends_with(' ');
    (is_key && is_value).then_some(key)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context = TraceContext::parse(VALID).unwrap();
        assert!(context.is_sampled);
        assert_eq!(context.to_string(), VALID);
        let unsampled = VALID.replace("-01", "-00");
        assert_eq!(TraceContext::parse(&unsampled).unwrap().to_string(), unsampled);
        // Only the first bit is known.
        assert_eq!(TraceContext::parse(&VALID.replace("-01", "-ff")).unwrap(), context);
        assert!(!TraceContext::parse(&VALID.replace("-01", "-fe")).unwrap().is_sampled);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for text in [VALID.replacen("00", "01", 1), format!("{}-more", VALID.replacen("00", "cc", 1))] {
            assert_eq!(TraceContext::parse(&text), TraceContext::parse(VALID), "{text}");
        }
    }

    #[test]
    fn an_invalid_traceparent_is_none() {
        let invalid = [
            String::new(),
            VALID.replacen("00", "ff", 1),
            VALID.replacen("00", "0", 1),
            VALID.replacen("00", "0G", 1),
            VALID.to_uppercase(),
            format!("{VALID}-"),
            format!("{VALID}x"),
            format!("{}x", VALID.replacen("00", "01", 1)),
            VALID.replace('-', "_"),
            VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            VALID.replace("00f067aa0ba902b7", "0000000000000000"),
            VALID.replace("-01", "-0"),
            VALID.replace("-01", "-+1"),
            VALID.replace('4', "é"),
        ];
        for text in invalid {
            assert_eq!(TraceContext::parse(&text), None, "{text}");
        }
    }

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn two_traceparents_are_none() {
        assert!(TraceContext::of_caller(&headers(&TRACEPARENT, &[VALID])).is_some());
        assert_eq!(TraceContext::of_caller(&headers(&TRACEPARENT, &[VALID, VALID])), None);
    }

    #[test]
    fn a_tracestate_is_passed_on_where_it_is_valid() {
        let state = |values: &[&str]| {
            trace_state(&headers(&TRACESTATE, values)).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(state(&["a=1,b=2"]).as_deref(), Some("a=1,b=2"));
        assert_eq!(state(&["a=1 , b=2", "t0@v=x y"]).as_deref(), Some("a=1,b=2,t0@v=x y"));
        assert_eq!(state(&["", "a=1,,"]).as_deref(), Some("a=1"));
        for invalid in ["", ",", "a", "a=", "=1", "A=1", "a=1,a=2", "a@b@c=1", "a=1=2", "a=é", "a b=1"] {
            assert_eq!(state(&[invalid]), None, "{invalid}");
        }
        let many = |count| (0..count).map(|number| format!("k{number}=1")).collect::<Vec<String>>().join(",");
        assert_eq!(state(&[&many(33)]), None);
        assert!(state(&[&many(32)]).is_some());
        // Any number of them is rejected at once.
        let started = std::time::Instant::now();
        assert_eq!(state(&[&many(50_000)]), None);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
        // Members that make it too long are dropped from the end.
        let long = "v".repeat(250);
        let kept = format!("a={long},b={long}");
        assert_eq!(state(&[&format!("{kept},c={long}")]), Some(kept));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(trace in 1_u128.., span in 1_u64.., flags in 0_u8..2) {
            let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
            prop_assert_eq!(TraceContext::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,80}") {
            let _ = TraceContext::parse(&text);
            let _ = key(&text);
        }
    }
}
