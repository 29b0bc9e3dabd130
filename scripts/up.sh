#!/bin/sh
# docker compose up and down, with a look at the engine first and a clean end.
#
#   scripts/up.sh check   says in one line what is missing, and how to get it
#   scripts/up.sh up      checks, builds the image, starts, waits until the service is ready
#   scripts/up.sh down    lets the replicas drain, then stops; the data stay
#
# The variables are docker-compose.yml's. MARIADB_IMAGE is made from Debian's packages when it is not named and cannot be pulled.
set -eu
cd "$(dirname "$0")/.."
runtime=${WASM_RUNTIME:-crun}
port=${PORT:-8080}
say() { echo "up: $*" >&2; }
fail() { say "$*"; exit 1; }

check() {
    command -v docker >/dev/null 2>&1 ||
        fail "no docker: apt-get install docker.io docker-cli docker-buildx docker-compose crun libwasmedge0 (Debian 13), or https://docs.docker.com/engine/install"
    docker compose version >/dev/null 2>&1 || fail "docker has no compose: apt-get install docker-compose (Debian 13), or docker-compose-plugin from Docker's own packages"
    docker buildx version >/dev/null 2>&1 || fail "docker has no buildx: apt-get install docker-buildx (Debian 13), or docker-buildx-plugin from Docker's own packages"
    command -v curl >/dev/null 2>&1 || fail "no curl: apt-get install curl"
    reason=$(docker info 2>&1 >/dev/null) ||
        fail "no engine answers at ${DOCKER_HOST:-the default socket}: systemctl start docker, as root or in group docker ($(echo "$reason" | tail -n 1))"
    docker info --format '{{.DriverStatus}}' | grep -q containerd ||
        fail 'the containerd image store is off: add "features": {"containerd-snapshotter": true} to /etc/docker/daemon.json, then systemctl restart docker'
    case $runtime in
    runc) fail "runc runs no wasm; the native build it does: scripts/image.sh build native && docker compose -f docker-compose.yml -f deploy/compose/native.yml up" ;;
    io.containerd.*) check_shim ;;
    *) check_crun ;;
    esac
    [ -n "$(docker compose ps --quiet orders 2>/dev/null)" ] || port_is_free
}

