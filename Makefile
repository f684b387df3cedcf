# Makefile -- the whole build: wildcards, no configure step. `make help` lists the targets.
# A new .c file is picked up by its folder; a program is built as soon as its main.c exists.
VERSION := 0.1.0
V ?= dev
B ?= build/$(V)
PREFIX ?= /usr/local
AR ?= ar
PKG_CONFIG ?= pkg-config

ifeq ($(filter $(V),dev rel san tsan cov fuzz),)
$(error V is one of dev rel san tsan cov fuzz, not "$(V)")
endif
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# ---- flags ----
PKGS := libsodium libuv sqlite3 msgpack libmicrohttpd jansson libcurl libpng zlib libqrencode freetype2
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wundef -Wwrite-strings -Wcast-qual -Wpointer-arith -Wformat=2 \
	-Wswitch-enum -Wimplicit-fallthrough
# Warnings stop every build but the release, which must not break on a compiler that we have not seen.
ifeq ($(CI),true)
WERROR ?= 1
endif
WERROR ?= $(if $(filter rel,$(V)),0,1)

FLAGS_dev := -O1 -g3
FLAGS_rel := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_san := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
FLAGS_cov := -O0 -g --coverage
# clang only: libFuzzer comes with it. See `make fuzz`.
FLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# Other people's headers are system headers: our warnings are about our code.
ifneq ($(filter-out help clean print-%,$(or $(MAKECMDGOALS),build)),)
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm
endif
CPPFLAGS_ALL := -iquote include -iquote . -D_GNU_SOURCE -DQUIRE_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=c11 -fPIE $(WARN) $(if $(filter 1,$(WERROR)),-Werror) $(FLAGS_$(V)) $(CFLAGS)
comma := ,
LDFLAGS_ALL := -pie -Wl,--as-needed $(FLAGS_$(V)) $(if $(filter rel,$(V)),-Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now) $(LDFLAGS)

# ---- what there is to build ----
tree = $(sort $(wildcard $(1)/*.c $(1)/*/*.c $(1)/*/*/*.c))
objs = $(patsubst %.c,$(B)/%.o,$(1))
lib_src = $(filter-out %/main.c,$(call tree,$(1)))

LIBS := $(B)/libquire-tools.a $(B)/libquire-sim.a $(B)/libquire-bench.a \
	$(B)/libquire-daemon.a $(B)/libquire-store.a $(B)/libquire-protocol.a
CORE := $(B)/libquire-daemon.a $(B)/libquire-store.a $(B)/libquire-protocol.a
BINS := $(if $(wildcard daemon/main.c),$(B)/quired) $(if $(wildcard tools/quire/main.c),$(B)/quire) \
	$(if $(wildcard tools/bench/main.c),$(B)/quire-bench) $(if $(wildcard tools/sim/main.c),$(B)/quire-sim)
