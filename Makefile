# The commands of daily work; `make` lists them. Everything here can be typed by hand too: nothing
# depends on a variable that only this file sets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where cargo puts what it builds.
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

DEMO_ARGS ?=
BENCH_ARGS ?=
PROVE_HISTORIES ?= 1000

# Fuzzing: how long each target runs, and which.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= alb nginx_json combined ndjson beaver rules notification push_text push_protobuf otlp loki bulk \
	gelf gelf_datagrams syslog query redact

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: setup
setup: ## install what the tests need (Debian packages, Python packages in a cache folder), where it is missing
	@.ci/setup

# The page is built before the program, which takes it in; only where something of it has changed.
PAGE_SOURCES := $(shell find page -type f -not -path 'page/node_modules/*' -not -path 'page/dist/*' \
	-not -path 'page/*/output/*' 2>/dev/null)

page/node_modules/.package-lock.json: page/package-lock.json page/package.json
	npm ci --prefix page --no-audit --no-fund
	touch $@

page/dist/index.html: page/node_modules/.package-lock.json $(PAGE_SOURCES)
	npm run build --prefix page
	touch $@

.PHONY: page
page: $(if $(wildcard page/package.json),page/dist/index.html) ## build the page, which needs Node: page/dist

.PHONY: build
build: page ## build the program with its page, optimised: target/release/weir
	cargo build --release --package weir
	@echo "built $(TARGET_DIR)/release/weir"

.PHONY: demo
demo: page ## run weir on sample traffic; DEMO_ARGS="--listen 127.0.0.1:9100 --duration 1m"
	cargo run --release --quiet --package weir -- demo $(DEMO_ARGS)

.PHONY: prove
prove: setup ## a thousand random histories on which weir and a real Prometheus must agree; PROVE_HISTORIES=1000
	PROMTOOL_HISTORIES=$(PROVE_HISTORIES) cargo test --package weir-alert --test promtool

# The page's tests use the program that the others have built. Examples in the documentation come before those, so
# that the last lines are the tests' own.
.PHONY: test
test: setup page ## run all tests; the last line counts those in Rust
	cargo test --workspace --doc --quiet
	npm run check --prefix page
	npm test --prefix page
	cargo build --workspace
	WEIR_BINARY=$(abspath $(TARGET_DIR))/debug/weir npm run browser --prefix page
	cargo test --workspace --lib --bins --tests 2>&1 | tee $(TARGET_DIR)/test.log
	@awk '/^test result:/ {passed += $$4; failed += $$6; binaries++} \
	  END {printf "%d tests passed and %d failed in %d binaries\n", passed, failed, binaries}' $(TARGET_DIR)/test.log

.PHONY: lint
lint: ## formatting, clippy, tidy and documentation, warnings denied
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings
	cargo xtask tidy
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

.PHONY: deny
deny: ## licences, banned crates and sources of all dependencies (builds cargo-deny once, some minutes)
	command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
	cargo deny check licenses bans sources

.PHONY: bench
bench: ## benchmarks, see bench/
	cargo xtask bench $(BENCH_ARGS)

# Without a sanitizer: the parsers are safe Rust, and so any toolchain will do, not only a nightly.
.PHONY: fuzz
fuzz: ## fuzz each parser; FUZZ_SECONDS=600, FUZZ_TARGETS="alb rules"
	command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p fuzz/corpus/$$target; \
	  cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1; \
	done

.PHONY: clean
clean: ## remove everything that was built or found
	cargo clean
	cargo clean --manifest-path fuzz/Cargo.toml
	rm -rf fuzz/corpus fuzz/artifacts page/dist page/node_modules
