#!/bin/sh
# Builds the service's images, with the same digest for the same commit, and says how large they are.
#
#   scripts/image.sh build [aot|wasm|native …]   tags order-service:aot and so on; aot and wasm if not said
#   scripts/image.sh size [aot|wasm|native …]    says how large they are
#   scripts/image.sh push REGISTRY               pushes REGISTRY/order-service:VERSION (aot), :VERSION-wasm and, if built, -native; prints the digests
#   scripts/image.sh helper NAME                 builds deploy/NAME (mariadb, haproxy) as orders-NAME
#
# BUILD_IMAGE: the image it is built in (debian:trixie-slim). AOT_OPTIONS: for `wasmedge compile`, such as --generic-binary.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "image: $*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-changed
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# Where the source is, as a page's address, without a user name or password that may be in it: https://user@host/path,
# ssh://git@host:22/path and git@host:path become https://host/path; of anything else, such as a folder, nothing is said.
origin=$(git config --get remote.origin.url 2>/dev/null | sed -n \
    -e 's#^https://\([^/@]*@\)\{0,1\}#https://#p' \
    -e 's#^ssh://\([^/@]*@\)\{0,1\}\([^/:]*\)\(:[0-9]*\)\{0,1\}/#https://\2/#p' \
    -e 's#^[^/@:]*@\([^/:]*\):/\{0,1\}#https://\1/#p') || origin=

# Of cargo's configuration, what says where packages come from. A compiler's wrapper, a linker, a profile or a target directory of this
# machine's would break the build, or change what comes out of it.
sources_of_cargo() {
    awk '
        /^[ \t]*\[/ { tables = 1; wanted = /^[ \t]*\[+[ \t]*["\047]?(source|registries|registry|http)["\047]?[ \t]*[].]/ }
        tables ? wanted : /^[ \t]*(source|registries|registry|http)[ \t]*\./' "$1"
}

# Into a file that is gone when this ends; without such lines it is empty, and no secret.
hand_on_cargo() {
    cargo_config=${CARGO_HOME:-$HOME/.cargo}/config.toml
    handed=$(mktemp)
    trap 'rm -f "$handed"' EXIT
    trap 'exit 130' HUP INT TERM
    [ ! -s "$cargo_config" ] || sources_of_cargo "$cargo_config" >"$handed"
}

# What the build takes over from this machine: proxies, where cargo finds its packages, the authorities it trusts.
surroundings() {
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if eval "[ -n \"\${$name-}\" ]"; then echo "--build-arg $name"; fi
    done
    [ ! -s "$handed" ] || echo "--secret id=cargo,src=$handed"
    ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [ ! -s "$ca" ] || echo "--secret id=ca,src=$ca"
}

# Compressed with zstd, which every engine of the last years takes: a sixth smaller than gzip.
output=type=image,compression=zstd,compression-level=22,force-compression=true,oci-mediatypes=true

build() {
    platform='--platform wasi/wasm'
    [ "$1" != native ] || platform=
    # shellcheck disable=SC2046,SC2086 # lists of words
    docker build $platform --provenance=false --target "$1" $(surroundings) --output "$output,name=order-service:$1" \
        --build-arg "BUILD_IMAGE=${BUILD_IMAGE:-debian:trixie-slim}" --build-arg "SOURCE_DATE_EPOCH=$epoch" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE=$origin" \
        --build-arg "AOT_OPTIONS=${AOT_OPTIONS-}" ${BUILD_OPTIONS-} .
}

# All blobs of the image as a registry holds them: layers (compressed), configuration, manifest.
compressed() {
    docker save "order-service:$1" | tar -tvf - | awk '$NF ~ /^blobs\/sha256\// { bytes += $3 } END { printf "%d", bytes }'
}

engine() {
    command -v docker >/dev/null 2>&1 || fail "no docker: apt-get install docker.io docker-cli docker-buildx (Debian 13), or https://docs.docker.com/engine/install"
    docker buildx version >/dev/null 2>&1 || fail "docker has no buildx: apt-get install docker-buildx (Debian 13), or docker-buildx-plugin from Docker's own packages"
    status=$(docker info --format '{{.DriverStatus}}' 2>&1) || fail "no engine answers at ${DOCKER_HOST:-the default socket}: systemctl start docker, as root or in group docker"
    case $status in *containerd*) ;; *) fail 'this engine keeps images without platform: set "features": {"containerd-snapshotter": true} in /etc/docker/daemon.json and restart it' ;; esac
}

sizes() {
    for target in "$@"; do
        printf 'order-service:%-8s %9d bytes compressed  %s\n' "$target" "$(compressed "$target")" "$(docker image inspect --format '{{.Id}}' "order-service:$target")"
    done
}

case ${1-} in
build)
    shift
    [ $# -gt 0 ] || set -- aot wasm
    engine
    hand_on_cargo
    for target in "$@"; do build "$target"; done
    sizes "$@"
    ;;
size)
    shift
    [ $# -gt 0 ] || set -- aot wasm
    sizes "$@"
    ;;
push)
    registry=${2-}
    [ -n "$registry" ] || fail "push where? make image-push REGISTRY=registry.example.org/team"
    engine
    for target in aot wasm; do
        docker image inspect "order-service:$target" >/dev/null 2>&1 || fail "there is no order-service:$target to push: make image first"
    done
    for target in aot wasm native; do
        # The native one is only there when it was asked for.
        [ "$target" != native ] || docker image inspect order-service:native >/dev/null 2>&1 || continue
        name=$registry/order-service:$version
        [ "$target" = aot ] || name=$name-$target
        docker tag "order-service:$target" "$name"
        docker push --quiet "$name" >/dev/null
        echo "$name@$(docker image inspect --format '{{.Id}}' "order-service:$target")"
    done
    ;;
helper)
    docker build --quiet --provenance=false --build-arg "BUILD_IMAGE=${BUILD_IMAGE:-debian:trixie-slim}" --tag "orders-$2" "deploy/$2"
    ;;
*)
    fail "build, size, push or helper"
    ;;
esac
