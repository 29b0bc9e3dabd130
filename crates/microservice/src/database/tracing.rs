//! Spans of statements and of waits for a connection, for requests whose traces are recorded; comments that tell the
//! database which trace a statement belongs to.
//!
//! Names are those of <https://opentelemetry.io/docs/specs/semconv/database/>. A statement's text has no values: they
//! are parameters.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::{DatabaseError, DatabaseSettings};
use crate::trace::{self, CurrentRequest, SpanKind, Work};

/// How the statements of one database are traced.
#[derive(Debug)]
pub(super) struct DatabaseTracing {
    server: Arc<Server>,
    /// Statements of sampled traces have a comment.
    has_comments: bool,
}

/// What all spans of a database have in common.
#[derive(Debug)]
struct Server {
    host: String,
    port: u16,
    database: String,
}

/// What a session adds to its statements, and records of them.
#[derive(Debug, Default)]
pub(super) struct StatementTracing {
    recording: Option<(Arc<CurrentRequest>, Arc<Server>)>,
    comment: Option<String>,
}

impl DatabaseTracing {
    pub(super) fn new(settings: &DatabaseSettings) -> Self {
        let opts = &settings.opts;
        let server = Server {
            host: opts.ip_or_hostname().to_owned(),
            port: opts.tcp_port(),
            database: opts.db_name().unwrap_or_default().to_owned(),
        };
        Self { server: Arc::new(server), has_comments: settings.trace_comments }
    }

    /// For a session of the request that this task works for. Records its wait for a connection, which began then.
    pub(super) fn of_session(&self, began: Instant, error: Option<&DatabaseError>) -> StatementTracing {
        let tracing = trace::with_current(|request| {
            let comment = self.has_comments && request.is_known_to_others;
            StatementTracing {
                recording: request.is_recorded().then(|| (Arc::clone(request), Arc::clone(&self.server))),
                // As sqlcommenter has it: https://google.github.io/sqlcommenter/spec/
                comment: comment.then(|| format!(" /*traceparent='{}'*/", request.context)),
            }
        });
        let tracing = tracing.unwrap_or_default();
        if let Some((request, server)) = &tracing.recording {
            let work = Work::new("wait for a connection", SpanKind::Internal);
            request.record(with_error(server.describe(work), error), began);
        }
        tracing
    }
}

impl Server {
    fn describe(&self, work: Work) -> Work {
        work.with("db.system.name", "mariadb")
            .with("db.namespace", self.database.clone())
            .with("server.address", self.host.clone())
            .with("server.port", i64::from(self.port))
    }
}

impl StatementTracing {
    /// The statement as it is sent. The second value says that its text is like no other's.
    pub(super) fn text<'s>(&self, sql: &'s str) -> (Cow<'s, str>, bool) {
        match &self.comment {
            Some(comment) => (Cow::Owned(format!("{sql}{comment}")), true),
            None => (Cow::Borrowed(sql), false),
        }
    }

    /// A statement has its response, or has failed.
    pub(super) fn record(&self, sql: &str, began: Instant, error: Option<&DatabaseError>) {
        let Some((request, server)) = &self.recording else { return };
        let operation = sql.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let work = Work::new(format!("{operation} {}", server.database), SpanKind::Client);
        let work = server.describe(work).with("db.operation.name", operation).with("db.query.text", sql.to_owned());
        request.record(with_error(work, error), began);
    }
}

fn with_error(work: Work, error: Option<&DatabaseError>) -> Work {
    match error {
        Some(error) => work.failed(error.kind()),
        None => work,
    }
}
