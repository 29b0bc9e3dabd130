# The order service as an image that holds one file. `make image` builds it with what it should be given (scripts/image.sh).
#
#   docker build --platform wasi/wasm --provenance=false .                  compiled for this processor (target aot)
#   docker build --platform wasi/wasm --provenance=false --target wasm .    portable
#   docker build --target native .                                          no wasm: the same source as a static program
#
# A build behind a mirror, a proxy or an own authority takes them from its environment: http_proxy and https_proxy (Docker
# passes them on), and two optional secrets, `cargo` (a cargo configuration) and `ca` (PEM, for cargo's downloads).
#
# AOT_OPTIONS=--generic-binary compiles for all processors of the architecture, instead of for what this one can.

ARG BUILD_IMAGE=debian:trixie-slim

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS debian
# Packages stay in the cache mount instead of the layer.
RUN rm -f /etc/apt/apt.conf.d/docker-clean

FROM debian AS toolchain
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev rustc cargo \
        libstd-rust-dev-wasm32 lld-19 clang-19 wasi-libc libclang-rt-19-dev-wasm32

# The manifests with empty sources: all that decides which dependencies are compiled, and how. The next stages copy from
# here by content, so that a change in src/ leaves the dependencies' layer as it is.
FROM debian AS manifests
WORKDIR /build
COPY . .
RUN rm -rf src migrations && mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs && \
    for member in testkit/ tests/*/ tools/*/; do mkdir "$member/src" && touch "$member/src/lib.rs"; done

FROM toolchain AS dependencies
WORKDIR /build
COPY --from=manifests /build .
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    if [ -s /run/secrets/ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca; fi; \
    cargo build --release --locked

# The sources are touched: cargo goes by their times, and the empty ones were compiled later than these were written.
FROM dependencies AS build
COPY src src
COPY migrations migrations
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    if [ -s /run/secrets/ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca; fi; \
    find src migrations -type f -exec touch {} + && cargo build --release --locked && mkdir /out && cp target/wasm32-wasip1/release/order-service.wasm /out/

FROM debian AS wasmedge
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends wasmedge

FROM wasmedge AS compile
COPY --from=build /out /in
ARG AOT_OPTIONS=""
# Not quoted: it is a list of words, or nothing.
RUN mkdir /out && wasmedge compile $AOT_OPTIONS /in/order-service.wasm /out/order-service.wasm

# Static, glibc's own resolver included: nothing else is in the image. No sysroot of another machine: platform = build platform.
FROM toolchain AS native-build
WORKDIR /build
COPY --from=manifests /build .
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    if [ -s /run/secrets/ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca; fi; \
    host=$(rustc -vV | sed -n 's/^host: //p') && \
    cargo build --profile native --locked --target "$host"
COPY src src
COPY migrations migrations
RUN --mount=type=cache,target=/root/.cargo/registry --mount=type=secret,id=ca \
    --mount=type=secret,id=cargo,target=/root/.cargo/config.toml \
    if [ -s /run/secrets/ca ]; then export CARGO_HTTP_CAINFO=/run/secrets/ca; fi; \
    host=$(rustc -vV | sed -n 's/^host: //p') && \
    find src migrations -type f -exec touch {} + && \
    cargo build --profile native --locked --target "$host" && mkdir /out && cp "target/$host/native/order-service" /out/

# The file's time is the commit's: the same source gives the same image to the last bit.
FROM build AS dated-wasm
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
# crun turns every status that a module ends with into 0; a trap is seen as failure everywhere.
ENV FATAL_EXIT=trap
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
# crun turns every status that a module ends with into 0; a trap is seen as failure everywhere.
ENV FATAL_EXIT=trap
ENTRYPOINT ["/order-service.wasm"]
