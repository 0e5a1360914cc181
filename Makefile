PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install quickstart test docs clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 14) else f"Python 3.10 to 3.13 is needed, {v.major}.{v.minor} was found; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

# A small style, trained for a few minutes and tried on a photo; everything it needs is in the package.
quickstart: install
	@rm -rf runs/quickstart
	$(BIN)/mobile-style train --steps 300 --image-size 160 --out runs/quickstart
	$(BIN)/mobile-style stylize mobile_style/data/photos/held_out/singapore_skyline_dusk.jpg --model runs/quickstart --out runs/quickstart/photo.png
	@echo "The stylised photo: runs/quickstart/photo.png"

test: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto

# docs/cli.md is the commands' own help; a test compares it.
docs: install
	$(BIN)/typer mobile_style.cli utils docs --name mobile-style --output docs/cli.md

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
