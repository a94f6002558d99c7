# Everything that a newcomer, a test run or a benchmark needs; `make` alone prints this help.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?=

.DEFAULT_GOAL := help
.PHONY: help study test test-quick lint types benchmark calibrate clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

# The stamp is older than pyproject.toml or constraints.txt when a dependency changed.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || { \
	  echo "spatialvote needs Python 3.12 or newer; '$(PYTHON)' is `$(PYTHON) --version 2>&1`." >&2; \
	  echo "Install a newer Python, or name one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV) (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# numba does not see that a function changed which compiled code of another file calls: code that was compiled
# before any file that compiles something changed is dropped.
$(VENV)/.compiled: $(VENV)/.ready $(shell grep -rl --include='*.py' compiled models)
	@find models -name '*.nb[ic]' -delete
	@touch $@

study: $(VENV)/.compiled ## set-up, then the main job: votes, turnout and policy, simulated; or STUDY=file.toml
	@$(BIN)/spatialvote run $(STUDY)
ifeq ($(STUDY),)
	@$(BIN)/spatialvote turnout
	@$(BIN)/spatialvote policy
endif

test: $(VENV)/.compiled ## set-up, then all tests
	@$(BIN)/python -m pytest --numprocesses logical --dist loadfile

test-quick: $(VENV)/.compiled ## the tests that take less than about ten seconds each
	@$(BIN)/python -m pytest -m "not slow"

lint: $(VENV)/.ready ## style and unused code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.ready ## static types
	@$(BIN)/basedpyright

benchmark: $(VENV)/.compiled ## engines and peers (TMB where R has it) on the same maps, 40 minutes; QUICK=1: 12 minutes
	@$(BIN)/python benchmarks/engines.py $(if $(QUICK),--quick)

calibrate: $(VENV)/.compiled ## simulation-based calibration of both engines and of the tests of space (about an hour)
	@$(BIN)/python benchmarks/calibrate.py
	@$(BIN)/python benchmarks/calibrate_space.py

clean: ## remove what set-up, tests and builds made (not your studies)
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
