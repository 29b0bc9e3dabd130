//! README and docs/API.md agree with the tables of variables, routes and problems.

use microservice::config::markdown_row;
use microservice::operations::ADMIN_ROUTES;
use microservice::{ProblemType, problem_types, variables};

use crate::OrderService;
use crate::routes::ROUTES;

const README: &str = include_str!("../README.md");
const API: &str = include_str!("../docs/API.md");

#[test]
fn readme_has_the_table_of_variables() {
    let expected: Vec<String> = variables::<OrderService>().into_iter().map(markdown_row).collect();
    let rows = README.lines().skip_while(|line| !line.starts_with("| variable |")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows == expected, "the table in README must be:\n{}", expected.join("\n"));
}

/// The calls in the first cells of API.md's tables, as `METHOD /path` without a query string.
fn documented_calls() -> Vec<String> {
    let cells = API.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let quoted = cells.flat_map(|cell| cell.split('`'));
    let calls = quoted.filter(|text| text.split_once(' ').is_some_and(|(_, path)| path.starts_with('/')));
    calls.map(|call| call.split('?').next().unwrap_or(call).to_owned()).collect()
}

#[test]
fn api_page_has_a_row_for_each_route_and_no_other() {
    let public = ROUTES.iter().map(|route| (route.method, route.path));
    let admin = ADMIN_ROUTES.iter().map(|route| (route.method, route.path));
    let mut routes: Vec<String> = public.chain(admin).map(|(method, path)| format!("{method} {path}")).collect();
    let mut documented = documented_calls();
    for calls in [&mut routes, &mut documented] {
        calls.sort();
        calls.dedup();
    }
    assert_eq!(documented, routes);
}

#[test]
fn api_page_has_the_table_of_problems() {
    let expected: Vec<String> = problem_types::<OrderService>().into_iter().map(ProblemType::markdown_row).collect();
    let rows = API.lines().skip_while(|line| !line.starts_with("| status |")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(rows == expected, "the table in API.md must be:\n{}", expected.join("\n"));
}

#[test]
fn the_tables_have_no_mistakes() {
    assert_eq!(microservice::mistakes::<OrderService>(), Vec::<String>::new());
}

#[test]
fn each_schema_of_the_description_is_an_object() {
    let description = microservice::describe::<OrderService>();
    let schemas = description.pointer("/components/schemas").and_then(serde_json::Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        assert!(schema.is_object(), "{name} is no JSON");
    }
    assert!(schemas.is_some_and(|schemas| schemas.len() > 5));
}
