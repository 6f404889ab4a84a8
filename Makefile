# Everything that a person or CI does with the project. Each target sets up what it needs, once: see .ci/need.

VENV := .venv
RUN := $(VENV)/bin/python
STAMPS := .cache/make
JUNIT := test-artifacts/junit
PORT ?= 3000

# Tests that use no network, no browser and no JavaScript: the ones that measure the coverage.
NETWORK_FREE := tests --ignore=tests/conformance --ignore=tests/browser --ignore=tests/benchmarks
# On all processors; each worker has servers of its own.
PARALLEL := --numprocesses=auto --dist=worksteal

.DELETE_ON_ERROR:
.PHONY: help demo test unit lint format docs bench wheel clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

demo: $(STAMPS)/base docs/examples/chat/node_modules ## Serve the chat of docs/examples/chat on http://127.0.0.1:3000/ (PORT=8000 for another port)
	@$(RUN) docs/examples/chat/server.py $(PORT)

test: lint $(STAMPS)/dev tests/js/node_modules docs/examples/chat/node_modules $(STAMPS)/chromium ## Lint, types, import contracts, all tests
	$(RUN) -m pytest $(NETWORK_FREE) $(PARALLEL) --cov --cov-report=term-missing:skip-covered --junitxml=$(JUNIT)/network-free.xml
	$(RUN) -m pytest tests/conformance tests/browser $(PARALLEL) --junitxml=$(JUNIT)/peers.xml

unit: $(STAMPS)/dev ## Only the network-free tests, with the coverage
	$(RUN) -m pytest $(NETWORK_FREE) $(PARALLEL) --cov --cov-report=term-missing:skip-covered

lint: $(STAMPS)/dev ## Ruff, mypy, pyright, import contracts
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright --warnings
	$(VENV)/bin/lint-imports

format: $(STAMPS)/dev ## Format the code and mend what ruff can mend
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: $(STAMPS)/docs ## Build the documentation into site/; a warning is an error
	$(RUN) -m sphinx --fail-on-warning --keep-going --quiet -d .cache/doctrees docs site
	@echo "site/index.html"

bench: $(STAMPS)/bench tests/js/node_modules ## Measure this library beside socket.io on Node and python-socketio, servers and clients
	$(RUN) tests/benchmarks/run.py $(BENCH)
	$(RUN) tests/benchmarks/run_clients.py $(BENCH)

wheel: $(STAMPS)/dev ## Build the sdist and from it the wheel, and run the network-free tests on it in a clean environment
	bash tests/packaging/check_wheel.sh $(JUNIT)

clean: ## Remove everything that these targets made
	rm -rf $(VENV) .cache site dist build test-artifacts .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf tests/js/node_modules docs/examples/chat/node_modules

# --- set-up: every stamp is made once, and again when the file that it comes from changes ---

$(RUN):
	@"$$(.ci/need python)" -m venv $(VENV)

$(STAMPS)/base: pyproject.toml | $(RUN)
	@echo "installing the library into $(VENV)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev $(STAMPS)/docs $(STAMPS)/bench: $(STAMPS)/%: $(STAMPS)/base
	@echo "installing the $* tools into $(VENV)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# npm ci installs exactly what the lock file says, checked by its hashes.
%/node_modules: %/package-lock.json
	@.ci/need npm >/dev/null
	@echo "installing $*/package-lock.json with npm"
	@cd $* && npm ci --silent
	@touch $@

$(STAMPS)/chromium:
	@.ci/need chromium >/dev/null
	@mkdir -p $(STAMPS) && touch $@
