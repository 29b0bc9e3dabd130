#!/bin/sh
# Builds WasmEdge without LLVM: a runtime that starts faster and takes less memory, and that cannot compile.
#
#   scripts/runtime-slim.sh      builds target/runtime-slim/bin/wasmedge and lib/libwasmedge.so.0, and a package,
#                                target/wasmedge-slim_VERSION_ARCHITECTURE.deb (docs/SLIM-RUNTIME.md)
#   scripts/runtime-slim.sh test the same, unless what is there has the version of the installed wasmedge, whose files
#                                it can run
#
# WASMEDGE_SOURCE: WasmEdge's released source, a directory, an archive (.tar.gz, .tar.xz) or the URL of an archive.
#     Default: Debian's source package of the installed version, whose signature apt checks.
# WASMEDGE_SOURCE_SHA256: the archive's SHA-256; required for a URL.
set -eu
say() { echo "runtime-slim: $*" >&2; }
fail() { say "$*"; exit 1; }
case ${WASMEDGE_SOURCE-} in
'' | http://* | https://*) ;;
*) WASMEDGE_SOURCE=$(realpath -m -- "$WASMEDGE_SOURCE") ;;
esac
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
prefix=$target/runtime-slim
work=$target/runtime-slim-build
log=$work/log
mkdir -p "$target"
case ${1-} in
'') ;;
test)
    # The first line is the program's path, "version" and the version.
    built=$("$prefix/bin/wasmedge" --version 2>/dev/null | sed -n '1s/.* version //p')
    installed=$(wasmedge --version 2>/dev/null | sed -n '1s/.* version //p')
    [ -n "$installed" ] || fail "wasmedge, which compiles the modules, is not installed: scripts/deps.sh run"
    [ "$built" != "$installed" ] || exit 0
    [ -z "$built" ] || say "$prefix has version $built, but $installed is installed"
    ;;
*) fail "usage: scripts/runtime-slim.sh [test]" ;;
esac
for program in cmake ninja strip; do
    command -v "$program" >/dev/null 2>&1 || fail "$program is not installed: scripts/deps.sh slim"
done
exec 9>"$target/runtime-slim.lock"
flock -n 9 || fail "another run is under way"
rm -rf "$work"
mkdir -p "$work/source"
# Installed here first: an interrupted run leaves the result of the last one as it was.
staged=$work/prefix

# Debian's source package, by a list of sources of its own: this machine's lists usually name binary packages only.
debian_source() {
    command -v apt-get >/dev/null 2>&1 || fail "this is not Debian: set WASMEDGE_SOURCE and WASMEDGE_SOURCE_SHA256"
    version=$(dpkg-query -W -f '${source:Version}' libwasmedge0 2>/dev/null) ||
        fail "libwasmedge0 is not installed, so its version is unknown: scripts/deps.sh run"
    mkdir -p "$work/sources" "$work/lists/partial"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -s "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/$(basename "$file")"
    done
    [ ! -s /etc/apt/sources.list ] ||
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/sources/debian.list"
    set -- -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/sources" -o "Dir::State::Lists=$work/lists"
    say "fetching Debian's source package wasmedge $version"
    { apt-get "$@" update && (cd "$work" && apt-get "$@" source "wasmedge=$version"); } >"$log" 2>&1 ||
        fail "Debian's source cannot be fetched; WASMEDGE_SOURCE names another. $(grep '^E:' "$log" | head -n 1)"
    rmdir "$work/source"
    mv "$work"/wasmedge-*/ "$work/source"
}

