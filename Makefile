# make demo   train a language model for about a minute and let it write
# make test   every check and every test
# make quick  the checks, and the tests that take little
# make check  style, types, direction of imports
# make docs   the site, in site/
# make stubs  what editors know of the estimators' options, anew after an option has changed

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test quick check docs stubs clean

demo: .venv/ready
	$(BIN)/elman train language --minutes 1 --out runs/demo --overwrite
	$(BIN)/elman generate runs/demo --length 400 --seed 1

test: check
	$(BIN)/pytest -n 2

quick: check
	$(BIN)/pytest -n 2 -m "not slow" tests

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pytest tests/laws/test_directions.py

stubs: .venv/ready
	$(BIN)/python -m elman.estimators.stubs

docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

.venv/docs: .venv/ready
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv runs build dist site
