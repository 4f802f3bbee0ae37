# Each target makes what it needs; `make run` in a fresh clone is enough to see the product.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run setup test faults soak test-peers test-detoxify lint format bench eval services clean
.DEFAULT_GOAL := help

help:
	@echo 'make run      the demo on http://127.0.0.1:8000 (TERTULIA_PORT and the other TERTULIA_* variables are respected)'
	@echo 'make setup    everything for working on the project'
	@echo 'make test     all tests, on a real PostgreSQL, Redis and Chromium'
	@echo 'make faults   the second tier of tests: what breaks, in many rounds and for long'
	@echo 'make soak     chance breaks one thing after the other while people write: make soak MINUTES=360 SEED=7'
	@echo 'make test-peers, make test-detoxify: those that need the peers of the bench, or Detoxify with PyTorch (gigabytes)'
	@echo 'make lint     ruff, mypy, the types of the browser code, the import order'
	@echo 'make bench    measured costs beside those of peers'
	@echo 'make eval     how well is judged, all figures; on messages of yours: make eval SUITES="a.jsonl b.jsonl" or DATA=folder'

run: .venv/.runtime
	@exec $(BIN)/tertulia serve --demo

setup: .venv/.dev node_modules/.installed services

test: .venv/.dev node_modules/.installed services
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(TESTS)
	npm test --silent

# One after the other: they take the machine to its limits. FAULTS narrows them down, as in `make faults FAULTS="-k redis"`.
faults: .venv/.dev services
	$(BIN)/python -m pytest -m tier2 --timeout 1200 $(FAULTS) tests

soak: .venv/.dev services
	$(BIN)/python -m pytest -s -m tier2 --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1) tests/faults/test_soak.py

# By name, because the run of all tests leaves them out: see collect_ignore in tests/conftest.py.
test-peers: .venv/.dev
	@scripts/services postgresql redis node compiler
	@$(BIN)/python -c 'import sys; from bench.servers import install_peers; sys.exit("\n".join(install_peers()) or None)'
	$(BIN)/python -m pytest tests/bench/test_peers.py

test-detoxify: .venv/.detoxify
	$(BIN)/python -m pytest tests/moderation/deep/test_checkpoint.py tests/moderation/deep/test_scorer.py

lint: .venv/.dev node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npm run --silent lint
	$(BIN)/python -m pytest --quiet --no-header tests/test_layers.py

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev
	scripts/services postgresql redis node compiler
	$(BIN)/python -m bench

eval: .venv/.runtime
	$(if $(SUITES),$(BIN)/tertulia eval $(SUITES),$(BIN)/python -m bench.quality $(if $(DATA),--data $(DATA)))

services:
	@scripts/services postgresql redis chromium

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Tertulia needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo 'Python cannot make virtual environments here (on Debian: apt install python3-venv).' >&2; exit 1; }

# The stamps make a second call instant. An editable install follows the code by itself; only new dependencies count.
.venv/.runtime: pyproject.toml | .venv/bin/python
	@echo 'Installing Tertulia into .venv ...'
	@$(PIP) --editable .
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	@echo 'Installing Tertulia with its tools for development into .venv ...'
	@$(PIP) --editable '.[dev]'
	@touch .venv/.runtime $@

# PyTorch by itself and in one version: a range would bring a newer one with gigabytes for GPUs.
.venv/.detoxify: pyproject.toml | .venv/.dev
	@echo 'Installing Detoxify and PyTorch into .venv ...'
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[dev,detoxify]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	@scripts/services node
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
