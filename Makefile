# Every target sets up what it needs; only python3 (3.11 or newer) and make have to be there.
PYTHON ?= python3
UV_VERSION := 0.13.8
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: setup demo test check bench bench-playbook bench-latency bench-churn pictures clean help

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

setup: .venv/.ready ## make .venv from the lock file

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Keepwell needs Python 3.11 or newer, this is {v.major}.{v.minor}: run make PYTHON=python3.12, say.")'
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(UV)
	@echo "Installing into .venv what uv.lock names; the first time takes a minute or two …"
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(TOOLS)/bin/python
	@touch $@

demo: setup ## run the demo: a made-up portfolio, a Temporal server, a worker
	@$(BIN)/keepwell demo

# A file's tests stay together: many of them share a server that takes seconds to start.
test: setup ## run all tests
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

check: setup ## lint, types, import direction
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## measure, print tables
	@for b in bench/bench_*.py; do $(BIN)/python -m bench.$$(basename $$b .py) || exit 1; done

bench-playbook: setup ## finished playbooks a second against bare workflows, and where the time goes
	@$(BIN)/python -m bench.bench_playbook --profile

bench-latency: setup ## from a score change to the provider's acceptance, against one bare POST
	@$(BIN)/python -m bench.bench_latency

bench-churn: setup ## churn models against CatBoost, LightGBM and XGBoost, which are installed for this only
	@$(UV) sync --frozen --quiet --group bench --python $(TOOLS)/bin/python
	@$(BIN)/python -m bench.bench_churn

pictures: setup ## take the pictures of docs/emails.md and docs/console.md anew; needs chromium
	@$(BIN)/python -m tests.pictures

clean: ## remove what setup made
	rm -rf .venv $(TOOLS)
