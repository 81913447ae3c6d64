# Everything a newcomer or the CI needs. Each target installs the Debian packages it is missing, with sudo where it is not root; a cargo that
# is missing or too old is said, with how to get one.
#
#   make run ARGS="--listen 127.0.0.1:9090"      make install PREFIX=/usr DESTDIR=/tmp/package      make one CRATE=identity FILTER=kba

CARGO   ?= cargo
PREFIX  ?= /usr/local
DESTDIR ?=
ARGS    ?=
PYTHON  := target/tools/venv/bin/python

.PHONY: run build install package package-test test test-firefox test-postgresql upgrade-test test-proxies test-keycloak test-monitoring failover simulate model one lint bench fuzz docs screenshots tools

## Build and start the server on the embedded default project; ARGS are those of `vestibule serve`.
run: compiler
	"$(CARGO)" run --quiet --package vestibule -- serve $(ARGS)

## Build the release binary: target/release/vestibule. It has its size held.
build: compiler
	"$(CARGO)" build --release --package vestibule
	@scripts/size.sh

## Install the release binary below DESTDIR and PREFIX, building it first where it was not.
install:
	@[ -x "$${CARGO_TARGET_DIR:-target}/release/vestibule" ] || $(MAKE) build
	install -D -m 755 "$${CARGO_TARGET_DIR:-target}/release/vestibule" "$(DESTDIR)$(PREFIX)/bin/vestibule"

## Everything that is given away, below target/package: Debian package, archive with a static binary, container image, chart. Two release builds.
package: compiler
	@scripts/packages.sh dpkg-dev:dpkg-buildpackage debhelper:dh lintian:lintian python3:python3
	scripts/package.sh

## The packages as those who install them try them: a clean system, first reset, upgrade, remove, purge; the image with nothing around it. As root.
package-test:
	@scripts/packages.sh mmdebstrap:mmdebstrap bubblewrap:bwrap umoci:umoci systemd:systemd-analyze util-linux:setpriv procps:pgrep python3:python3
	packaging/test.sh

## Install what the tests need and run them all, then the fuzz targets for seconds each.
test: tools
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" scripts/test.sh

## A million seeds of the simulated engine (VESTIBULE_SIMULATE_SEEDS, VESTIBULE_SIMULATE_FROM); `make test` runs ten thousand.
simulate: compiler
	VESTIBULE_SIMULATE_SEEDS=$${VESTIBULE_SIMULATE_SEEDS:-1000000} "$(CARGO)" test --release --package vestibule-stages --test engine -- \
		no_sequence_of_submissions_crashes_and_reloads_breaks_a_promise

## Ten million states of two clients on two nodes (VESTIBULE_MODEL_STATES); `make test` goes through a million.
model: compiler
	VESTIBULE_MODEL_STATES=$${VESTIBULE_MODEL_STATES:-10000000} "$(CARGO)" test --release --package vestibule-stages --test engine -- --nocapture \
		no_interleaving_of_two_clients_on_two_nodes_breaks_a_promise

## Build and test one crate: CRATE=identity, and FILTER=kba for some of its tests.
one: compiler
	"$(CARGO)" test --quiet --package "vestibule-$(CRATE)" $(FILTER)

## The main ways through the pages in Firefox, with scripts and without.
test-firefox: tools
	@[ -n "$$VESTIBULE_FIREFOX" ] || scripts/packages.sh firefox-esr:firefox-esr
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" "$(CARGO)" test --quiet --package vestibule --test it -- --ignored --nocapture in_firefox

## The reverse proxies of the book, each with the configuration that stands there.
test-proxies: tools
	@scripts/packages.sh nginx-light:/usr/sbin/nginx caddy:/usr/bin/caddy
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" "$(CARGO)" test --quiet --package vestibule --test it -- --ignored proxies::

## Keycloak as an identity provider, started on loopback: discovery, registration, sign-in, linking, the end of the session, errors.
test-keycloak: tools
	keycloak=$$(scripts/keycloak.sh) && VESTIBULE_KEYCLOAK="$$keycloak" VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" \
		"$(CARGO)" test --quiet --package vestibule --test it -- --ignored --nocapture keycloak::

## What the book gives to a monitoring, read and tried by promtool.
test-monitoring:
	@scripts/packages.sh prometheus:promtool python3:python3
	scripts/monitoring.sh

## Every test that starts a PostgreSQL, on other versions than Debian's: VESTIBULE_POSTGRES_VERSIONS (default 13 and 18).
test-postgresql: tools
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" scripts/test-postgresql.sh $${VESTIBULE_POSTGRES_VERSIONS:-13 18}

## The recorded exchanges split between this build and another one, of VESTIBULE_UPGRADE_FROM (default: the last commit before the newest step of
## the tables), on one PostgreSQL. Builds that one first.
upgrade-test: tools
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" scripts/upgrade.sh $$VESTIBULE_UPGRADE_FROM

