#!/bin/sh
# Makes the artefacts of a version, signed: dist/VERSION/ (docs/VERSIONING.md, "A release").
#
#   SIGNING_KEY=FILE scripts/release.sh build    FILE: a private key of ssh-keygen, such as one of type ed25519
#   scripts/release.sh verify DIRECTORY SIGNERS  SIGNERS: a file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS)
#
# REGISTRY: where the images are pushed, each with its SBOM and provenance beside it, under the tags
# `sha256-DIGEST.sbom` and `.provenance` (OCI artifacts whose subject is the image). Without it the images stay in the
# engine and in the directory.
# BUILD_IMAGE, AOT_OPTIONS: as for scripts/image.sh.
set -eu
from=$PWD
cd "$(dirname "$0")/.."
fail() { echo "release: $*" >&2; exit 1; }

# The purpose that a signature is for; it is valid for nothing else.
NAMESPACE=order-service-release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

check_inputs() {
    [ -n "${SIGNING_KEY-}" ] || fail "SIGNING_KEY is missing: make release SIGNING_KEY=~/.ssh/release"
    [ -r "$SIGNING_KEY" ] || fail "cannot read $SIGNING_KEY"
    command -v ssh-keygen >/dev/null 2>&1 || fail "ssh-keygen is missing: apt-get install openssh-client"
    [ -z "$(git status --porcelain)" ] || fail "the work tree has changes: commit them first"
    grep -q "^## $version " CHANGELOG.md || fail "CHANGELOG.md has no section for $version"
}

# digest TARGET: of the engine's image.
digest() { docker image inspect --format '{{.Id}}' "order-service:$1"; }

# The module of the portable image, so both are the same file.
copy_module() {
    container=$(docker create --platform wasi/wasm order-service:wasm)
    docker cp --quiet "$container:/order-service.wasm" "$1" || { docker rm "$container" >/dev/null; fail "no module"; }
    docker rm "$container" >/dev/null
}

# tool ARGUMENT…: the package `release`.
tool() {
    scripts/cargo.sh run --quiet --package release --target "$(scripts/cargo.sh --host)" -- "$@"
}

# The image's name with its digest, as others pull it.
write_images() {
    if [ -n "${REGISTRY-}" ]; then
        scripts/image.sh push "$REGISTRY"
    else
        echo "order-service:$version@$(digest aot)"
        echo "order-service:$version-wasm@$(digest wasm)"
    fi
}

# A blob of an OCI layout: copies FILE into LAYOUT, and prints its descriptor without the closing brace.
blob() {
    digest=$(sha256sum <"$2" | cut -d ' ' -f 1)
    cp "$2" "$1/blobs/sha256/$digest"
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%d' "$3" "$digest" "$(wc -c <"$2")"
}

# attach IMAGE@DIGEST FILE TYPE SUFFIX: pushes FILE as an artifact whose subject is the image (OCI image specification
# 1.1, "Guidelines for Artifact Usage").
attach() {
    layout=$(mktemp -d)
    mkdir -p "$layout/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    printf '{}' >"$layout/empty"
    manifest=application/vnd.oci.image.manifest.v1+json
    name=${1%@*}
    skopeo inspect --raw "$verify_tls" "docker://${name%:*}@${1#*@}" >"$layout/image"
    size=$(wc -c <"$layout/image")
    {
        printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"%s","config":' "$manifest" "$3"
        blob "$layout" "$layout/empty" application/vnd.oci.empty.v1+json
        printf '},"layers":['
        blob "$layout" "$2" "$3"
        printf ',"annotations":{"org.opencontainers.image.title":"%s"}}],"subject":' "$(basename "$2")"
        printf '{"mediaType":"%s","digest":"%s","size":%d}}' "$manifest" "${1#*@}" "$size"
    } >"$layout/manifest"
    { printf '{"schemaVersion":2,"manifests":['; blob "$layout" "$layout/manifest" "$manifest"; printf '}]}'; } \
        >"$layout/index.json"
    tag=$(printf %s "${1#*@}" | tr : -).$4
    skopeo --insecure-policy copy --quiet "--dest-${verify_tls#--}" "oci:$layout" "docker://${name%:*}:$tag"
    rm -rf "$layout"
}

