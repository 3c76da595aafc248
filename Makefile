# SPDX-License-Identifier: Apache-2.0
# sallyport: `make demo` shows it, `make test` tests it, `make help` lists the rest.
#
# Objects mirror the source tree under $(BUILD). SAN=asan or SAN=tsan builds the same tree with
# sanitizers under build/asan or build/tsan. V=1 shows the commands.

SAN ?=
BUILD ?= build$(if $(SAN),/$(SAN))
V ?= 0
CC = gcc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(2))
JOBS := $(shell nproc)
# The outermost make chooses; those below share its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := all

WORDS := $(if $(MAKECMDGOALS),$(MAKECMDGOALS),all)
NEEDS_SDK := $(filter-out help clean setup demo test test-long format kmod cuda cuda-one cuda-report \
	gpu-check gpu-programs,$(WORDS))

# ---- what the machine has ------------------------------------------------------------------------
# Required: without these nothing is built. Optional: an absent SDK is an absent row in
# userspace/app/backends.c and one line here.
REQUIRED := libsystemd jansson libprotobuf-c libturbojpeg libpng libcyaml libisal libcrypto
# DPDK's own headers want flags that no other source should have: see CFLAGS_userspace/capture/dpdk.
OPTIONAL := URING:liburing PCAP:libpcap ARAVIS:aravis-0.8 DPDK:libdpdk NFTABLES:libnftables
have = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)
MISSING := $(foreach p,$(REQUIRED),$(if $(call have,$(p)),,$(p)))
MISSING += $(if $(wildcard /usr/include/dnnl.h),,dnnl) $(if $(wildcard /usr/include/onnx/onnx.proto),,onnx)
ifneq ($(NEEDS_SDK),)
ifneq ($(strip $(MISSING)),)
$(error missing libraries: $(strip $(MISSING)); run tools/setup)
endif
endif
PRESENT := $(foreach o,$(OPTIONAL),$(if $(call have,$(lastword $(subst :, ,$(o)))),$(o)))
ABSENT := $(filter-out $(PRESENT),$(OPTIONAL))
HAVE := $(foreach o,$(PRESENT),$(firstword $(subst :, ,$(o))))
PACKAGES := $(REQUIRED) $(filter-out libdpdk,$(foreach o,$(PRESENT),$(lastword $(subst :, ,$(o)))))
ifneq ($(ABSENT),)
$(info optional, not found and left out: $(foreach o,$(ABSENT),$(lastword $(subst :, ,$(o)))))
endif

# ---- flags ---------------------------------------------------------------------------------------
VERSION := $(shell cat VERSION)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
, := ,
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-Wundef -Wformat=2 -Wno-format-nonliteral -Werror=implicit-function-declaration
OPT := -O2 -g
SANFLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANFLAGS_tsan := -fsanitize=thread
SANFLAGS := $(SANFLAGS_$(SAN))
INCLUDES := -Iuserspace -Ikmod -Ikmod/uapi -Itools -I$(BUILD)/gen
DEFINES := -D_GNU_SOURCE $(foreach h,$(HAVE),-DSP_HAVE_$(h))
SDK_CFLAGS := $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null))
DPDK_CFLAGS := $(if $(filter DPDK,$(HAVE)),$(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags libdpdk)))
AS_NEEDED := -Wl,--push-state,--as-needed
DPDK_LIBS := $(if $(filter DPDK,$(HAVE)),$(AS_NEEDED) -lrte_ethdev -lrte_mbuf -lrte_mempool \
	-lrte_ring -lrte_net -lrte_hash -lrte_eal -lrte_net_ring -Wl$(,)--pop-state)
SDK_LIBS := $(DPDK_LIBS) $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -ldnnl -lgomp -lm -lpthread
ALL_CFLAGS = -std=gnu17 $(WARN) $(OPT) $(SANFLAGS) $(INCLUDES) $(DEFINES) $(SDK_CFLAGS) $(CFLAGS)

