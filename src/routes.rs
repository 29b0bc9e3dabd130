//! The table of routes. A new endpoint needs a row here, a handler and a row in docs/API.md.

use microservice::http::stream::echo;
use microservice::operations::{health, init, ready, root};
use microservice::{Route, Scope, handler};

use crate::OrderService;
use crate::handlers::{list, orders};

/// All routes of the public listener.
pub const ROUTES: &[Route<OrderService>] = &[
    Route::get("/", handler!(root), "list the routes").public(),
    Route::get("/init", handler!(init), "create missing tables; drop all orders first, where ALLOW_RESET allows it")
        .query("?reset=")
        .writes(),
    Route::post("/create_order", handler!(orders::create_order), "write one order"),
    Route::post("/create_orders", handler!(orders::create_orders), "write an array of orders, all or none"),
    Route::get("/orders", handler!(list::list), "all orders, or a page of them").query("?limit=&after="),
    Route::post("/update_order", handler!(orders::update_order), "replace an order"),
    Route::get("/delete_order", handler!(orders::delete_order), "delete an order").query("?id=").writes(),
    Route::delete("/delete_order", handler!(orders::delete_order), "the same").query("?id="),
    Route::post("/echo", handler!(echo), "send the body back").needs(Scope::Read),
    Route::post("/orders", handler!(orders::post), "write one order; the service chooses the id where there is none"),
    Route::get("/orders/{id}", handler!(orders::get), "one order, with its ETag"),
    Route::put("/orders/{id}", handler!(orders::put), "replace it; If-Match is checked"),
    Route::delete("/orders/{id}", handler!(orders::delete), "delete it; If-Match is checked"),
    Route::get("/health", handler!(health), "the process is alive").probe(),
    Route::get("/ready", handler!(ready), "requests can be served").probe(),
];