# The engine may be elsewhere, and its runtimes with it; what it lacks shows there when the service starts.
engine_is_here() { case ${DOCKER_HOST-unix://} in unix://*) ;; *) false ;; esac; }

check_shim() {
    shim=containerd-shim-$(echo "$runtime" | sed 's/^io\.containerd\.//; s/\./-/g')
    ! engine_is_here || command -v "$shim" >/dev/null 2>&1 ||
        fail "no $shim on the PATH: put it into /usr/local/bin from https://github.com/containerd/runwasi/releases, or leave WASM_RUNTIME at crun"
}

check_crun() {
    path=$(docker info --format "{{with index .Runtimes \"$runtime\"}}{{.Path}}{{end}}")
    local_crun=${path:-$(command -v crun || true)}
    [ -n "$local_crun" ] || fail "no crun: apt-get install crun libwasmedge0 (Debian 13), then name it in /etc/docker/daemon.json: \"runtimes\": {\"$runtime\": {\"path\": \"/usr/bin/crun\"}}"
    if engine_is_here; then
        command -v "$local_crun" >/dev/null 2>&1 || fail "no $local_crun, which the engine has as runtime '$runtime': apt-get install crun libwasmedge0 (Debian 13), or correct the path in /etc/docker/daemon.json"
        "$local_crun" --version 2>/dev/null | grep -q '+WASM:wasmedge' || fail "$local_crun has no WasmEdge in it: Debian 13's has (apt-get install crun libwasmedge0), or build crun with --with-wasmedge"
        # It is loaded when a container starts, and Debian's crun does not depend on it.
        PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | grep -q 'libwasmedge\.so\.0' ||
            fail "$local_crun finds no libwasmedge.so.0: apt-get install libwasmedge0 (Debian 13), or https://wasmedge.org/docs/start/install"
    fi
    [ -n "$path" ] || fail "the engine knows no runtime '$runtime': add \"runtimes\": {\"$runtime\": {\"path\": \"$local_crun\"}} to /etc/docker/daemon.json, then systemctl restart docker"
}

port_is_free() {
    first=${port%%-*}
    status=0
    curl --silent --noproxy '*' --output /dev/null --max-time 1 "http://127.0.0.1:$first/" || status=$?
    # 7: nobody accepts.
    [ "$status" = 7 ] || fail "port $first is taken: PORT=$((first + 1)) make up"
}

# present IMAGE: it is there, or can be pulled.
present() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }

# What cannot be pulled is made from Debian's packages.
images() {
    export BUILD_IMAGE="${BUILD_IMAGE:-debian:trixie-slim}"
    if ! present "$BUILD_IMAGE"; then
        say "$BUILD_IMAGE cannot be pulled: making Debian's base system from this machine's package source (a minute, once)"
        BUILD_IMAGE=orders-base
        if ! docker image inspect "$BUILD_IMAGE" >/dev/null 2>&1; then
            work=$(mktemp -d)
            trap 'rm -rf "$work"' EXIT
            scripts/base-image.sh "$work/base.tar"
            docker import "$work/base.tar" "$BUILD_IMAGE" >/dev/null
        fi
    fi
    if [ -z "${MARIADB_IMAGE-}" ] && ! present mariadb:11.8; then
        say "mariadb:11.8 cannot be pulled: making it from Debian's packages"
        scripts/image.sh helper mariadb >/dev/null
        MARIADB_IMAGE=orders-mariadb
    fi
    export MARIADB_IMAGE="${MARIADB_IMAGE:-mariadb:11.8}"
    scripts/image.sh build aot
}

up() {
    check
    images
    docker compose up --detach --no-build
    deadline=$(($(date +%s) + 60))
    until curl --silent --fail --noproxy '*' --output /dev/null --max-time 2 "http://127.0.0.1:${port%%-*}/ready"; do
        [ "$(date +%s)" -lt "$deadline" ] || { docker compose logs --tail 20 >&2; fail "not ready after a minute (the logs are above)"; }
        sleep 0.2
    done
    echo "http://localhost:${port%%-*} is ready. make down stops it and keeps the data."
}

# ask ADDRESS: the replica there takes the drain. Asked through the database's container: the service's image has no shell, and its
# operator's port is published nowhere.
ask() {
    # shellcheck disable=SC2016 # bash's, in the container
    docker compose exec -T mariadb timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/9090" &&
        printf "POST /drain HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" >&3 &&
        read -r _ status _ <&3 && [ "$status" = 200 ]' "$1" 2>/dev/null
}

# leave ID: asks the replica to leave; waiting for one that did not take that would be in vain.
leave() {
    address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
    if [ -n "$address" ] && ! ask "$address"; then
        say "the replica at $address did not take the drain: it is stopped at once"
        docker stop -t 0 "$1" >/dev/null
    fi
}

down() {
    # The image's name is not known any more when it was made: nothing here starts anything.
    ids=$(docker compose ps --quiet orders)
    if [ -n "$ids" ]; then
        # Who has left stays away, instead of being started again while the others still drain.
        # shellcheck disable=SC2086 # a list of words
        docker update --restart=no $ids >/dev/null
        for id in $ids; do leave "$id" & done
        wait
        # DRAIN_DELAY 3 s, DRAIN_TIMEOUT 20 s, a COMMIT under way 5 s, the goodbyes, and some.
        docker compose stop --timeout 40 orders
    fi
    docker compose --profile scale down --remove-orphans
}

case ${1-} in
check) check && echo "the engine has all that is needed" ;;
up | down) "$1" ;;
*) fail "check, up or down" ;;
esac
