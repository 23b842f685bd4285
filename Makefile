# Each target does all the set-up that it needs, on a fresh machine with Python 3.11 to 3.14.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000
HOST ?= 127.0.0.1
# Half of what the tests do is wait; the unit tests never do.
JOBS ?= $(if $(filter tests/unit%,$(ARGS)),2,4)
# How long `make soak` loads and kills.
MINUTES ?= 20
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Python keeps what it compiled: each process that a test or a demo starts would compile everything again.
unexport PYTHONDONTWRITEBYTECODE
# Says which step runs, as some are silent for a minute.
say = @echo "==> $(1)"

.DEFAULT_GOAL := help
.PHONY: help sbom audit setup setup-dev wheel jupyter run demo demo-class hub-demo browser test attack soak lint format bench bench-quick study screenshots docs tables lock clean

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 14) else f"Learntrace needs Python 3.11 to 3.14; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 ...")'
	$(call say,Creating the virtual environment $(VENV))
	@$(PYTHON) -m venv $(VENV)

# The stamps name what was installed: an unchanged lock file is not installed again.
CATALOGUES := $(wildcard learntrace/locale/*/LC_MESSAGES/*.po jupyter-learntrace/jupyter_learntrace/locale/*/LC_MESSAGES/*.po)
$(VENV)/.base: requirements/base.txt pyproject.toml hatch_build.py jupyter-learntrace/pyproject.toml jupyter-learntrace/hatch_build.py $(CATALOGUES) | $(VENV)/bin/python
	$(call say,Installing what the server needs (requirements/base.txt))
	@$(PY) -m pip install --quiet --require-hashes -r requirements/base.txt
	$(call say,Installing Learntrace and compiling its translations)
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable . --editable jupyter-learntrace
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(call say,Installing what tests and checks need (requirements/dev.txt))
	@$(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.base ## Install what the server needs into .venv
setup-dev: $(VENV)/.dev ## ... and what tests and checks need

# jupyter-learntrace: its front ends are built by Node, so that whoever installs the wheel needs none.
JL := jupyter-learntrace
WHEEL := $(JL)/dist/.built
$(JL)/node_modules/.installed jupyterhub/node_modules/.installed: %/node_modules/.installed: %/package.json %/package-lock.json
	@command -v npm >/dev/null || { echo "this needs Node 20 or newer with npm: apt-get install nodejs npm (Debian, Ubuntu), or nodejs.org" >&2; exit 1; }
	$(call say,Installing the npm packages of $*)
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

$(WHEEL): $(JL)/node_modules/.installed $(VENV)/.base $(shell find $(JL)/src $(JL)/style $(JL)/jupyter-config $(JL)/jupyter_learntrace -type f -not -path '*/labextension/*' -not -path '*/nbextension/*' -not -name '*.pyc' -not -name '*.mo' 2>/dev/null) $(wildcard $(JL)/*.json $(JL)/*.cjs $(JL)/*.py $(JL)/pyproject.toml)
	$(call say,Building the notebooks' front ends and the wheel of jupyter-learntrace)
	@cd $(JL) && npm run --silent build
	@rm -rf $(JL)/dist
	@cd $(JL) && ../$(PY) -m hatchling build -t wheel
	@touch $@

wheel: $(WHEEL) ## Build jupyter-learntrace into jupyter-learntrace/dist

# Environments with the front ends and the built wheel: Classic Notebook needs older neighbours, and so one of its own.
$(VENV)-jupyter/.locked $(VENV)-classic/.locked $(VENV)-together/.locked: $(VENV)-%/.locked: requirements/%.txt | $(VENV)/bin/python
	$(call say,Installing Jupyter into $(VENV)-$* (requirements/$*.txt))
	@test -x $(VENV)-$*/bin/python || $(PYTHON) -m venv $(VENV)-$*
	@$(VENV)-$*/bin/python -m pip install --quiet --require-hashes -r requirements/$*.txt
	@touch $@

$(VENV)-jupyter/.wheel $(VENV)-classic/.wheel $(VENV)-together/.wheel: $(VENV)-%/.wheel: $(VENV)-%/.locked $(WHEEL)
	$(call say,Installing the wheel into $(VENV)-$*)
	@$(VENV)-$*/bin/python -m pip install --quiet --no-deps --force-reinstall $(JL)/dist/*.whl
	@touch $@

jupyter: $(VENV)-jupyter/.wheel $(VENV)-classic/.wheel $(VENV)-together/.wheel jupyterhub/node_modules/.installed ## JupyterLab, Notebook 7, Classic and a hub, with the wheel

run: setup ## Begin: serve, with the set-up page of a new server (HOST=, PORT=)
	@exec $(VENV)/bin/learntrace serve --open --host $(HOST) --port $(PORT)

demo: setup ## An academy with learners, live telemetry and every status, until Ctrl-C (PORT=)
	@exec $(PY) -m learntrace.config.demo --host $(HOST) --port $(PORT)

demo-class: setup ## A real class of 295 students at work again, an hour a second, until Ctrl-C (PORT=)
	@exec $(PY) -m learntrace.config.demo.class_demo --host $(HOST) --port $(PORT)

hub-demo: setup jupyter ## A class in a JupyterHub, with Learntrace beside it, until Ctrl-C (PORT=, HUB_PORT=)
	@exec $(PY) -m learntrace.config.demo.hub $(if $(filter-out file,$(origin PORT)),--port $(PORT)) $(if $(HUB_PORT),--hub-port $(HUB_PORT))

# Installed where that needs no question (Debian, as root); elsewhere the browser tests say what to install. A page costs the
# browser without windows less than the usual one, beside which it is therefore installed if that needs no new package lists.
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove -o Acquire::http::Timeout=20
browser:
	@command -v chromium-headless-shell >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	  && echo "installing chromium for the browser tests" \
	  && { command -v chromium >/dev/null || apt-get update -qq; } \
	  && { $(APT_INSTALL) chromium-headless-shell >/dev/null 2>&1 \
	    || command -v chromium >/dev/null || $(APT_INSTALL) chromium >/dev/null; }; } || true

# Unit tests need neither Node nor a browser, and whoever changes something first runs these.
ONLY_UNIT := $(if $(filter tests/unit%,$(ARGS)),$(if $(filter-out tests/unit%,$(filter tests/%,$(ARGS))),,yes))
test: setup-dev $(if $(ONLY_UNIT),,jupyter browser) ## All tests, on a real PostgreSQL and in a real browser (JOBS=, ARGS=)
	$(PY) -m pytest --numprocesses $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

lint: setup-dev $(JL)/node_modules/.installed ## Style, types, the order of the rooms, stale docs
	$(call say,Style)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	$(call say,The order of the rooms)
	@$(VENV)/bin/lint-imports
	$(call say,Types)
	@$(VENV)/bin/mypy
	@$(VENV)/bin/mypy --config-file jupyter-learntrace/pyproject.toml jupyter-learntrace/jupyter_learntrace
	$(call say,TypeScript)
	@cd $(JL) && npm run --silent lint
	$(call say,Generated pages and translations)
	@$(PY) -m learntrace.config.reference_docs.reference --check
	@$(PY) -m learntrace.config.reference_docs.translations check

format: setup-dev ## Put the code into its form
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

attack: setup-dev ## Attack a copy of our own and print what was held (ARGS=--quick)
	@$(PY) -m tests.attack $(ARGS)

soak: setup-dev jupyter browser ## What takes longer: kill rounds, generated requests, a long load, promised times, all colours (MINUTES=20)
	$(call say,Kill rounds and generated requests and a load of $(MINUTES) minutes and promised times and all colours of the pages: the figures follow each test)
	LEARNTRACE_TEST_SOAK_MINUTES=$(MINUTES) $(PY) -m pytest -p no:cacheprovider -rP tests/faults/test_kills.py tests/faults/test_long_load.py tests/api tests/faults/test_visibility.py $(ARGS)
	LEARNTRACE_TEST_SOAK_MINUTES=$(MINUTES) $(PY) -m pytest -p no:cacheprovider -rP tests/browser tests/jupyter/test_hand.py $(ARGS)

bench: setup-dev ## Measure, each figure as a ratio against a reference in the same run
	$(PY) -m benchmarks $(ARGS)

bench-quick: setup-dev ## A few of these in under five minutes: fails on wrong rows, or far below a target
	$(PY) -m benchmarks.quick $(ARGS)

study: setup-dev ## Which signals tell who ends a homework incomplete: the tables and plots of the docs' study
	$(PY) -m benchmarks.study

screenshots: setup-dev jupyter browser ## The pictures in README and docs
	$(PY) -m tests.browser.screenshots docs/pictures
	$(PY) -m tests.jupyter.screenshots docs/pictures

docs: setup-dev ## The pages under docs/reference that are made from the code
	$(PY) -m learntrace.config.reference_docs.reference

tables: setup-dev ## The tables of a new database, after a new migration
	@$(PY) -m learntrace.config.reference_docs.tables

lock: setup-dev ## Lock the requirements anew, with hashes and without addresses
	for name in base dev jupyter classic together; do $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header requirements/$$name.in -o requirements/$$name.txt; done

sbom: setup ## What an installation consists of, as CycloneDX (sbom.cdx.json); made from the lock files, without network
	@$(PY) -m learntrace.config.reference_docs.sbom > sbom.cdx.json
	$(call say,Wrote sbom.cdx.json)

audit: setup-dev ## Known vulnerabilities of what is locked; asks the registries, and so needs a network
	@cd $(JL) && npm audit --omit=dev
	@command -v pipx >/dev/null || { echo "this needs pipx, which runs pip-audit apart from our environment" >&2; exit 1; }
	@pipx run pip-audit --require-hashes -r requirements/base.txt

clean: ## Remove what was installed and built; the data in var/ stay
	rm -rf $(VENV) $(VENV)-jupyter $(VENV)-classic $(VENV)-together $(JL)/node_modules $(JL)/dist jupyterhub/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf $(JL)/jupyter_learntrace/labextension $(JL)/jupyter_learntrace/nbextension $(JL)/lib jupyterhub/custom/custom.js
	find learntrace $(JL)/jupyter_learntrace -name '*.mo' -delete
