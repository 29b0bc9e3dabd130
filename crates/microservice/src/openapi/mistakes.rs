//! What the tables of routes and operations may get wrong without the compiler's notice.

use std::collections::BTreeMap;

use crate::database::Schema;
use crate::problem::ProblemType;
use crate::routes::Route;

/// The mistakes in a table of routes; each says what to do.
pub(crate) fn in_table<S>(
    routes: &[Route<S>],
    schema: Option<Schema>,
    problems: &[&'static ProblemType],
) -> Vec<String> {
    let has_keys = schema.is_some_and(|schema| schema.idempotency_table().is_some());
    let mut found = Vec::new();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for route in routes {
        let Some(operation) = route.operation else {
            found.push(format!("{route:?} has no operation: it is not described, and takes no parameters"));
            continue;
        };
        if let Some(other) = ids.insert(operation.id, format!("{route:?}")) {
            found.push(format!("{route:?} has the operation id {} of {other}", operation.id));
        }
        let declared = operation.path_parameters.iter().map(|parameter| parameter.description().name);
        let (mut in_path, mut declared): (Vec<&str>, Vec<&str>) = (names_in(route.path), declared.collect());
        in_path.sort_unstable();
        declared.sort_unstable();
        if in_path != declared {
            found.push(format!("{route:?} has the parameters {in_path:?}, and its operation declares {declared:?}"));
        }
        if operation.takes_idempotency_key && !has_keys {
            found.push(format!("{route:?} takes idempotency keys, and Service::SCHEMA has no table for them"));
        }
        if operation.responses.is_empty() {
            found.push(format!("{route:?} has no response without an error"));
        }
    }
    for (index, problem) in problems.iter().enumerate() {
        if problems.iter().skip(index + 1).any(|other| other.slug == problem.slug) {
            found.push(format!("two types of problems are named {}", problem.slug));
        }
    }
    found
}

/// The names of a path's parameters.
fn names_in(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::{Body, Response, StatusCode};

    use super::*;
    use crate::api::parameter::TEXT;
    use crate::api::{Operation, Parameter, ResponseType, Tag};
    use crate::database::Migration;
    use crate::handler;
    use crate::operations::ADMIN_ROUTES;
    use crate::request::Request;
    use crate::routes::HandlerResult;

    async fn nothing(_: Arc<()>, _: Request) -> HandlerResult {
        Ok(Response::new(Body::empty()))
    }

    const TAG: Tag = Tag { name: "Things", meaning: "" };
    const ID: Parameter<String> = Parameter::required("id", TEXT, "7", "");
    const DONE: &[ResponseType] = &[ResponseType::empty(StatusCode::OK, "Done.")];
    const ONE: Operation = Operation::new("one", &TAG).path(&[&ID]).responses(DONE);
    const ALL: Operation = Operation::new("all", &TAG).responses(DONE);
    const MUTE: Operation = Operation::new("mute", &TAG);
    const KEYED: Operation = Operation::new("keyed", &TAG).responses(DONE).idempotency_key();

    fn mistakes(routes: &[Route<()>]) -> Vec<String> {
        in_table(routes, None, &[])
    }

    #[test]
    fn a_table_without_mistakes_has_none() {
        let table = [
            Route::get("/things/{id}", handler!(nothing), "").operation(&ONE),
            Route::get("/things", handler!(nothing), "").operation(&ALL),
        ];
        assert_eq!(mistakes(&table), Vec::<String>::new());
        assert_eq!(mistakes(ADMIN_ROUTES), Vec::<String>::new());
    }

    #[test]
    fn each_mistake_is_named() {
        let get = |path, operation| [Route::get(path, handler!(nothing), "").operation(operation)];
        assert!(
            mistakes(&get("/things", &ONE))
                .concat()
                .contains(r#"the parameters [], and its operation declares ["id"]"#)
        );
        assert!(
            mistakes(&get("/things/{name}", &ONE)).concat().contains(r#"["name"], and its operation declares ["id"]"#)
        );
        assert!(mistakes(&get("/things", &MUTE)).concat().contains("no response"));
        assert!(mistakes(&get("/things", &KEYED)).concat().contains("has no table for them"));
        let keys = const { &[Migration::idempotency_keys(1)] };
        let schema = Schema::new("things", &[], keys);
        assert_eq!(in_table(&get("/things", &KEYED), Some(schema), &[]), Vec::<String>::new());
        assert!(mistakes(&[Route::get("/things", handler!(nothing), "")]).concat().contains("no operation"));
        let [first, second] = [get("/a", &ALL), get("/b", &ALL)];
        let twice: Vec<Route<()>> = first.into_iter().chain(second).collect();
        assert!(mistakes(&twice).concat().contains("the operation id all of GET /a"));
        static SAME: ProblemType = ProblemType::new(StatusCode::CONFLICT, "taken", "Taken", "");
        static OTHER: ProblemType = ProblemType::new(StatusCode::GONE, "taken", "Gone", "");
        assert!(in_table::<()>(&[], None, &[&SAME, &OTHER]).concat().contains("two types of problems are named taken"));
    }
}
