# SPDX-License-Identifier: GPL-2.0
#
# What a developer or a user types. Kbuild knows how the module is built, this
# knows in what order and where: everything goes to build/, nothing else in
# the tree changes. See "make help".

# A prepared kernel tree (scripts/prepare-kernel) for which the module is to be
# built with the compilers of this machine. Without it, the build root's kernel
# and compilers are used, and made when they are missing.
KDIR ?=

PREFIX ?= /usr/local
DESTDIR ?=

# What was built in the build root belongs to root.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
IN_ROOT := scripts/in-root
CARGO_TARGET := x86_64-unknown-linux-gnu
# Static: a tool that comes from the build root has to run on older systems.
CARGO_FLAGS := --locked --target $(CARGO_TARGET)
CARGO := $(IN_ROOT) env -C tools/crctl RUSTFLAGS='-C target-feature=+crt-static' cargo

sources = $(shell find $(1) -type f 2>/dev/null)
MODULE_SOURCES := $(call sources,Kbuild rust cr_module uapi scripts/lib) \
	scripts/build-module scripts/klp-link
CRCTL_SOURCES := $(call sources,tools/crctl rust/codec rust/user uapi)

.PHONY: all
all: module crctl

.PHONY: module
module: build/cr.ko

.PHONY: crctl
crctl: build/bin/crctl

# Set-up costs nothing when there is nothing to do.
.PHONY: root
root:
	@scripts/setup

# Changes only when another kernel tree is named.
build/kdir: FORCE
	@mkdir -p build
	@echo '$(KDIR)' | cmp -s - $@ || { rm -rf build/module; echo '$(KDIR)' >$@; }

ifeq ($(KDIR),)
build/cr.ko: $(MODULE_SOURCES) build/kdir | root
	@$(IN_ROOT) scripts/build-module /usr/src/kernel-build build/module
	@cp build/module/cr.ko $@
else
build/cr.ko: $(MODULE_SOURCES) build/kdir
	@scripts/build-module '$(KDIR)' build/module
	@cp build/module/cr.ko $@
endif

build/bin/crctl: $(CRCTL_SOURCES) | root
	@$(CARGO) build --release $(CARGO_FLAGS)
	@install -D build/cargo-target/$(CARGO_TARGET)/release/crctl $@
	@touch $@

# The C programs that tests, demonstration and measurement run.
.PHONY: selftests
selftests: root
	@$(IN_ROOT) $(MAKE) --no-print-directory -s -C selftests

.PHONY: demo
# What the programs do undisturbed is found out beside the machine meanwhile.
demo: all
	@$(SUDO) rm -rf build/demo && mkdir -p build/demo
	@$(IN_ROOT) selftests/demo/run --undisturbed build/demo/expected.json & \
	scripts/vm --share '$(CURDIR)' --timeout 300 -- selftests/demo/run build/demo/expected.json; \
	status=$$?; wait; exit $$status

# The same tests on the kernel that finds mistakes: make test KERNEL=debug
.PHONY: test
ifeq ($(KERNEL),debug)
test: crctl build/debug/cr.ko
	@CR_KERNEL=debug scripts/run-tests $(TESTS)
else
test: all
	@scripts/run-tests $(TESTS)
endif

build/debug/cr.ko: $(MODULE_SOURCES) scripts/debug.config scripts/lib/in-tree
	@scripts/debug-kernel

# Try to break it for so many seconds: make torture DURATION=3600
DURATION ?= 600
.PHONY: torture
torture: crctl selftests $(if $(filter stock,$(KERNEL)),module,build/debug/cr.ko)
	@scripts/torture --kernel '$(or $(KERNEL),debug)' '$(DURATION)' $(SEED)

# With PLOT=1, how time grows with the number of tasks, as a picture.
.PHONY: bench
bench: all selftests
	@scripts/vm --share '$(CURDIR)' --mem 4G --cpu max --timeout $(if $(PLOT),3600,1200) -- selftests/bench/run \
		$(if $(PLOT),--plot build/bench-growth.svg build/bench-growth.json,build/bench.json)

.PHONY: install
install: all
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' KDIR='$(KDIR)' scripts/install

.PHONY: uninstall
uninstall:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' KDIR='$(KDIR)' scripts/install --remove

RUST_FILES = $(shell find rust cr_module tools selftests -name '*.rs' -not -path '*/target/*' 2>/dev/null)

.PHONY: format
format: | root
	@$(IN_ROOT) rustfmt --edition 2021 --config-path .rustfmt.toml $(RUST_FILES)

.PHONY: lint
lint: | root
	@scripts/lint

.PHONY: clean
clean:
	$(SUDO) rm -rf build/module build/cr.ko build/kdir build/bin build/cargo-target build/selftests build/lint

.PHONY: distclean
distclean:
	$(SUDO) rm -rf build

.PHONY: help
help:
	@echo 'make              build the module (build/cr.ko) and the tool (build/bin/crctl)'
	@echo 'make module       the module only; KDIR=DIR for a prepared kernel tree of yours'
	@echo 'make crctl        the tool only'
	@echo 'make demo         checkpoint and restart real programs, in a virtual machine'
	@echo 'make test         all tests; TESTS="NAME..." for some of them'
	@echo '                  KERNEL=debug: on a kernel that finds mistakes (half an hour to build)'
	@echo 'make bench        measure beside criu, in a virtual machine; PLOT=1: how times grow with'
	@echo '                  the number of tasks, drawn to build/bench-growth.svg'
	@echo 'make torture      try to break it for DURATION=600 seconds, on the debug kernel'
	@echo 'make install      install both, with manual pages, shell completions, the udev'
	@echo '                  rule and DKMS configuration; PREFIX=$(PREFIX), DESTDIR='
	@echo 'make uninstall    remove what make install installed'
	@echo 'make format       format the Rust code'
	@echo 'make lint         rustfmt, clippy, shellcheck: complain, change nothing'
	@echo 'make clean        remove what was built, keep the build root'
	@echo 'make distclean    remove the build root as well'
	@echo
	@echo 'Missing parts of the build root (about 3 GB in build/) are made first: a Debian'
	@echo '12 or 13 machine, root or sudo, git and make are all that has to be there.'

.PHONY: FORCE
FORCE:
