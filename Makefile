# Promenade: `make run` starts the stack, `make test` runs every test. Both install what is missing.
SHELL := /bin/bash
SWIFT ?= swift
BUILD := $(SWIFT) build -c release
# All at once they keep the cores from each other for a minute, and whatever waits for a while waits too long.
TEST := SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6 $(SWIFT) test -c release --skip-build
# What gave way is said again at the end: between a thousand that passed nobody finds it.
TELLING_FAILURES = set -o pipefail; mkdir -p .build; $(1) 2>&1 | tee .build/tests.log || { \
	printf '\nWhat gave way (.build/tests.log has all of it):\n'; \
	grep -A 1 -E 'recorded an issue|Fatal error|^error:' .build/tests.log | cut -c 1-400 | tail -n 60; exit 1; }
# Where a page or a client of another language is tested with the real thing, if it can be installed.
TEST_PACKAGES := golang-go golang-github-prometheus-client-golang-dev python3-prometheus-client prometheus-cpp-dev \
	ruby-prometheus-client-mmap libnet-prometheus-perl nodejs node-typescript chromium chromium-driver \
	python3-venv fish zsh

.PHONY: help run build test attack fuzz bench lint format dist clean dependencies test-dependencies

help:
	@echo 'make run                start the whole stack (build first); ARGS="--help" shows its flags'
	@echo 'make test               run every test'
	@echo 'make attack             attack the stack in every way that is known, as a table; ONLY=kill for those with it in their names'
	@echo 'make fuzz               try every reader of what comes from outside with inputs made up for it; ONLY=promql SECONDS=60'
	@echo 'make bench              measure (Benchmarks/README.md); BENCH=query for a part'
	@echo 'make lint               check the format'
	@echo 'make dist               one self-contained binary, and packages of it, in dist/'

run: build
	@exec .build/release/promenade run $(ARGS)

build: dependencies
	@$(BUILD) --product promenade

test: dependencies test-dependencies
	$(BUILD) --build-tests
	@echo '$(TEST)'
	@$(call TELLING_FAILURES,$(TEST))
	GIVING_UP_MS=500 $(TEST) --filter GivingUpTests
	Tests/Conformance/run
	Tests/Recipes/run
	Tests/Scenarios/run
	Tests/Packages/run
	Tests/Docs/run
	Tests/Browser/run
	Tests/Attack/run --short --patient

attack: build
	Tests/Attack/run $(ONLY)

# Each reader for so many seconds.
SECONDS ?= 60

fuzz: dependencies
	@SECONDS_EACH=$(SECONDS) Tests/Fuzz/run $(ONLY)

bench: dependencies
	$(SWIFT) run -c release --package-path Benchmarks Benchmarks $(BENCH)

lint:
	$(SWIFT) format lint --strict -r Sources Tests Benchmarks/Sources Package.swift

format:
	$(SWIFT) format -i -r Sources Tests Benchmarks/Sources Package.swift

dist: dependencies
	@packaging/install --optional advancecomp
	packaging/dist

clean:
	rm -rf .build dist

# Headers that the build needs. Without root and without sudo it says what to install.
dependencies:
	@packaging/install libsqlite3-dev:/usr/include/sqlite3.h zlib1g-dev:/usr/include/zlib.h libyaml-dev:/usr/include/yaml.h

test-dependencies:
	@packaging/install --optional $(TEST_PACKAGES)