# unpack ARCHIVE: checks the hash, if one is given.
unpack() {
    hash=$(sha256sum "$1" | cut -d ' ' -f 1)
    [ "${WASMEDGE_SOURCE_SHA256:-$hash}" = "$hash" ] ||
        fail "the source has SHA-256 $hash, not $WASMEDGE_SOURCE_SHA256 (WASMEDGE_SOURCE_SHA256)"
    tar -xf "$1" -C "$work/source" 2>"$log" || fail "$1 is no archive that tar can read: $(head -n 1 "$log")"
    # An archive has one directory at its top, as a rule.
    [ -e "$work/source/CMakeLists.txt" ] || {
        mv "$work/source" "$work/unpacked"
        mv "$work/unpacked"/*/ "$work/source" 2>/dev/null || fail "the archive has several directories, or none"
    }
}

case ${WASMEDGE_SOURCE-} in
'')
    [ -z "${WASMEDGE_SOURCE_SHA256-}" ] || fail "WASMEDGE_SOURCE_SHA256 is set, but not WASMEDGE_SOURCE"
    debian_source
    ;;
http://* | https://*)
    [ -n "${WASMEDGE_SOURCE_SHA256-}" ] || fail "set WASMEDGE_SOURCE_SHA256: what comes from a URL is checked"
    say "fetching $WASMEDGE_SOURCE"
    curl -fsSL --retry 3 -o "$work/archive" "$WASMEDGE_SOURCE" 2>"$log" || fail "$(head -n 1 "$log")"
    unpack "$work/archive"
    ;;
*)
    if [ -d "$WASMEDGE_SOURCE" ]; then
        [ -z "${WASMEDGE_SOURCE_SHA256-}" ] || fail "WASMEDGE_SOURCE_SHA256 is of an archive, not of a directory"
        cp -R "$WASMEDGE_SOURCE/." "$work/source"
    else
        [ -f "$WASMEDGE_SOURCE" ] || fail "$WASMEDGE_SOURCE (WASMEDGE_SOURCE) does not exist"
        unpack "$WASMEDGE_SOURCE"
    fi
    ;;
esac
[ -s "$work/source/include/api/wasmedge/wasmedge.h" ] || fail "this is not WasmEdge's source"
# Without git the build system does not know its version.
version=$(sed -n 's/^### \([0-9][0-9.]*\).*/\1/p' "$work/source/Changelog.md" | head -n 1)
[ -n "$version" ] || fail "the source's Changelog.md names no version"
[ -s "$work/source/VERSION" ] || printf %s "$version" >"$work/source/VERSION"

say "configuring WasmEdge $version without LLVM"
cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DWASMEDGE_USE_LLVM=OFF -DWASMEDGE_BUILD_PLUGINS=OFF -DWASMEDGE_BUILD_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX="$staged" -DCMAKE_INSTALL_LIBDIR=lib "-DCMAKE_INSTALL_RPATH=\$ORIGIN/../lib" >"$log" 2>&1 ||
    fail "cmake failed, see $log: $(grep -m 1 -A 1 'CMake Error' "$log" | tr -s ' \n' ' ')"
say "compiling, two to five minutes (log: $log)"
# One line for each tenth. The exit status is in a file, because sh has that of the last program only.
{ if ninja -C "$work/build" install 2>&1; then echo 0; else echo 1; fi >"$work/status"; } | tee -a "$log" | {
    last=0
    while IFS= read -r line; do
        case $line in
        "["[0-9]*/[0-9]*"]"*)
            count=${line#\[}
            total=${count#*/}
            count=${count%%/*}
            total=${total%%]*}
            [ $((10 * count / total)) -eq "$last" ] || say "$count of $total"
            last=$((10 * count / total))
            ;;
        esac
    done
}
[ "$(cat "$work/status")" = 0 ] || fail "the build failed, see $log: $(grep -m 1 'FAILED\|error:' "$log")"
strip --strip-unneeded "$staged/bin/wasmedge" "$staged"/lib/libwasmedge.so.*.*
"$staged/bin/wasmedge" --version >/dev/null 2>&1 || fail "$staged/bin/wasmedge does not run"
rm -rf "$prefix"
mv "$staged" "$prefix"

# A package for nodes: crun and the shim load libwasmedge.so.0 by the dynamic linker's cache, where this directory comes
# before Debian's.
if command -v dpkg-deb >/dev/null 2>&1; then
    package=$work/package
    architecture=$(dpkg --print-architecture)
    directory=/usr/lib/wasmedge-slim
    mkdir -p "$package/DEBIAN" "$package$directory" "$package/etc/ld.so.conf.d"
    cp -a "$prefix/bin" "$prefix/lib" "$package$directory/"
    rm -f "$package$directory/lib/libwasmedge.so"
    echo "$directory/lib" >"$package/etc/ld.so.conf.d/00-wasmedge-slim.conf"
    # The packages of the libraries that it is linked to.
    libraries=$(ldd "$prefix/lib/libwasmedge.so.0" | awk '$3 ~ /^\// { print $3 }')
    # shellcheck disable=SC2086 # a list of paths
    depends=$(for library in $libraries; do
        dpkg-query -S "$(realpath "$library")" 2>/dev/null || dpkg-query -S "*/$(basename "$(realpath "$library")")"
    done | cut -d : -f 1 | sort -u | paste -s -d , | sed 's/,/, /g')
    cat >"$package/DEBIAN/control" <<EOF
Package: wasmedge-slim
Version: $version
Architecture: $architecture
Maintainer: the builder of this package <root@localhost>
Depends: $depends
Description: WasmEdge without LLVM
 Runs modules that a WasmEdge $version has compiled. It cannot compile.
EOF
    echo activate-noawait ldconfig >"$package/DEBIAN/triggers"
    deb=$target/wasmedge-slim_${version}_$architecture.deb
    dpkg-deb --root-owner-group --build "$package" "$deb" >"$log" 2>&1 || fail "dpkg-deb failed, see $log"
    say "package: $deb"
fi
say "done: $prefix/bin/wasmedge, $prefix/lib/libwasmedge.so.0 (WasmEdge $version)"