## Fail-overs under load: VESTIBULE_FAILOVER_SEEDS (200) with VESTIBULE_FAILOVER_PEOPLE (1000) each, from seed VESTIBULE_FAILOVER_FROM; `make
## test` runs 20 with 40.
failover: tools
	VESTIBULE_FAILOVER_SEEDS=$${VESTIBULE_FAILOVER_SEEDS:-200} VESTIBULE_FAILOVER_PEOPLE=$${VESTIBULE_FAILOVER_PEOPLE:-1000} \
		VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" "$(CARGO)" test --quiet --package vestibule --test it -- --nocapture failover::

## Formatting, lints, licences, banned crates, drift of generated files, features of dependencies, the portable hash, shell scripts, size of a release binary.
lint: compiler
	@scripts/packages.sh python3:python3 shellcheck:shellcheck
	"$(CARGO)" fmt --all --check
	rustfmt --check --edition 2024 crates/stages/src/stage/*.rs docs/contributing/*.rs
	"$(CARGO)" fmt --manifest-path tests/fuzz/Cargo.toml --check
	"$(CARGO)" clippy --workspace --all-targets --quiet -- --deny warnings
	"$(CARGO)" run --quiet --package vestibule -- reference --check
	scripts/unify.py --check
	scripts/portable.sh
	scripts/deny.sh
	shellcheck scripts/*.sh docs/two-nodes/*.sh packaging/*.sh .ci/run
	@[ ! -e "$${CARGO_TARGET_DIR:-target}/release/vestibule" ] || scripts/size.sh

## Run the benchmarks and print one table.
bench: tools
	VESTIBULE_PYTHON="$(CURDIR)/$(PYTHON)" scripts/bench.sh

## Pictures of every page, in every state, language and theme, into target/screenshots, and the contact sheet of docs/pages.md.
screenshots: compiler browser target/tools/pages/made
	@scripts/packages.sh fonts-droid-fallback:/usr/share/fonts-droid-fallback
	"$(CARGO)" build --quiet --package vestibule
	VESTIBULE_NODE_MODULES="$(CURDIR)/target/tools/pages/node_modules" \
		VESTIBULE_PAGES_TESTS="{\"servers\":{},\"chromium\":\"$${VESTIBULE_CHROMIUM:-$$(command -v chromium-headless-shell || command -v chromium)}\"}" \
		node tests/pages/screenshots.mjs "$${CARGO_TARGET_DIR:-target}/debug/vestibule" target/screenshots docs/pictures/pages.jpg </dev/null

## Fuzz every parser of untrusted bytes, VESTIBULE_FUZZ_SECONDS each (default 60); the list is tests/fuzz/Cargo.toml.
fuzz: compiler
	VESTIBULE_FUZZ_SECONDS=$${VESTIBULE_FUZZ_SECONDS:-60} scripts/fuzz.sh

## Build the book with the documentation of the crates: target/book/index.html.
docs: compiler
	scripts/docs.sh

.PHONY: compiler
compiler:
	@scripts/toolchain.sh
	@scripts/packages.sh gcc:cc libc6-dev:/usr/include/stdio.h

tools: compiler browser java clocks postgresql target/tools/pebble target/tools/venv/made target/tools/pages/made

# Without it the tests that set the clock below a server say so, and are passed over.
.PHONY: clocks
clocks:
	@scripts/packages.sh libfaketime:libfaketime || echo "no libfaketime: steps of the clock are not tested" >&2

# Several nodes share one; the tests start their own, as somebody who is not root.
.PHONY: postgresql
postgresql:
	@scripts/packages.sh util-linux:setpriv procps:pgrep pgbouncer:/usr/sbin/pgbouncer haproxy:/usr/sbin/haproxy
	@[ -n "$$VESTIBULE_POSTGRES" ] || scripts/packages.sh postgresql:/usr/lib/postgresql

# Chromium without its windows, which drives the same pages in half the time; where Debian has none, the one with them.
.PHONY: browser
browser:
	@[ -n "$$VESTIBULE_CHROMIUM" ] || scripts/packages.sh chromium-headless-shell:chromium-headless-shell || scripts/packages.sh chromium:chromium

# The validator of HTML runs in it.
.PHONY: java
java:
	@scripts/packages.sh default-jre-headless:java

# The authority that issues certificates to the tests: half a minute with Go, else as Debian has it, which cannot want a renewal earlier.
PEBBLE := v2.10.3
target/tools/pebble:
	mkdir -p target/tools
	if command -v go >/dev/null 2>&1 && GOBIN="$(CURDIR)/target/tools" go install "github.com/letsencrypt/pebble/v2/cmd/pebble@$(PEBBLE)"; then :; \
	else scripts/packages.sh pebble:/usr/bin/pebble && ln -sf /usr/bin/pebble $@; fi

# The interpreter itself is a link to the system's, which is not ours to touch.
target/tools/venv/made: tests/tools/requirements.txt
	@scripts/packages.sh python3:python3 python3-venv:ensurepip
	python3 -m venv target/tools/venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement tests/tools/requirements.txt
	@touch $@

# What drives browsers through the pages. Nothing of a package runs while it is installed.
target/tools/pages/made: tests/pages/package.json tests/pages/package-lock.json
	@scripts/packages.sh nodejs:node npm:npm
	mkdir -p target/tools/pages
	cp tests/pages/package.json tests/pages/package-lock.json tests/pages/.npmrc target/tools/pages/
	cd target/tools/pages && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
