//! The table of routes: path, method, handler, description. The first row that matches wins, so `/items/search` stands
//! above `/items/{name}`.
//!
//! Routing, `Allow`, `OPTIONS` and the text of `GET /` come from it. `HEAD` works wherever `GET` does. `OPTIONS` works
//! everywhere, also for `*`, the server as a whole (RFC 9110 §9.3.7).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::{Body, Method, Response};

use crate::access::{Requirements, Scope};
use crate::api::Operation;
use crate::problem::Problem;
use crate::request::Request;

/// A response or an error response.
pub type HandlerResult = Result<Response<Body>, Problem>;

/// A boxed future that may move between threads.
pub type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Handles a request with the service's state; [`handler!`](crate::handler) makes one from an `async fn`.
pub type Handler<S> = fn(Arc<S>, Request) -> BoxFuture<'static, HandlerResult>;

/// Makes a [`Handler`] from an `async fn(Arc<S>, Request) -> HandlerResult`.
#[macro_export]
macro_rules! handler {
    ($function:expr) => {
        |service, request| ::std::boxed::Box::pin($function(service, request))
    };
}

/// A row of the table.
pub struct Route<S: 'static> {
    /// The method. `GET` stands for `HEAD` too.
    pub method: &'static str,
    /// The path. A segment such as `{id}` takes any text; [`Request::path_parameter`] gives it.
    pub path: &'static str,
    /// What the route does, in a few words.
    pub description: &'static str,
    /// What the route takes and returns. Without it the route is not in the API's description, takes no parameters, and
    /// JSON only.
    pub operation: Option<&'static Operation>,
    handler: Handler<S>,
    is_always_admitted: bool,
    pub(crate) requirements: Requirements,
}

impl<S> std::fmt::Debug for Route<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl<S> Route<S> {
    /// `GET`, and `HEAD`. Where callers need a token, it needs the scope `read`.
    #[must_use]
    pub const fn get(path: &'static str, handler: Handler<S>, description: &'static str) -> Self {
        Self::new("GET", path, handler, description, Requirements::READ)
    }

    /// `POST`. A token needs the scope `write`, here and for the methods below.
    #[must_use]
    pub const fn post(path: &'static str, handler: Handler<S>, description: &'static str) -> Self {
        Self::new("POST", path, handler, description, Requirements::WRITE)
    }

    /// `PUT`.
    #[must_use]
    pub const fn put(path: &'static str, handler: Handler<S>, description: &'static str) -> Self {
        Self::new("PUT", path, handler, description, Requirements::WRITE)
    }

    /// `DELETE`.
    #[must_use]
    pub const fn delete(path: &'static str, handler: Handler<S>, description: &'static str) -> Self {
        Self::new("DELETE", path, handler, description, Requirements::WRITE)
    }

