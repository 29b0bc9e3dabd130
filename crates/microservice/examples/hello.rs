//! A whole service: a greeting, with a variable, a parameter and a problem of its own. Without a database.
//!
//! ```sh
//! cargo build --release -p microservice --example hello
//! wasmedge --env LISTEN_ADDR=127.0.0.1:8081 target/wasm32-wasip1/release/examples/hello.wasm
//! curl http://127.0.0.1:8081/hello/Ada
//! ```

use std::sync::Arc;

use microservice::api::{Operation, Parameter, ResponseType, parameter};
use microservice::config::{AnyVariable, ConfigError, Variable, types};
use microservice::http::response;
use microservice::hyper::StatusCode;
use microservice::operations::{SERVICE, health, openapi, ready, root};
use microservice::{Context, HandlerResult, Problem, ProblemType, Request, Route, Service, handler, run, tracing};

const GREETING: Variable<String> = Variable::new("GREETING", types::TEXT, "Hello", "the word before the name");
const NAME: Parameter<String> = Parameter::required("name", parameter::TEXT, "Ada", "Who is greeted.");
const INVALID_NAME: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "invalid-name", "Invalid name", "the name is not of letters and digits");
const GREET: Operation = Operation::new("greet", &SERVICE)
    .path(&[&NAME])
    .responses(&[ResponseType::text("The greeting.")])
    .problems(&[&INVALID_NAME]);

struct Hello {
    greeting: String,
}

impl Service for Hello {
    const NAME: &'static str = "hello";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "Greets by name.";
    const ROUTES: &'static [Route<Self>] = &[
        root(),
        Route::get("/hello/{name}", handler!(hello), "greet by name").operation(&GREET),
        health(),
        ready(),
        openapi(),
    ];
    const VARIABLES: &'static [&'static dyn AnyVariable] = &[&GREETING];

    fn new(context: &Context<'_>) -> Result<Self, ConfigError> {
        Ok(Self { greeting: context.environment.get(&GREETING)? })
    }
}

async fn hello(service: Arc<Hello>, request: Request) -> HandlerResult {
    let name = request.path_parameter(&NAME)?;
    if !name.chars().all(char::is_alphanumeric) {
        return Err(Problem::new(&INVALID_NAME, format!("{name} has other characters than letters and digits.")));
    }
    tracing::info!(name, "greeted");
    Ok(response::text(format!("{}, {name}!\n", service.greeting)))
}

fn main() {
    run::<Hello>();
}
