# make demo: a site of four real servers on this machine, with its services; make test: everything is checked.
.PHONY: venv demo test test-unit test-hosts test-vm lint reference bench clean help
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HIVE := $(BIN)/hive-nornir --root site

# The demo needs no cloud's libraries, which are most of the installation.
$(VENV)/installed-base: pyproject.toml scripts/make-venv
	PYTHON=$(PYTHON) scripts/make-venv $(VENV) .
	touch $@

$(VENV)/installed-all: pyproject.toml scripts/make-venv
	PYTHON=$(PYTHON) scripts/make-venv $(VENV) '.[all,dev]'
	touch $@ $(VENV)/installed-base

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

venv: $(VENV)/installed-all ## .venv with all extras

demo: $(VENV)/installed-base ## four real servers on this machine, with running services; prints where they are reached
	$(HIVE) run all
	$(HIVE) ps

test: lint test-unit test-hosts ## everything, on real servers

lint: venv ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-unit: venv ## what needs no server
	$(BIN)/pytest -q -m "not hosts" -n 2

test-hosts: venv ## what needs real servers
	scripts/test-hosts $(BIN)/pytest

test-vm: venv ## what needs virtual machines (QEMU, installed where it is missing); not part of `make test`
	$(BIN)/pytest -q -m vm tests/vm

reference: venv ## docs/reference, from the code
	$(BIN)/python scripts/make-reference

bench: venv ## round trips, bytes and ratios
	$(BIN)/python -m bench

clean: ## destroy the demo's and the tests' servers, stop the sandbox's engine
	scripts/clean $(VENV)
