# Homeward: `make help` lists what can be made.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
MEMBERS := protos shared services/ingest services/detection services/embedding services/matching services/retention cli
EDITABLE := $(foreach member,$(MEMBERS),-e ./$(member))

.DEFAULT_GOAL := help
.PHONY: help setup

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] < (3, 14), "Homeward needs Python 3.11 to 3.13; name one with PYTHON=..."'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

# The lock alone decides what is installed; the members themselves come from the checkout.
$(VENV)/.installed: $(VENV)/.uv requirements.lock pyproject.toml $(foreach member,$(MEMBERS),$(member)/pyproject.toml)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

setup: $(VENV)/.installed ## Make the virtual environment from the lock.
