//! What the fuzzer calls: the parsers of what a request says of its trace.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::context::{MAX_TRACESTATE_CHARS, TRACEPARENT, TRACESTATE, TraceContext, trace_state};

/// Reads the trace's headers, and checks that what is passed on is read in the same way.
///
/// # Panics
/// It is not.
pub fn trace(headers: &HeaderMap) {
    if let Some(context) = TraceContext::of_caller(headers) {
        let mut passed_on = HeaderMap::new();
        passed_on.extend(HeaderValue::from_str(&context.to_string()).ok().map(|value| (TRACEPARENT, value)));
        assert_eq!(TraceContext::of_caller(&passed_on), Some(context), "{context} is read differently");
    }
    if let Some(state) = trace_state(headers) {
        assert!(state.len() <= MAX_TRACESTATE_CHARS, "{state:?} is too long");
        let passed_on = HeaderMap::from_iter([(TRACESTATE, state.clone())]);
        assert_eq!(trace_state(&passed_on), Some(state), "what is passed on is read differently");
    }
}
