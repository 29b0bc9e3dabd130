# All commands of this project; `make help` lists them. Each target first installs missing packages (scripts/deps.sh).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
CARGO := scripts/cargo.sh
# Expanded on use: on a fresh machine the first target installs the compiler.
HOST = $(shell $(CARGO) --host)
TARGET_DIR = $(abspath $(or $(CARGO_TARGET_DIR),target))
# On Debian a user's PATH does not contain the directories of servers.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help
help: ## this list
	@awk -F ' *:.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: DATABASE_URL, LISTEN_ADDR and all others of the service (make run), QUICK=1 (make bench),"
	@echo "API_EXAMPLES (make test-api), SOAK_SECONDS, SOAK_SEED (make soak), FUZZ_INPUTS, FUZZ_SECONDS (make fuzz),"
	@echo "WASM_LOWER=off (run what cargo builds, tools/wasm-lower/README.md). Before each commit: make check."

.PHONY: run
run: deps-run build ## build, start a private MariaDB and serve on 127.0.0.1:8080; Ctrl-C stops it
	@scripts/step.sh "compile make run" $(CARGO) build --package run --target $(HOST)
	@$(CARGO) run --quiet --package run --target $(HOST)

.PHONY: build
build: deps-build ## compile the service to WebAssembly: target/wasm32-wasip1/release/lowered/order-service.wasm
	@scripts/step.sh "compile to WebAssembly" $(CARGO) build --release
	@scripts/step.sh "replace slow instructions" \
		scripts/wasm-lower.sh "$(TARGET_DIR)/wasm32-wasip1/release/order-service.wasm"

.PHONY: aot
aot: deps-run build ## compile that for this processor, into target/aot/ (about a minute, once)
	@scripts/step.sh --show "compile for this processor" $(CARGO) run --quiet --package testkit --bin aot --target $(HOST)

.PHONY: guest
guest: deps-build ## the small programs that the end-to-end tests run in WasmEdge beside the service
	@scripts/guest.sh

.PHONY: native
native: deps-build ## compile the same source for this machine, without WebAssembly
	@scripts/step.sh "compile natively" $(CARGO) build --profile native --target $(HOST)

.PHONY: check
check: deps-check ## before each commit, without root: lint, unit and wasm tests, the quick end-to-end tests (2 min)
	@scripts/lint.sh
	@scripts/test.sh unit wasm quick

.PHONY: test
test: deps-api deps-containers ## all tests but the cluster's: native, WasmEdge, end to end, API, containers
	@scripts/test.sh unit wasm e2e api containers

.PHONY: test-unit
test-unit: deps-test ## the unit tests of the service, its crates and the tools, natively
	@scripts/test.sh unit

.PHONY: test-wasm
test-wasm: deps-test ## the unit tests of the service and its crates in WasmEdge
	@scripts/test.sh wasm

.PHONY: test-e2e
test-e2e: deps-test ## the release .wasm in WasmEdge with a real MariaDB
	@scripts/test.sh e2e

.PHONY: test-api
test-api: deps-api ## the API's description by its tools: linter, schemathesis with 10,000 requests, a client (6 min)
	@API_EXAMPLES=$${API_EXAMPLES:-1000} scripts/test.sh api

.PHONY: test-page
test-page: deps-page ## people at the pages (feature pages) in Chromium, with the real service and database (3 min)
	@scripts/test.sh page

.PHONY: released-api
released-api: deps-run build ## write the API's description of a release, with which later ones are compared
	@wasmedge "$(TARGET_DIR)/wasm32-wasip1/release/lowered/order-service.wasm" --openapi >tools/openapi/released.json.new
	@mv tools/openapi/released.json.new tools/openapi/released.json

.PHONY: test-published
test-published: deps-test ## the platform tests with the published socket crate (10 min): docs/PUBLISHED-CRATE.md
	@scripts/published.sh

.PHONY: test-runtime
test-runtime: deps-test ## the end-to-end tests on another WasmEdge: WASMEDGE=/path/to/wasmedge (docs/DEPLOY.md)
	@[ -n "$(WASMEDGE)" ] || { echo "make: WASMEDGE=/path/to/wasmedge is missing" >&2; exit 2; }
	@WASMEDGE="$(WASMEDGE)" scripts/test.sh e2e

.PHONY: runtime-slim
runtime-slim: deps-slim ## WasmEdge without LLVM, from source, into target/runtime-slim: docs/SLIM-RUNTIME.md
	@scripts/runtime-slim.sh

.PHONY: test-runtime-slim
test-runtime-slim: deps-test deps-containers deps-slim ## that one, built if missing or old: end to end, and under crun
	@scripts/runtime-slim.sh test
	@WASMEDGE="$(TARGET_DIR)/runtime-slim/bin/wasmedge" WASMEDGE_COMPILER=wasmedge scripts/test.sh e2e
	@$(CARGO) test --target $(HOST) --package containers -- --ignored slim_runtime

