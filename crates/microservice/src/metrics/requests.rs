//! How long requests take, by route, method and class of status.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::{Method, StatusCode};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use super::{DurationFamily, MetricWriter, duration_family};

/// The methods of RFC 9110 §9.3 and RFC 5789. Others are `_OTHER`, as OpenTelemetry has it.
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", OTHER_METHOD];
const OTHER_METHOD: &str = "_OTHER";

/// The classes of status codes.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The place of `HEAD` in [`METHODS`].
const HEAD: usize = 1;

/// The method and the path of a route, as the table has them.
pub(crate) type RouteLabels = (&'static str, &'static str);

fn place_of(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// The method's name for metrics and spans: clients may send any.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS.get(place_of(method)).copied().unwrap_or(OTHER_METHOD)
}

/// The durations of the requests to one route with one method, by class of status.
type Durations = [OnceLock<Histogram>; CLASSES.len()];

/// The durations of all requests.
pub(crate) struct RequestMetrics {
    family: DurationFamily<3>,
    routes: Vec<RouteLabels>,
    /// For each route: with its method, and with HEAD.
    by_route: Vec<[Durations; 2]>,
    /// Requests without a route, for each of [`METHODS`].
    unrouted: [Durations; METHODS.len()],
    /// All responses, for each of [`CLASSES`]. These series are there from the start: `rate` sees no growth from
    /// nothing to the first error.
    responses: [AtomicU64; CLASSES.len()],
}

impl RequestMetrics {
    pub(crate) fn new(routes: Vec<RouteLabels>) -> Self {
        let by_route = routes.iter().map(|_| Default::default()).collect();
        let (unrouted, responses) = Default::default();
        Self { family: duration_family(), routes, by_route, unrouted, responses }
    }

    /// Counts a request. `route` is its route's index in the table, if it has one.
    pub(crate) fn observe(&self, route: Option<usize>, method: &Method, status: StatusCode, duration: Duration) {
        let of_method = place_of(method);
        let durations = match route.and_then(|index| self.by_route.get(index)) {
            Some([own, head]) => Some(if of_method == HEAD { head } else { own }),
            None => self.unrouted.get(of_method),
        };
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        if let Some(count) = self.responses.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let Some(histogram) = durations.and_then(|durations| durations.get(class)) else { return };
        let labels = || {
            let method = METHODS.get(of_method).copied().unwrap_or(OTHER_METHOD);
            // Empty for a request without a route.
            let route = route.and_then(|index| self.routes.get(index)).map_or("", |(_, path)| path);
            let class = CLASSES.get(class).copied().unwrap_or_default();
            [("http_request_method", method), ("http_route", route), ("http_response_status_class", class)]
        };
        histogram.get_or_init(|| self.family.get_or_create_owned(&labels())).observe(duration.as_secs_f64());
    }

    /// The path of the route at this place of the table.
    pub(crate) fn route(&self, index: usize) -> Option<&'static str> {
        self.routes.get(index).map(|(_, path)| *path)
    }

    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let help = "From the end of a request's head until its response begins, for requests on the public listener";
        writer.metric("http_server_request_duration", Some(&Unit::Seconds), help, &self.family)?;
        let counts = CLASSES.iter().zip(&self.responses);
        let counts = counts.map(|(class, count)| (*class, count.load(Ordering::Relaxed)));
        let help = "Responses on the public listener";
        writer.counters("http_server_responses", help, "http_response_status_class", counts)
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetrics").field("routes", &self.routes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str, labels: &str) -> Option<String> {
        let prefix = format!("http_server_request_duration_seconds_count{{{labels}}} ");
        text.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
    }

    #[test]
    fn requests_are_counted_by_route_method_and_class() {
        let metrics = RequestMetrics::new(vec![("GET", "/orders"), ("POST", "/orders")]);
        let observe = |route, method: &str, status: u16| {
            let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            let status = StatusCode::from_u16(status).unwrap_or_default();
            metrics.observe(route, &method, status, Duration::from_micros(300));
        };
        observe(Some(0), "GET", 200);
        observe(Some(0), "GET", 206);
        observe(Some(0), "HEAD", 200);
        observe(Some(1), "POST", 503);
        observe(None, "GET", 404);
        observe(Some(2), "GET", 404);
        for method in ["BREW", "brew", "X-1"] {
            observe(None, method, 405);
        }
        let text = crate::metrics::written(metrics, RequestMetrics::write_metrics);
        let labels = |method: &str, route: &str, class: &str| {
            format!(r#"http_request_method="{method}",http_route="{route}",http_response_status_class="{class}""#)
        };
        for (method, route, class, expected) in [
            ("GET", "/orders", "2xx", "2"),
            ("HEAD", "/orders", "2xx", "1"),
            ("POST", "/orders", "5xx", "1"),
            ("GET", "", "4xx", "2"),
            ("_OTHER", "", "4xx", "3"),
        ] {
            assert_eq!(count(&text, &labels(method, route, class)).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(text.matches("_count{").count(), 5, "{text}");
        assert!(text.contains(r#"le="0.0005""#), "{text}");
    }
}
