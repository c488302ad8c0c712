SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
BIN    := $(VENV)/bin

# Tests, demo and servers start some hundreds of processes: what Python compiled is kept, also where
# the environment says otherwise.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help env demo up analytics test simulate mutants chaos bench check readme format \
        contracts rehearse lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY) ## build .venv from the lock file, once

demo: $(READY) ## play a sale on a real Postgres and a real Kafka, and watch it
	@$(BIN)/reservations demo

up: $(READY) ## start the servers and a worker, and keep them up
	@$(BIN)/reservations up

analytics: $(READY) ## beside `make up`: a table per experience out of the outcomes; ARGS=--follow
	@. .reservations/environment 2>/dev/null || { \
	    echo "nothing is up here: start \`make up\` in another terminal first" >&2; exit 1; }; \
	$(BIN)/python deploy/examples/analytics.py .reservations/analytics.db $(ARGS)

# Most tests wait for a server or a process now and then: of three at a time two cores are busy.
test: $(READY) ## run all tests
	@$(BIN)/python -m pytest -n 3 --dist worksteal

simulate: $(READY) ## try the rules against a model: SEED=N replays one, MINUTES=N tries many
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

mutants: $(READY) ## break the rules, one change at a time: does a test notice? ARGS="--module admit"
	@$(BIN)/python -m tests.mutants $(ARGS)

chaos: $(READY) ## break it under load, and count: SEED=N replays the faults, FAULTS=N (200) does so many
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

bench: $(READY) ## measure against COPY, peers and the clock: FULL=1 for all of it, some hours
	@$(BIN)/python -m tests.benchmarks $(if $(FULL),--full) $(ARGS)

check: $(READY) ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

readme: $(READY) ## write README's table of metrics anew
	@$(BIN)/python -m service.metrics.readme

format: $(READY) ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: $(READY) ## write the schemas of events and outcomes anew; at a release DIRECTORY=.../released
	@$(BIN)/reservations contracts $(or $(DIRECTORY),deploy/contracts)

rehearse: $(READY) ## do the steps of deploy/Dockerfile without Docker, from the locks with their hashes
	@$(BIN)/python -m tests.rehearse

# Names, versions and hashes for Linux and macOS on Python 3.11 and newer; no registry's address.
lock: $(READY) ## resolve the dependencies and Kafka's jars again, and write all lock files
	$(BIN)/python -m pip install --quiet 'uv>=0.9'
	$(BIN)/uv pip compile pyproject.toml --output-file requirements.lock --upgrade --quiet \
	    --universal --python-version 3.11 --all-extras --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header
	$(BIN)/uv pip compile pyproject.toml --output-file deploy/requirements.lock --extra otel --quiet \
	    --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header
	echo hatchling | $(BIN)/uv pip compile - --output-file deploy/requirements-build.lock --quiet \
	    --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header
	$(BIN)/python -c 'from service.embedded import jars; jars.write_lock()'

clean: ## remove .venv and what tools leave behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip says little of what it does when quiet and too much when not: its lines become a count.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	         "Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Building $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@set -o pipefail; total=$$(grep -c '==' requirements.lock); count=0; \
	$(BIN)/python -m pip install --disable-pip-version-check --no-color \
	    --require-hashes -r requirements.lock 2> >(grep -v '^$$' >&2) \
	| while read -r word name _; do case $$word in \
	    Collecting) count=$$((count + 1)); \
	        if [ -t 1 ]; then printf '\r\033[K  fetching %d/%d  %s' $$count $$total "$${name%%=*}"; \
	        elif [ $$((count % 20)) = 1 ]; then echo "  fetching $$count/$$total"; fi ;; \
	    Installing) if [ -t 1 ]; then printf '\r\033[K'; fi; echo "  installing $$total packages" ;; \
	esac; done
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	    --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m service.prepare
	@touch $@
	@echo "  ready"
