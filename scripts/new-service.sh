#!/bin/sh
# Makes a service on the kit: services/NAME, a member of the workspace. docs/OWN-SERVICE.md goes on from there.
#
#   scripts/new-service.sh NAME                      with a table in a database
#   scripts/new-service.sh --without-database NAME   without
#
# NAME has at most 40 of a-z, 0-9 and -, and begins with a letter.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "new-service: $*" >&2; exit 1; }

database=yes
if [ "${1-}" = --without-database ]; then
    database=no
    shift
fi
[ $# -eq 1 ] || fail "usage: scripts/new-service.sh [--without-database] NAME"
name=$1

# Names that Rust, cargo or a crate of this workspace has taken.
check_name() {
    case $name in
    *[!abcdefghijklmnopqrstuvwxyz0123456789-]* | [!a-z]* | '')
        fail "'$name' is not a name: it begins with a letter and has only a-z, 0-9 and -, such as stock"
        ;;
    as | async | await | break | const | continue | crate | dyn | else | enum | extern | false | fn | for | if | impl | in | \
        let | loop | match | mod | move | mut | pub | ref | return | self | static | struct | super | trait | true | type | \
        unsafe | use | where | while | abstract | become | box | do | final | gen | macro | override | priv | try | typeof | \
        unsized | virtual | yield | alloc | core | proc-macro | std | test | build | deps | examples | incremental | service)
        fail "'$name' is reserved by Rust or cargo: choose another name"
        ;;
    esac
    [ ${#name} -le 40 ] || fail "'$name' has ${#name} characters; a name has at most 40"
    ! tr _ - <Cargo.lock | grep -qx "name = \"$name\"" || fail "'$name' is the name of a crate that this workspace uses"
    [ ! -e "services/$name" ] || fail "services/$name exists already"
}

# Adds the member before testkit, where the list of the members is in order.
add_member() {
    ! grep -q "\"services/$name\"" Cargo.toml || fail "Cargo.toml has the member services/$name already"
    awk -v member="    \"services/$name\"," '
        /^members = \[/ { in_members = 1 }
        in_members && !added && (/^    "t/ || /^\]/) { print member; added = 1 }
        /^\]/ { in_members = 0 }
        { print }' Cargo.toml >Cargo.toml.new
    mv Cargo.toml.new Cargo.toml
}

write_manifest() {
    cat <<END
[package]
name = "$name"
version = "0.1.0"
description = "$about"
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
microservice = { path = "../../crates/microservice" }
END
    [ "$database" = no ] || echo 'serde = { version = "1", features = ["derive"] }'
}

write_main() {
    cat <<END
//! The process.

fn main() {
    microservice::run::<$crate::$type>();
}
END
}

write_lib() {
    cat <<END
//! $about

use std::sync::Arc;

use microservice::api::{Operation, ResponseType};
use microservice::config::ConfigError;
use microservice::http::response;
use microservice::operations::{SERVICE, health, openapi, ready, root};
use microservice::{Context, HandlerResult, Request, Route, Service, handler};

/// The state that handlers share.
pub struct $type;

impl Service for $type {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = env!("CARGO_PKG_DESCRIPTION");
    const ROUTES: &'static [Route<Self>] = &[
        root(),
        Route::get("/hello", handler!(hello), "a greeting").operation(&HELLO),
        health(),
        ready(),
        openapi(),
    ];

    fn new(_context: &Context<'_>) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

/// What \`GET /hello\` takes and returns.
const HELLO: Operation = Operation::new("hello", &SERVICE).responses(&[ResponseType::text("A greeting.")]);

async fn hello(_service: Arc<$type>, _request: Request) -> HandlerResult {
    Ok(response::text("Hello from $name.\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_no_mistakes() {
        assert_eq!(microservice::mistakes::<$type>(), Vec::<String>::new());
    }
}
END
}

write_lib_with_database() {
    cat <<END
//! $about

use std::sync::Arc;

use microservice::api::{Content, JsonType, Operation, ResponseType};
use microservice::config::ConfigError;
use microservice::database::{Database, DatabaseError, Deadline, Migration, Schema};
use microservice::http::response;
use microservice::hyper::StatusCode;
use microservice::operations::{SERVICE, health, init, openapi, ready, root};
use microservice::{Context, HandlerResult, Request, Route, Service, handler};
use serde::Serialize;

/// The tables and the migrations that make them. A released migration never changes; later ones follow.
const SCHEMA: Schema = Schema::new(env!("CARGO_PKG_NAME"), &["$table"], MIGRATIONS);
const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "$table", sql: include_str!("../migrations/0001_$table.sql") }];

/// The state that handlers share.
pub struct $type {
    database: Database,
}

impl Service for $type {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = env!("CARGO_PKG_DESCRIPTION");
    const ROUTES: &'static [Route<Self>] = &[
        root(),
        init(),
        Route::get("/count", handler!(count), "the number of rows").operation(&COUNT),
        health(),
        ready(),
        openapi(),
    ];
    const SCHEMA: Option<Schema> = Some(SCHEMA);

    fn new(context: &Context<'_>) -> Result<Self, ConfigError> {
        Ok(Self { database: context.database()? })
    }
}

#[derive(Serialize)]
struct Count {
    count: u64,
}

/// A [\`Count\`] as JSON Schema.
const COUNT_TYPE: JsonType = JsonType::new("Count", || {
    r#"{"type":"object","required":["count"],"properties":{"count":{"type":"integer","minimum":0}}}"#.into()
});

/// What \`GET /count\` takes and returns.
const COUNT: Operation = Operation::new("count", &SERVICE)
    .responses(&[ResponseType::new(StatusCode::OK, "The number of rows.", Content::json(&COUNT_TYPE, &[]))])
    .reads_database();

async fn count(service: Arc<$type>, request: Request) -> HandlerResult {
    let count = count_rows(&service.database, request.deadline()).await?;
    response::to_json(StatusCode::OK, &Count { count })
}

async fn count_rows(database: &Database, deadline: Deadline) -> Result<u64, DatabaseError> {
    let work = database.read(deadline, |session| {
        Box::pin(async move {
            let rows = session.query("SELECT COUNT(*) FROM \`$table\`", ()).await?;
            let count = rows.first().and_then(|row| row.get_opt(0)?.ok());
            count.ok_or_else(|| DatabaseError::Internal("COUNT returned no number".into()))
        })
    });
    work.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_no_mistakes() {
        assert_eq!(microservice::mistakes::<$type>(), Vec::<String>::new());
    }
}
END
}

write_migration() {
    cat <<END
-- Each statement ends with a semicolon at the end of a line, and does no harm when it runs again.
CREATE TABLE IF NOT EXISTS \`$table\` (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY
);
END
}

check_name
about="The service $name."
crate=$(echo "$name" | tr - _)
table=$crate
type=$(echo "${name%-service}" | awk -F - '{ for (i = 1; i <= NF; i++) printf "%s%s", toupper(substr($i, 1, 1)), substr($i, 2) }')Service

directory=services/$name
mkdir -p "$directory/src"
write_manifest >"$directory/Cargo.toml"
write_main >"$directory/src/main.rs"
if [ "$database" = yes ]; then
    mkdir "$directory/migrations"
    write_lib_with_database >"$directory/src/lib.rs"
    write_migration >"$directory/migrations/0001_$table.sql"
    url="--env DATABASE_URL=mysql://user:password@127.0.0.1:3306/database "
    route=count
else
    write_lib >"$directory/src/lib.rs"
    url=
    route=hello
fi
add_member
# A long name may need other line breaks. Where rustfmt is missing, so does what checks them.
scripts/cargo.sh fmt --package "$name" >/dev/null 2>&1 || true

cat <<END
Made:
$(find "$directory" -type f | LC_ALL=C sort | sed 's/^/  /')
Added the member "$directory" to Cargo.toml.

Next:
  scripts/cargo.sh build --release --package $name
  scripts/wasm-lower.sh target/wasm32-wasip1/release/$name.wasm
  wasmedge ${url}target/wasm32-wasip1/release/lowered/$name.wasm
  curl http://localhost:8080/$route

docs/OWN-SERVICE.md shows how to go on.
END
