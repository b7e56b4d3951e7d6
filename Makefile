# make song   set up, learn from the bundled songs, compose a new one
# make test   set up, then lint, types, layers and tests
# make check  lint and types only
# make bench  speed and memory (DATA=folder for those that need a corpus)
# make docs   make the pictures and the sound of the README

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DATA ?=

.PHONY: song test check bench docs clean

song: $(READY)
	@$(BIN)/tunesmith learn examples/songs -o out/bundled.safetensors
	@$(BIN)/tunesmith compose -m out/bundled.safetensors -o out/song

test: check
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python bench/run.py $(DATA)

docs: $(READY)
	$(BIN)/python tools/make_docs.py

clean:
	rm -rf .venv out build dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunesmith needs Python 3.11 or newer")'
	@echo "Setting up .venv: this happens once, and takes a few minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)
