//! Finds the handler of a request. Hides the service's type, so that the server does not depend on it.

use std::sync::Arc;

use hyper::{Body, Method, Response};

use crate::access::Requirements;
use crate::app::App;
use crate::http::cors;
use crate::problem::Problem;
use crate::request::{Admission, MatchedRoute, Request};
use crate::routes::{self, BoxFuture, HandlerResult, Route, Target};

/// Finds the route of a request.
pub(crate) struct Router(Box<FindRoute>);

type FindRoute = dyn Fn(&Method, &str) -> Result<RouteMatch, Problem> + Send + Sync;

/// The route that matches a request.
pub(crate) enum RouteMatch {
    /// A handler, bound to its service.
    Handler { index: usize, handler: BoundHandler, is_always_admitted: bool, requirements: Requirements },
    /// `OPTIONS`: the methods of the path.
    Options(String),
}

impl RouteMatch {
    /// The place of the route in the table. None for `OPTIONS`.
    pub(crate) fn index(&self) -> Option<usize> {
        match *self {
            Self::Handler { index, .. } => Some(index),
            Self::Options(_) => None,
        }
    }

    /// What the request must show. None for `OPTIONS`.
    pub(crate) fn requirements(&self) -> Option<Requirements> {
        match *self {
            Self::Handler { requirements, .. } => Some(requirements),
            Self::Options(_) => None,
        }
    }
}

type BoundHandler =
    Box<dyn FnOnce(hyper::Request<Body>, Arc<App>, Admission) -> BoxFuture<'static, HandlerResult> + Send>;

impl Router {
    /// A router over the service's table.
    pub(crate) fn new<S: Send + Sync + 'static>(service: Arc<S>, table: &'static [Route<S>]) -> Self {
        Self(Box::new(move |method, path| {
            Ok(match routes::find(table, method, path)? {
                Target::Options(allow) => RouteMatch::Options(allow),
                Target::Handler { index, handler, operation, parameters, is_always_admitted, requirements } => {
                    let service = Arc::clone(&service);
                    let matched = MatchedRoute { operation, parameters, is_probe: requirements.is_probe };
                    let handler: BoundHandler =
                        Box::new(move |request, app, admission| match Request::new(request, matched, app, admission) {
                            Ok(request) => handler(service, request),
                            Err(problem) => Box::pin(std::future::ready(Err(problem))),
                        });
                    RouteMatch::Handler { index, handler, is_always_admitted, requirements }
                }
            })
        }))
    }

    /// The route for a method and a path.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<RouteMatch, Problem> {
        self.0(method, path)
    }
}

/// The response to `OPTIONS`.
pub(crate) fn options(app: &App, request: &hyper::Request<Body>, allow: &str) -> Response<Body> {
    cors::options(app, request.headers(), allow)
}
