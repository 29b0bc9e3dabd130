//! The figures as text.

use std::fmt::Write as _;

use crate::metrics::{Change, Histogram, Labels, Scrape};
use crate::replicas::{Answers, History};

const DURATION: &str = "http_server_request_duration_seconds";
const REQUESTS: &str = "http_server_request_duration_seconds_count";
const WAIT: &str = "db_client_connection_wait_time_seconds";

/// The most routes that are shown.
const MAX_ROUTES: usize = 12;

/// The headings of the replicas. The first column is a text, the others are numbers.
const REPLICA_HEADINGS: [&str; 13] = [
    "replica",
    "req/s",
    "p50",
    "p99",
    "5xx/s",
    "shed/s",
    "in flight",
    "clients",
    "pool",
    "wait p99",
    "loop gap",
    "memory",
    "up",
];
const ROUTE_HEADINGS: [&str; 5] = ["route", "req/s", "p50", "p99", "5xx/s"];

/// The screen for what the replicas have answered.
pub(crate) fn render(history: &History) -> String {
    let mut text = String::new();
    let all: Vec<_> = history.replicas().collect();
    let changes: Vec<_> = all.iter().filter_map(|(_, answers)| change(answers)).collect();
    let mut rows = vec![REPLICA_HEADINGS.map(str::to_owned).to_vec()];
    let mut notes = Vec::new();
    for (address, answers) in &all {
        match &answers.last {
            Some(Ok(last)) => rows.push(replica_row(&address.to_string(), last, change(answers).as_ref())),
            Some(Err(reason)) => notes.push(format!("{address}: {reason}")),
            None => {}
        }
        notes.extend(notes_of(&address.to_string(), answers));
    }
    if changes.len() > 1 {
        rows.push(sum_row(&changes));
    }
    let _ = writeln!(text, "{}\n", heading(&all));
    if rows.len() > 1 {
        text.push_str(&table(&rows));
    }
    let routes = route_rows(&changes);
    if routes.len() > 1 {
        text.push('\n');
        text.push_str(&table(&routes));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        let _ = writeln!(text, "{note}");
    }
    text
}

fn heading(all: &[(&std::net::SocketAddr, &Answers)]) -> String {
    let answering = all.iter().filter_map(|(_, answers)| answers.last.as_ref()?.as_ref().ok());
    let mut builds: Vec<String> = answering
        .filter_map(|scrape| {
            let label = |name| scrape.label("build_info", name);
            Some(format!("{} {}", label("service")?, label("version")?))
        })
        .collect();
    builds.sort();
    builds.dedup();
    let replicas = if all.len() == 1 { "1 replica".to_owned() } else { format!("{} replicas", all.len()) };
    if builds.is_empty() { replicas } else { format!("{}, {replicas}", builds.join(" and ")) }
}

/// None until a replica has answered twice.
fn change(answers: &Answers) -> Option<Change<'_>> {
    Change::between(answers.before.as_ref()?, answers.last.as_ref()?.as_ref().ok()?)
}

fn replica_row(name: &str, last: &Scrape, change: Option<&Change<'_>>) -> Vec<String> {
    let of_limit = |value: &str, limit: &str| format!("{}/{}", last.value(value), last.value(limit));
    let is_work = |labels: &Labels<'_>| labels.has("purpose", "work");
    let used = last.sum("db_client_connections_used", is_work);
    let (idle, limit) = (last.value("db_client_connections_idle"), last.sum("db_client_connections_limit", is_work));
    let waiting = last.value("db_client_connection_pending_requests");
    let queue = if waiting > 0.0 { format!(" ({waiting} wait)") } else { String::new() };
    let mut row = vec![name.to_owned()];
    row.extend(traffic(change.map(std::slice::from_ref).unwrap_or_default(), |_| true));
    row.push(change.map_or_else(dash, |change| rate(change.rate("http_server_shed_total", |_| true))));
    row.push(of_limit("http_server_active_requests", "http_server_active_requests_limit"));
    row.push(of_limit("http_server_open_connections", "http_server_open_connections_limit"));
    row.push(format!("{used}+{idle}/{limit}{queue}"));
    let waits = change.and_then(|change| change.histogram(WAIT, |_| true).quantile(0.99));
    row.push(waits.map_or_else(dash, duration));
    row.push(duration(last.value("event_loop_longest_gap_seconds")));
    row.push(bytes(last.value("wasm_linear_memory_bytes")));
    row.push(age(last.value("process_start_time_seconds")));
    row
}

