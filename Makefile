# make lessons   set up a virtual environment and open JupyterLab on the first lesson
# make test      set it up and run every test, the notebooks included
# make site      build the website from the solved notebooks, into build/site

VENV ?= .venv
# The first Python on the path that is new enough; `make PYTHON=... lessons` chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
JUPYTER_OPTIONS ?= $(if $(filter 0,$(shell id -u)),--allow-root)
# Two processes of one thread each run the tests: TEST_JOBS=8 for more cores.
TEST_JOBS ?= 2
SIDE_BY_SIDE = OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n $(TEST_JOBS)
NOTEBOOKS = TQDM_DISABLE=1 DIFFUSION_PROFILE=smoke $(SIDE_BY_SIDE) --dist loadscope \
	--nbval-sanitize-with tests/nbval.cfg
FIRST_LESSON := lessons/00_meet_the_denoiser.ipynb

.PHONY: lessons test lint verify refresh site

# Torch's threads sleep while they wait for each other: spinning, as they would, takes five to
# twenty times as long where cores are busy with something else (benchmarks/threads.py). And a
# kernel says which cells to run when a name is missing.
lessons: $(VENV)/.ready
	OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-PASSIVE} \
		PYTHONSTARTUP="$${PYTHONSTARTUP:-$(CURDIR)/checkers/kernel_startup.py}" $(VENV)/bin/jupyter lab --HTMLExporter.embed_images=True \
		$(JUPYTER_OPTIONS) $(FIRST_LESSON)

test: $(VENV)/.ready-dev lint
	$(SIDE_BY_SIDE) --dist worksteal
	$(NOTEBOOKS) --nbval solutions/notebooks
	$(NOTEBOOKS) --nbval-lax lessons

lint: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check --quiet --output-format concise
	$(VENV)/bin/ruff format --quiet --check
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/basedpyright --pythonpath $(VENV)/bin/python

verify: $(VENV)/.ready-dev
	$(VENV)/bin/python -m checkers verify

refresh: $(VENV)/.ready-dev
	$(VENV)/bin/python -m checkers refresh

site: $(VENV)/.ready-site
	$(VENV)/bin/python -m website --out build/site

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: on Debian or Ubuntu, apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: $(VENV)/bin/python pyproject.toml
	@echo "Installing torch and friends into $(VENV): a few minutes and about 5 GB, once."
	$(VENV)/bin/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing torch, friends and the tests' tools into $(VENV): a few minutes, once."
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.ready $(VENV)/.ready-site

$(VENV)/.ready-site: $(VENV)/bin/python pyproject.toml
	$(VENV)/bin/python -m pip install --quiet --editable '.[site]'
	@touch $@ $(VENV)/.ready
