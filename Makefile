# Every target explains itself: make help. Long work is in tests/local/, tests/trial/, tests/cluster/ and tests/images/.
SHELL := /usr/bin/env bash
.DEFAULT_GOAL := help
# What is built is kept outside of the checkout: an empty clone finds it again.
CHATBOT_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatbot-platform
CARGO_TARGET_DIR ?= $(CHATBOT_CACHE)/target
export CHATBOT_CACHE CARGO_TARGET_DIR
CHATBOT = cargo run --quiet --package chatbot --
# The environment that a target is about: dev, stage or prod.
TIER ?= dev
LOCAL = tests/local

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

##@ On this machine, without a cluster (TIER=dev, stage or prod; PORT_OFFSET moves all ports)
.PHONY: dev dev-env dev-reset local local-stop worker ask health logs restart shell psql
dev: ## The dev environment: services, serve, worker and monitor; begins anew when the code changes (was docker-local and dev)
	@$(LOCAL)/environment dev
dev-env: ## Another one beside it: make dev-env TIER=stage (or prod); ports 8001, 8002, monitors 5556, 5557
	@$(LOCAL)/environment $(TIER)
dev-reset: ## Forget all data of the local environments
	@$(LOCAL)/services reset
local: ## The services alone, until make local-stop (was docker-local, docker-up)
	@$(LOCAL)/services up
local-stop: ## End the services that make local started (was docker compose stop)
	@$(LOCAL)/services stop
worker: ## One more worker of the environment TIER (was celery-worker)
	@$(LOCAL)/worker $(TIER)
ask: ## Ask the environment TIER: make ask QUESTION="How long are backups kept?"
	@$(LOCAL)/ask $(TIER) "$$QUESTION"
health: ## Ask every local service and environment how it is (was docker-health)
	@$(LOCAL)/health
logs: ## Follow what the environment TIER says; SERVICE=serve, worker, monitor, postgresql … (was docker compose logs -f)
	@$(LOCAL)/logs $(TIER) $(SERVICE)
restart: ## Begin the environment TIER anew (was docker compose restart)
	@$(LOCAL)/restart $(TIER)
shell: ## A shell with the variables of the environment TIER, and chatbot on its PATH (was docker exec app)
	@$(LOCAL)/run $(TIER) bash
psql: ## The database of the environment TIER (was docker exec postgres psql)
	@$(LOCAL)/run $(TIER) bash -c 'exec psql "$$DATABASE_URL"'

##@ On the cluster of make up
.PHONY: env-dev env-stage env-prod
env-dev: ## Release this tree to dev, and open http://localhost:8000 (was docker-dev)
	@$(LOCAL)/cluster-environment dev
env-stage: ## Release this tree to stage, and open http://localhost:8001 (was docker-stage)
	@$(LOCAL)/cluster-environment stage
env-prod: ## Release this tree to prod, and open http://localhost:8002 (was docker-prod)
	@$(LOCAL)/cluster-environment prod

##@ While you write code
.PHONY: verify-build hooks check format unit browser crds charts openapi generate clean
verify-build: ## The checklist before a build, with ✓ or ✗ for each line (VERIFY_ONLY="format deny": those alone)
	@$(LOCAL)/verify-build
hooks: ## Have git look at what is committed (was pre-commit install)
	git config core.hooksPath .githooks
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
clean: ## Remove what cargo built; make down CACHES=1 removes everything that was built
	cargo clean

##@ Images and measurements
.PHONY: images build bench bench-releases bench-backups chaos dr-rehearsal
images: ## Build the images chatbot and chatbot-operator, check them, and print sizes and archives (PG_MAJOR=15)
	@tests/trial/images
build: images ## Build the two images, as make images does (was build)
chaos: ## Releases under load while the operator is killed at 30 random moments, and cut off from the API server (half an hour)
	@tests/chaos/run
dr-rehearsal: ## Lose a cluster with prod in it, build a second one, bring prod back from the off-site bucket, and print RPO and RTO (10 minutes)
	@tests/trial/dr-rehearsal
bench: ## Print the figures: times, memory, requests, image sizes
	@tests/bench/run
bench-releases: ## Measure releases beside Argo Rollouts, and what users notice of 20 releases and 20 rollbacks (20 minutes, after make up)
	@tests/bench/releases
bench-backups: ## Measure backups and restores beside restic and pgBackRest (10 minutes)
	@tests/bench/backups

##@ Database of the environment TIER on this machine, or of the DATABASE_URL that is set
.PHONY: db-migrate db-upgrade db-downgrade db-reset db-dump db-restore backup backups restore
db-migrate: ## New migration: make db-migrate MESSAGE="add user preferences"
	@[ -n "$$MESSAGE" ] || { echo 'error: say what it does: make db-migrate MESSAGE="add user preferences"' >&2; exit 1; }
	$(CHATBOT) migrate new "$$MESSAGE"
db-upgrade: ## Apply every migration that is not applied yet
	@$(LOCAL)/run $(TIER) chatbot migrate up
db-downgrade: ## Undo the last migration
	@$(LOCAL)/run $(TIER) chatbot migrate down 1
db-reset: ## Undo and apply every migration: the data is lost (refused outside dev)
	@$(LOCAL)/run $(TIER) chatbot migrate reset
db-dump: ## Dump the database to FILE (default: dump-<time>.pgdump)
	@$(LOCAL)/run $(TIER) chatbot migrate dump $${FILE:+"$$FILE"}
db-restore: ## Restore a dump into the database: make db-restore FILE=… (refused outside dev, and where tables exist)
	@[ -n "$$FILE" ] || { echo 'error: say which file: make db-restore FILE=dump.pgdump' >&2; exit 1; }
	@$(LOCAL)/run $(TIER) chatbot migrate restore "$$FILE"
backup: ## Back the environment TIER up: database and documents, encrypted, read back (was db-dump by cron)
	@$(LOCAL)/run $(TIER) chatbot backup
backups: ## List the backups of the environment TIER
	@$(LOCAL)/run $(TIER) chatbot backup list
restore: ## Bring a backup back, the newest or FROM=…; what was there is kept (was db-restore)
	@$(LOCAL)/restore $(TIER) $${FROM:+"$$FROM"}
