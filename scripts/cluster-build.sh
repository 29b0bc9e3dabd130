#!/bin/sh
# Compiles the programs of a Kubernetes cluster at the versions of tools/cluster/go.mod and prints their directory.
#
# Each version of that module is built once (about 7 minutes on two cores). The programs are kept outside the work tree,
# in ${XDG_CACHE_HOME:-~/.cache}/order-service/cluster/<hash>. Progress goes to standard error.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
module=$here/tools/cluster
. "$here/scripts/go.sh"

say() { printf 'cluster: %s\n' "$*" >&2; }

kubernetes=$(sed -n 's,^.*k8s.io/kubernetes v\([0-9.]*\).*,\1,p' "$module/go.mod")
hash=$(cat "$module/go.mod" "$module/go.sum" "$module"/*/main.go | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/order-service/cluster
target=$cache/$hash
programs="kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet coredns pause"

# The directory's modification time is the time of its last use.
found() { touch "$target" 2>/dev/null || true; printf '%s\n' "$target"; }

[ ! -e "$target/done" ] || { found; exit 0; }
mkdir -p "$cache"
# The lock prevents two simultaneous builds.
exec 9>"$cache/lock"
flock -n 9 || { say "another build is running; waiting for it"; flock 9; }
[ ! -e "$target/done" ] || { found; exit 0; }

go=$(find_go) || { say "Go 1.24 or later is missing: scripts/deps.sh cluster installs it"; exit 1; }
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
major=${kubernetes%%.*}
minor=${kubernetes#*.}
minor=${minor%%.*}
version=k8s.io/component-base/version
flags="-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor"

package() {
    case $1 in
    coredns | pause) echo "./$1" ;;
    *) echo "k8s.io/kubernetes/cmd/$1" ;;
    esac
}
paths=$(for program in $programs; do package "$program"; done)

cd "$module"
say "building Kubernetes $kubernetes and CoreDNS with $("$go" env GOVERSION), once; $cache keeps them"
say "fetching the modules"
# shellcheck disable=SC2086 # a list of words
total=$("$go" list -deps $paths | wc -l)
rm -rf "$target"
mkdir -p "$target"
started=$(date +%s)

# Prints one line for every 100 packages. `go build -v` prints each package that it compiles, but not those from its
# cache. A line that contains a space is a message of the compiler.
progress() {
    awk -v total="$total" '
        /^go: downloading/ { next }
        / / { print "cluster: " $0 > "/dev/stderr"; next }
        ++count % 100 == 0 { printf "cluster: %d of %d packages compiled\n", count, total > "/dev/stderr" }'
}
# The status of the build, not of the progress display.
status=$target/status
# shellcheck disable=SC2086 # a list of words
{ "$go" build -v -trimpath -ldflags "$flags" -o "$target/" $paths 2>&1; echo $? >"$status"; } | progress
[ "$(cat "$status")" = 0 ] || { say "the build failed (above)"; rm -rf "$target"; exit 1; }
rm -f "$status"
touch "$target/done"
say "built in $(($(date +%s) - started)) s: $(du -sh "$target" | cut -f1) in $target"
found
# Removes the programs of older versions, except the one that was used last: another work tree's cluster may run them.
# shellcheck disable=SC2012 # names are hashes
ls -dt "$cache"/*/ | sed 1,2d | while read -r old; do rm -rf "$old"; done