attach_all() {
    verify_tls=--tls-verify=true
    # Docker, too, takes a registry on loopback as it is.
    case $REGISTRY in 127.0.0.1:* | localhost:*) verify_tls=--tls-verify=false ;; esac
    grep @sha256: "$1/images.txt" | while IFS= read -r image; do
        attach "$image" "$1/order-service-$version.cdx.json" application/vnd.cyclonedx+json sbom
        attach "$image" "$1/order-service-$version.provenance.json" application/vnd.in-toto+json provenance
    done
}

describe() {
    base=${BUILD_IMAGE:-debian:trixie-slim}
    # Without a user name or password.
    echo "source=$(git config --get remote.origin.url 2>/dev/null | sed 's#//[^/@]*@#//#')"
    echo "revision=$(git rev-parse HEAD)"
    echo "version=$version"
    echo "builder=https://docs.docker.com/build/buildkit/#$(docker version --format '{{.Server.Version}}')"
    echo "started=$1"
    echo "finished=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    sed -n 's/^\(.*\)@\(sha256:.*\)$/image:\1=\2/p' "$2/images.txt"
    echo "material:Cargo.lock=$(sha256sum Cargo.lock | cut -d ' ' -f 1)"
    echo "material:Dockerfile=$(sha256sum Dockerfile | cut -d ' ' -f 1)"
    echo "material:$base=$(docker image inspect --format '{{.Id}}' "$base" 2>/dev/null || echo unknown)"
}

build() {
    check_inputs
    started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    dist=dist/$version
    # An interrupted run leaves no directory that looks complete.
    rm -rf "$dist" "$dist.partial"
    mkdir -p "$dist.partial"
    out=$dist.partial
    scripts/image.sh build aot wasm
    copy_module "$out/order-service-$version.wasm"
    for target in aot wasm; do
        docker save --output "$out/order-service-$version-$target.oci.tar" "order-service:$target"
    done
    write_images >"$out/images.txt"
    commit_time=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
    tool sbom "$PWD/$out/order-service-$version.wasm" "$commit_time" >"$out/order-service-$version.cdx.json"
    describe "$started" "$out" >"$out/description"
    tool provenance "$out/description" "$out/order-service-$version.wasm" "$out/order-service-$version.cdx.json" \
        >"$out/order-service-$version.provenance.json"
    rm "$out/description"
    [ -z "${REGISTRY-}" ] || attach_all "$out"
    (cd "$out" && sha256sum -- * >"../SHA256SUMS" && mv ../SHA256SUMS .)
    ssh-keygen -Y sign -q -f "$SIGNING_KEY" -n "$NAMESPACE" "$out/SHA256SUMS"
    mv "$out" "$dist"
    echo "$dist:"
    cat "$dist/SHA256SUMS" "$dist/images.txt"
}

verify() {
    cd "$1"
    # The signers' names; the signature must be of one of them.
    signer=$(ssh-keygen -Y find-principals -f "$2" -s SHA256SUMS.sig) || fail "signed by none of $2"
    ssh-keygen -Y verify -f "$2" -I "$signer" -n "$NAMESPACE" -s SHA256SUMS.sig <SHA256SUMS || fail "wrong signature"
    sha256sum --check --quiet --strict SHA256SUMS || fail "a file was changed (above)"
    for file in *; do
        case $file in SHA256SUMS | SHA256SUMS.sig) continue ;; esac
        grep -q "  $file\$" SHA256SUMS || fail "$file is not signed"
    done
    echo "release: $1 is complete and signed by $signer"
}

case ${1-}:$# in
build:1) build ;;
verify:3)
    # Paths are the caller's.
    directory=$(cd "$from" && realpath -- "$2")
    signers=$(cd "$from" && realpath -- "$3")
    verify "$directory" "$signers"
    ;;
*) fail "usage: scripts/release.sh build | verify DIRECTORY SIGNERS" ;;
esac
