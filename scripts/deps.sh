#!/bin/sh
# Installs the Debian packages that a group of commands needs, and only those that are missing.
#
#   scripts/deps.sh build        the wasm toolchain
#   scripts/deps.sh lint         + shellcheck, and what checks the Kubernetes manifests
#   scripts/deps.sh run          + WasmEdge and MariaDB
#   scripts/deps.sh test         + the programs that the end-to-end tests use
#   scripts/deps.sh api          test + Python and Node.js, for the tools that read the API's description
#   scripts/deps.sh page         test + Chromium and Node.js, for the tests of the pages
#   scripts/deps.sh check        lint and test together
#   scripts/deps.sh bench        + the load generators
#   scripts/deps.sh fuzz         build + a compiler for libFuzzer's engine
#   scripts/deps.sh cluster      + the parts of a Kubernetes cluster on this machine
#   scripts/deps.sh engine       Docker with Compose, and crun, which runs wasm
#   scripts/deps.sh containers   + the programs that the container tests use: Podman, a registry, a load balancer
#   scripts/deps.sh slim         what builds WasmEdge without LLVM
#   scripts/deps.sh audit        the wasm toolchain, and git for the advisory database
#   scripts/deps.sh backup       MariaDB's client programs
#   scripts/deps.sh release      + Docker, and ssh-keygen for signatures
#   scripts/deps.sh --check …    lists the missing packages and changes nothing; exit 1 if there are any
#
# Root is needed only where a package is missing. Debian 13 (trixie) has all packages. On Debian 12 they come from
# Debian 13: the script adds a source with a low pin, derived from the machine's own source list. Only these packages
# and their dependencies are upgraded (the C library and base-files among them). MariaDB is installed without its
# service (the -core packages): no server is started and no port is bound.
set -eu

# shellcheck source=scripts/toolchain.sh
. "$(dirname "$0")/toolchain.sh"
# shellcheck source=scripts/go.sh
. "$(dirname "$0")/go.sh"

# On Debian a user's PATH does not contain the directories of servers.
PATH=$PATH:/usr/sbin:/sbin
SOURCE=/etc/apt/sources.list.d/order-service-trixie.sources
PIN=/etc/apt/preferences.d/order-service-trixie

say() { printf '%s\n' "$*" >&2; }
fail() { say "deps: $*"; exit 1; }

