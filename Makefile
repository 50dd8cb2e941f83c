# Every target sets up what it needs. `make help` lists them.
PYTHON  ?= python3
VENV    ?= .venv
DATASET ?= auto
DATA_DIR ?= data
SEEDS   ?= 1
ARGS    ?=
RESULTS ?= results/reference/paper-mnist

UV := $(VENV)/bin/uv
INSTALLED := $(VENV)/.installed
BENCH := $(VENV)/bin/mobo-bench

# One thread per process: trials, Ray and suggestions share the cores, and results repeat.
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help setup lock bench paper quick virtual virtual-paper regress benchmark speed report test \
  lint check format docs clean

help: ## Show this list
	@echo "make TARGET [DATASET=auto|mnist|digits] [DATA_DIR=data] [SEEDS=7 or 0,3,7] [ARGS='...']"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

setup: $(INSTALLED) ## Install everything into .venv, once

# Compiled on the way: else, where PYTHONDONTWRITEBYTECODE is set, each process of a trial would
# compile PyTorch, Ray and Lightning anew, which takes longer than most trials.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; set PYTHON=/path/to/python3.11 or newer"; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip sync --quiet --compile-bytecode --python $(VENV)/bin/python requirements.lock
	$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	@touch $@

lock: $(INSTALLED) ## Resolve the newest versions into requirements.lock
	$(UV) pip compile --quiet --upgrade --universal --extra dev --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --output-file requirements.lock

bench: $(INSTALLED) ## The main job: the paper's Tables 1-4, regenerated
	$(BENCH) run paper --dataset $(DATASET) --data-dir $(DATA_DIR) --seeds $(SEEDS) $(ARGS)

paper: $(INSTALLED) ## Tables 1-4 on MNIST with seven seeds, beside the published figures
	$(BENCH) run paper --dataset mnist --data-dir $(DATA_DIR) \
	  --seeds $(if $(filter file,$(origin SEEDS)),7,$(SEEDS)) $(ARGS)

quick: $(INSTALLED) ## Two small runs on digits, under two minutes
	$(BENCH) run quick --data-dir $(DATA_DIR) --seeds $(SEEDS) $(ARGS)

virtual: $(INSTALLED) ## Every scheduler in virtual time on recorded MNIST curves, 20 seeds
	$(BENCH) run schedulers --backend virtual --dataset mnist --slots 5 \
	  --seeds $(if $(filter file,$(origin SEEDS)),20,$(SEEDS)) $(ARGS)

virtual-paper: $(INSTALLED) ## Tables 1-4 in virtual time, with Ax, seven seeds
	$(BENCH) run paper --backend virtual --dataset mnist --slots 5 \
	  --seeds $(if $(filter file,$(origin SEEDS)),7,$(SEEDS)) $(ARGS)

regress: $(INSTALLED) ## The gate: has a scheduler become slower or worse?
	$(BENCH) regress $(ARGS)

benchmark: $(INSTALLED) ## Times of rankings, hypervolume, decisions and the event loop
	$(VENV)/bin/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only $(ARGS)

speed: $(INSTALLED) ## Where the time of a real run goes; leave the machine alone
	$(BENCH) speed --dataset $(DATASET) --data-dir $(DATA_DIR) \
	  --seeds $(if $(filter file,$(origin SEEDS)),3,$(SEEDS)) $(ARGS)

report: $(INSTALLED) ## Tables and figures of the runs in RESULTS
	$(BENCH) report $(RESULTS) $(ARGS)

test: $(INSTALLED) ## All tests, real Ray and training included
	$(VENV)/bin/python -m pytest $(ARGS)

lint: $(INSTALLED) ## Lint, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

check: lint ## The same, and the tests that take no Ray
	$(VENV)/bin/python -m pytest -m "not ray and not slow and not exhaustive" -q $(ARGS)

format: $(INSTALLED) ## Format the code and mend what the linter can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: $(INSTALLED) ## The documentation as build/docs/index.html; a warning is an error
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs $(ARGS)

clean: ## Remove the environment and caches; results and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
