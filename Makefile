# What one does with Pollux. `make help` lists it.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# Where tests write down what they could not do, one line each.
SKIPPED := $(abspath $(TARGET_DIR))/skipped.txt
NOTHING_SKIPPED := mkdir -p $(dir $(SKIPPED)) && rm -f $(SKIPPED)
NAME_SKIPPED := if [ -s $(SKIPPED) ]; then \
	printf '\n%s\n' '=== SKIPPED, because this machine lacks something ==='; sort -u $(SKIPPED); fi
# A real SurrealDB server for the tests, if `make surreal-server` has built one.
SURREAL := $(abspath $(TARGET_DIR))/debug/surreal-server
# The console that Pollux serves at /graphiql.
GRAPHIQL := web/dist/graphiql/index.html
GRAPHIQL_SOURCES := $(shell find web/graphiql -name node_modules -prune -o -type f -print)
NPM := $(shell command -v npm)

.DEFAULT_GOAL := help
.PHONY: help run web test clients surreal-server onnxruntime check fmt release bench bench-graphql clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: web ## Build and run the demo plant: http://127.0.0.1:8080, mqtt://127.0.0.1:1883 (more flags in ARGS)
	$(CARGO) build --locked
	exec $(TARGET_DIR)/debug/pollux run --demo $(ARGS)

web: $(GRAPHIQL) ## Build GraphiQL, which the next build of Pollux takes in (needs npm)

$(GRAPHIQL): $(GRAPHIQL_SOURCES)
ifeq ($(NPM),)
	@printf '\n%s\n\n' '=== SKIPPED GraphiQL: npm is not installed, so /graphiql will only say that it is missing ==='
else
	$(NPM) ci --prefix web/graphiql
	$(NPM) run build --prefix web/graphiql
	@# Cargo sees that a file has changed, but not that one has come.
	@touch src/http/graphiql.rs
endif

test: web ## Run all tests (one of them: make test ARGS=scenario)
	@$(NOTHING_SKIPPED)
	POLLUX_TEST_SKIPPED=$(SKIPPED) $(if $(wildcard $(SURREAL)),POLLUX_TEST_SURREAL=$(SURREAL)) \
		$(CARGO) test --locked --lib --test it -- $(ARGS)
	@$(NAME_SKIPPED)

clients: web ## Run real clients and the examples against a Pollux of their own (one file: make clients ARGS=urql)
	$(CARGO) build --locked
	@$(NOTHING_SKIPPED)
	@POLLUX_TEST_SKIPPED=$(SKIPPED) tests/clients/run $(abspath $(TARGET_DIR))/debug/pollux $(ARGS)
	@$(NAME_SKIPPED)

surreal-server: ## Build the SurrealDB server that a few tests talk to, once: some minutes
	CARGO_TARGET_DIR=$(abspath $(TARGET_DIR)) $(CARGO) build --locked --manifest-path tests/surreal_server/Cargo.toml
	@echo $(SURREAL)

onnxruntime: ## Fetch the library that runs ONNX models, out of its wheel on PyPI (needs pip)
	tools/fetch-onnxruntime

check: ## Formatting and lints, as the gate runs them
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- --deny warnings

fmt: ## Format all code
	$(CARGO) fmt --all

release: web ## Build the fast binary: target/release/pollux
	$(CARGO) build --locked --release

bench: release ## Measure ingest against a running release binary on a workspace of its own (more flags in ARGS)
	@CARGO_TARGET_DIR=$(TARGET_DIR) benches/ingest $(ARGS)

bench-graphql: release ## Measure the GraphQL API beside a bare server in the same way
	$(CARGO) build --locked --release --example bare_graphql
	@CARGO_TARGET_DIR=$(TARGET_DIR) benches/graphql $(ARGS)

clean: ## Remove what was built; data/ stays
	$(CARGO) clean