# ---- what is built -------------------------------------------------------------------------------
LIB_SRC := $(sort $(wildcard userspace/*/*.c userspace/*/*/*.c kmod/gvsp_*.c))
# Sources that need an absent SDK stay out; backends.c knows the same names. Some have a stand-in that
# says so.
without = $(if $(filter $(1),$(HAVE)),,$(2))
with = $(if $(filter $(1),$(HAVE)),$(2))
LIB_SRC := $(filter-out $(call without,PCAP,userspace/capture/replay.c) \
	$(call with,PCAP,userspace/capture/no_replay.c) \
	$(call with,URING,userspace/capture/no_uring.c userspace/journal/no_uring.c) \
	$(call without,URING,userspace/capture/udp_uring.c userspace/journal/uring.c) \
	$(call with,DPDK,userspace/capture/no_dpdk.c) \
	$(call without,DPDK,$(wildcard userspace/capture/dpdk*.c)) \
	$(call with,NFTABLES,userspace/capture/no_ingress.c) \
	$(call without,NFTABLES,userspace/capture/ingress.c) \
	$(call without,ARAVIS,$(wildcard userspace/control/aravis*.c)),$(LIB_SRC))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/onnx.pb-c.o
# The inner loops of inference, compiled once for each instruction set that their first comment names
# ("Compiled for: base avx2 avx512"); cpu/kernels.c chooses at run time.
KERNEL_SRC := $(sort $(wildcard userspace/infer/cpu/kernel/*.c))
KERNEL_ISAS := base $(if $(filter x86_64,$(shell uname -m)),avx2 avx512 avx512_bf16 amx)
# Wherever the comment's lines end.
isas_of = $(filter $(KERNEL_ISAS),$(shell head -n 30 $(1) | tr -s '*\n' ' ' | \
	sed -n 's/.*Compiled for: *\([a-z0-9_ ]*\).*/\1/p'))
KERNELS := $(foreach f,$(KERNEL_SRC),$(foreach i,$(call isas_of,$f),$(f:.c=).$i.o))
# Programs with sanitizers take those of the plain build: threads never meet in them, and what they
# touch is checked where they are tested alone (KERNEL_TESTS).
PLAIN := $(if $(filter build/%,$(BUILD)),build,$(BUILD))
LIB_OBJ += $(KERNELS:%=$(PLAIN)/obj/%)
LIB := $(BUILD)/libsallyport.a
SALLYPORT_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/*.c)))
GVCAM_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tools/gvcam/*.c)))
# All of gvcam but its main(), for its tests and fuzzers and for tests that recompute its pictures.
GVCAM_LIB := $(BUILD)/libgvcam.a
# Synthetic travellers, all but main() and its commands: gvcam shows them, tests look at them. What
# takes the time is in kernel/ and compiled once for each instruction set (lanesim/isa.h); any set
# gives the same bytes.
LANESIM_MAIN := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tools/lanesim/main.c) \
	$(sort $(wildcard tools/lanesim/cmd_*.c)))
LANESIM_OBJ := $(filter-out $(LANESIM_MAIN),$(patsubst %.c,$(BUILD)/obj/%.o,$(sort \
	$(wildcard tools/lanesim/*.c tools/lanesim/render/*.c tools/lanesim/person/*.c \
	tools/lanesim/scene/*.c))))
LANESIM_ISAS := base $(if $(filter x86_64,$(shell uname -m)),avx2 avx512)
LANESIM_OBJ += $(foreach i,$(LANESIM_ISAS),$(patsubst %.c,$(BUILD)/obj/%.$i.o, \
	$(sort $(wildcard tools/lanesim/kernel/*.c))))
LANESIM_LIB := $(BUILD)/liblanesim.a
PROGRAMS := $(if $(SALLYPORT_OBJ),$(BUILD)/sallyport) $(if $(GVCAM_OBJ),$(BUILD)/gvcam) \
	$(if $(LANESIM_MAIN),$(BUILD)/lanesim)
# Tests of what is not there stay out.
UNIT_SRC := $(filter-out $(call without,DPDK,tests/unit/capture/test_dpdk%), \
	$(sort $(wildcard tests/unit/*/test_*.c)))