.PHONY: cluster
cluster: deps-cluster ## a Kubernetes cluster on this machine with the service on it, until Ctrl-C
	@$(CARGO) run --quiet --package cluster --target $(HOST)

.PHONY: test-cluster
test-cluster: deps-cluster ## the manifests and the service on a Kubernetes cluster that the tests start
	@scripts/test.sh cluster

.PHONY: test-containers
test-containers: deps-containers ## image, Compose, registry, Podman, rolling restart: on private container engines
	@scripts/test.sh containers

.PHONY: image
image: ## build the images order-service:aot and order-service:wasm and print their sizes
	@scripts/image.sh build aot wasm

.PHONY: image-push
image-push: ## push them to REGISTRY=registry.example.org/team
	@scripts/image.sh push "$(REGISTRY)"

.PHONY: up
up: ## docker compose up with the installed engine; returns once the service is ready
	@scripts/up.sh up

.PHONY: down
down: ## drain the replicas, then docker compose down; the data are kept
	@scripts/up.sh down

.PHONY: top
top: deps-build ## the service's figures, live, of all replicas: `make run`, `make up`, or ADMIN="HOST:PORT …"
	@$(CARGO) run --quiet --package top --target $(HOST) -- $(ADMIN)

.PHONY: backup
backup: deps-backup ## write a backup of the database into backups/: of DATABASE_URL, or of a running `make run`
	@scripts/backup.sh backup

.PHONY: restore
restore: deps-backup ## fill an empty database from FILE=backups/orders-….sql.gz
	@scripts/backup.sh restore "$(FILE)"

.PHONY: audit
audit: deps-audit ## known vulnerabilities, licences and sources of all dependencies; needs a network
	@scripts/audit.sh

.PHONY: release
release: deps-release ## signed artefacts of this version in dist/: SIGNING_KEY=… and, to push, REGISTRY=…
	@scripts/release.sh build

.PHONY: lint
lint: deps-lint ## format, clippy without a warning (wasm and native), shell scripts, Kubernetes manifests
	@scripts/lint.sh

.PHONY: fmt
fmt: deps-build ## format the source
	@$(CARGO) fmt --all

# measure WHAT,PART: runs a part of the bench; without PART, processes.
define measure
@scripts/step.sh "compile the measurements" $(CARGO) build --release --package bench --target $(HOST)
@scripts/step.sh --show "measure $(1)" $(CARGO) run --quiet --release --package bench --target $(HOST) -- $(2)
endef

.PHONY: bench
bench: deps-bench build aot native ## measure interpreter, AOT and native side by side into docs/BENCHMARKS.md (30 min)
	$(call measure,processes,)
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) bench-containers bench-cluster; else \
		echo "Not measured: make bench-containers, make bench-cluster. Only root can start an engine or a cluster."; fi

.PHONY: bench-containers
bench-containers: deps-containers ## make bench for images on a private engine: start, memory, size, build (5 min)
	$(call measure,containers,containers)

.PHONY: bench-overload
bench-overload: deps-bench build aot native ## overload, 1,000 slow clients; wasm and native: docs/BENCHMARKS.md (6 min)
	$(call measure,overload,overload)

.PHONY: bench-cluster
bench-cluster: deps-cluster ## make bench for a private Kubernetes cluster: pod creation to ready (5 min)
	$(call measure,the cluster,cluster)

.PHONY: soak
soak: deps-run build aot ## 10 minutes of mixed load and faults, every response checked: docs/BENCHMARKS.md
	@scripts/step.sh "compile the soak" $(CARGO) build --release --package soak --target $(HOST)
	@scripts/step.sh --show soak $(CARGO) run --quiet --release --package soak --target $(HOST)

.PHONY: fuzz
fuzz: deps-fuzz ## ten million inputs, by libFuzzer, to all that parses what strangers send (10 min)
	@scripts/fuzz.sh

.PHONY: deps
deps: ## install the missing Debian packages for run, check, test and bench
	@scripts/deps.sh check test bench

.PHONY: deps-build deps-lint deps-run deps-test deps-api deps-page deps-check deps-bench deps-cluster deps-containers
.PHONY: deps-audit deps-backup deps-release deps-fuzz deps-slim
deps-build deps-lint deps-run deps-test deps-api deps-page deps-check deps-bench deps-cluster deps-containers \
    deps-audit deps-backup deps-release deps-fuzz deps-slim:
	@scripts/deps.sh $(@:deps-%=%)

.PHONY: clean
clean: ## remove build outputs; the data of `make run` in .run/ are kept
	@rm -rf "$(TARGET_DIR)"

.PHONY: clean-data
clean-data: ## remove the database of `make run`
	@rm -rf .run
