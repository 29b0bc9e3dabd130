//! Spans as the body of an OTLP/HTTP request in JSON:
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use serde::ser::{SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};

use super::span::{Attribute, MAX_ATTRIBUTES, Span};

/// The status of a span whose work has failed.
const STATUS_ERROR: u8 = 2;

/// The flag of a sampled trace, as in `traceparent`.
const SAMPLED: u8 = 1;

/// Who the spans are of: the attributes of the resource.
pub(super) type Resource = Vec<(String, String)>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    resource_spans: [ResourceSpans<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'r> {
    resource: Attributes<Vec<KeyValue<'r>>>,
    scope_spans: [ScopeSpans<'r>; 1],
}

#[derive(Serialize)]
struct Attributes<T> {
    attributes: T,
}

#[derive(Serialize)]
struct ScopeSpans<'r> {
    scope: Scope,
    #[serde(serialize_with = "serialize_spans")]
    spans: &'r [Span],
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan<'r> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_state: Option<&'r str>,
    flags: u8,
    name: &'r str,
    kind: u8,
    // 64-bit numbers are texts in the JSON form.
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<KeyValue<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
struct Status {
    code: u8,
}

#[derive(Serialize)]
struct KeyValue<'r> {
    key: &'r str,
    value: Value<'r>,
}

#[derive(Serialize)]
enum Value<'r> {
    #[serde(rename = "stringValue")]
    Text(&'r str),
    #[serde(rename = "intValue")]
    Integer(String),
    #[serde(rename = "arrayValue")]
    List { values: [Element<'r>; 1] },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'r> {
    string_value: &'r str,
}

impl<'r> From<&'r Span> for OtlpSpan<'r> {
    fn from(span: &'r Span) -> Self {
        let mut attributes = Vec::with_capacity(MAX_ATTRIBUTES);
        attributes.extend(span.work.attributes.iter().map(|(key, value)| KeyValue {
            key,
            value: match value {
                Attribute::Text(text) => Value::Text(text),
                Attribute::Integer(number) => Value::Integer(number.to_string()),
                Attribute::List(text) => Value::List { values: [Element { string_value: text }] },
            },
        }));
        Self {
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            parent_span_id: span.parent.map(|parent| parent.to_string()),
            trace_state: span.trace_state.as_ref().and_then(|state| state.to_str().ok()),
            flags: SAMPLED,
            name: &span.work.name,
            kind: span.work.kind as u8,
            start_time_unix_nano: span.start.to_string(),
            end_time_unix_nano: span.end.to_string(),
            attributes,
            status: span.work.failed.then_some(Status { code: STATUS_ERROR }),
        }
    }
}

/// One span at a time: the list of their other forms would be as large as the batch.
fn serialize_spans<S: Serializer>(spans: &&[Span], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(spans.len()))?;
    for span in *spans {
        list.serialize_element(&OtlpSpan::from(span))?;
    }
    list.end()
}

/// The body of a request with these spans.
///
/// # Errors
/// None: all names are texts.
pub(super) fn encode(resource: &Resource, spans: &[Span]) -> serde_json::Result<Vec<u8>> {
    let attributes = resource.iter().map(|(key, value)| KeyValue { key, value: Value::Text(value) }).collect();
    let scope = Scope { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
    let scope_spans = [ScopeSpans { scope, spans }];
    serde_json::to_vec(&Request {
        resource_spans: [ResourceSpans { resource: Attributes { attributes }, scope_spans }],
    })
}

/// How many spans of an accepted request the collector did not take, by its response.
pub(super) fn rejected_spans(response: &[u8]) -> usize {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Response {
        partial_success: PartialSuccess,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct PartialSuccess {
        rejected_spans: Count,
    }
    /// A number of 64 bits: a text in the JSON form, but a number is to be accepted too.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Text(String),
        Number(u64),
    }
    impl Default for Count {
        fn default() -> Self {
            Self::Number(0)
        }
    }
    let response: Response = serde_json::from_slice(response).unwrap_or_default();
    let count = match response.partial_success.rejected_spans {
        Count::Text(text) => text.parse().unwrap_or(0),
        Count::Number(number) => number,
    };
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hyper::header::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::trace::context::{SpanId, TraceId};
    use crate::trace::span::{SpanKind, Work};

    #[test]
    fn a_batch_has_the_form_of_otlp() {
        let (trace_id, span_id, parent) = (TraceId::random(), SpanId::random(), SpanId::random());
        let work = Work::new("SELECT", SpanKind::Client).with("server.port", 3306).with("db.namespace", "orders");
        let first = Span {
            trace_id,
            span_id,
            parent: Some(parent),
            trace_state: Some(HeaderValue::from_static("a=1")),
            work: work.failed("timed_out"),
            start: 1_700_000_000_000_000_000,
            end: 1_700_000_000_000_000_001,
        };
        let work = Work::new("GET /", SpanKind::Server);
        let second = Span { trace_id, span_id: parent, parent: None, trace_state: None, work, start: 1, end: 2 };
        let body = encode(&vec![("service.name".into(), "shop".into())], &[first, second]).unwrap();
        let text = |value: &str| json!({"stringValue": value});
        let expected = json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": text("shop")}]},
            "scopeSpans": [{
                "scope": {"name": "microservice", "version": env!("CARGO_PKG_VERSION")},
                "spans": [
                    {
                        "traceId": trace_id.to_string(),
                        "spanId": span_id.to_string(),
                        "parentSpanId": parent.to_string(),
                        "traceState": "a=1",
                        "flags": 1,
                        "name": "SELECT",
                        "kind": 3,
                        "startTimeUnixNano": "1700000000000000000",
                        "endTimeUnixNano": "1700000000000000001",
                        "attributes": [
                            {"key": "server.port", "value": {"intValue": "3306"}},
                            {"key": "db.namespace", "value": text("orders")},
                            {"key": "error.type", "value": text("timed_out")},
                        ],
                        "status": {"code": 2},
                    },
                    {
                        "traceId": trace_id.to_string(),
                        "spanId": parent.to_string(),
                        "flags": 1,
                        "name": "GET /",
                        "kind": 2,
                        "startTimeUnixNano": "1",
                        "endTimeUnixNano": "2",
                        "attributes": [],
                    },
                ],
            }],
        }]});
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), expected);
    }

    #[test]
    fn rejected_spans_are_read_in_either_form() {
        for (response, count) in [
            (r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedSpans":4}}"#, 4),
            (r#"{"partialSuccess":{}}"#, 0),
            ("{}", 0),
            ("", 0),
            ("not JSON", 0),
            (r#"{"partialSuccess":{"rejectedSpans":"many"}}"#, 0),
        ] {
            assert_eq!(rejected_spans(response.as_bytes()), count, "{response}");
        }
    }
}