fn sum_row(changes: &[Change<'_>]) -> Vec<String> {
    let mut row = vec!["all".to_owned()];
    row.extend(traffic(changes, |_| true));
    row.push(rate(changes.iter().map(|change| change.rate("http_server_shed_total", |_| true)).sum()));
    row.resize(REPLICA_HEADINGS.len(), String::new());
    row
}

/// Requests, their median, their 99th percentile, and server errors.
fn traffic(changes: &[Change<'_>], matches: impl Fn(&Labels<'_>) -> bool) -> [String; 4] {
    if changes.is_empty() {
        return [dash(), dash(), dash(), dash()];
    }
    let is_error = |labels: &Labels<'_>| labels.has("http_response_status_class", "5xx") && matches(labels);
    let sum = |matches: &dyn Fn(&Labels<'_>) -> bool| changes.iter().map(|change| change.rate(REQUESTS, matches)).sum();
    let mut durations = Histogram::default();
    changes.iter().for_each(|change| durations.add(&change.histogram(DURATION, &matches)));
    let quantile = |part| durations.quantile(part).map_or_else(dash, duration);
    [rate(sum(&matches)), quantile(0.5), quantile(0.99), rate(sum(&is_error))]
}

/// The busiest routes.
fn route_rows(changes: &[Change<'_>]) -> Vec<Vec<String>> {
    let mut routes: Vec<Vec<String>> = changes
        .iter()
        .flat_map(|change| change.after().combinations(REQUESTS, &["http_request_method", "http_route"]))
        .collect();
    routes.sort();
    routes.dedup();
    let mut busy: Vec<(f64, Vec<String>)> = routes
        .into_iter()
        .filter_map(|route| {
            let [method, path] = route.as_slice() else { return None };
            let is_route =
                |labels: &Labels<'_>| labels.has("http_request_method", method) && labels.has("http_route", path);
            let requests: f64 = changes.iter().map(|change| change.rate(REQUESTS, is_route)).sum();
            let name = format!("{method} {}", if path.is_empty() { "(no route)" } else { path });
            let row = [vec![name], traffic(changes, is_route).to_vec()].concat();
            (requests > 0.0).then_some((requests, row))
        })
        .collect();
    busy.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let rows = busy.into_iter().take(MAX_ROUTES).map(|(_, row)| row);
    std::iter::once(ROUTE_HEADINGS.map(str::to_owned).to_vec()).chain(rows).collect()
}

/// What an operator should know beside the figures.
fn notes_of(name: &str, answers: &Answers) -> Vec<String> {
    let Some(Ok(last)) = &answers.last else { return Vec::new() };
    let mut notes = Vec::new();
    if last.label("build_info", "execution") == Some("interpreted") {
        notes.push(format!("{name}: the module is interpreted, at a fraction of its speed"));
    }
    if let Some(change) = change(answers) {
        for reason in last.combinations("http_server_shed_total", &["reason"]).concat() {
            let shed = change.rate("http_server_shed_total", |labels| labels.has("reason", &reason));
            if shed > 0.0 {
                notes.push(format!("{name}: {} rejected a second: {reason}", rate(shed)));
            }
        }
    } else if answers.before.is_some() {
        notes.push(format!("{name}: the process has started again"));
    }
    for (metric, what) in [
        ("db_client_unknown_outcomes_total", "writes whose outcome nobody knows"),
        ("log_lines_lost_total", "log lines were lost"),
    ] {
        let count = last.value(metric);
        if count > 0.0 {
            notes.push(format!("{name}: {count} {what} since the start"));
        }
    }
    notes
}

/// Columns as wide as their longest cell: the first to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

fn dash() -> String {
    "–".to_owned()
}

fn rate(each_second: f64) -> String {
    if each_second < 10.0 { format!("{each_second:.1}") } else { format!("{each_second:.0}") }
}

fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.01 => format!("{:.2} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

fn bytes(bytes: f64) -> String {
    format!("{:.0} MB", bytes / 1e6)
}

/// The time since a moment in Unix time.
fn age(start: f64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    match now - start {
        age if age < 120.0 => format!("{:.0} s", age.max(0.0)),
        age if age < 7200.0 => format!("{:.0} min", age / 60.0),
        age if age < 172_800.0 => format!("{:.0} h", age / 3600.0),
        age => format!("{:.0} d", age / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [["a", "1"], ["long", "12345"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a         1\nlong  12345\n");
    }

    #[test]
    fn figures_have_as_many_digits_as_mean_something() {
        assert_eq!([0.0, 9.94, 10.2, 12345.6].map(rate), ["0.0", "9.9", "10", "12346"]);
        assert_eq!([0.0001, 0.0123, 1.25].map(duration), ["0.10 ms", "12 ms", "1.2 s"]);
        assert_eq!(bytes(12_345_678.0), "12 MB");
    }
}