UNIT := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRC) $(sort $(wildcard tests/parity/test_*.c)))
# Programs that integration tests start (receivers, checkers, crash victims).
HELPERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out $(call without,ARAVIS, \
	tests/integration/gvcam_content.c),$(sort $(wildcard tests/integration/*.c))))
INTEGRATION := $(sort $(filter-out tests/integration/lib.sh,$(wildcard tests/integration/*.sh)))
# These wait more than they work, and run beside each other where each gets a network of its own.
TOGETHER := $(shell grep -l '^\# TOGETHER: ' $(INTEGRATION))
TOGETHER_JOBS = $(if $(filter 0,$(shell unshare -n true 2>/dev/null && id -u)),$(JOBS),1)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))
BENCH := $(patsubst bench/%.c,$(BUILD)/bench/%,$(filter-out bench/bench.c bench/roof.c bench/capture_%.c \
	bench/infer_%.c bench/camera_frame.c bench/gpu%.c,$(sort $(wildcard bench/*.c))))
# What bench/capture starts: receivers of ours and of others.
BENCH_RECEIVERS := $(call with,ARAVIS,$(BUILD)/bench/capture_receive $(BUILD)/bench/peers/aravis) \
	$(call with,DPDK,$(BUILD)/bench/capture_ring)
BENCH_COMMON := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/bench.c))
# Threads that share memory: these run under ThreadSanitizer too.
TSAN_TESTS := $(sort $(wildcard tests/unit/base/test_ring.c $(shell grep -l 'TSAN: yes' tests/unit/*/*.c 2>/dev/null)))
TSAN_UNIT := $(patsubst tests/%.c,build/tsan/tests/%,$(TSAN_TESTS))
ASAN_UNIT := $(patsubst tests/%.c,build/asan/tests/%,$(UNIT_SRC))

# The CUDA plugin, the emulator that its kernels are tested on, and what runs where a GPU is.
include cuda/build.mk

.PHONY: all programs tests helpers bench-programs clean help setup demo test test-long asan tsan \
	fuzz fuzz-programs install format check-units check-asan check-tsan check-integration
.SECONDARY:

