# The order service as an image with one file. `make image` builds it with all arguments (scripts/image.sh).
#
#   docker build --platform wasi/wasm --provenance=false .                  compiled for this processor (target aot)
#   docker build --platform wasi/wasm --provenance=false --target wasm .    portable
#   docker build --target native .                                          a static Linux program, no wasm
#
# For mirrors, proxies and private certificate authorities: set http_proxy and https_proxy, which Docker passes on, and
# two optional secrets, `cargo` (a cargo configuration) and `ca` (PEM, for cargo's downloads).
#
# AOT_OPTIONS: options of `wasmedge compile`. The code is for processors like the build machine's (docs/DEPLOY.md).

ARG BUILD_IMAGE=debian:trixie-slim

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS debian
# Keep packages in the cache mount; apt's default in containers removes them.
RUN rm -f /etc/apt/apt.conf.d/docker-clean

FROM debian AS toolchain
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev rustc cargo \
        libstd-rust-dev-wasm32 lld-19 clang-19 wasi-libc libclang-rt-19-dev-wasm32
# `build DIRECTORIES -- ARGUMENTS…` is `cargo build` with the locked versions and the certificate authority of the
# secrets. cargo compares file times, and the empty sources (below) were compiled after the files in these directories
# were written: touch makes these newer. Stages run side by side and share the crates, but not cargo's own lock on them:
# with one in their directory, each crate is unpacked once.
# `lower FILE` writes the module, lowered, into /out; with WASM_LOWER=off as the compiler made it.
RUN printf '%s\n' '#!/bin/sh -e' \
        '[ ! -s /run/secrets/ca ] || export CARGO_HTTP_CAINFO=/run/secrets/ca' \
        'while [ "$1" != -- ]; do find "$1" -type f -exec touch {} +; shift; done; shift' \
        'host=$(rustc -vV | sed -n "s/^host: //p")' \
        'flock /root/.cargo/registry cargo fetch --locked --target wasm32-wasip1 --target "$host"' \
        'exec cargo build --locked --offline "$@"' >/usr/local/bin/build && \
    printf '%s\n' '#!/bin/sh -e' \
        'if [ "$WASM_LOWER" = off ]; then cp "$1" /out/; else wasm-lower "$1" -o "/out/${1##*/}"; fi' \
        >/usr/local/bin/lower && \
    chmod +x /usr/local/bin/build /usr/local/bin/lower

# The manifests with empty sources: they determine the dependencies. The next stage copies this stage's files, and
# BuildKit compares them by content, so a change in src/ or crates/microservice/ does not rebuild the dependencies.
FROM debian AS manifests
WORKDIR /build
COPY . .
RUN rm -rf src migrations *.json crates/microservice/src crates/microservice/examples tools/*/src && mkdir src && \
    echo 'fn main() {}' >src/main.rs && touch src/lib.rs && \
    for member in crates/microservice/ $(ls -d services/*/ 2>/dev/null) fuzz/ testkit/ tests/*/ tools/*/; do \
        mkdir "$member/src" && touch "$member/src/lib.rs"; \
    done && \
    echo 'fn main() {}' >fuzz/src/main.rs

# Tools of this repository, for the build machine: wasm-lower replaces the instructions that are slow in WasmEdge's
# compiled code, strip-aot makes the compiled file smaller.
FROM toolchain AS tools
WORKDIR /build
COPY --from=manifests /build .
COPY tools/strip-aot tools/strip-aot
COPY tools/wasm-lower tools/wasm-lower
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    host=$(rustc -vV | sed -n 's/^host: //p') && \
    build -- --target "$host" --package strip-aot --package wasm-lower && \
    mkdir /out && cp "target/$host/debug/strip-aot" "target/$host/debug/wasm-lower" /out/

