#!/bin/sh
# Installs what drives the browser in the tests of the pages (tools/browser) and prints the directory of its modules.
#
# Each version is installed once (seconds) and kept outside the work tree, in
# ${XDG_CACHE_HOME:-~/.cache}/order-service/browser. Progress goes to standard error.
set -eu
cd "$(dirname "$0")/../tools/browser"
fail() { echo "browser-tools: $*" >&2; exit 1; }

command -v npm >/dev/null 2>&1 || fail "npm is missing: scripts/deps.sh page"
command -v chromium >/dev/null 2>&1 || fail "chromium is missing: scripts/deps.sh page"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/order-service/browser
tools=$cache/$(cat package-lock.json ../../scripts/browser-tools.sh | sha256sum | cut -c1-16)

if [ ! -e "$tools/done" ]; then
    mkdir -p "$cache"
    # The lock prevents two simultaneous installations.
    exec 9>"$cache/lock"
    flock 9
    if [ ! -e "$tools/done" ]; then
        echo "browser-tools: installing playwright-core and axe-core" >&2
        rm -rf "$tools"
        mkdir "$tools"
        cp package.json package-lock.json "$tools"
        npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        touch "$tools/done"
        # Keeps those of the last work trees.
        # shellcheck disable=SC2012 # the names are hashes
        ls -dt "$cache"/*/ | sed 1,4d | while read -r old; do rm -rf "$old"; done
    fi
fi
printf '%s\n' "$tools/node_modules"
