# make demo: set up, train a label-conditional GAN on real handwritten digits, write its report   make test: set up, test
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/digits
.DEFAULT_GOAL := help
.PHONY: help setup demo fast test test-all lint docs clean

help:
	@echo "make demo | fast | test | test-all | lint | docs | clean"

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt peers.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganvas needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement peers.txt
	@touch $@

demo: setup
	@if test -f $(RUN)/run.json; then $(BIN)/ganvas train --resume $(RUN); \
	else $(BIN)/ganvas train digits --recipe digits --run $(RUN); fi
	$(BIN)/ganvas evaluate $(RUN)
	$(BIN)/ganvas diagnose $(RUN)
	$(BIN)/ganvas report $(RUN)

fast: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not learning and not slow"

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not learning"

test-all: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/mypy

docs: setup
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

clean:
	rm -rf .venv runs docs/_build .mypy_cache .ruff_cache .pytest_cache
