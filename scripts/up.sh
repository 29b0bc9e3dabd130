#!/bin/sh
# `docker compose up` and `down` with a check of the engine before the start and a drain before the stop.
#
#   scripts/up.sh check   reports in one line what is missing and how to install it
#   scripts/up.sh up      checks, builds the image, starts, and waits until the service is ready
#   scripts/up.sh down    drains the replicas, then stops the project; the data are kept
#
# The variables are those of docker-compose.yml, COMPOSE_PROFILES (`observe`, `scale`), and OPERATOR_TOKEN_FILE: a file
# with a token of the scope `operator`, which /drain needs where the file of tokens has one (default: operator-token, if
# it exists). An image that cannot be pulled is built from Debian's packages.
set -eu
cd "$(dirname "$0")/.."
runtime=${WASM_RUNTIME:-crun}
port=${PORT:-8080}
token_file=${OPERATOR_TOKEN_FILE-operator-token}
packages="docker.io docker-cli docker-buildx docker-compose crun libwasmedge0"
say() { echo "up: $*" >&2; }
fail() { say "$*"; exit 1; }

check() {
    command -v docker >/dev/null 2>&1 ||
        fail "docker is not installed: apt-get install $packages (Debian 13), or https://docs.docker.com/engine/install"
    docker compose version >/dev/null 2>&1 ||
        fail "docker has no compose: apt-get install docker-compose (Debian 13), or Docker's docker-compose-plugin"
    docker buildx version >/dev/null 2>&1 ||
        fail "docker has no buildx: apt-get install docker-buildx (Debian 13), or Docker's docker-buildx-plugin"
    command -v curl >/dev/null 2>&1 || fail "curl is not installed: apt-get install curl"
    reason=$(docker info 2>&1 >/dev/null) || {
        how="systemctl start docker, as root or a member of the group docker"
        fail "no engine responds at ${DOCKER_HOST:-the default socket}: $how ($(echo "$reason" | tail -n 1))"
    }
    docker info --format '{{.DriverStatus}}' | grep -q containerd || {
        setting='"features": {"containerd-snapshotter": true}'
        fail "the containerd image store is off: add $setting to /etc/docker/daemon.json, then systemctl restart docker"
    }
    case $runtime in
    runc)
        native="docker compose -f docker-compose.yml -f deploy/compose/native.yml up"
        fail "runc cannot run WebAssembly; it runs the native build: $native"
        ;;
    io.containerd.*) check_shim ;;
    *) check_crun ;;
    esac
    [ -n "$(docker compose ps --quiet orders 2>/dev/null)" ] || check_port
}

# A remote engine has its own programs. If it lacks one, the start of the service fails.
engine_is_local() { case ${DOCKER_HOST-unix://} in unix://*) ;; *) false ;; esac; }

check_shim() {
    shim=containerd-shim-$(echo "$runtime" | sed 's/^io\.containerd\.//; s/\./-/g')
    ! engine_is_local || command -v "$shim" >/dev/null 2>&1 || {
        releases=https://github.com/containerd/runwasi/releases
        fail "$shim is not on the PATH: install it in /usr/local/bin from $releases, or unset WASM_RUNTIME to use crun"
    }
}

check_crun() {
    path=$(docker info --format "{{with index .Runtimes \"$runtime\"}}{{.Path}}{{end}}")
    crun=${path:-$(command -v crun || true)}
    install="apt-get install crun libwasmedge0 (Debian 13)"
    [ -n "$crun" ] || {
        entry="\"runtimes\": {\"$runtime\": {\"path\": \"/usr/bin/crun\"}}"
        other="docs/DEPLOY.md, Without WebAssembly"
        fail "crun is not installed: $install, then add $entry to /etc/docker/daemon.json; or see $other"
    }
    ! engine_is_local || check_local_crun
    [ -n "$path" ] || {
        entry="\"runtimes\": {\"$runtime\": {\"path\": \"$crun\"}}"
        restart="then systemctl restart docker"
        fail "the engine has no runtime '$runtime': add $entry to /etc/docker/daemon.json, $restart"
    }
}

check_local_crun() {
    command -v "$crun" >/dev/null 2>&1 || {
        what="$crun, the path of the engine's runtime '$runtime', does not exist"
        fail "$what: $install, or correct /etc/docker/daemon.json"
    }
    "$crun" --version 2>/dev/null | grep -q '+WASM:wasmedge' ||
        fail "$crun is built without WasmEdge: $install, or build crun with --with-wasmedge"
    # crun loads the library when a container starts, and Debian's crun does not depend on its package.
    PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | grep -q 'libwasmedge\.so\.0' || {
        other=https://wasmedge.org/docs/start/install
        fail "$crun needs libwasmedge.so.0: apt-get install libwasmedge0 (Debian 13), or $other"
    }
}

check_port() {
    first=${port%%-*}
    status=0
    curl --silent --noproxy '*' --output /dev/null --max-time 1 "http://127.0.0.1:$first/" || status=$?
    # Status 7: the connection was refused.
    [ "$status" = 7 ] || fail "port $first is in use: PORT=$((first + 1)) make up"
}

# available IMAGE: the engine has it or can pull it.
available() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }

# find_image NAME IMAGE: prints the image, or the one of deploy/NAME where it cannot be pulled.
find_image() {
    if available "$2"; then
        echo "$2"
    else
        say "$2 cannot be pulled: building it from Debian's packages"
        scripts/step.sh "build the image $1" scripts/image.sh helper "$1" >&2
        echo "orders-$1"
    fi
}

# Builds the service's image, and from Debian's packages those that cannot be pulled.
build_images() {
    export BUILD_IMAGE="${BUILD_IMAGE:-debian:trixie-slim}"
    if ! available "$BUILD_IMAGE"; then
        say "$BUILD_IMAGE cannot be pulled: building it from this machine's Debian package source (a minute, once)"
        BUILD_IMAGE=orders-base
        if ! docker image inspect "$BUILD_IMAGE" >/dev/null 2>&1; then
            work=$(mktemp -d)
            trap 'rm -rf "$work"' EXIT
            scripts/step.sh "build the base image" scripts/base-image.sh "$work/base.tar"
            docker import "$work/base.tar" "$BUILD_IMAGE" >/dev/null
        fi
    fi
    # Apart from the export, which would hide a failure.
    [ -n "${MARIADB_IMAGE-}" ] || MARIADB_IMAGE=$(find_image mariadb mariadb:11.8)
    export MARIADB_IMAGE
    case ,${COMPOSE_PROFILES-}, in
    *,observe,*) PROMETHEUS_IMAGE=${PROMETHEUS_IMAGE:-$(find_image prometheus prom/prometheus:v2.53.3)} ;;
    esac
    case ,${COMPOSE_PROFILES-}, in
    *,scale,*) HAPROXY_IMAGE=${HAPROXY_IMAGE:-$(find_image haproxy haproxy:3.0)} ;;
    esac
    [ -z "${PROMETHEUS_IMAGE-}" ] || export PROMETHEUS_IMAGE
    [ -z "${HAPROXY_IMAGE-}" ] || export HAPROXY_IMAGE
    scripts/step.sh "build the service's image" scripts/image.sh build aot
}

