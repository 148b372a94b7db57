# Liên thông Hub. `make` alone says what there is to make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCKS  := deploy/locks
# Plugins of libraries, which no test uses: each of five processes of pytest would import them for two seconds.
PYTEST := pytest -p no:schemathesis -p no:anyio -p no:valkey -p no:platformdirs

# Where ensurepip is missing (Debian without python3-venv), uv makes the environment; it comes by pip into .tools.
UV      := PYTHONPATH=.tools $(PYTHON) -m uv
# Twice: what the machine's own settings of pip make it warn of is nothing to who installs; errors are still told.
QUIETLY := --quiet --quiet --disable-pip-version-check
INSTALL := $(BIN)/python -m pip install $(QUIETLY)

# Where it is set, each of the processes that are started compiles all it imports anew: a worker for seconds, the tests' own
# processes for ten.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up down test check coverage bench faults docs messages audit sbom clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Everything in one go: 200 submissions from the portal to the departments and back, proved
	$(BIN)/hub demo

up: $(VENV)/.run ## Start the hub with its sandbox and keep it running (Ctrl-C or `make down` stops it)
	$(BIN)/hub up --sandbox

down: $(VENV)/.run ## Stop what `make up` started; its state stays in var/
	$(BIN)/hub down

test: $(VENV)/.dev ## All tests, on real servers that they start themselves
	$(BIN)/$(PYTEST) tests -n 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## Style, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@find connectors hub schemas config tests -name '*.py' -exec wc -l {} + | awk '$$2 != "total" && $$1 > 500 {print "warning: " $$2 " has " $$1 " lines: is it one subject?"}'

coverage: $(VENV)/.dev ## Branch coverage of the unit and integration tests, per file in var/coverage/html
	@mkdir -p var/coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) tests/unit tests/integration -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory var/coverage/html
	@$(BIN)/coverage report --skip-covered --sort cover

bench: $(VENV)/.dev ## Measure against bare baselines; writes var/bench.json
	$(BIN)/python -m tests.bench

faults: $(VENV)/.dev ## Kill, cut and restart everything under load; fails if anything was lost, doubled or out of order
	$(BIN)/python -m tests.faults --submissions 5000 --faults 50 $(if $(SEED),--seed $(SEED))

docs: messages ## Generate what is generated: reference pages, JSON Schemas, OpenAPI
	$(BIN)/typer hub.cli.main utils docs --name hub --output docs/reference/cli.md
	$(BIN)/python -m connectors.sandbox.reference > docs/reference/sandbox.md
	$(BIN)/python -m hub.reference
	$(BIN)/python -m tests.faults.catalogue
	$(BIN)/python -m deploy.rights > docs/reference/rights.md
	$(BIN)/python -m schemas.publish
	$(BIN)/python -m hub.http.publish
	$(BIN)/python -m hub.calendar.publish

messages: $(VENV)/.dev ## Bring hub/locale (the Vietnamese messages) in step with the code, and compile it
	$(BIN)/python -m hub.locale.catalogue

audit: ## Known vulnerabilities of the locked packages (pip-audit; asks PyPI, so it needs a network)
	@test -x .audit/bin/pip-audit || { $(PYTHON) -m venv .audit && .audit/bin/pip install $(QUIETLY) pip-audit==2.10.1 cyclonedx-bom==7.5.0; }
	.audit/bin/pip-audit --require-hashes --disable-pip --strict -r $(LOCKS)/run.lock

sbom: ## What a production set-up is made of, as CycloneDX, with hashes: var/sbom.json
	@test -x .audit/bin/cyclonedx-py || { $(PYTHON) -m venv .audit && .audit/bin/pip install $(QUIETLY) pip-audit==2.10.1 cyclonedx-bom==7.5.0; }
	@mkdir -p var
	.audit/bin/cyclonedx-py requirements $(LOCKS)/run.lock --pyproject pyproject.toml --output-reproducible -o var/sbom.json

clean: ## Remove what was installed or cached; var/ (your data) stays
	rm -rf $(VENV) .tools .audit .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp says: this lock is installed. Both locks agree on every package, and dev.lock holds all of run.lock.
$(VENV)/.run: $(LOCKS)/run.lock pyproject.toml | $(BIN)/python
	@test -e $(VENV)/.dev || $(call install,run.lock)
	@touch $@

$(VENV)/.dev: $(LOCKS)/dev.lock pyproject.toml | $(BIN)/python
	@$(call install,dev.lock)
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	    echo "python3-venv is not here: making $(VENV) with uv"; rm -rf $(VENV); \
	    $(PYTHON) -m pip install $(QUIETLY) --target .tools uv && $(UV) venv --quiet $(VENV); }

define install
if $(BIN)/python -m pip --version >/dev/null 2>&1; then \
    echo "installing $(1) ..." && $(INSTALL) --require-hashes -r $(LOCKS)/$(1) && $(INSTALL) --no-deps --no-build-isolation -e .; \
else \
    echo "installing $(1) with uv ..." && $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCKS)/$(1) && \
    $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
fi
endef
