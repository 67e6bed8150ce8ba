# Each goal sets up what it needs in .venv, and nothing outside it. Needed: Python 3.10 or newer, with venv, and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet

.PHONY: help test lint quickstart hub bench clean

help:
	@echo "make quickstart   run a small real study and ask where its results came from"
	@echo "make hub          serve a Hub with that study's runs, for a browser"
	@echo "make test         run the tests; ARGS=... goes to pytest"
	@echo "make lint         check style and types"
	@echo "make bench        measure speed and memory"
	@echo "make clean        remove everything that these made"

test: $(VENV)/.developing
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n 4 --dist loadscope)

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quickstart: $(VENV)/.using
	$(BIN)/python examples/quickstart/study.py

hub: $(VENV)/.serving
	$(BIN)/python examples/quickstart/hub.py --open

bench: $(VENV)/.developing
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	cd examples/quickstart && rm -rf .dotscience .hub data models plots

$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, and $(PYTHON) is %d.%d: make PYTHON=python3.x" % sys.version_info[:2] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(VENV)/.using: $(VENV)/.uv setup.py pyproject.toml
	$(UV) -e '.[quickstart]'
	@touch $@

$(VENV)/.serving: $(VENV)/.uv setup.py pyproject.toml
	$(UV) -e '.[quickstart,hub]'
	@touch $@ $(VENV)/.using

$(VENV)/.developing: $(VENV)/.uv setup.py pyproject.toml
	$(UV) -e '.[dev,quickstart,hub,postgres,s3]'
	@touch $@ $(VENV)/.using $(VENV)/.serving