up() {
    check
    build_images
    scripts/step.sh "start the containers" docker compose up --detach --no-build
    deadline=$(($(date +%s) + 60))
    until curl --silent --fail --noproxy '*' --output /dev/null --max-time 2 "http://127.0.0.1:${port%%-*}/ready"; do
        [ "$(date +%s)" -lt "$deadline" ] || {
            docker compose logs --tail 20 >&2
            fail "the service is not ready after 60 s; its logs are above"
        }
        sleep 0.2
    done
    echo "http://localhost:${port%%-*} is ready. make down stops it and keeps the data."
}

# send_drain ADDRESS: requests the drain and prints the response's status. The database's container sends the request:
# the service's image has no shell, and its admin port is not published. The token goes through standard input, where no
# list of processes shows it.
send_drain() {
    # shellcheck disable=SC2016 # expanded by bash in the container
    operator_token | docker compose exec -T mariadb timeout 10 bash -c 'read -r token
        exec 3<>"/dev/tcp/$0/9090" || exit
        {
            printf "POST /drain HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\nConnection: close\r\n"
            [ -z "$token" ] || printf "Authorization: Bearer %s\r\n" "$token"
            printf "\r\n"
        } >&3
        read -r _ status _ <&3 && echo "$status"' "$1" 2>/dev/null || true
}

# The operator's token, or an empty line.
operator_token() {
    if [ -n "$token_file" ] && [ -f "$token_file" ]; then head -n 1 "$token_file"; else echo; fi
}

# drain CONTAINER: stops a replica at once if it does not accept the drain request.
drain() {
    address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
    [ -n "$address" ] || return 0
    status=$(send_drain "$address")
    if [ "$status" != 200 ]; then
        case $status in
        401 | 403) reason="it needs an operator's token: set OPERATOR_TOKEN_FILE" ;;
        *) reason="status ${status:-none}" ;;
        esac
        say "the replica at $address did not accept the drain request ($reason): stopping it now"
        docker stop -t 0 "$1" >/dev/null
    fi
}

down() {
    [ -z "${OPERATOR_TOKEN_FILE-}" ] || [ -r "$OPERATOR_TOKEN_FILE" ] ||
        fail "OPERATOR_TOKEN_FILE: $OPERATOR_TOKEN_FILE cannot be read"
    ids=$(docker compose ps --quiet orders)
    if [ -n "$ids" ]; then
        # The engine must not restart a replica that has ended while others drain.
        # shellcheck disable=SC2086 # a list of words
        docker update --restart=no $ids >/dev/null
        for id in $ids; do drain "$id" & done
        wait
        # DRAIN_DELAY 3 s + DRAIN_TIMEOUT 20 s + a running COMMIT 5 s + closing connections, with a margin.
        docker compose stop --timeout 40 orders
    fi
    docker compose --profile '*' down --remove-orphans
}

case ${1-} in
check) check && echo "the engine meets all requirements" ;;
up | down) "$1" ;;
*) fail "usage: scripts/up.sh check|up|down" ;;
esac
