#!/bin/sh
# Installs the tools that read the API's description (tools/openapi) and prints the directory of their programs:
# redocly, schemathesis, openapi-python-client, oasdiff, and a python with what generated clients need.
#
# Each version is installed once (a minute or two) and kept outside the work tree, in
# ${XDG_CACHE_HOME:-~/.cache}/order-service/openapi. Progress goes to standard error.
set -eu
cd "$(dirname "$0")/../tools/openapi"
# shellcheck source=scripts/go.sh
. ../../scripts/go.sh
say() { printf 'openapi-tools: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# The directory is that of one Python: its programs name it. A home may be shared by machines of two kinds.
python=$(command -v python3) || fail "python3 is missing: scripts/deps.sh api"
versions() {
    cat ../../scripts/openapi-tools.sh requirements.txt package-lock.json oasdiff/go.mod oasdiff/go.sum
    echo "$python $("$python" --version) $(uname -m)"
}
hash=$(versions | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/order-service/openapi
tools=$cache/$hash

install_python() {
    say "installing schemathesis and a generator of clients"
    "$python" -m venv "$tools/venv" >&2 || fail "python3 cannot make an environment: scripts/deps.sh api"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement requirements.txt >&2
}

install_node() {
    say "installing the linter"
    command -v npm >/dev/null 2>&1 || fail "npm is missing: scripts/deps.sh api"
    mkdir "$tools/node"
    cp package.json package-lock.json "$tools/node"
    npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    ln -s ../../node/node_modules/.bin/redocly "$tools/venv/bin/redocly"
}

# It needs a newer Go than Debian 13 has. Go 1.24 fetches that one as a module.
install_oasdiff() {
    say "compiling oasdiff"
    go=$(find_go) || fail "Go 1.24 or later is missing: scripts/deps.sh api"
    (cd oasdiff && CGO_ENABLED=0 GOTOOLCHAIN=auto GOWORK=off GOFLAGS=-mod=readonly \
        "$go" build -trimpath -ldflags '-s -w' -o "$tools/venv/bin/oasdiff" github.com/oasdiff/oasdiff) >&2
}

if [ ! -e "$tools/done" ]; then
    mkdir -p "$cache"
    # The lock prevents two simultaneous installations.
    exec 9>"$cache/lock"
    flock 9
    if [ ! -e "$tools/done" ]; then
        rm -rf "$tools"
        mkdir "$tools"
        install_python
        install_node
        install_oasdiff
        touch "$tools/done"
        # Keeps those of the last work trees.
        # shellcheck disable=SC2012 # the names are hashes
        ls -dt "$cache"/*/ | sed 1,4d | while read -r old; do rm -rf "$old"; done
    fi
fi
printf '%s\n' "$tools/venv/bin"
