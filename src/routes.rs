//! The table of routes. A new endpoint needs a row here, a handler with its operation, and a row in docs/API.md.

use microservice::{Route, handler, operations};

use crate::OrderService;
use crate::handlers::{list, orders};

/// All routes of the public listener.
pub const ROUTES: &[Route<OrderService>] = &[
    operations::root(),
    operations::init(),
    Route::post("/create_order", handler!(orders::create_order), "write one order").operation(&orders::CREATE_ORDER),
    Route::post("/create_orders", handler!(orders::create_orders), "write an array of orders, all or none")
        .operation(&orders::CREATE_ORDERS),
    Route::get("/orders", handler!(list::list), "all orders, or a page of them").operation(&list::LIST),
    Route::post("/update_order", handler!(orders::update_order), "replace an order").operation(&orders::UPDATE_ORDER),
    Route::get("/delete_order", handler!(orders::delete_order), "delete an order")
        .operation(&orders::DELETE_ORDER_BY_GET)
        .writes(),
    Route::delete("/delete_order", handler!(orders::delete_order), "delete an order").operation(&orders::DELETE_ORDER),
    operations::echo(),
    Route::post("/orders", handler!(orders::post), "write one order; the service chooses the id where there is none")
        .operation(&orders::POST),
    Route::get("/orders/{id}", handler!(orders::get), "one order, with its ETag").operation(&orders::GET),
    Route::put("/orders/{id}", handler!(orders::put), "replace an order; If-Match is checked").operation(&orders::PUT),
    Route::delete("/orders/{id}", handler!(orders::delete), "delete an order; If-Match is checked")
        .operation(&orders::DELETE),
    #[cfg(feature = "pages")]
    operations::ui_redirect(),
    #[cfg(feature = "pages")]
    operations::ui(),
    #[cfg(feature = "pages")]
    operations::ui_file(),
    #[cfg(feature = "pages")]
    operations::docs(),
    operations::health(),
    operations::ready(),
    operations::openapi(),
];