all: $(LIB) $(PROGRAMS) $(if $(wildcard tools/man/*.scd),man)
programs: $(PROGRAMS)
tests: $(UNIT)
helpers: $(HELPERS)
bench-programs: $(BENCH) $(BENCH_RECEIVERS)

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/sallyport: $(SALLYPORT_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(SANFLAGS) -o $@ $^ $(SDK_LIBS) $(LDFLAGS)

$(GVCAM_LIB): $(filter-out %/main.o,$(GVCAM_OBJ))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/gvcam: $(GVCAM_OBJ) $(LANESIM_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(SANFLAGS) -o $@ $^ $(SDK_LIBS) $(LDFLAGS)

$(LANESIM_LIB): $(LANESIM_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/lanesim: $(LANESIM_MAIN) $(BUILD)/obj/tools/command.o $(LANESIM_LIB) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(SANFLAGS) -o $@ $^ $(SDK_LIBS) $(LDFLAGS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(GVCAM_LIB) $(LANESIM_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(SDK_LIBS) $(LDFLAGS)

$(BUILD)/tests/integration/farm: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/farm/*.c))

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_COMMON) $(LANESIM_LIB) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(SDK_LIBS) $(LDFLAGS)

$(BUILD)/bench/infer $(BUILD)/bench/kernels: $(BUILD)/obj/bench/roof.o
$(BUILD)/bench/capture_receive $(BUILD)/bench/peers/aravis: $(BUILD)/obj/bench/capture_figures.o
$(BUILD)/bench/capture: $(BUILD)/obj/bench/capture_run.o $(BUILD)/obj/bench/capture_process.o
$(BUILD)/bench/cameras $(BUILD)/bench/loss: $(BUILD)/obj/bench/capture_farm.o \
	$(BUILD)/obj/bench/capture_process.o
$(BUILD)/bench/infer: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard bench/infer_*.c)) \
	$(BUILD)/obj/bench/camera_frame.o
$(BUILD)/bench/faces $(BUILD)/bench/preprocess: $(BUILD)/obj/bench/camera_frame.o

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(<:.c=)) $(if $(filter tests/%,$<),-Itests) -MMD -MP -c -o $@ $<

# No contraction into fused multiply-adds: the same seed gives the same bytes everywhere.
LANESIM_FLAGS := -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math
$(LANESIM_OBJ) $(LANESIM_MAIN): private CFLAGS += $(LANESIM_FLAGS)
ISA_FLAGS_avx2 := -mavx2
ISA_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512
# No infinities there: without them minimum and maximum are one instruction, and loops are vectors.
CFLAGS_tools/lanesim/kernel/relief = -ffinite-math-only -fno-signed-zeros
CFLAGS_tools/lanesim/kernel/skin = -ffinite-math-only -fno-signed-zeros
define lanesim_kernel
$(BUILD)/obj/tools/lanesim/kernel/%.$(1).o: tools/lanesim/kernel/%.c $(BUILD)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(CFLAGS_$$(<:.c=)) $(ISA_FLAGS_$(1)) -DLANESIM_ISA=$(1) \
		-MMD -MP -c -o $$@ $$<
endef
$(foreach i,$(LANESIM_ISAS),$(eval $(call lanesim_kernel,$i)))

KERNEL_FLAGS_avx2 := -mavx2 -mfma
KERNEL_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
KERNEL_FLAGS_avx512_bf16 := $(KERNEL_FLAGS_avx512) -mavx512bf16
# Compilers name what they have by different macros; this one is ours.
KERNEL_FLAGS_amx := $(KERNEL_FLAGS_avx512_bf16) -mamx-tile -mamx-bf16 -DSP_REAL_TILES
# Unrolled as they are, sanitizers that check each access in place would compile for minutes, and where
# each variable is takes half of the time.
KERNEL_OPT := $(if $(SAN),-O1 --param asan-instrumentation-with-call-threshold=0,-O3) -g1
# As with lanesim's: the names of functions end in the instruction set's.
define infer_kernel
$(BUILD)/obj/userspace/infer/cpu/kernel/%.$(1).o: userspace/infer/cpu/kernel/%.c $(BUILD)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $(KERNEL_OPT) $$(CFLAGS_$$(<:.c=)) $(KERNEL_FLAGS_$(1)) -DSP_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach i,$(KERNEL_ISAS),$(eval $(call infer_kernel,$i)))
ifneq ($(PLAIN),$(BUILD))
define plain_kernel
$(PLAIN)/obj/userspace/infer/cpu/kernel/%.$(1).o: userspace/infer/cpu/kernel/%.c
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(filter-out $$(SANFLAGS),$$(ALL_CFLAGS)) -O3 -g1 $$(CFLAGS_$$(<:.c=)) $(KERNEL_FLAGS_$(1)) -DSP_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach i,$(KERNEL_ISAS),$(eval $(call plain_kernel,$i)))
KERNEL_TESTS := $(foreach t,kernels bf16 band scale preprocess,$(BUILD)/tests/unit/infer/test_$t)
$(if $(filter asan,$(SAN)),$(KERNEL_TESTS)): $(KERNELS:%=$(BUILD)/obj/%)
endif

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(OPT) $(SANFLAGS) -w -I$(BUILD)/gen -c -o $@ $<

# protoc-c writes header and source in one go.
$(BUILD)/gen/onnx.pb-c.c: /usr/include/onnx/onnx.proto
	$(call say,PROTOC,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
# Headers are tracked by dependency files only after the first build.
$(LIB_OBJ): | $(BUILD)/gen/onnx.pb-c.c
$(BUILD)/obj/tests/%.o $(BUILD)/obj/bench/%.o: | $(BUILD)/gen/onnx.pb-c.c

# A change of flags, or of the set of SDKs, rebuilds everything.
FLAGS_NOW := $(CC) $(ALL_CFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' >$@
.PHONY: FORCE
FORCE:
# The commit changes often and is used in two places; they are compiled again when it has changed.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@
$(BUILD)/obj/userspace/app/version.o $(BUILD)/obj/bench/bench.o: $(BUILD)/commit
CFLAGS_userspace/app/version = -DSP_VERSION='"$(VERSION)"' -DSP_COMMIT='"$(COMMIT)"'
# What DPDK's headers need: their configuration, and SSE 4.2 (sp_dpdk_open looks whether it is there).
$(foreach f,$(wildcard userspace/capture/dpdk*.c tests/unit/capture/test_dpdk*.c bench/capture*.c \
	tests/integration/dpdk*.c),$(eval CFLAGS_$(f:.c=) := $(DPDK_CFLAGS)))
# Loops over pixels, or over every row of a gallery: vectorised.
CFLAGS_userspace/infer/align = -O3
CFLAGS_userspace/infer/pixels = -O3
CFLAGS_userspace/infer/preprocess = -O3
CFLAGS_userspace/infer/scale = -O3
CFLAGS_userspace/infer/search = -O3
CFLAGS_userspace/infer/cpu/emit_loop = -O3 -fno-trapping-math
CFLAGS_userspace/infer/cpu/emit_move = -O3
# Values kept from column to column would be copied from register to register.
CFLAGS_userspace/infer/cpu/kernel/f32_stem = -fno-predictive-commoning
CFLAGS_bench/bench = -DSP_COMMIT='"$(COMMIT)"'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- fuzzers: clang, libFuzzer, ASan + UBSan -------------------------------------------------------
FUZZ_FLAGS := -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-Iuserspace -Ikmod -Ikmod/uapi -Itools -Itests -Ibuild/fuzz/gen -I$(BUILD)/gen $(DEFINES) $(SDK_CFLAGS)
FUZZ_LIB_SRC := $(LIB_SRC) $(filter-out %/main.c,$(sort $(wildcard tools/gvcam/*.c)))
# Kernels as they are: no parser reaches them.
FUZZ_LIB_OBJ := $(FUZZ_LIB_SRC:%.c=build/fuzz/obj/%.o) build/fuzz/obj/gen/onnx.pb-c.o \
	$(KERNELS:%=$(PLAIN)/obj/%)
build/fuzz/gen/onnx.pb-c.c: /usr/include/onnx/onnx.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
build/fuzz/obj/gen/onnx.pb-c.o: build/fuzz/gen/onnx.pb-c.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) -w -g -O1 -fsanitize=fuzzer-no-link,address,undefined -Ibuild/fuzz/gen -c -o $@ $<
build/fuzz/obj/%.o: %.c build/fuzz/gen/onnx.pb-c.c
	$(call say,CLANG,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(subst fuzzer$(,),fuzzer-no-link$(,),$(FUZZ_FLAGS)) $(CFLAGS_$(<:.c=)) -MMD -MP -c -o $@ $<
build/fuzz/libsallyport.a: $(FUZZ_LIB_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^
build/fuzz/%: tests/fuzz/%.c build/fuzz/libsallyport.a
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -o $@ $< build/fuzz/libsallyport.a $(SDK_LIBS)
-include $(shell find build/fuzz/obj -name '*.d' 2>/dev/null)
fuzz-programs: $(FUZZ)
# FUZZ_SECONDS a fuzzer.
FUZZ_SECONDS ?= 300
fuzz: fuzz-programs
	tests/run -j $(JOBS) $(foreach f,$(FUZZ),"tests/fuzz/run $(f) $(FUZZ_SECONDS)")

# ---- for people ------------------------------------------------------------------------------------
setup:
	tools/setup

# Each step is a make of its own: setup may have installed what the next one looks for.
test:
	tools/setup --guest
	$(MAKE) all tests helpers
	$(MAKE) SAN=asan tests
	$(if $(TSAN_TESTS),$(MAKE) SAN=tsan tsan-tests)
	$(MAKE) fuzz-programs
	tests/run -j $(JOBS) $(UNIT) $(filter-out $(CUDA_ASAN_LONG),$(ASAN_UNIT)) $(TSAN_UNIT) \
		$(foreach f,$(FUZZ),"tests/fuzz/run $(f) 3") \
		-j $(TOGETHER_JOBS) $(TOGETHER) -j 1 $(filter-out $(TOGETHER),$(INTEGRATION))
tsan-tests: $(patsubst tests/%.c,$(BUILD)/tests/%,$(TSAN_TESTS))

# The sanitizer builds of the programs run the integration tests, fuzzers run for minutes.
test-long:
	tools/setup --guest
	$(MAKE) all tests helpers fuzz-programs
	$(MAKE) SAN=asan all tests helpers
	$(MAKE) SAN=tsan all tsan-tests
	SP_LONG=1 tests/run -j $(JOBS) $(UNIT) $(ASAN_UNIT) $(TSAN_UNIT) $(foreach f,$(FUZZ),"tests/fuzz/run $(f) 300") \
		-j 1 $(INTEGRATION) $(foreach t,$(INTEGRATION),"env SP_BUILD=build/asan $(t)")

asan:
	$(MAKE) SAN=asan all tests
	tests/run -j $(JOBS) $(ASAN_UNIT)
tsan:
	$(MAKE) SAN=tsan tsan-tests
	tests/run -j $(JOBS) $(TSAN_UNIT)

check-units: $(UNIT)
	tests/run -j $(JOBS) $(UNIT)
check-integration: all helpers
	tests/run -j 1 $(INTEGRATION)

demo:
	tools/setup
	$(MAKE) all
	tools/demo

bench-%: $(BUILD)/bench/%
	@mkdir -p $(BUILD)/bench
	$<
# In network namespaces of its own: bench/capture.sh.
bench-capture: $(BUILD)/bench/capture $(BENCH_RECEIVERS) $(BUILD)/gvcam
	@mkdir -p $(BUILD)/bench
	SP_BUILD=$(BUILD) bench/capture.sh
# The same, by bench/farm.sh.
bench-cameras bench-loss: bench-%: $(BUILD)/bench/% $(BUILD)/tests/integration/farm \
		$(BENCH_RECEIVERS) $(BUILD)/gvcam
	SP_BUILD=$(BUILD) bench/farm.sh $*
bench: $(patsubst $(BUILD)/bench/%,bench-%,$(BENCH))

MAN := $(patsubst tools/man/%.scd,$(BUILD)/man/%,$(wildcard tools/man/*.scd))
.PHONY: man
man: $(MAN)
$(BUILD)/man/%: tools/man/%.scd
	@mkdir -p $(@D)
	$(Q)if command -v scdoc >/dev/null; then scdoc <$< >$@; else echo "man: scdoc is absent; run tools/setup"; fi

# The kernel's side, in a copy so that the source tree stays clean. KERNEL: a directory of /lib/modules.
KERNEL ?= $(firstword $(patsubst /lib/modules/%/build,%, \
	$(wildcard /lib/modules/$(shell uname -r)/build) $(sort $(wildcard /lib/modules/*/build))))
