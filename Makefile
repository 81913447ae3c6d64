# Everything a newcomer or the CI needs. Each target installs what it is missing on a Debian machine with Rust's cargo.

CARGO  ?= cargo
PYTHON := target/tools/venv/bin/python

.PHONY: run build test lint bench fuzz docs tools

## Build and start the server on the embedded default project.
run: compiler
	$(CARGO) run --quiet --package vestibule -- serve

## Build the release binary: target/release/vestibule
build: compiler
	$(CARGO) build --release --package vestibule

## Install what the tests need and run them all.
test: tools
	VESTIBULE_PYTHON=$(abspath $(PYTHON)) $(CARGO) test --workspace --quiet --no-fail-fast
	VESTIBULE_FUZZ_SEED=1 VESTIBULE_FUZZ_SECONDS=$${VESTIBULE_FUZZ_SECONDS:-5} scripts/fuzz.sh

## Formatting, lints, licences and advisories' bans, drift of generated files.
lint: compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- --deny warnings
	scripts/deny.sh

## Run the benchmarks and print one table.
bench: tools
	VESTIBULE_PYTHON=$(abspath $(PYTHON)) scripts/bench.sh

## Fuzz every parser of untrusted bytes, VESTIBULE_FUZZ_SECONDS each (default 60); the list is tests/fuzz/Cargo.toml.
fuzz: compiler
	VESTIBULE_FUZZ_SECONDS=$${VESTIBULE_FUZZ_SECONDS:-60} scripts/fuzz.sh

.PHONY: compiler
compiler:
	@scripts/packages.sh gcc:cc libc6-dev:/usr/include/stdio.h

tools: compiler browser $(PYTHON)

.PHONY: browser
browser:
	@[ -n "$$VESTIBULE_CHROMIUM" ] || scripts/packages.sh chromium:chromium

$(PYTHON): tests/tools/requirements.txt
	@scripts/packages.sh python3:python3 python3-venv:ensurepip
	python3 -m venv target/tools/venv
	target/tools/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/tools/requirements.txt
	@touch $(PYTHON)
