#!/bin/sh
# Builds Debian's base system as a tar file, for `docker import` where no registry can be reached.
#
#   scripts/base-image.sh FILE
#
# The content is that of debian:trixie-slim. mmdebstrap takes it from this machine's own package source, with its proxy
# settings. Both stay in the image, because builds in it also install packages.
set -eu
fail() { echo "base-image.sh: $*" >&2; exit 1; }

[ $# = 1 ] || { echo "base-image.sh FILE" >&2; exit 2; }
command -v mmdebstrap >/dev/null 2>&1 || fail "mmdebstrap is missing: scripts/deps.sh containers"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# On Debian 12 this is the source that deps.sh added, on Debian 13 the machine's own.
for file in /etc/apt/sources.list.d/order-service-trixie.sources /etc/apt/sources.list.d/order-service-trixie.list \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [ -s "$file" ] && grep -q '^[^#]*trixie' "$file"; then source=$file; break; fi
done
[ -n "${source-}" ] || fail "no source of Debian 13's packages on this machine: scripts/deps.sh build"

apt-config dump |
    grep -E '^Acquire::(https?::|ftp::)?(Proxy|Check-Valid-Until|Check-Date|Verify)' >"$work/apt.conf" || true
nice mmdebstrap --quiet --variant=minbase --format=tar --include=ca-certificates --aptopt="$work/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$work/base.tar" - <"$source" >"$work/log" 2>&1 ||
    { tail -n 15 "$work/log" >&2; fail "mmdebstrap failed (above)"; }
mv "$work/base.tar" "$1"
