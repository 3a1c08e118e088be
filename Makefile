# Every target explains itself: make help. Long work is in tests/trial/, tests/cluster/ and tests/images/.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
# What is built is kept outside of the checkout: an empty clone finds it again.
CHATBOT_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatbot-platform
CARGO_TARGET_DIR ?= $(CHATBOT_CACHE)/target
export CHATBOT_CACHE CARGO_TARGET_DIR
CHATBOT = cargo run --quiet --package chatbot --

##@ The main things
.PHONY: up down test help
up: ## From a bare machine to an answered question: cluster, operator, services, one environment (CLUSTER=local|kind|existing)
	@tests/trial/up
down: ## Remove what make up made, but its caches (CACHES=1: the built programs, models and images too)
	@tests/trial/down
test: ## Everything that proves the product: unit, snapshot, property, PostgreSQL, charts, end-to-end on a real cluster
	@tests/trial/test
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z-]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ While you write code
.PHONY: check format unit browser crds charts openapi generate
check: ## Format and lints, as CI sees them
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
format: ## Format the Rust code
	cargo fmt --all
unit: ## Tests that need no cluster (the chatbot's start a PostgreSQL of their own)
	cargo test --locked --workspace --exclude e2e
browser: ## Drive Chromium through the web chat and the administration (one part of it: tests/browser/run NAME)
	@tests/browser/run
crds: ## Write crds/ and the CRD chart from the Rust types
	cargo run --quiet -p chatbot-operator --bin chatbot-operator -- crd --out crds
	charts/chatbot-crds/sync
charts: ## Lint and render the charts, compare with their golden files (UPDATE=1 rewrites them)
	@tests/charts/run
openapi: ## Write docs/reference/openapi.json from the handlers
	@mkdir -p docs/reference
	$(CHATBOT) openapi >docs/reference/openapi.json
generate: crds openapi ## Write every generated file

##@ Images and measurements
.PHONY: images bench bench-releases bench-backups chaos dr-rehearsal
images: ## Build the images chatbot and chatbot-operator, check them, and print sizes and archives (PG_MAJOR=15)
	@tests/trial/images
chaos: ## Releases under load while the operator is killed at 30 random moments and the API server goes away (half an hour)
	@tests/chaos/run
dr-rehearsal: ## Lose a cluster with prod in it, build a second one, bring prod back from the off-site bucket, and print RPO and RTO (10 minutes)
	@tests/trial/dr-rehearsal
bench: ## Print the figures: times, memory, requests, image sizes
	@tests/bench/run
bench-releases: ## Measure releases beside Argo Rollouts, and what users notice of 20 releases and 20 rollbacks (20 minutes, after make up)
	@tests/bench/releases
bench-backups: ## Measure backups and restores beside restic and pgBackRest (10 minutes)
	@tests/bench/backups

##@ Database of the environment in .env or DATABASE_URL
.PHONY: db-migrate db-upgrade db-downgrade db-reset db-dump db-restore
db-migrate: ## New migration: make db-migrate MESSAGE="add user preferences"
	@[ -n "$$MESSAGE" ] || { echo 'error: say what it does: make db-migrate MESSAGE="add user preferences"' >&2; exit 1; }
	$(CHATBOT) migrate new "$$MESSAGE"
db-upgrade: ## Apply every migration that is not applied yet
	$(CHATBOT) migrate up
db-downgrade: ## Undo the last migration
	$(CHATBOT) migrate down 1
db-reset: ## Undo and apply every migration: the data is lost (refused outside dev)
	$(CHATBOT) migrate reset
db-dump: ## Dump the database to FILE (default: dump-<time>.pgdump)
	$(CHATBOT) migrate dump $${FILE:+"$$FILE"}
db-restore: ## Restore a dump into the database: make db-restore FILE=… (refused outside dev, and where tables exist)
	@[ -n "$$FILE" ] || { echo 'error: say which file: make db-restore FILE=dump.pgdump' >&2; exit 1; }
	$(CHATBOT) migrate restore "$$FILE"
