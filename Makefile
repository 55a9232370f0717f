# Everything runs in one virtual environment, .venv, made on first use. Packages are installed again only
# after pyproject.toml changed. Needs make and Python 3.11 or later with its module venv, nothing else.
#
#   make demo       install, then compare NCE-Net with random and softmax on small digits
#   make test       install with the development tools, then run the tests
#   make test-slow  the tests that take minutes, which `make test` leaves out
#   make test-scale  a store of objects and a cluster of two nodes on this machine, with what is killed there
#   make test-label-studio  against a real Label Studio, which it installs (1 GB) and starts
#   make check      lint, formatting, types, layers, documentation
#   make docs       documentation as HTML in docs/_build/html
#
# make PYTHON=python3.12 ...   another interpreter        make WORKERS=8 test   more tests at a time

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
LABEL_STUDIO := .venv-label-studio
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --editable

# Tests run side by side: one thread for each keeps them out of each other's way.
test test-slow test-scale: export OMP_NUM_THREADS = 1

.PHONY: demo test test-slow test-scale test-label-studio check docs
.NOTPARALLEL:
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/ncenet demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m "not slow and not scale" -n $(WORKERS) --dist worksteal

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist worksteal

test-scale: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m scale --durations 0

test-label-studio: $(VENV)/installed-dev $(LABEL_STUDIO)/installed
	$(BIN)/python -m tests.integration.real_label_studio $(LABEL_STUDIO)/bin/label-studio

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory docs

docs: $(VENV)/installed-dev
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

$(VENV)/installed: pyproject.toml | $(BIN)/pip
	@echo "installing ncenet into $(VENV); the first time this takes minutes, PyTorch is large"
	$(INSTALL) .
	@touch $@

# The extra `dev` holds all that the demo needs, so after `make test` nothing is left to install.
$(VENV)/installed-dev: pyproject.toml | $(BIN)/pip
	@echo "installing ncenet and its development tools into $(VENV); the first time this takes minutes"
	$(INSTALL) '.[dev]'
	@touch $(VENV)/installed $@

# Its own environment: Label Studio pins what it needs, and some of that is old.
$(LABEL_STUDIO)/installed: Makefile
	@echo "installing Label Studio into $(LABEL_STUDIO); the first time this takes minutes"
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python -m pip install --quiet label-studio==1.23.2
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	  "ncenet needs Python 3.11 or later; '$(PYTHON)' is not. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo \
	  "'$(PYTHON)' makes no virtual environment (on Debian: apt install python3-venv)" >&2; exit 1; }
