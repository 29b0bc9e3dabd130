//! `/log_level`: shows the log's level, and changes it while the process runs.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::OPERATOR;
use crate::api::{Content, Example, JsonType, Operation, RequestBody, ResponseType};
use crate::config::types;
use crate::http::response;
use crate::request::Request;
use crate::routes::HandlerResult;
use crate::telemetry::level::{self, LEVEL};

/// The longest body of a change.
const MAX_BODY_BYTES: usize = 1024;

const LOG_LEVEL: JsonType = JsonType::new("LogLevel", || {
    let name = name_schema();
    format!(
        r#"{{"type":"object","required":["level","configured"],"properties":{{"level":{name},"configured":{name}}}}}"#
    )
    .into()
});

const LOG_LEVEL_CHANGE: JsonType = JsonType::new("LogLevelChange", || {
    let name = name_schema();
    let duration = r#"{"type":"string","description":"How long, as in `10m`; without it until the process ends."}"#;
    let properties = format!(r#"{{"level":{name},"for":{duration}}}"#);
    format!(r#"{{"type":"object","required":["level"],"properties":{properties},"additionalProperties":false}}"#).into()
});

/// The levels' names.
fn name_schema() -> String {
    format!(r#"{{"enum":{:?}}}"#, level::all_names())
}

const LEVELS: ResponseType = ResponseType::new(
    StatusCode::OK,
    "The level now, and the configured one.",
    Content::json(&LOG_LEVEL, &[Example::new("info", r#"{"level":"info","configured":"info"}"#)]),
);

pub(super) const SHOW: Operation = Operation::new("getLogLevel", &OPERATOR).responses(&[LEVELS]);

pub(super) const CHANGE: Operation = Operation::new("changeLogLevel", &OPERATOR)
    .details("JSON is accepted also as `application/x-www-form-urlencoded`, which `curl -d` declares.")
    .body(
        RequestBody::json(&LOG_LEVEL_CHANGE, &[Example::new("debug", r#"{"level":"debug","for":"10m"}"#)], "")
            .or_form(),
    )
    .responses(&[LEVELS]);

/// `GET /log_level`: the level, and the configured one.
pub(super) async fn show(_service: Arc<()>, _request: Request) -> HandlerResult {
    let (level, configured) = LEVEL.names();
    response::to_json(StatusCode::OK, &json!({"level": level, "configured": configured}))
}

/// `PUT /log_level`: changes the level.
pub(super) async fn change(_service: Arc<()>, mut request: Request) -> HandlerResult {
    let body = request.receive(MAX_BODY_BYTES).await?;
    let LogLevelChange { level: Level(level), duration } = body.json()?;
    LEVEL.change(level, duration.map(|TimeLimit(duration)| duration));
    let (level, configured) = LEVEL.names();
    response::to_json(StatusCode::OK, &json!({"level": level, "configured": configured}))
}

/// `{"level":"debug","for":"10m"}`; without `for` until the process ends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLevelChange {
    level: Level,
    #[serde(rename = "for")]
    duration: Option<TimeLimit>,
}

/// A level, by its name.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Level(tracing::Level);

impl TryFrom<String> for Level {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        level::parse(&name).map(Self).map_err(|problem| format!("level {problem}"))
    }
}

/// A duration as in variables.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct TimeLimit(Duration);

impl TryFrom<String> for TimeLimit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        (types::DURATION.parse)(&text).map(Self).map_err(|problem| format!("for {problem}"))
    }
}
