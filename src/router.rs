//! From method and path to a handler.
//!
//! | path | methods | does | answers |
//! |---|---|---|---|
//! | `/` | GET | lists the endpoints | 200 text |
//! | `/echo` | POST | sends the body back as it comes | 200 |
//! | `/init` | GET | creates what is missing; `?reset=true` drops all first, where that is allowed | 200 |
//! | `/create_order` | POST | writes one order | 200, 409 |
//! | `/create_orders` | POST | writes an array of orders, all or none | 200, 409 |
//! | `/update_order` | POST | replaces an order | 200, 404, 412 |
//! | `/delete_order?id=` | GET, DELETE | deletes an order | 200, 404, 412 |
//! | `/orders` | GET | all orders, streamed; `?limit=&after=`: a page of them, with `Link` | 200 |
//! | `/orders` | POST | writes one order, with an id of the service's where it has none | 201, 409 |
//! | `/orders/{id}` | GET | one order, with its `ETag` | 200, 304, 404 |
//! | `/orders/{id}` | PUT | replaces it | 200, 404, 412 |
//! | `/orders/{id}` | DELETE | deletes it | 204, 404, 412 |
//! | `/health` | GET | the process is alive | 200 |
//! | `/ready` | GET | the database's tables answer | 200, 503 |
//!
//! On the operator's listener, and there alone:
//!
//! | path | methods | does | answers |
//! |---|---|---|---|
//! | `/health`, `/ready` | GET | as above | 200, 503 |
//! | `/drain` | POST, GET | asks the process to leave | 200 |
//!
//! HEAD is answered wherever GET is, and never changes anything. OPTIONS is answered everywhere.

use hyper::{Body, Method, Request, Response};

use crate::domain::OrderId;
use crate::error::Error;
use crate::handlers::{App, meta, operations, orders};

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Root,
    Echo,
    Init,
    CreateOrder,
    CreateOrders,
    UpdateOrder,
    DeleteOrder,
    Orders,
    Order(OrderId),
    Health,
    Ready,
    /// `*`: the server as a whole (RFC 9110 §9.3.7).
    Server,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Root,
            "/echo" => Self::Echo,
            "/init" => Self::Init,
            "/create_order" => Self::CreateOrder,
            "/create_orders" => Self::CreateOrders,
            "/update_order" => Self::UpdateOrder,
            "/delete_order" => Self::DeleteOrder,
            "/orders" => Self::Orders,
            "/health" => Self::Health,
            "/ready" => Self::Ready,
            "*" => Self::Server,
            _ => Self::Order(order_id(path.strip_prefix("/orders/")?)?),
        })
    }

    /// The methods it takes, as `Allow` lists them.
    fn allow(self) -> &'static str {
        match self {
            Self::Root | Self::Init | Self::Health | Self::Ready => "GET, HEAD, OPTIONS",
            Self::Echo | Self::CreateOrder | Self::CreateOrders | Self::UpdateOrder => "POST, OPTIONS",
            Self::DeleteOrder => "GET, HEAD, DELETE, OPTIONS",
            Self::Orders => "GET, HEAD, POST, OPTIONS",
            Self::Order(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
            Self::Server => "GET, HEAD, POST, PUT, DELETE, OPTIONS",
        }
    }
}

/// An id in its one notation: digits, no sign, no leading zeros.
fn order_id(text: &str) -> Option<OrderId> {
    let id = text.parse().ok().and_then(OrderId::new)?;
    (id.to_string() == text).then_some(id)
}

/// Does what the request asks for.
///
/// # Errors
/// Why it was not done.
pub async fn route(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    let endpoint = Endpoint::at(request.uri().path()).ok_or(Error::NoSuchPath)?;
    let method = request.method();
    let head = method == Method::HEAD;
    match (endpoint, method.as_str()) {
        (_, "OPTIONS") => Ok(meta::options(app, &request, endpoint.allow())),
        (Endpoint::Root, "GET" | "HEAD") => meta::root(&request),
        (Endpoint::Echo, "POST") => meta::echo(app, request),
        (Endpoint::Init, "GET" | "HEAD") => operations::init(app, &request, head).await,
        (Endpoint::Health, "GET" | "HEAD") => Ok(operations::health()),
        (Endpoint::Ready, "GET" | "HEAD") => operations::ready(app).await,
        (Endpoint::CreateOrder, "POST") => orders::create_order(app, request).await,
        (Endpoint::CreateOrders, "POST") => orders::create_orders(app, request).await,
        (Endpoint::UpdateOrder, "POST") => orders::update_order(app, request).await,
        (Endpoint::DeleteOrder, "GET" | "HEAD" | "DELETE") => orders::delete_order(app, &request, head).await,
        (Endpoint::Orders, "GET" | "HEAD") => orders::list(app, &request, head).await,
        (Endpoint::Orders, "POST") => orders::post(app, request).await,
        (Endpoint::Order(id), "GET" | "HEAD") => orders::get(app, &request, id).await,
        (Endpoint::Order(id), "PUT") => orders::put(app, request, id).await,
        (Endpoint::Order(id), "DELETE") => orders::delete(app, &request, id).await,
        (endpoint, _) => Err(Error::MethodNotAllowed(endpoint.allow().to_owned())),
    }
}

/// Does what the operator asks for.
///
/// # Errors
/// Why it was not done.
pub async fn route_operator(app: &App, request: &Request<Body>) -> Result<Response<Body>, Error> {
    match (request.uri().path(), request.method().as_str()) {
        ("/health", "GET" | "HEAD") => Ok(operations::health()),
        ("/ready", "GET" | "HEAD") => operations::ready(app).await,
        ("/drain", "GET" | "HEAD" | "POST") => Ok(operations::drain(app, request.method() == Method::HEAD)),
        ("/health" | "/ready", _) => Err(Error::MethodNotAllowed("GET, HEAD".to_owned())),
        ("/drain", _) => Err(Error::MethodNotAllowed("GET, HEAD, POST".to_owned())),
        _ => Err(Error::NoSuchPath),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_one_path() {
        assert_eq!(Endpoint::at("/orders/7"), OrderId::new(7).map(Endpoint::Order));
        for path in [
            "/orders/",
            "/orders/0",
            "/orders/07",
            "/orders/+7",
            "/orders/-7",
            "/orders/4294967296",
            "/orders/7/",
            "/orders/x",
            "//",
            "",
            "/Orders",
        ] {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }
}
