# Where this is set, as in most container images, Python would compile every module again in each process.
export PYTHONDONTWRITEBYTECODE :=

# Of the processes that test one waits for something most of the time, so there is one more than cores.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

RUNTIME := .venv-tflite-runtime
BUNDLED := android_demo/build/bundled

# `make test PACKAGES=--install` lets root install the Debian packages that tests need; CI does so by itself.
PACKAGES :=

.PHONY: install quickstart check lint lint-page fast test apparatus arm64 gpu phone web wheel android android-tools app-pictures docs clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 14) else f"Python 3.10 to 3.13 is needed, {v.major}.{v.minor} was found; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "installing into $(VENV): a few minutes, 3.4 GB"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

# tflite-runtime needs NumPy 1 and Python 3.11 at most, so exported models are run with it in an environment of its own.
$(RUNTIME)/installed: Makefile
	@rm -rf $(RUNTIME)
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  $(PYTHON) -m venv $(RUNTIME) && $(RUNTIME)/bin/pip install --quiet 'tflite-runtime==2.14.0' 'numpy==1.26.4'; \
	else \
	  echo "tflite-runtime has no wheel for this Python (3.11 at most): its test will be skipped"; mkdir -p $(RUNTIME); \
	fi
	@touch $@

# A small style, trained for a few minutes from another style's network, tried on a photo, exported and proven; all it
# needs is in the package.
quickstart: install
	@rm -rf runs/quickstart
	$(BIN)/mobile-style train --minutes 3 --out runs/quickstart
	$(BIN)/mobile-style stylize mobile_style/data/photos/held_out/singapore_skyline_dusk.jpg --model runs/quickstart --out runs/quickstart/photo.png
	$(BIN)/mobile-style export runs/quickstart --int8 --target tflite --out runs/quickstart/model.tflite --no-check
	$(BIN)/mobile-style validate runs/quickstart/model.tflite --limit 4 --report runs/quickstart/report || echo "(three minutes are few: train for longer to pass the gate)"
	@echo "The stylized photo: runs/quickstart/photo.png"
	@echo "For a phone: runs/quickstart/model.tflite, next to the float network in runs/quickstart/report/report.html"
	@echo "Next: . $(BIN)/activate, and mobile-style --help"

# Lint, types and the fast tests, side by side.
check: install
	@$(MAKE) --no-print-directory --jobs 2 lint fast

lint: install lint-page
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fast: install
	$(BIN)/pytest --numprocesses auto -m "not slow"

# Lint of the page's scripts, where npm is; its packages are fetched once.
lint-page:
	@if command -v npm >/dev/null; then \
	  [ -d node_modules/eslint ] && [ -d node_modules/axe-core ] || npm install --no-package-lock --no-audit --no-fund --ignore-scripts --silent || true; fi
	@if [ -d node_modules/eslint ]; then node_modules/.bin/eslint mobile_style/web/static; \
	else echo "ESLint cannot be had with npm here: the page's scripts are not linted"; fi

# What is fetched for the tests comes while lint works.
test: install
	@$(MAKE) --no-print-directory --jobs 3 lint apparatus $(RUNTIME)/installed
	$(BIN)/pytest --numprocesses auto

# One after the other: each may install Debian packages.
apparatus: install
	@for part in web gpu android-tools; do $(MAKE) --no-print-directory $$part || exit 1; done

# An emulated arm64 processor, for `--device arm64-emulated` and its tests; from Debian's packages and wheels.
arm64: install
	$(BIN)/python -m mobile_style.devices.arm64_setup $(PACKAGES)

# A GPU, for `--device gpu` and its tests: where LiteRT finds none, a software driver from Chromium or its package.
gpu: install
	@$(BIN)/python -m mobile_style.devices.gpu_setup || echo "without it, the tests of the GPU are skipped"

# A phone to test with: Debian's adbd. Without these two, `make test` skips what needs them.
phone: install
	$(BIN)/python tests/phone/phone.py $(PACKAGES)

# LiteRT.js, which is not in the repository, and Chromium to test it in. What cannot be had here is said, and the tests
# that need it are skipped.
web: install
	@$(BIN)/python -m mobile_style.devices.browser_setup $(PACKAGES) || echo "without it, the tests of the browser page are skipped"

# For others to install: with LiteRT.js inside, which a wheel that is built without npm lacks.
wheel: install
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	@$(BIN)/python -c 'import glob, zipfile; w = max(glob.glob("dist/*.whl")); n = zipfile.ZipFile(w).namelist(); assert sum("data/litertjs/" in x for x in n) == 9, "LiteRT.js is missing"; print(w)'

# What the Android tests need. Where it cannot be had they are skipped; CI does not allow that.
android-tools: install
	$(BIN)/python tools/android/toolchain.py --tests $(PACKAGES) || [ "$$CI" != true ]
	$(BIN)/python tools/android/toolchain.py --lint $(PACKAGES) || [ "$$CI" != true ]

# The Android app: android_demo/build/mobile-style.apk, with the bundled styles and those added by `mobile-style bundle`.
android: install $(BUNDLED)
	$(BIN)/python tools/android/toolchain.py $(PACKAGES)
	$(BIN)/python tools/android/build.py

# The smaller size is for a phone that is hot or slow.
$(BUNDLED): $(wildcard models/*/int8.tflite) | install
	@rm -rf android_demo/build/smaller
	for style in $(patsubst models/%/int8.tflite,%,$(wildcard models/*/int8.tflite)); do \
	  $(BIN)/mobile-style export $$style --int8 --size 192 --out android_demo/build/smaller/$$style/model.tflite || exit 1; \
	  $(BIN)/mobile-style export $$style --fp16 --size 192 --out android_demo/build/smaller/$$style/float16.tflite || exit 1; done
	$(BIN)/mobile-style bundle --android android_demo
	$(BIN)/mobile-style bundle android_demo/build/smaller/* --android android_demo
	@touch $@

# docs/android/*.jpg are screens that the app's tests draw; a test of the docs fails when they are older than the app.
app-pictures: android-tools
	@mkdir -p android_demo/build
	$(BIN)/pytest tests/exporting/test_android_bundle.py -k kotlin_tests_pass --basetemp android_demo/build/pictures
	$(BIN)/python tools/app_pictures.py android_demo/build/pictures/test_the_kotlin_tests_pass0/screenshots

# docs/cli.md is the commands' own help; a test compares it.
docs: install
	$(BIN)/typer mobile_style.cli utils docs --name mobile-style --output docs/cli.md

clean:
	rm -rf $(VENV) $(RUNTIME) .mypy_cache .pytest_cache .ruff_cache
