# Every target installs what it needs first. `make help` lists the targets.
PYTHON  ?= python3
VENV    ?= .venv
DATASET ?= auto
DATA_DIR ?= data
SEEDS   ?= 1
ARGS    ?=
RESULTS ?= results/reference/paper-mnist

UV := $(VENV)/bin/uv
INSTALLED := $(VENV)/.installed
RIVALS := $(VENV)/.rivals
BENCH := $(VENV)/bin/mobo-bench

# Each process uses one thread: trials, Ray and suggestions share the cores, and results repeat.
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help setup rivals lock bench paper quick virtual virtual-paper survey regress benchmark \
  speed report site test versions versions-ends lint check format docs clean

help: ## Show this list
	@echo "make TARGET [DATASET=auto|mnist|digits] [DATA_DIR=data] [SEEDS=7 or 0,3,7] [ARGS='...']"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

setup: $(INSTALLED) ## Install everything into .venv; the other targets do this by themselves

# The packages are compiled here. Where PYTHONDONTWRITEBYTECODE is set, each trial's process would
# otherwise compile PyTorch, Ray and Lightning again, which takes longer than most trials.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; set PYTHON=/path/to/python3.11 or newer"; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip sync --quiet --compile-bytecode --python $(VENV)/bin/python requirements.lock
	$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	@touch $@

# The packages of the lock stay as they are: the rivals' lock has the same versions of them.
rivals: $(RIVALS) ## Install the schedulers and searchers of others that docs/rivals.md describes

$(RIVALS): $(INSTALLED) requirements-rivals.lock requirements-neps.lock
	$(UV) pip install --quiet --compile-bytecode --python $(VENV)/bin/python \
	  --requirement requirements-rivals.lock
	@test -x $(VENV)/neps/bin/python || $(PYTHON) -m venv --without-pip $(VENV)/neps
	$(UV) pip sync --quiet --compile-bytecode --python $(VENV)/neps/bin/python requirements-neps.lock
	@touch $@

COMPILE = $(UV) pip compile --quiet --upgrade --universal --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links
# It needs an older GPyTorch than Ax, so it gets an environment of its own.
NEPS = "neural-pipeline-search>=0.17,<0.18"

lock: $(INSTALLED) ## Write the newest versions of all packages to requirements.lock
	$(COMPILE) --extra dev pyproject.toml --output-file requirements.lock
	$(COMPILE) --extra rivals --constraint requirements.lock pyproject.toml \
	  --output-file requirements-rivals.lock
	echo $(NEPS) | $(COMPILE) - --output-file requirements-neps.lock

bench: $(INSTALLED) ## The main job: reproduce the paper's Tables 1-4
	$(BENCH) run paper --dataset $(DATASET) --data-dir $(DATA_DIR) --seeds $(SEEDS) $(ARGS)

paper: $(INSTALLED) ## Reproduce Tables 1-4 on MNIST, seven seeds, beside the published figures
	$(BENCH) run paper --dataset mnist --data-dir $(DATA_DIR) \
	  --seeds $(if $(filter file,$(origin SEEDS)),7,$(SEEDS)) $(ARGS)

quick: $(INSTALLED) ## Execute two small runs on digits, in under two minutes
	$(BENCH) run quick --data-dir $(DATA_DIR) --seeds $(SEEDS) $(ARGS)

virtual: $(INSTALLED) ## Compare all schedulers in virtual time on MNIST's curves, 20 seeds
	$(BENCH) run schedulers --backend virtual --dataset mnist --slots 5 \
	  --seeds $(if $(filter file,$(origin SEEDS)),20,$(SEEDS)) $(ARGS)

virtual-paper: $(INSTALLED) ## Reproduce Tables 1-4 in virtual time with Ax, seven seeds
	$(BENCH) run paper --backend virtual --dataset mnist --slots 5 \
	  --seeds $(if $(filter file,$(origin SEEDS)),7,$(SEEDS)) $(ARGS)

survey: $(INSTALLED) ## Compare schedulers on all data sets there are, 10 seeds; needs DATA_DIR/yahpo
	$(BENCH) survey run --data-dir $(DATA_DIR) \
	  --seeds $(if $(filter file,$(origin SEEDS)),10,$(SEEDS)) $(ARGS)

regress: $(INSTALLED) ## Check that no scheduler has become slower or worse
	$(BENCH) regress $(ARGS)

benchmark: $(INSTALLED) ## Time rankings, hypervolume, decisions and the event loop
	$(VENV)/bin/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only $(ARGS)

speed: $(INSTALLED) ## Measure where a real run spends its time; run nothing else
	$(BENCH) speed --dataset $(DATASET) --data-dir $(DATA_DIR) \
	  --seeds $(if $(filter file,$(origin SEEDS)),3,$(SEEDS)) $(ARGS)

report: $(INSTALLED) ## Write tables and figures of the runs in RESULTS
	$(BENCH) report $(RESULTS) $(ARGS)

site: $(INSTALLED) ## The reference results as one small site: reports/reference/index.html
	$(BENCH) site $(ARGS)

# Two processes share the files of tests. Each starts a Ray of its own, once.
test: $(INSTALLED) ## Run all tests, with real Ray and real training
	$(VENV)/bin/python -m pytest -n 2 $(ARGS)

# nox finds uv and the Pythons of pyenv here. uv downloads a Python that is not on this machine.
NOX = PATH="$(subst $() ,:,$(abspath $(VENV)/bin) $(wildcard $(HOME)/.pyenv/versions/*/bin)):$$PATH" \
  $(VENV)/bin/nox

versions: $(INSTALLED) ## Test all versions of Python, Ray and Ax; write docs/versions.csv
	$(NOX) $(if $(ARGS),,--tags all) $(ARGS) -- record

versions-ends: $(INSTALLED) ## Test the oldest and the newest versions only
	$(NOX) --tags ends

lint: $(INSTALLED) ## Check lint, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

check: lint ## Do what lint does, and run the fast tests that need no Ray
	$(VENV)/bin/python -m pytest -m "not ray and not slow and not exhaustive" -q $(ARGS)

format: $(INSTALLED) ## Format the code and fix what the linter can fix
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: $(INSTALLED) ## Build build/docs/index.html; a warning is an error
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs $(ARGS)

clean: ## Remove the environment and caches; results and reports stay
	rm -rf $(VENV) .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
