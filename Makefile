# SPDX-License-Identifier: Apache-2.0
# `make help` lists the verbs. Nothing needs to be installed by hand but Python 3.11 or newer and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ARGS   ?=

# No library phones home, whatever it was told elsewhere.
SHELL := /bin/bash
export DO_NOT_TRACK = 1
export ORT_DISABLE_TELEMETRY = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick nightly check format serve docs lock bench compare clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make the virtual environment with the pinned dependencies

$(READY): pyproject.toml requirements.lock requirements-torch.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Modelward needs Python 3.11 or newer; set PYTHON=..."; exit 6; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies into $(VENV) (about 2 GB; a minute or two)…"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25' 2>&1 | grep -v '^WARNING: Location' || true
	@set -o pipefail; $(BIN)/python -m pip install --quiet -r requirements-torch.lock 2>&1 | { grep -v '^WARNING: Location' || true; }
	@set -o pipefail; $(BIN)/python -m pip install --quiet -r requirements.lock 2>&1 | { grep -v '^WARNING: Location' || true; }
	@set -o pipefail; $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . 2>&1 | { grep -v '^WARNING: Location' || true; }
	@touch $@

demo: $(READY) ## tell the whole story on real data, then serve until Ctrl-C (ARGS=--exit: end after the story)
	@$(BIN)/python examples/demo.py $(ARGS)

test: $(READY) ## run every test, and report branch coverage
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered --cov-report=html -q $(ARGS)

quick: $(READY) ## run the tests that are not slow
	@$(BIN)/python -m pytest -n 2 -m "not slow and not browser and not nightly" -q $(ARGS)

nightly: $(READY) ## ask at length what `make test` asks within a minute
	@$(BIN)/python -m pytest -n 2 -m nightly -q $(ARGS)

check: $(READY) ## formatting, lint, types, and the law of the house
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## format, and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

serve: $(READY) ## serve the nearest home (ARGS="--port 8321")
	@$(BIN)/modelward serve $(ARGS)

docs: $(READY) ## write the pages that are generated from the code
	@$(BIN)/python docs/generate.py

# What asks for PyTorch takes the one that is pinned apart, and what that one brings in its version.
lock: $(READY) ## resolve the pinned dependencies anew
	@$(BIN)/uv pip compile pyproject.toml --quiet --override <(echo "torch; python_version < '3'") --constraint requirements-torch.lock --extra boosting --extra explain --extra glass --extra oidc --extra privacy --extra translation --group dev --python-version 3.11 --no-header --no-annotate --output-file requirements.lock
	@{ echo '# Every package but PyTorch, pinned. Made by `make lock`.'; cat requirements.lock; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

bench: $(READY) ## measure this machine (see benchmarks/README.md)
	@$(BIN)/python benchmarks/serving.py $(ARGS)

compare: $(READY) ## measure Modelward beside other servers, and install them (ARGS="--peers modelward,mosec")
	@$(BIN)/python benchmarks/side_by_side.py $(ARGS)

clean: ## remove what the build and the tests left, and the homes of past demos (.cache/demo-*)
	@rm -rf .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache/demo-* build dist
