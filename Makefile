# Two commands do all the set-up: `make quickstart` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := runs/quickstart
DEVICES := datasets/synthetic
SOURCES := data_tools detect classify configs tests
COVERED := core files formats metrics judging

# compiled modules are kept whatever the machine's habit, for every process that a test or a training starts
export PYTHONDONTWRITEBYTECODE :=

.PHONY: quickstart test check coverage lint audit install install-dev clean-quickstart

# A finished run is reused, an interrupted one is taken up again. Both train at once, each on half of the processors:
# a step on one of two takes hardly longer than on both.
quickstart: $(DEVICES)/annotations.json | $(VENV)/.installed
	@echo "the baseline trains beside the detector; its messages: $(RUNS)/classify.log"
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$$((($$(nproc) + 1) / 2))} \
	  $(MAKE) --no-print-directory -j 2 $(RUNS)/detect/report-ready $(RUNS)/classify/report-ready
	@$(BIN)/python -m detect.evaluate --runs $(RUNS)/detect $(RUNS)/classify --out $(RUNS)/report.json \
	  --html $(RUNS)/report.html
	@echo "report: $(RUNS)/report.html"

test: $(VENV)/.dev-installed lint
	@# one thread a worker: two workers with two threads each would spin against each other on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# apart from the tests, which tracing makes half as slow again; the rooms of everything that is read, computed and judged
coverage: $(VENV)/.dev-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(COVERED:%=tests/data_tools/%) tests/test_cases.py tests/test_judge_cases.py \
	  $(COVERED:%=--cov=data_tools.%) --cov-report term:skip-covered --cov-fail-under=90

# what a commit should wait for
check: $(VENV)/.dev-installed lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow"

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@if grep -rn --include='*.py' 'fmt: *\(skip\|off\)' $(SOURCES); then echo 'the formatter has no exceptions'; exit 1; fi
	$(BIN)/mypy

# licences and known vulnerabilities of what is installed; the second needs a package index's advisory service
audit: $(VENV)/.audit-installed
	$(BIN)/python -m tests.dependencies

install: $(VENV)/.installed
install-dev: $(VENV)/.dev-installed

# as the training commands render it without --data
$(DEVICES)/annotations.json: | $(VENV)/.installed
	@$(BIN)/python -c 'from data_tools.commands.training import default_data; default_data()'

$(RUNS)/classify/report-ready: LOG = > $(RUNS)/classify.log 2>&1 || { cat $(RUNS)/classify.log >&2; exit 1; }
$(RUNS)/%/report-ready: | $(VENV)/.installed
	@mkdir -p $(RUNS)
	@if [ -d $(RUNS)/$*/last ]; then more=--resume; else rm -rf $(RUNS)/$*; more=; fi; \
	{ $(BIN)/python -m $*.train --run $(RUNS)/$* $$more; } $(LOG)
	@touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev-installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.audit-installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[audit]'
	@touch $@ $(VENV)/.installed

clean-quickstart:
	rm -rf $(RUNS) $(DEVICES)