# need COMMAND-OR-FILE PACKAGE: adds the package to the list when the command (or the file) is missing.
missing=
need() {
    case $1 in
    /*) for found in $1; do [ ! -e "$found" ] || return 0; done ;;
    *) ! command -v "$1" >/dev/null 2>&1 || return 0 ;;
    esac
    case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}

build_group() {
    if ! path_rust_has_wasm && ! debian_rust_has_wasm && { [ "$check" = yes ] || ! rustup_adds_wasm; }; then
        # All of them together: an older rustc that is installed must be upgraded too.
        for package in rustc cargo libstd-rust-dev-wasm32 rust-clippy rustfmt; do need "no $package" "$package"; done
    fi
    need cc gcc
    need /usr/include/stdlib.h libc6-dev
    need wasm-ld-19 lld-19
    need clang-19 clang-19
    need /usr/include/wasm32-wasi/stdlib.h wasi-libc
    need '/usr/lib/llvm-19/lib/clang/19/lib/*/libclang_rt.builtins*wasm32*' libclang-rt-19-dev-wasm32
    need /etc/ssl/certs/ca-certificates.crt ca-certificates
}
lint_group() {
    build_group
    # Debian packages them apart from the compiler, and a toolchain of rustup may lack them.
    cargo_has fmt rustfmt || missing="$missing rustfmt"
    cargo_has clippy clippy || missing="$missing rust-clippy"
    need shellcheck shellcheck
    need kubectl kubernetes-client
    find_go >/dev/null || need "no go" golang-1.24-go
}
audit_group() {
    build_group
    need git git
}
backup_group() {
    need mariadb mariadb-client-core
    need mariadb-dump mariadb-client
    need gzip gzip
}
release_group() {
    build_group
    engine_group
    need git git
    need ssh-keygen openssh-client
    need skopeo skopeo
}
# cargo_has SUBCOMMAND COMPONENT: true where cargo has the subcommand, or rustup adds the component. Also true where
# there is no cargo yet: its packages come with both.
cargo_has() {
    cargo=$(dirname "$0")/cargo.sh
    "$cargo" --version >/dev/null 2>&1 || return 0
    ! "$cargo" "$1" --version >/dev/null 2>&1 || return 0
    [ "$check" = no ] && command -v rustup >/dev/null 2>&1 && rustup component add "$2" >/dev/null 2>&1
}
run_group() {
    build_group
    need wasmedge wasmedge
    need mariadbd mariadb-server-core
    need mariadb-install-db mariadb-server-core
    need mariadb mariadb-client-core
    need curl curl
}
test_group() {
    run_group
    backup_group
    need openssl openssl
    need strace strace
    need haproxy haproxy
    need promtool prometheus
    # It compiles the OpenTelemetry Collector.
    find_go >/dev/null || need "no go" golang-1.24-go
    need /usr/include/wasmedge/wasmedge.h libwasmedge-dev
    need unshare util-linux
    need ip iproute2
}
node_is_new() {
    case $(node --version 2>/dev/null) in v20.19.* | v20.[2-9]* | v2[2-9].* | v[3-9][0-9].*) ;; *) return 1 ;; esac
}
# What reads the API's description: scripts/openapi-tools.sh.
api_group() {
    test_group
    need python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || need "no venv" python3-venv
    # What Redocly's linter needs.
    node_is_new || need "no node" nodejs
    need npm npm
}
# What opens the pages: scripts/browser-tools.sh.
page_group() {
    test_group
    node_is_new || need "no node" nodejs
    need npm npm
    need chromium chromium
}
check_group() {
    lint_group
    test_group
}
bench_group() {
    run_group
    need wrk wrk
    need slowhttptest slowhttptest
    # It compiles the OpenTelemetry Collector.
    find_go >/dev/null || need "no go" golang-1.24-go
}
fuzz_group() {
    build_group
    need c++ g++
}
# For WasmEdge without LLVM, from source.
slim_group() {
    run_group
    need c++ g++
    need cmake cmake
    need ninja ninja-build
    need strip binutils
    need /usr/include/spdlog/spdlog.h libspdlog-dev
    need /usr/include/fmt/format.h libfmt-dev
    need dpkg-source dpkg-dev
    need xz xz-utils
}
# Kubernetes itself is compiled (cluster-build.sh); these are the parts that Debian packages. An engine builds the
# images.
cluster_group() {
    build_group
    engine_group
    images_group
    find_go >/dev/null || need "no go" golang-1.24-go
    need openssl openssl
    need mountpoint util-linux
    need etcd etcd-server
    need containerd containerd
    need runc runc
    need crun crun
    need /usr/lib/cni/bridge containernetworking-plugins
    need kubectl kubernetes-client
    need ip iproute2
    need nft nftables
    need conntrack conntrack
    need nsenter util-linux
    need docker-registry docker-registry
    need skopeo skopeo
}
# For `make up` where no engine is installed: Docker with Compose, and the runtime that runs wasm.
engine_group() {
    need docker docker-cli
    need dockerd docker.io
    need '/usr/*/docker/cli-plugins/docker-buildx' docker-buildx
    need '/usr/*/docker/cli-plugins/docker-compose' docker-compose
    need crun crun
    # crun loads this library when a container starts; its package only suggests it.
    need '/usr/lib/*/libwasmedge.so.0' libwasmedge0
    need curl curl
}
# The sandbox of the tests' private engine, and its base image where no registry can be reached.
images_group() {
    need mmdebstrap mmdebstrap
    need unshare util-linux
    need iptables iptables
    need slirp4netns slirp4netns
    need ip iproute2
}
# For the container tests: a registry, Podman, a load balancer.
containers_group() {
    run_group
    engine_group
    release_group
    images_group
    need docker-registry docker-registry
    need skopeo skopeo
    need haproxy haproxy
    need podman podman
    need catatonit catatonit
    # Podman without root: subordinate user ids, and a network.
    need newuidmap uidmap
    need pasta passt
    need /usr/lib/podman/netavark netavark
    need /usr/lib/podman/aardvark-dns aardvark-dns
    need nft nftables
}

