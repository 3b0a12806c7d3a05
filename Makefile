# make demo   train a language model for about a minute and let it write
# make test   every check, and every test but the long ones
# make long   the tests that take long and seldom break, and the rest of the cases of those that try very many
# make kills  RUNS runs of all tasks killed at random moments, and ENDS terminated, resumed to the same weights
# make edits  NUMBER edits of model folders of all tasks, each used as usual or refused in one line
# make fuzz   malformed files of all kinds for MINUTES, from SEED on; what goes wrong is written to build/fuzz/
# make quick  the checks, and the tests that take little
# make check  style, types, direction of imports
# make docs   the site, in site/
# make stubs  what editors know of the estimators' options, anew after an option has changed

PYTHON ?= python3
BIN := .venv/bin
RUNS ?= 100
ENDS ?= 30
NUMBER ?= 1000
MINUTES ?= 20

.PHONY: demo test long kills edits fuzz quick check style types directions usual little docs stubs clean

demo: .venv/ready
	$(BIN)/elman train language --minutes 1 --out runs/demo --overwrite
	$(BIN)/elman generate runs/demo --length 400 --seed 1

# types are checked while the tests run, which leave a core idle at their ends
test: style
	$(MAKE) --jobs 2 types usual

quick: style
	$(MAKE) --jobs 2 types little

check: style types directions

usual: .venv/ready
	$(BIN)/pytest -n 2 -m "not long"

little: .venv/ready
	$(BIN)/pytest -n 2 -m "not slow and not long" tests

long: .venv/ready
	$(BIN)/pytest -n 2 -m long tests

kills: .venv/ready
	PYTHONPATH=.:tests:$(PYTHONPATH) $(BIN)/python tests/kills/kills.py --kills $(RUNS) --terminations $(ENDS)

edits: .venv/ready
	PYTHONPATH=.:tests:$(PYTHONPATH) $(BIN)/python tests/edits/edits.py --number $(NUMBER)

fuzz: .venv/ready
	PYTHONPATH=.:tests:$(PYTHONPATH) OMP_NUM_THREADS=1 $(BIN)/python -m fuzz.run --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

style: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/pyright

directions: .venv/ready
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