    /// Says what the route takes and returns.
    #[must_use]
    pub const fn operation(self, operation: &'static Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Serves the route however many requests are in flight. For liveness: restarting an overloaded process makes the
    /// overload worse.
    #[must_use]
    pub const fn always_admitted(self) -> Self {
        Self { is_always_admitted: true, ..self }
    }

    /// The route is open to all: without a token, under every host name. For what says nothing of the data.
    #[must_use]
    pub const fn public(self) -> Self {
        Self { requirements: Requirements { scope: None, ..self.requirements }, ..self }
    }

    /// The route is for health checks: open to all, without a rate limit, and served however many requests are in
    /// flight. A probe that fails for load takes a replica out, and makes the load on the others worse.
    #[must_use]
    pub const fn probe(self) -> Self {
        let requirements = Requirements { scope: None, is_probe: true, ..self.requirements };
        Self { requirements, is_always_admitted: true, ..self }
    }

    /// A `GET` that changes something: it needs the scope `write`, and is rejected where a page of another site makes a
    /// browser send it. `POST`, `PUT` and `DELETE` are so without this.
    #[must_use]
    pub const fn writes(self) -> Self {
        Self { requirements: Requirements::WRITE, ..self }
    }

    /// Needs another scope than the method's.
    #[must_use]
    pub const fn needs(self, scope: Scope) -> Self {
        Self { requirements: Requirements { scope: Some(scope), ..self.requirements }, ..self }
    }

    const fn new(
        method: &'static str,
        path: &'static str,
        handler: Handler<S>,
        description: &'static str,
        requirements: Requirements,
    ) -> Self {
        Self { method, path, description, operation: None, handler, is_always_admitted: false, requirements }
    }

    fn accepts(&self, method: &Method) -> bool {
        self.method == method.as_str() || (self.method == "GET" && method == Method::HEAD)
    }
}

/// What a request is for.
pub(crate) enum Target<S: 'static> {
    /// A route's handler.
    Handler {
        /// The route's place in the table.
        index: usize,
        handler: Handler<S>,
        operation: Option<&'static Operation>,
        /// The values of the path's parameters, by name.
        parameters: Vec<(&'static str, String)>,
        is_always_admitted: bool,
        requirements: Requirements,
    },
    /// `OPTIONS`: the methods of the path.
    Options(String),
}

/// Finds the target of a request.
pub(crate) fn find<S>(routes: &'static [Route<S>], method: &Method, path: &str) -> Result<Target<S>, Problem> {
    let matches = |route: &&Route<S>| path == "*" || match_path(route.path, path).is_some();
    if method == Method::OPTIONS {
        let allow = allow(routes.iter().filter(matches));
        return allow.map(Target::Options).ok_or_else(Problem::path_not_found);
    }
    for (index, route) in routes.iter().enumerate().filter(|(_, route)| route.accepts(method)) {
        if let Some(parameters) = match_path(route.path, path) {
            let Route { handler, operation, is_always_admitted, requirements, .. } = *route;
            return Ok(Target::Handler { index, handler, operation, parameters, is_always_admitted, requirements });
        }
    }
    Err(allow(routes.iter().filter(matches)).map_or_else(Problem::path_not_found, Problem::method_not_allowed))
}

/// The methods of these routes, as `Allow` lists them; None without routes.
fn allow<'r, S: 'static>(routes: impl Iterator<Item = &'r Route<S>>) -> Option<String> {
    let mut methods: Vec<&str> = routes.map(|route| route.method).collect();
    if methods.is_empty() {
        return None;
    }
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE"];
    methods.extend(methods.contains(&"GET").then_some("HEAD"));
    let listed = known.into_iter().filter(|method| methods.contains(method));
    Some(listed.chain(["OPTIONS"]).collect::<Vec<_>>().join(", "))
}

/// The values of the pattern's parameters where the path matches it.
fn match_path(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    if !pattern.contains('{') {
        return (pattern == path).then(Vec::new);
    }
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut parameters = Vec::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(parameters),
            (Some(segment), Some(text)) => match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !text.is_empty() => parameters.push((name, text.to_owned())),
                None if segment == text => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// The table as text, a line for each route: what `GET /` shows.
#[must_use]
pub fn as_text<S>(routes: &[Route<S>]) -> String {
    let query = |route: &Route<S>| route.operation.map(Operation::query_form).unwrap_or_default();
    let shown = |route: &Route<S>| format!("{:<6} {}{}", route.method, route.path, query(route));
    let width = routes.iter().map(|route| shown(route).len()).max().unwrap_or(0);
    routes.iter().map(|route| format!("{:<width$}  {}\n", shown(route), route.description)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::api::parameter::whole_number;
    use crate::api::{Parameter, Tag};

    async fn nothing(_: Arc<()>, _: Request) -> HandlerResult {
        Ok(Response::new(Body::empty()))
    }

    const LIMIT: Parameter<u32> = Parameter::optional("limit", whole_number::<1, 9>(), "5", "things");
    const ALL_THINGS: Operation = Operation::new("listThings", &Tag { name: "Things", meaning: "" }).query(&[&LIMIT]);

    static ROUTES: &[Route<()>] = &[
        Route::get("/", handler!(nothing), "root"),
        Route::get("/things", handler!(nothing), "all things").operation(&ALL_THINGS),
        Route::post("/things", handler!(nothing), "a new thing"),
        Route::get("/things/{id}", handler!(nothing), "a thing"),
        Route::delete("/things/{id}", handler!(nothing), "delete a thing"),
    ];

    fn parameters(path: &str) -> Option<Vec<(&'static str, String)>> {
        match find(ROUTES, &Method::GET, path) {
            Ok(Target::Handler { parameters, .. }) => Some(parameters),
            Ok(Target::Options(_)) => panic!("{path} is no OPTIONS"),
            Err(_) => None,
        }
    }

    fn allowed(path: &str) -> Option<String> {
        match find(ROUTES, &Method::OPTIONS, path) {
            Ok(Target::Options(allow)) => Some(allow),
            _ => None,
        }
    }

    #[test]
    fn a_path_finds_its_route_and_no_other_path_does() {
        assert_eq!(parameters("/"), Some(vec![]));
        assert_eq!(parameters("/things"), Some(vec![]));
        assert_eq!(parameters("/things/7"), Some(vec![("id", "7".to_owned())]));
        for path in ["", "//", "/things/", "/Things", "/things/7/", "/things/7/8", "/other", "things", "*"] {
            assert_eq!(parameters(path), None, "{path}");
        }
    }

    #[test]
    fn allow_lists_the_methods_of_a_path() {
        assert_eq!(allowed("/things").as_deref(), Some("GET, HEAD, POST, OPTIONS"));
        assert_eq!(allowed("/things/7").as_deref(), Some("GET, HEAD, DELETE, OPTIONS"));
        assert_eq!(allowed("*").as_deref(), Some("GET, HEAD, POST, DELETE, OPTIONS"));
        assert_eq!(allowed("/other"), None);
    }

    #[test]
    fn a_method_that_a_path_does_not_accept_is_405_with_allow() {
        let problem = find(ROUTES, &Method::PUT, "/things").err().unwrap();
        assert_eq!((problem.status().as_u16(), problem.allow()), (405, Some("GET, HEAD, POST, OPTIONS")));
        assert_eq!(find(ROUTES, &Method::PUT, "/other").err().unwrap().status().as_u16(), 404);
    }

    #[test]
    fn the_text_has_a_line_for_each_route() {
        let text = as_text(ROUTES);
        assert_eq!(text.lines().count(), ROUTES.len());
        assert!(text.contains("GET    /things?limit=  all things\n"), "{text}");
    }
}
