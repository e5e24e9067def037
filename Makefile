# Everything runs from .venv, built from requirements/dev.txt (locked by hashes).
#
# Variables: PYTHON (which interpreter builds .venv), CASE and OUT (what `make run` runs, and where to),
# PYTEST_ARGS (more arguments for pytest), LOCK_ARGS (more for the resolver, such as --upgrade).

PYTHON ?= python3
CASE ?= venezuela-2025
OUT ?= runs/$(CASE)
PYTEST_ARGS ?=
LOCK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done

# uv and pip want a cache folder; without a usable home it goes into .venv.
ifeq ($(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes),)
export UV_CACHE_DIR ?= $(CURDIR)/$(VENV)/cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/$(VENV)/cache/pip
export MPLCONFIGDIR ?= $(CURDIR)/$(VENV)/cache/matplotlib
endif

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow bench lint format lock clean clean-all

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Build .venv; costs nothing when it is up to date

# In order: a Python new enough; a virtual environment (without ensurepip only if uv can fill it); uv from
# PATH, else the locked uv put into .venv; the locked packages through uv, else through pip; standoff itself.
$(STAMP): requirements/dev.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "make setup: no Python called '$(PYTHON)' here. Install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make setup: standoff needs Python 3.11 or newer, and '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1). Name a newer one: make setup PYTHON=python3.12"; exit 1; }
	@rm -f $(STAMP)
	@if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	  rm -rf $(VENV); \
	  if ! "$(PYTHON)" -c 'import venv' >/dev/null 2>&1; then \
	    echo "make setup: '$(PYTHON)' has no module venv. Install it (Debian, Ubuntu: apt-get install python3-venv), then call make again."; exit 1; \
	  elif "$(PYTHON)" -c 'import ensurepip' >/dev/null 2>&1; then \
	    "$(PYTHON)" -m venv $(VENV); \
	  elif command -v uv >/dev/null 2>&1; then \
	    "$(PYTHON)" -m venv --without-pip $(VENV); \
	  else \
	    echo "make setup: '$(PYTHON)' has no module ensurepip, and uv is not on PATH. Install one of them (Debian, Ubuntu: apt-get install python3-venv), then call make again."; exit 1; \
	  fi; \
	fi
	@uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	  uv=$(BIN)/uv; \
	  awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements/dev.txt > $(VENV)/uv.txt; \
	  PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt || uv=""; \
	fi; \
	if [ -n "$$uv" ] \
	  && "$$uv" pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt \
	  && "$$uv" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; then \
	  :; \
	else \
	  echo "make setup: uv could not install the packages; trying pip"; \
	  $(BIN)/python -m pip --version >/dev/null || exit 1; \
	  PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt \
	  && PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $(STAMP)
	@echo "make setup: $(VENV) is ready, $$($(BIN)/python --version)"

run: setup ## Run the shipped case; its report goes to runs/
	$(BIN)/standoff run $(CASE) --out $(OUT)

# A worker takes a whole file, so that what a file prepares and compiles is made once. These tests compile much and run
# little, so XLA optimises less (a quarter less CPU); `make run`, `make test-slow` and users compile in full.
FAST_COMPILE := --xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1
test: setup ## Check the layers and run the tests, without the slow ones
	$(BIN)/lint-imports
	XLA_FLAGS="$(FAST_COMPILE) $$XLA_FLAGS" $(BIN)/pytest -n 2 --dist loadfile -m "not slow and not gpu" $(PYTEST_ARGS)

test-slow: setup ## Run the slow tests, random cases drawn afresh
	HYPOTHESIS_PROFILE=explore $(BIN)/pytest -n 2 -m "slow and not gpu" $(PYTEST_ARGS)

# Numba serves as the bound in benchmarks and nowhere else; without it they say so and go on.
bench: setup ## Measure speed; numbers compare only within one run on one machine
	@uv=$(BIN)/uv; [ -x "$$uv" ] || uv=$$(command -v uv) || uv=""; \
	if [ -n "$$uv" ]; then \
	  "$$uv" pip install --quiet --python $(BIN)/python --require-hashes -r requirements/bench.txt; \
	else \
	  PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt; \
	fi || echo "make bench: numba could not be installed; the bound is left out"
	$(BIN)/python -m benchmarks

lint: setup ## Check style, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Write the format, and repair what can be repaired safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Settings of this machine stay out of the files: they hold names, versions and hashes, and no address.
COMPILE = env -u UV_FIND_LINKS -u UV_CONSTRAINT -u UV_OVERRIDE "$$uv" pip compile --no-config --quiet \
  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --custom-compile-command "make lock" $(LOCK_ARGS)

lock: ## Write requirements/*.txt anew from pyproject.toml
	@uv=$(BIN)/uv; [ -x "$$uv" ] || uv=$$(command -v uv) || { \
	  echo "make lock: uv is needed, and neither $(BIN) nor PATH has it. Call make setup first, or install uv."; exit 1; }; \
	$(COMPILE) pyproject.toml -o requirements/run.txt >/dev/null && \
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.txt >/dev/null && \
	$(COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt >/dev/null
	@if grep -nE '://|^ *(-i|-f|-e|--(extra-)?index-url|--find-links|--trusted-host)|file:|@ ' requirements/*.txt; then \
	  echo "make lock: the lines above name an address or a path; take it out of pyproject.toml or of uv's settings"; exit 1; fi

clean: ## Remove caches and builds
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## Remove .venv and runs as well
	rm -rf $(VENV) runs
