# shellcheck shell=sh
# Selects the Go toolchain that compiles what the tests need. deps.sh and the scripts that compile source this file.

# Prints the path of a Go that is 1.24 or later: the one on PATH, or Debian's, which is not on it.
find_go() {
    for go in go /usr/lib/go-1.2[4-9]/bin/go; do
        command -v "$go" >/dev/null 2>&1 || continue
        case $("$go" env GOVERSION 2>/dev/null) in
        go1.2[4-9]* | go1.[3-9][0-9]*) command -v "$go"; return 0 ;;
        esac
    done
    return 1
}