TEST_SRC := $(sort $(wildcard $(foreach d,unit vectors sim story fuzz fault,tests/$(d)/test_*.c)))
TESTS := $(patsubst %.c,$(B)/%,$(TEST_SRC))
SUPPORT_SRC := $(call tree,tests/support)
# Each fuzz target is a program: with the replayer as its main, or (V=fuzz) with libFuzzer's. One is there to be broken.
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c tests/fuzz/planted.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
FUZZ_MAIN := $(if $(filter fuzz,$(V)),,$(B)/tests/fuzz/replay.o)
SHIM_SRC := $(sort $(wildcard tests/shim/*.c))
SHIMS := $(patsubst tests/shim/%.c,$(B)/shim/%.so,$(SHIM_SRC))
SOURCES := $(foreach d,protocol store daemon tools/quire tools/bench tools/sim,$(call tree,$(d))) \
	$(TEST_SRC) $(FUZZ_SRC) $(wildcard tests/fuzz/replay.c) $(SUPPORT_SRC) $(SHIM_SRC)

.PHONY: build daemons tests objects demo run test sim fuzz sweep mesh mutations check fmt install clean help FORCE print-sources print-flags
.DELETE_ON_ERROR:
.SECONDARY:
build: $(BINS) $(LIBS)
daemons: build $(SHIMS)
tests: daemons $(TESTS) $(FUZZERS)
objects: $(patsubst %.c,$(B)/%.o,$(filter-out $(SHIM_SRC),$(SOURCES)))

# Objects are made again when the compiler or its flags change.
STAMP := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)
$(B)/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(STAMP))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(STAMP))' >$@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D); echo "  CC    $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The list of members is kept, so that a file that went away leaves its archive too.
define archive
$(B)/lib$(1).a: $(call objs,$(2)) $(B)/lib$(1).members
	@echo "  AR    $$@"; rm -f $$@; $(AR) rcsD $$@ $(call objs,$(2))
$(B)/lib$(1).members: FORCE
	@mkdir -p $$(@D); printf '%s\n' '$(2)' | cmp -s - $$@ || printf '%s\n' '$(2)' >$$@
endef
$(eval $(call archive,quire-protocol,$(call lib_src,protocol)))
$(eval $(call archive,quire-store,$(call lib_src,store)))
$(eval $(call archive,quire-daemon,$(call lib_src,daemon)))
$(eval $(call archive,quire-tools,$(call lib_src,tools/quire)))
$(eval $(call archive,quire-sim,$(call lib_src,tools/sim)))
$(eval $(call archive,quire-bench,$(call lib_src,tools/bench)))

link = echo "  LD    $@"; mkdir -p $(@D); $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^)
$(B)/quired: $(B)/daemon/main.o $(CORE)
	@$(link) $(PKG_LIBS)
$(B)/quire: $(B)/tools/quire/main.o $(B)/libquire-tools.a $(CORE)
	@$(link) $(PKG_LIBS)
$(B)/quire-bench: $(B)/tools/bench/main.o $(B)/libquire-bench.a $(B)/libquire-sim.a $(CORE)
	@$(link) $(PKG_LIBS)
$(B)/quire-sim: $(B)/tools/sim/main.o $(B)/libquire-sim.a $(CORE)
	@$(link) $(TEST_LINK) $(PKG_LIBS)
# Calls that can be made to fail (tools/sim/faulty.c).
FAULTY := malloc calloc realloc free sodium_malloc sodium_free pwrite read statx fsync fdatasync ftruncate mkdir link linkat rename unlink pread open opendir flock \
	engine_new engine_free engine_step engine_next drive_work store_open store_start store_close store_exec store_exec_one \
	upload_blob_new upload_blob_free upload_blob_feed upload_blob_finish
$(B)/quire-sim $(filter $(B)/tests/sim/% $(B)/tests/fault/%,$(TESTS)): TEST_LINK := $(FAULTY:%=-Wl,--wrap=%)
# These stand on a node of their own (http_world.h), which comes before the real one.
$(B)/tests/unit/test_api $(B)/tests/unit/test_api_streams $(B)/tests/unit/test_http: TEST_LINK := -Wl,-z,muldefs
$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(call objs,$(SUPPORT_SRC)) $(LIBS)
	@$(link) $(TEST_LINK) -lcmocka $(PKG_LIBS)
$(FUZZERS): $(B)/%: $(B)/%.o $(FUZZ_MAIN) $(call objs,$(SUPPORT_SRC)) $(LIBS)
	@$(link) $(if $(filter fuzz,$(V)),-fsanitize=fuzzer) -lcmocka $(PKG_LIBS)
$(B)/tests/fuzz/test_replay: | $(B)/tests/fuzz/planted
# Shims are loaded into a finished program: no sanitizer of their own.
$(B)/shim/%.so: tests/shim/%.c $(B)/flags
	@mkdir -p $(@D); echo "  SHIM  $@"
	@$(CC) $(CPPFLAGS_ALL) -std=c11 -O1 -g $(WARN) $(if $(filter 1,$(WERROR)),-Werror) -fPIC -shared -MMD -MP -o $@ $< -ldl

# ---- what people call ----
demo: ## a shared portfolio and a badge, from its definition to its verification, on this machine
	@tools/bootstrap demo
	@$(MAKE) --no-print-directory V=rel B=build/rel build
	@PATH="$(CURDIR)/build/rel:$$PATH" tools/demo/demo.sh
run: ## start your own node
	@tools/bootstrap build
	@$(MAKE) --no-print-directory V=rel B=build/rel build
	@PATH="$(CURDIR)/build/rel:$$PATH" tools/run.sh
test: ## build and run every test (ARGS="-k name" for some of them)
	@tools/bootstrap test
	@$(MAKE) --no-print-directory tests
	@V=$(V) B=$(B) tests/run $(ARGS)
fuzz: ## look for inputs that break a decoder (T=name of tests/fuzz/fuzz_name.c, S=seconds)
	@tools/bootstrap fuzz
	@$(MAKE) --no-print-directory V=fuzz B=build/fuzz CC=clang build/fuzz/tests/fuzz/fuzz_$(or $(T),$(error T=name: a target of tests/fuzz/, fuzz_name.c))
	@tests/fuzz/hunt run $(T) $(or $(S),60)
SEEDS ?= 2000
SEED0 ?= 1
sim: ## simulate whole networks under faults (SEEDS=2000 SEED0=1); docs/simulation.md
	@$(MAKE) --no-print-directory V=rel B=build/rel build/rel/quire-sim
	@build/rel/quire-sim --seeds $(SEEDS) --seed0 $(SEED0) --keep-going
sweep: ## fail every single call of the sweeps in tests/fault/, one by one (long)
	@$(MAKE) --no-print-directory tests
	@V=$(V) B=$(B) SWEEP=full tests/run -k tests/fault/
NODES ?= 30
mesh: ## 30 daemons in networks of their own, on bad lines, until all have everything (NODES=30 SEED=1; minutes)
	@tools/bootstrap test
	@$(MAKE) --no-print-directory build
	@V=$(V) PATH="$(CURDIR)/$(B):$$PATH" tests/mesh/run $(NODES) $(SEED)
MUTATIONS ?= 100
SEED ?= 1
mutations: ## would the tests see it? ten named mistakes and MUTATIONS=100 random ones from SEED=1 (hours)
	@tools/mutate/run.py --random $(MUTATIONS) --seed $(SEED)
check: ## format, layers, quotes of SPEC.md, banned calls, links, both compilers
	@tools/bootstrap check
	@tools/check/run $(ARGS)
fmt: ## format the C sources
	@tools/bootstrap check
	@git ls-files -z -co --exclude-standard '*.c' '*.h' | xargs -0r clang-format -i
install: ## install programs, library and headers (PREFIX, DESTDIR)
	@$(MAKE) --no-print-directory V=rel B=build/rel build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/quire
	install -m 755 $(patsubst $(B)/%,build/rel/%,$(BINS)) $(DESTDIR)$(PREFIX)/bin
	install -m 644 build/rel/libquire-protocol.a $(DESTDIR)$(PREFIX)/lib/libquire.a
	$(if $(wildcard include/quire/*.h),install -m 644 include/quire/*.h $(DESTDIR)$(PREFIX)/include/quire)
clean: ## remove everything that was built
	rm -rf build
help: ## this list
	@echo "make           build into build/dev (V=rel|san|tsan|cov for the other kinds, CC=clang for the other compiler)"
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' Makefile
print-sources:
	@printf '%s\n' $(SOURCES)
print-flags: # for tools/check: how a header is compiled
	@printf '%s\n' '$(subst ','\'',$(CPPFLAGS_ALL) -std=c11 $(WARN) -Werror)'

-include $(patsubst %.c,$(B)/%.d,$(filter-out $(SHIM_SRC),$(SOURCES))) $(SHIMS:.so=.d)