.PHONY: kmod
kmod:
	$(if $(KERNEL),,@echo 'kmod: no kernel headers; run tools/setup' && false)
	@rm -rf build/kmod && mkdir -p build/kmod && cp -r Kbuild kmod build/kmod/
	$(Q)$(MAKE) -C /lib/modules/$(KERNEL)/build M=$(CURDIR)/build/kmod W=1 C=2 modules

PREFIX ?= /usr/local
# Ours, which the program finds beside itself: ../share/sallyport/models.
MODELS := $(wildcard models/*.onnx models/*.yaml models/*.md)
install: all
	install -Dm755 -t $(DESTDIR)$(PREFIX)/bin $(PROGRAMS)
	$(if $(MAN),install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(filter %.1,$(MAN)))
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/bash-completion/completions tools/completion/sallyport
	cd $(DESTDIR)$(PREFIX)/share/bash-completion/completions && ln -sf sallyport lanesim && ln -sf sallyport gvcam
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/sallyport docs/sallyport.yaml docs/capture.md docs/models.md docs/cards/*.yaml
	$(if $(MODELS),install -Dm644 -t $(DESTDIR)$(PREFIX)/share/sallyport/models $(MODELS))
	$(if $(wildcard $(PLUGIN)),install -Dm644 -t $(DESTDIR)$(PREFIX)/lib/sallyport $(PLUGIN))
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's#/usr/local/bin#$(PREFIX)/bin#' tools/systemd/sallyport.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/sallyport.service

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean:
	rm -rf build

help:
	@echo 'make demo          packages, build, simulated lanes over real GVSP, records shown'
	@echo 'make test          packages, build, every test this machine can run'
	@echo 'make test-long     long fuzzing and the sanitizer builds of every program'
	@echo 'make               build/sallyport, build/gvcam and build/lanesim'
	@echo 'make bench[-NAME]  benchmarks; JSON lines in build/bench/'
	@echo 'make asan | tsan   unit tests under sanitizers'
	@echo 'make cuda          the CUDA plugin, build/libsallyport-cuda.so, for every architecture (docs/gpu.md)'
	@echo 'make gpu-check     where a GPU is: parity, sanitizer, benches; its fixtures by make gpu-fixtures'
	@echo 'make cuda-report   registers, shared memory, spills and tensor-core instructions of every kernel'
	@echo 'make kmod          what kernel and userspace share, by the kernel'"'"'s rules (W=1, sparse)'
	@echo 'make fuzz          every fuzzer, FUZZ_SECONDS=300 each'
	@echo 'make install       PREFIX=/usr/local DESTDIR='
	@echo 'make setup | format | clean'
