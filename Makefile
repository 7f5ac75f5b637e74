# make lessons   set up a virtual environment and open JupyterLab on the first lesson
# make test      set it up and run every test, the notebooks included
# make site      build the website from the solved notebooks, into build/site

VENV ?= .venv
# Where a virtual environment keeps its programs; Windows wants Git's bash beside make.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
OLDEST := .venv-oldest/$(notdir $(BIN))
# The versions that all tests passed with; `make CONSTRAINTS= lessons` takes the newest instead.
CONSTRAINTS ?= constraints.txt
INSTALL = $(BIN)/python -m pip install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) --editable
# The first Python on the path that is new enough; `make PYTHON=... lessons` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
JUPYTER_OPTIONS ?= $(if $(filter 0,$(shell id -u)),--allow-root)
# Two processes of one thread each run the tests: TEST_JOBS=8 for more cores.
TEST_JOBS ?= 2
SIDE_BY_SIDE = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_JOBS)
NOTEBOOKS = TQDM_DISABLE=1 DIFFUSION_PROFILE=smoke $(SIDE_BY_SIDE) --dist loadscope \
	--nbval-sanitize-with tests/nbval.cfg
FIRST_LESSON := lessons/00_meet_the_denoiser.ipynb

.PHONY: lessons test test-oldest lint verify refresh site constraints

# Torch's threads sleep while they wait for each other: spinning, as they would, takes five to
# twenty times as long where cores are busy with something else (benchmarks/threads.py). And a
# kernel says which cells to run when a name is missing.
lessons: $(VENV)/.ready
	OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE} \
		PYTHONSTARTUP="$${PYTHONSTARTUP:-$(CURDIR)/checkers/kernel_startup.py}" \
		$(BIN)/jupyter lab --HTMLExporter.embed_images=True \
		$(JUPYTER_OPTIONS) $(FIRST_LESSON)

test: $(VENV)/.ready-dev lint
	$(SIDE_BY_SIDE) --dist worksteal
	$(NOTEBOOKS) --nbval solutions/notebooks
	$(NOTEBOOKS) --nbval-lax lessons

# The lowest versions that pyproject.toml allows, on the lowest Python: what imports and runs there does
# so everywhere, and solved notebooks show the same numbers.
test-oldest: $(VENV)/.ready-dev
	$(BIN)/uv venv --quiet --allow-existing --python 3.11 .venv-oldest
	$(BIN)/uv pip install --quiet --python .venv-oldest --resolution lowest-direct --editable '.[dev]'
	OMP_NUM_THREADS=1 $(OLDEST)/python -m pytest -n $(TEST_JOBS) --dist worksteal
	$(subst $(BIN)/python,$(OLDEST)/python,$(NOTEBOOKS)) --nbval solutions/notebooks

# Notes the versions of this environment, once all tests have passed with them, for every system.
constraints: $(VENV)/.ready-dev
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --universal --python-version 3.11 \
		--no-header --no-annotate --output-file constraints.txt

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check --quiet --output-format concise
	$(BIN)/ruff format --quiet --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/basedpyright --project pyproject.toml --pythonpath $(BIN)/python

verify: $(VENV)/.ready-dev
	$(BIN)/python -m checkers verify

refresh: $(VENV)/.ready-dev
	$(BIN)/python -m checkers refresh

site: $(VENV)/.ready-site
	$(BIN)/python -m website --out build/site

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian or Ubuntu, apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	@echo "Installing torch and friends into $(VENV): a few minutes and about 6 GB, once."
	$(INSTALL) .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	@echo "Installing torch, friends and the tests' tools into $(VENV): a few minutes, once."
	$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/.ready $(VENV)/.ready-site

$(VENV)/.ready-site: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	$(INSTALL) '.[site]'
	@touch $@ $(VENV)/.ready
