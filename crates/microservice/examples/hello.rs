//! A whole service: a greeting, with a variable and a problem of its own. Without a database.
//!
//! ```sh
//! cargo build --release -p microservice --example hello
//! wasmedge --env LISTEN_ADDR=127.0.0.1:8081 target/wasm32-wasip1/release/examples/hello.wasm
//! curl http://127.0.0.1:8081/hello/Ada
//! ```

use std::sync::Arc;

use microservice::config::{AnyVariable, ConfigError, Variable, types};
use microservice::http::response;
use microservice::hyper::StatusCode;
use microservice::operations::{health, ready, root};
use microservice::{Context, HandlerResult, Problem, Request, Route, Service, handler, run, tracing};

const GREETING: Variable<String> = Variable::new("GREETING", types::TEXT, "Hello", "the word before the name");

struct Hello {
    greeting: String,
}

impl Service for Hello {
    const NAME: &'static str = "hello";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "Greets by name.";
    const ROUTES: &'static [Route<Self>] = &[
        Route::get("/", handler!(root), "list the routes").public(),
        Route::get("/hello/{name}", handler!(hello), "greet by name"),
        Route::get("/health", handler!(health), "the process is alive").probe(),
        Route::get("/ready", handler!(ready), "requests can be served").probe(),
    ];
    const VARIABLES: &'static [&'static dyn AnyVariable] = &[&GREETING];

    fn new(context: &Context<'_>) -> Result<Self, ConfigError> {
        Ok(Self { greeting: context.environment.get(&GREETING)? })
    }
}

async fn hello(service: Arc<Hello>, request: Request) -> HandlerResult {
    let name = request.path_parameter("name", |name| Some(name.to_owned()))?;
    if !name.chars().all(char::is_alphanumeric) {
        let detail = format!("{name} has other characters than letters and digits.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid-name", "Invalid name", detail));
    }
    tracing::info!(name, "greeted");
    Ok(response::text(format!("{}, {name}!\n", service.greeting)))
}

fn main() {
    run::<Hello>();
}
