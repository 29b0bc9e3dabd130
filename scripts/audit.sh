#!/bin/sh
# Checks the dependencies: known vulnerabilities (RustSec), licences, sources (deny.toml).
#
#   scripts/audit.sh        all of that; needs a network for the advisory database, and fails without it
#   scripts/audit.sh test   the same with a database that this script makes: it must find an advisory against each fork
#
# Advisories name upstream packages. So cargo-deny gets cargo's metadata with the forks under the names and versions of
# their upstreams (tools/release/src/forks.rs). It is compiled once, into ${XDG_CACHE_HOME:-~/.cache}/order-service.
set -eu
cd "$(dirname "$0")/.."
CARGO_DENY=0.18.3
fail() { echo "audit: $*" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/order-service
deny=$cache/cargo-deny-$CARGO_DENY/bin/cargo-deny
host=$(scripts/cargo.sh --host)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_cargo_deny() {
    [ ! -x "$deny" ] || return 0
    echo "audit: compiling cargo-deny $CARGO_DENY, once (some minutes)" >&2
    # Without optimisation for time: it runs for seconds. In a target directory of its own, outside this workspace.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_TARGET_DIR=$work/target scripts/cargo.sh install --quiet --locked --target "$host" \
        --version "$CARGO_DENY" --root "$cache/cargo-deny-$CARGO_DENY" cargo-deny ||
        fail "cargo-deny $CARGO_DENY could not be installed (above)"
}

# The product and its tools; the program that the tests run in WasmEdge; the one that `make bench` compares with.
manifests="Cargo.toml tests/e2e/guest/Cargo.toml tools/bench/hyper_server/Cargo.toml"

upstream_metadata() {
    scripts/cargo.sh run --quiet --package release --target "$host" -- upstream-metadata "$1"
}

# check METADATA CONFIGURATION CHECK…
#
# cargo-deny runs `$CARGO metadata`. Here that prints a file.
check() {
    export METADATA="$1"
    configuration=$2
    shift 2
    CARGO=$work/cargo "$deny" --log-level error check --config "$configuration" --hide-inclusion-graph "$@"
}
# shellcheck disable=SC2016 # expanded by the program
printf '#!/bin/sh\n[ "$1" = metadata ] || exec cargo "$@"\nexec cat "$METADATA"\n' >"$work/cargo"
chmod +x "$work/cargo"

# check_exceptions CONFIGURATION: exceptions end. It has `ends YYYY-MM-DD` in the reason of each.
check_exceptions() {
    today=$(date -u +%Y-%m-%d)
    sed -n '/^ignore = \[/,/^]/{/id = \|crate = /p}' "$1" | while IFS= read -r line; do
        end=$(printf '%s\n' "$line" | sed -n 's/.*ends \([0-9-]\{10\}\).*/\1/p')
        [ -n "$end" ] || fail "an exception has no end: $line"
        [ "$(printf '%s\n' "$today" "$end" | sort | head -n 1)" = "$today" ] || fail "an exception has ended: $line"
    done
}

audit() {
    check_exceptions deny.toml
    "$deny" --log-level error fetch --config deny.toml db ||
        fail "the advisory database cannot be fetched (above): nothing was checked"
    status=0
    for manifest in $manifests; do
        echo "== $manifest"
        upstream_metadata "$manifest" >"$work/metadata.json"
        check "$work/metadata.json" deny.toml --disable-fetch advisories || status=$?
    done
    [ "$status" = 0 ] || fail "advisories against dependencies (above)"
    # With the packages' own names: licences and sources are the forks'.
    scripts/cargo.sh metadata --locked --format-version 1 >"$work/own.json"
    check "$work/own.json" deny.toml bans licenses sources || fail "deny.toml rejects a package (above)"
    echo "audit: passed"
}

# advisory ID PACKAGE: against all versions.
advisory() {
    mkdir -p "$work/db/crates/$2"
    cat >"$work/db/crates/$2/$1.md" <<EOF
\`\`\`toml
[advisory]
id = "$1"
package = "$2"
date = "2026-01-01"
url = "https://example.com/$1"
categories = ["denial-of-service"]

[versions]
patched = []
\`\`\`

# A vulnerability for a test

It affects every version.
EOF
}

# Upstream names that must be found under the forks and under the packages that have their own names.
WANTED="hyper tokio reqwest mio mysql_async rustls rustls-webpki webpki h2"

# write_configuration NAME: of the test, for the database https://advisories.invalid/NAME.
write_configuration() {
    printf '[advisories]\ndb-path = "%s/%s.clone"\ndb-urls = ["https://advisories.invalid/%s"]\n' "$work" "$1" "$1"
    printf 'git-fetch-with-cli = true\nyanked = "allow"\n'
} >"$work/deny.toml"

audit_test() {
    number=0
    for package in $WANTED; do
        number=$((number + 1))
        advisory "RUSTSEC-2026-900$number" "$package"
    done
    git -C "$work/db" init --quiet --initial-branch=main
    git -C "$work/db" add .
    git -C "$work/db" -c user.name=test -c user.email=test@example.com commit --quiet --message test
    # cargo-deny takes no URL of a file. git reads the file in place of this URL.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/db.insteadOf" \
        GIT_CONFIG_VALUE_0=https://advisories.invalid/db
    write_configuration db
    for manifest in $manifests; do
        upstream_metadata "$manifest" >"$work/metadata.json"
        check "$work/metadata.json" "$work/deny.toml" advisories >>"$work/found" 2>&1 || true
    done
    number=0
    for package in $WANTED; do
        number=$((number + 1))
        grep -q "RUSTSEC-2026-900$number" "$work/found" ||
            { tail -n 30 "$work/found" >&2; fail "an advisory against $package is not found"; }
    done
    # Each fork under its upstream version, beside the version that native builds use.
    for version in "hyper 0.14.24" "tokio 1.25.0" "mio 0.8.8" "mysql_async 0.33.0" "reqwest 0.11.14" "h2 0.3.15"; do
        grep -q "$version " "$work/found" || grep -q "$version$" "$work/found" ||
            { tail -n 30 "$work/found" >&2; fail "$version is not among the findings"; }
    done
    # The TLS library of the forks, beside the newer one of the tools.
    for version in 'rustls 0\.21\.' 'webpki 0\.22\.' 'rustls-webpki 0\.101\.'; do
        grep -q "\(^\|[^-]\)$version" "$work/found" ||
            { tail -n 30 "$work/found" >&2; fail "$version is not among the findings"; }
    done
    # Without a database nothing passes.
    write_configuration none
    ! check "$work/metadata.json" "$work/deny.toml" advisories >/dev/null 2>&1 ||
        fail "the check passes without an advisory database"
    for end in 2020-01-31 never; do
        printf 'ignore = [\n    { id = "RUSTSEC-2020-0001", reason = "x; ends %s" },\n]\n' "$end" >"$work/ignored.toml"
        ! (check_exceptions "$work/ignored.toml") 2>/dev/null || fail "an exception that ends $end passes"
    done
    echo "audit: an advisory against each of these is found: $WANTED"
}

install_cargo_deny
case ${1-} in
'') audit_test && audit ;;
test) audit_test ;;
*) fail "usage: scripts/audit.sh [test]" ;;
esac
