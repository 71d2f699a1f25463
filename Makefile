# Two commands do all the set-up: `make quickstart` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := runs/quickstart
DATA := datasets/synthetic

.PHONY: quickstart test lint install install-dev clean-quickstart

quickstart: $(RUNS)/report.html
	@$(BIN)/python -m detect.evaluate --runs $(RUNS)/detect $(RUNS)/classify
	@echo "report: $(RUNS)/report.html"

test: $(VENV)/.dev-installed lint
	@# one thread a worker: two workers with two threads each would spin against each other on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.installed
install-dev: $(VENV)/.dev-installed

$(RUNS)/report.html: $(RUNS)/detect/report-ready $(RUNS)/classify/report-ready
	@$(BIN)/python -m detect.evaluate --runs $(RUNS)/detect $(RUNS)/classify --out $(RUNS)/report.json --html $@ > /dev/null

# a finished run is reused; an interrupted one is taken up again
$(RUNS)/%/report-ready: $(DATA)/annotations.json
	@if [ -d $(RUNS)/$*/last ]; then more=--resume; else rm -rf $(RUNS)/$*; more=; fi; \
	$(BIN)/python -m $*.train --data $(DATA) --run $(RUNS)/$* $$more
	@touch $@

$(DATA)/annotations.json: | $(VENV)/.installed
	@$(BIN)/python -m data_tools.synth --out $(DATA)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev-installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

clean-quickstart:
	rm -rf $(RUNS) $(DATA)
