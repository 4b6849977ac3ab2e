# SPDX-License-Identifier: GPL-2.0
# On an arm64 machine: an ordinary out-of-tree module with its userspace.
# Elsewhere: the rig, which boots arm64 hosts in QEMU. "make help" tells.

TOP    := $(CURDIR)
NATIVE := $(filter aarch64 arm64,$(shell uname -m))

PREFIX  ?= /usr/local
KDIR    ?= /lib/modules/$(shell uname -r)/build
UDEVDIR ?= /lib/udev/rules.d

# What the rig understands; empty means the default (selftests/rig/run --help).
export KERNEL CPU GIC SMP MEM QEMU ICOUNT SEED TIMEOUT MODARGS
export FILES GUEST GUEST_KERNEL GUEST_CPUS GUEST_MEM GUEST_GIC
# The shell in the host expands these, make must not.
override export CMD := $(value CMD)
override export APPEND := $(value APPEND)
override export ONLY := $(value ONLY)
override export ROWS := $(value ROWS)
export RESUME JOBS WALL CHECK WHERE
override export GUEST_APPEND := $(value GUEST_APPEND)
ifdef ARMVCPU_CACHE
export ARMVCPU_CACHE
endif

RIG := selftests/rig

user_vars = O=$(TOP)/build/user UAPI=$(TOP)/uapi DESTDIR=$(DESTDIR) \
	    PREFIX=$(PREFIX)

.PHONY: all help setup build modules user modules_install install clean \
	distclean run check check-lifecycle check-debug check-matrix stress \
	stress-memory fuzz fuzz-decode fuzz-vmm fuzz-guest bench bench-bounds lint rig \
	rig-shell

ifneq ($(NATIVE),)

all: modules user

modules:
	$(MAKE) -C $(KDIR) M=$(TOP) modules

modules_install: modules
	$(MAKE) -C $(KDIR) M=$(TOP) modules_install

user:
	$(MAKE) -C userspace-vmm $(user_vars)

install: user
	install -D -m 644 uapi/linux/armvcpu.h \
		$(DESTDIR)$(PREFIX)/include/linux/armvcpu.h
	$(MAKE) -C userspace-vmm $(user_vars) UDEVDIR=$(UDEVDIR) install

clean:
	$(MAKE) -C $(KDIR) M=$(TOP) clean
	rm -rf build

else

all: build

modules:
	@$(RIG)/build module

user:
	@$(RIG)/build user

modules_install install:
	@echo "make $@ is for the arm64 machine that shall run it" >&2; exit 1

clean:
	rm -rf build

endif

setup:
	@$(RIG)/setup

build: setup
	@$(RIG)/build module user tests

run:
	@$(RIG)/guest

check:
	@selftests/check

check-debug:
	@KERNEL=debug LEAKS=1 selftests/check

check-lifecycle:
	@selftests/check lifecycle

check-matrix:
	@$(RIG)/matrix

stress:
	@SECONDS_OF_STRESS='$(DURATION)' $(RIG)/stress

stress-memory:
	@SECONDS_OF_STRESS='$(DURATION)' $(RIG)/stress-memory

# The debug kernel, unless another one is asked for.
fuzz:
	@$(if $(filter command line environment,$(origin KERNEL)),,KERNEL=debug) \
		$(if $(TIME),TIME='$(TIME)') $(RIG)/fuzz

fuzz-decode:
	@$(RIG)/build native
	@$(MAKE) --no-print-directory -C userspace-vmm O=$(TOP)/build/native UAPI=$(TOP)/uapi \
		$(if $(TIME),TIME=$(TIME)) fuzz-decode

fuzz-guest:
	@$(foreach v,TIME CASES KIND CASE MMU,$(v)='$($(v))') $(RIG)/fuzz-guest

fuzz-vmm:
	@TIME='$(TIME)' $(RIG)/fuzz-vmm

bench:
	@$(RIG)/bench

bench-bounds:
	@$(RIG)/bench-bounds

lint:
	@$(RIG)/lint

rig:
	@$(RIG)/run $(foreach f,$(FILES),--file '$(f)') -- "$$CMD"

rig-shell:
	@$(RIG)/run $(foreach f,$(FILES),--file '$(f)') --shell

# The cache can be shared by several clones: only distclean of its own goes.
distclean: clean
	rm -rf .cache

help:
	@sed 's/^	//' $(RIG)/help.txt
