#!/bin/sh
# Builds the service's images, reproducibly: the same commit gives the same digest.
#
#   scripts/image.sh build [aot|wasm|native …]   builds order-service:aot and so on (default: aot wasm); prints sizes
#   scripts/image.sh size [aot|wasm|native …]    prints the sizes
#   scripts/image.sh push REGISTRY               pushes REGISTRY/order-service:VERSION (aot), :VERSION-wasm and, if it
#                                                was built, :VERSION-native; prints the digests
#   scripts/image.sh helper NAME                 builds deploy/NAME (mariadb, haproxy, prometheus) as orders-NAME
#
# BUILD_IMAGE: the base image of the build (debian:trixie-slim).
# AOT_OPTIONS: options of `wasmedge compile`.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "image: $*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-changed
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# The source's URL without a user name or password: https://user@host/path, ssh://git@host:22/path and git@host:path
# become https://host/path. Other origins, such as a directory, give an empty URL.
origin=$(git config --get remote.origin.url 2>/dev/null | sed -n \
    -e 's#^https://\([^/@]*@\)\{0,1\}#https://#p' \
    -e 's#^ssh://\([^/@]*@\)\{0,1\}\([^/:]*\)\(:[0-9]*\)\{0,1\}/#https://\2/#p' \
    -e 's#^[^/@:]*@\([^/:]*\):/\{0,1\}#https://\1/#p') || origin=

# The package sources in cargo's configuration. Other settings of this machine, such as a linker or a profile, would
# break or change the build.
cargo_sources() {
    awk '
        /^[ \t]*\[/ {
            tables = 1
            wanted = /^[ \t]*\[+[ \t]*["\047]?(source|registries|registry|http)["\047]?[ \t]*[].]/
        }
        tables ? wanted : /^[ \t]*(source|registries|registry|http)[ \t]*\./' "$1"
}

# Writes them to a temporary file, the build's secret `cargo`. An empty file is not passed on.
write_cargo_secret() {
    cargo_config=${CARGO_HOME:-$HOME/.cargo}/config.toml
    cargo_secret=$(mktemp)
    trap 'rm -f "$cargo_secret"' EXIT
    trap 'exit 130' HUP INT TERM
    [ ! -s "$cargo_config" ] || cargo_sources "$cargo_config" >"$cargo_secret"
}

# Build options for this machine's proxies, package sources and certificate authorities.
environment_options() {
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if eval "[ -n \"\${$name-}\" ]"; then echo "--build-arg $name"; fi
    done
    [ ! -s "$cargo_secret" ] || echo "--secret id=cargo,src=$cargo_secret"
    ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ ! -s "$ca" ] || echo "--secret id=ca,src=$ca"
}

# zstd makes the image a sixth smaller than gzip; current engines can read it.
output=type=image,compression=zstd,compression-level=22,force-compression=true,oci-mediatypes=true

build() {
    platform='--platform wasi/wasm'
    [ "$1" != native ] || platform=
    # shellcheck disable=SC2046,SC2086 # lists of words
    docker build $platform --provenance=false --target "$1" $(environment_options) \
        --output "$output,name=order-service:$1" \
        --build-arg "BUILD_IMAGE=${BUILD_IMAGE:-debian:trixie-slim}" --build-arg "SOURCE_DATE_EPOCH=$epoch" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE=$origin" \
        --build-arg "AOT_OPTIONS=${AOT_OPTIONS-}" --build-arg "WASM_LOWER=${WASM_LOWER-}" ${BUILD_OPTIONS-} .
}

# The size of all blobs of an image in a registry: compressed layers, configuration, manifest.
compressed_size() {
    docker save "order-service:$1" | tar -tvf - |
        awk '$NF ~ /^blobs\/sha256\// { bytes += $3 } END { printf "%d", bytes }'
}

check_engine() {
    command -v docker >/dev/null 2>&1 || {
        packages="docker.io docker-cli docker-buildx"
        fail "docker is not installed: apt-get install $packages (Debian 13), or https://docs.docker.com/engine/install"
    }
    docker buildx version >/dev/null 2>&1 ||
        fail "docker has no buildx: apt-get install docker-buildx (Debian 13), or Docker's package docker-buildx-plugin"
    status=$(docker info --format '{{.DriverStatus}}' 2>&1) || {
        how="systemctl start docker, as root or a member of the group docker"
        fail "no engine responds at ${DOCKER_HOST:-the default socket}: $how"
    }
    case $status in
    *containerd*) ;;
    *)
        setting='"features": {"containerd-snapshotter": true}'
        fail "the containerd image store is off: add $setting to /etc/docker/daemon.json, then systemctl restart docker"
        ;;
    esac
}

print_sizes() {
    for target in "$@"; do
        digest=$(docker image inspect --format '{{.Id}}' "order-service:$target")
        printf 'order-service:%-8s %9d bytes compressed  %s\n' "$target" "$(compressed_size "$target")" "$digest"
    done
}

case ${1-} in
build)
    shift
    [ $# -gt 0 ] || set -- aot wasm
    check_engine
    write_cargo_secret
    for target in "$@"; do build "$target"; done
    print_sizes "$@"
    ;;
size)
    shift
    [ $# -gt 0 ] || set -- aot wasm
    print_sizes "$@"
    ;;
push)
    registry=${2-}
    [ -n "$registry" ] || fail "REGISTRY is missing: make image-push REGISTRY=registry.example.org/team"
    check_engine
    for target in aot wasm; do
        docker image inspect "order-service:$target" >/dev/null 2>&1 ||
            fail "the image order-service:$target does not exist: make image"
    done
    for target in aot wasm native; do
        # The native image is optional.
        [ "$target" != native ] || docker image inspect order-service:native >/dev/null 2>&1 || continue
        name=$registry/order-service:$version
        [ "$target" = aot ] || name=$name-$target
        docker tag "order-service:$target" "$name"
        docker push --quiet "$name" >/dev/null
        echo "$name@$(docker image inspect --format '{{.Id}}' "order-service:$target")"
    done
    ;;
helper)
    docker build --quiet --provenance=false --build-arg "BUILD_IMAGE=${BUILD_IMAGE:-debian:trixie-slim}" \
        --tag "orders-$2" "deploy/$2"
    ;;
*)
    fail "usage: scripts/image.sh build|size|push|helper …"
    ;;
esac