check=no
[ "${1-}" != --check ] || { check=yes; shift; }
[ $# -gt 0 ] || set -- build
for group in "$@"; do
    case $group in
    build | lint | run | test | api | page | check | bench | fuzz | cluster) "${group}_group" ;;
    engine | containers | audit | backup | release | slim) "${group}_group" ;;
    *) fail "unknown group '$group': the head of this script lists them" ;;
    esac
done
missing=${missing# }
[ -n "$missing" ] || exit 0

codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME-}") || codename=
debian=$(. /etc/os-release 2>/dev/null && [ "${ID-}" = debian ] && echo yes) || debian=no

# Prints what to install by hand where this script cannot.
by_hand() {
    say "deps: $1"
    say "Missing, by the names of Debian 13's packages:"
    say "    $missing"
    say "On Debian 13, or Debian 12 with Debian 13's packages as a low-pinned source, as root:"
    say "    apt-get update && apt-get install --no-install-recommends $missing"
    say "Elsewhere:"
    say "    Rust 1.85 or later with the target:   rustup target add wasm32-wasip1"
    say "    WasmEdge 0.14:                        https://wasmedge.org/docs/start/install"
    say "    MariaDB 11.8 (mariadbd, mariadb):     https://mariadb.org/download"
    say "    LLVM 19 (clang-19, wasm-ld-19) with wasi-libc's headers under /usr/include/wasm32-wasi"
    exit 1
}

[ "$check" = no ] || { say "missing: $missing"; exit 1; }
if [ "$debian" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    by_hand "this is not Debian: nothing was installed."
fi
case $codename in
bookworm | trixie | forky | sid) ;;
*) by_hand "Debian '$codename' is not one of 12 (bookworm), 13 (trixie) or later." ;;
esac
[ "$(id -u)" = 0 ] || by_hand "only root can install packages, and this is $(id -un)."

from=
# The first packages from Debian 13 bring its base-files. From then on the machine reports trixie, so the source is
# checked too.
if [ "$codename" = bookworm ] || [ -s "$SOURCE" ] || [ -s "${SOURCE%.sources}.list" ]; then
    from='-t trixie'
    say "Debian 12 lacks WasmEdge and the wasm toolchain. They come from Debian 13, an added source with a low pin"
    say "($SOURCE and $PIN; only these packages and their dependencies are upgraded)."
    if [ ! -s "$SOURCE" ]; then
        origin=/etc/apt/sources.list.d/debian.sources
        if [ -s "$origin" ]; then
            sed 's/bookworm/trixie/g' "$origin" >"$SOURCE"
        elif grep -q '^deb .*bookworm' /etc/apt/sources.list 2>/dev/null; then
            SOURCE=${SOURCE%.sources}.list
            sed -n '/^deb .*bookworm/s/bookworm/trixie/gp' /etc/apt/sources.list >"$SOURCE"
        else
            by_hand "no Debian 12 source was found in $origin or /etc/apt/sources.list to derive Debian 13's from."
        fi
    fi
    printf 'Package: *\nPin: release n=trixie*\nPin-Priority: 100\n' >"$PIN"
fi
say "Installing: $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Servers are installed as programs only: meanwhile Debian's policy-rc.d forbids starting their services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$log" "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
# quietly NAME COMMAND…: on a terminal with a line that shows how it goes; elsewhere only a failure says something.
quietly() {
    if [ -t 2 ] && [ -z "${CI-}" ]; then
        "$(dirname "$0")/step.sh" "$@" >&2
    else
        shift
        "$@" >"$log" 2>&1 || { tail -n 15 "$log" >&2; return 1; }
    fi
}
quietly "read the lists of packages" apt-get update || fail "apt-get update failed (above)."
# shellcheck disable=SC2086 # both are lists of words
quietly "install packages" \
    apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold $from $missing ||
    fail "apt-get install failed (above)."
say "Installed."
