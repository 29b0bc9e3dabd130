# Everything there is to do here; `make help` lists it. Each target installs first what it lacks (scripts/deps.sh).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
CARGO := scripts/cargo.sh
# Asked for when it is used, not before: on a fresh machine the first target installs the compiler.
HOST = $(shell $(CARGO) --host)
TARGET_DIR = $(abspath $(or $(CARGO_TARGET_DIR),target))
# A user's PATH has no room for servers on Debian.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help
help: ## this list
	@awk -F ' *:.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: DATABASE_URL, LISTEN_ADDR and all others of the service (make run), QUICK=1 (make bench), SOAK_SECONDS, SOAK_SEED (make soak)."

.PHONY: run
run: deps-run build ## install, build, start a private MariaDB and serve on 127.0.0.1:8080; Ctrl-C ends it
	@$(CARGO) run --quiet --package run --target $(HOST)

.PHONY: build
build: deps-build ## compile the service to WebAssembly: target/wasm32-wasip1/release/order-service.wasm
	@$(CARGO) build --release

.PHONY: aot
aot: deps-run build ## compile that for this processor, into target/aot/ (about a minute, once)
	@$(CARGO) run --quiet --package testkit --bin aot --target $(HOST)

.PHONY: guest
guest: deps-build ## the small programs that the end-to-end tests run in WasmEdge beside the service
	@scripts/guest.sh

.PHONY: native
native: deps-build ## compile the same source for this machine, without WebAssembly
	@$(CARGO) build --profile native --target $(HOST)

.PHONY: test
test: deps-test deps-containers ## all tests but the cluster's: natively, in WasmEdge, end to end, in containers; the last line sums them up
	@scripts/test.sh unit wasm e2e containers

.PHONY: test-unit
test-unit: deps-test ## the tests of the service and of the tools here, natively
	@scripts/test.sh unit

.PHONY: test-wasm
test-wasm: deps-test ## the service's tests inside WasmEdge
	@scripts/test.sh wasm

.PHONY: test-e2e
test-e2e: deps-test ## the release .wasm in WasmEdge with a real MariaDB
	@scripts/test.sh e2e

.PHONY: test-published
test-published: deps-test ## how the tests of the platform end with the published crate under the service (10 min): docs/PLATFORM.md
	@scripts/published.sh

.PHONY: cluster
cluster: deps-cluster ## a Kubernetes on this machine with the service on it, until Ctrl-C (its first build takes minutes)
	@$(CARGO) run --quiet --package cluster --target $(HOST)

.PHONY: test-cluster
test-cluster: deps-cluster ## the manifests and the service on a real Kubernetes, started and ended by the tests
	@scripts/test.sh cluster

.PHONY: test-containers
test-containers: deps-containers ## the image, Compose, a registry, Podman, a rolling restart: on engines of their own
	@scripts/test.sh containers

.PHONY: image
image: ## the images order-service:aot and order-service:wasm, and how large they are
	@scripts/image.sh build aot wasm

.PHONY: image-push
image-push: ## push them to REGISTRY=registry.example.org/team
	@scripts/image.sh push "$(REGISTRY)"

.PHONY: up
up: ## docker compose up on the engine that is there, once it has what is needed; ready when it says so
	@scripts/up.sh up

.PHONY: down
down: ## let the replicas drain, then docker compose down; the data stay
	@scripts/up.sh down

.PHONY: lint
lint: deps-lint ## format, clippy without a warning (wasm and native), scripts
	@scripts/lint.sh

.PHONY: fmt
fmt: deps-build ## format the source
	@$(CARGO) fmt --all

.PHONY: bench
bench: deps-bench build aot native ## measure interpreter, AOT and native side by side into docs/BENCHMARKS.md (30 min)
	@$(CARGO) run --quiet --release --package bench --target $(HOST)
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) bench-containers bench-cluster; else \
		echo "Not measured: make bench-containers, make bench-cluster. Only root can start an engine or a cluster."; fi

.PHONY: bench-containers
bench-containers: deps-containers ## of that, the images on an engine of its own: docker run to the first answer, memory (5 min)
	@$(CARGO) run --quiet --release --package bench --target $(HOST) -- containers

.PHONY: bench-cluster
bench-cluster: deps-cluster ## of that, on a Kubernetes of its own: from a pod's creation until it is ready (5 min, the first time 15)
	@$(CARGO) run --quiet --release --package bench --target $(HOST) -- cluster

.PHONY: soak
soak: deps-run build aot ## everything at once against the service for 10 minutes, each answer checked; the table goes to docs/BENCHMARKS.md
	@$(CARGO) run --quiet --release --package soak --target $(HOST)

.PHONY: deps
deps: ## install what run, test and bench need from Debian's packages, where it is missing
	@scripts/deps.sh test bench

.PHONY: deps-build deps-lint deps-run deps-test deps-bench deps-cluster deps-containers
deps-build deps-lint deps-run deps-test deps-bench deps-cluster deps-containers:
	@scripts/deps.sh $(@:deps-%=%)

.PHONY: clean
clean: ## remove what was built; the data of `make run` in .run/ stay
	@rm -rf "$(TARGET_DIR)"

.PHONY: clean-data
clean-data: ## remove the database of `make run`
	@rm -rf .run