# What is compiled for the processor: optimised for speed.
FROM toolchain AS build
WORKDIR /build
COPY --from=manifests /build .
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build -- --profile release
COPY crates/microservice crates/microservice
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build crates/microservice -- --profile release
COPY src src
COPY migrations migrations
COPY orders.json update_order.json ./
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build src migrations -- --profile release
COPY --from=tools /out/wasm-lower /usr/local/bin/
ARG WASM_LOWER=""
RUN mkdir /out && lower target/wasm32-wasip1/release/order-service.wasm

# What is downloaded as it is: optimised for size.
FROM toolchain AS portable-build
WORKDIR /build
COPY --from=manifests /build .
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build -- --profile portable
COPY crates/microservice crates/microservice
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build crates/microservice -- --profile portable
COPY src src
COPY migrations migrations
COPY orders.json update_order.json ./
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build src migrations -- --profile portable
COPY --from=tools /out/wasm-lower /usr/local/bin/
ARG WASM_LOWER=""
RUN mkdir /out && lower target/wasm32-wasip1/portable/order-service.wasm

FROM debian AS wasmedge
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends binutils wasmedge

FROM wasmedge AS compile
COPY --from=build /out /in
COPY --from=tools /out/strip-aot /usr/local/bin/
ARG AOT_OPTIONS=""
# An ELF file, because the output's name ends in .so. WasmEdge loads it under any name, and engines recognise a module
# by the extension .wasm. strip-aot removes the module's code, which is there as machine code. AOT_OPTIONS is unquoted:
# a list of words, or empty.
RUN mkdir /out && wasmedge compile $AOT_OPTIONS /in/order-service.wasm /out/order-service.so && \
    strip --strip-unneeded /out/order-service.so && strip-aot /out/order-service.so && \
    mv /out/order-service.so /out/order-service.wasm

# Static, with glibc's resolver: the image has no other files. There is no cross-compilation: the platform is the build
# machine's.
FROM toolchain AS native-build
WORKDIR /build
COPY --from=manifests /build .
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build -- --profile native --target "$(rustc -vV | sed -n 's/^host: //p')"
COPY crates/microservice crates/microservice
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build crates/microservice -- --profile native --target "$(rustc -vV | sed -n 's/^host: //p')"
COPY src src
COPY migrations migrations
COPY orders.json update_order.json ./
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    build src migrations -- --profile native --target "$(rustc -vV | sed -n 's/^host: //p')" && \
    mkdir /out && cp target/*/native/order-service /out/

# The file has the commit's time, so the same source gives the same image, bit for bit.
FROM portable-build AS dated-wasm
ARG SOURCE_DATE_EPOCH=0
RUN touch -d "@$SOURCE_DATE_EPOCH" /out/order-service.wasm

FROM compile AS dated-aot
ARG SOURCE_DATE_EPOCH=0
RUN touch -d "@$SOURCE_DATE_EPOCH" /out/order-service.wasm

FROM native-build AS dated-native
ARG SOURCE_DATE_EPOCH=0
RUN touch -d "@$SOURCE_DATE_EPOCH" /out/order-service

FROM scratch AS native
ARG VERSION REVISION SOURCE
LABEL org.opencontainers.image.title="order-service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=dated-native /out/order-service /order-service
USER 65534:65534
EXPOSE 8080
ENTRYPOINT ["/order-service"]

FROM scratch AS wasm
ARG VERSION REVISION SOURCE
LABEL org.opencontainers.image.title="order-service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=dated-wasm /out/order-service.wasm /order-service.wasm
USER 65534:65534
EXPOSE 8080
# crun reports each exit status of a module as 0. Every runtime reports a trap as a failure.
ENV FATAL_EXIT=trap
# This image is for the interpreter.
ENV ALLOW_INTERPRETER=true
ENTRYPOINT ["/order-service.wasm"]

FROM scratch AS aot
ARG VERSION REVISION SOURCE
LABEL org.opencontainers.image.title="order-service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=dated-aot /out/order-service.wasm /order-service.wasm
USER 65534:65534
EXPOSE 8080
# crun reports each exit status of a module as 0. Every runtime reports a trap as a failure.
ENV FATAL_EXIT=trap
ENTRYPOINT ["/order-service.wasm"]
