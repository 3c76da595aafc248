# SPDX-License-Identifier: Apache-2.0
# Part of the Makefile: the CUDA plugin, the same sources on an emulator that runs kernels on the CPU, and
# what is built and run where a GPU is.

# Where the toolkit is; without it the plugin is left out, and the emulator still tests it.
CUDA_HOME ?= $(firstword $(wildcard /usr/local/cuda) $(patsubst %/bin/nvcc,%,$(shell command -v nvcc)))
NVCC ?= $(wildcard $(CUDA_HOME)/bin/nvcc)
# Compute capabilities; the last one also as PTX, for cards to come.
CUDA_ARCHS ?= 80 86 89 90 100
CUDA_SRC := $(sort $(wildcard cuda/*.c cuda/*.cu))
# What the plugin has of its own of the program's pure parts.
CUDA_SHARED := $(addprefix userspace/,base/diag.c base/event.c base/pool.c base/ring.c base/thread.c \
	wire/pfnc.c frame/frame.c infer/align_fit.c infer/compute.c infer/cpu/arena.c infer/detect_outputs.c \
	infer/fit.c infer/graph.c infer/portrait_place.c infer/precision.c infer/quality.c \
	infer/quality_damage.c infer/quality_limits.c infer/quality_pose.c infer/role.c infer/shape.c \
	infer/shape_infer.c infer/shape_operators.c infer/sighting.c infer/stretch.c infer/tile.c)
CUDA_INCLUDES := -I. -Iuserspace -Ikmod -Ikmod/uapi -I$(BUILD)/gen
# "native": for the card that is there.
CUDA_LAST := compute_$(lastword $(CUDA_ARCHS))
CUDA_GENCODE := $(if $(filter native,$(CUDA_ARCHS)),-arch=native, \
	$(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$a$(,)code=sm_$a) \
	-gencode arch=$(CUDA_LAST)$(,)code=$(CUDA_LAST))
CUDA_WARN := -Wall -Wextra -Wshadow
PLUGIN := $(BUILD)/libsallyport-cuda.so
PLUGIN_OBJ := $(CUDA_SRC:%=$(BUILD)/cuda-obj/%.o) $(CUDA_SHARED:%=$(BUILD)/cuda-obj/%.o)
# Emulated: with the same flags as all else, sanitizers included.
EMULATOR_SRC := $(sort $(wildcard tests/cuda/emulator/*.c tests/cuda/emulator/*.cpp))
EMULATED := $(BUILD)/libsallyport-cuda-emulated.a
EMULATED_OBJ := $(CUDA_SRC:%=$(BUILD)/emulated/%.o) $(EMULATOR_SRC:%=$(BUILD)/emulated/%.o)
CXX = g++
CUDA_TESTS := $(if $(shell command -v $(CXX)), \
	$(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/cuda/test_*.c))), \
	$(info optional, not found and left out: $(CXX), and with it the tests of what is in cuda/))
UNIT += $(CUDA_TESTS)
ASAN_UNIT += $(CUDA_TESTS:$(BUILD)/%=build/asan/%)
# Whole networks and frames: emulated and under sanitizers they take long, and are for test-long.
CUDA_ASAN_LONG := $(addprefix build/asan/tests/cuda/test_,backend tuner backend_cpu network_cpu face_cpu \
	preprocess_cpu similarity_cpu)
CUDA_TEST_COMMON := $(patsubst %,$(BUILD)/emulated/%.o,$(filter-out tests/cuda/test_%,$(wildcard tests/cuda/*.c)))

# ---- the plugin and the emulator ------------------------------------------------------------------
# Structures that the program and the plugin share: a change of any is another ABI.
ABI_HEADERS := $(sort $(addprefix userspace/,infer/compute.h infer/plugin.h infer/graph.h infer/shape.h \
	infer/model.h infer/model_card.h infer/input.h infer/precision.h infer/tile.h infer/scale.h \
	frame/frame.h base/region.h base/diag.h))
$(BUILD)/gen/compute_abi.h: $(ABI_HEADERS)
	@mkdir -p $(@D)
	$(Q)printf '/* A hash of the headers that program and plugins share. */\n#define SP_COMPUTE_ABI 0x%sull\n' \
		"$$(cat $(ABI_HEADERS) | sha256sum | cut -c1-16)" >$@
$(BUILD)/obj/userspace/infer/plugin.o build/fuzz/obj/userspace/infer/plugin.o: | $(BUILD)/gen/compute_abi.h
$(BUILD)/cuda-obj/cuda/plugin.c.o $(BUILD)/emulated/cuda/plugin.c.o: $(BUILD)/gen/compute_abi.h

# ptxas tells of each kernel's registers, memory and spills, in a log beside the object.
CUDA_HOST_FLAGS := -fPIC$(,)-fvisibility=hidden$(,)-fno-threadsafe-statics$(,)-Wall$(,)-Wextra
CUDA_FLAGS := -std=c++17 -O3 -lineinfo -Xptxas -v --threads 0 -Xcompiler $(CUDA_HOST_FLAGS) \
	$(CUDA_INCLUDES) $(CUDA_GENCODE)
# Other architectures, other objects.
$(BUILD)/cuda-flags: FORCE
	@mkdir -p $(@D)
	@echo '$(NVCC) $(CUDA_FLAGS)' | cmp -s - $@ || echo '$(NVCC) $(CUDA_FLAGS)' >$@
$(BUILD)/cuda-obj/%.cu.o: %.cu $(BUILD)/cuda-flags
	$(call say,NVCC,$<)
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(CUDA_FLAGS) -MD -MP -MF $(@:.o=.d) -c -o $@ $< >$@.log 2>&1 || { cat $@.log; false; }
$(BUILD)/cuda-obj/%.c.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(CUDA_WARN) -O2 -g -fPIC -fvisibility=hidden -D_GNU_SOURCE $(GPU_FLAGS) \
		$(CUDA_INCLUDES) -isystem $(CUDA_HOME)/include -MMD -MP -c -o $@ $<
# cudart inside, so that only the driver has to be there; cuDNN is opened at run time.
$(PLUGIN): $(PLUGIN_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,--no-undefined -o $@ $^ -L$(CUDA_HOME)/lib64 -lcudart_static \
		-ldl -lrt -lpthread -lm

EMULATED_FLAGS = $(WARN) $(OPT) $(SANFLAGS) -fPIC -DSP_CUDA_EMULATED -D_GNU_SOURCE -Itests/cuda/emulator \
	-Itests $(GPU_FLAGS) $(CUDA_INCLUDES) -MMD -MP $(CFLAGS)
# Pragmas are nvcc's, and the warnings are for C.
EMULATED_CXXFLAGS = -std=gnu++17 -Wno-unknown-pragmas $(filter-out -Wstrict-prototypes -Wmissing-prototypes \
	-Werror=implicit-function-declaration,$(EMULATED_FLAGS))
# As KERNEL_OPT; and what ASan finds by itself is not looked for twice.
EMULATED_OPT := $(if $(SAN),-O1 -g1 -fno-sanitize=pointer-overflow$(,)null$(,)object-size)
$(BUILD)/emulated/%.cu.o: %.cu $(BUILD)/flags
	$(call say,EMU,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(EMULATED_CXXFLAGS) $(EMULATED_OPT) -x c++ -c -o $@ $<
$(BUILD)/emulated/%.cpp.o: %.cpp $(BUILD)/flags
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(EMULATED_CXXFLAGS) -c -o $@ $<
$(BUILD)/emulated/%.c.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(EMULATED_FLAGS) -c -o $@ $<
$(EMULATED): $(EMULATED_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
# The whole plugin, emulated: for tests of the program with it. Slow.
EMULATED_PLUGIN := $(BUILD)/libsallyport-cuda-emulated.so
$(EMULATED_PLUGIN): $(EMULATED_OBJ) $(CUDA_SHARED:%=$(BUILD)/emulated/%.o)
	$(call say,LD,$@)
	$(Q)$(CXX) $(SANFLAGS) -shared -Wl,-Bsymbolic -Wl,--no-undefined -o $@ $^ -lpthread -lm
$(BUILD)/tests/cuda/%: $(BUILD)/emulated/tests/cuda/%.c.o $(CUDA_TEST_COMMON) $(EMULATED) $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(SANFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(SDK_LIBS) $(LDFLAGS)
-include $(shell find $(BUILD)/cuda-obj $(BUILD)/emulated -name '*.d' 2>/dev/null)

# For integration tests, beside all else that is compiled: one architecture, in a tree of its own so that
# what `make cuda` made stays. What fails is the test's to tell.
CUDA_ONE = $(MAKE) --no-print-directory BUILD=$(PLAIN)/cuda-one SAN= CUDA_ARCHS=90 \
	CUDA_WARN='$(CUDA_WARN) -Werror' cuda
helpers: $(if $(CUDA_TESTS),$(if $(SAN),,$(EMULATED_PLUGIN))) $(if $(NVCC),cuda-one-built)
cuda-one:
	+$(Q)$(CUDA_ONE)
cuda-one-built:
	-+$(Q)$(CUDA_ONE)

.PHONY: cuda cuda-one cuda-one-built cuda-tests emulated-plugin print-nvcc
print-nvcc:
	@echo '$(NVCC)'
emulated-plugin: $(EMULATED_PLUGIN)
cuda: $(if $(NVCC),$(PLUGIN))
	$(if $(NVCC),,@echo 'cuda: no nvcc; set CUDA_HOME to the CUDA toolkit' && false)
cuda-tests: $(CUDA_TESTS)

# ---- where a GPU is: nvcc, CUDA and libc are enough ------------------------------------------------
# Tests but those that compare with what needs other libraries, or are of the emulator.
GPU_TESTS := $(patsubst tests/cuda/%.c,%,$(filter-out %_cpu.c $(shell grep -L SP_CUDA_EMULATED \
	$$(grep -l 'emulator\.h' tests/cuda/test_*.c) /dev/null),$(sort $(wildcard tests/cuda/test_*.c))))
GPU_COMMON := $(filter-out tests/cuda/test_%,$(wildcard tests/cuda/*.c)) tests/gpu/host.c
GPU_BENCH := $(sort $(wildcard bench/gpu*.c bench/gpu*.cu))
GPU_FLAGS = $(if $(filter tests/% bench/%,$<),-Itests) $(if $(filter bench/%,$<),-DSP_COMMIT='"$(COMMIT)"')
# Compiled again when the commit has changed, which rows of results tell.
$(foreach f,gpu gpu_measure,$(BUILD)/cuda-obj/bench/$f.c.o $(BUILD)/emulated/bench/$f.c.o): $(BUILD)/commit
GPU_LINK = $(CC) -o $@ $^ -L$(CUDA_HOME)/lib64 -lcudart_static -lstdc++ -ldl -lrt -lpthread -lm
$(foreach f,tests/cuda/fixture.c tests/gpu/host.c tests/gpu/check.c tests/gpu/make_fixtures.c,\
	$(BUILD)/cuda-obj/$f.o $(BUILD)/emulated/$f.o $(BUILD)/obj/$(f:.c=.o)): | $(BUILD)/gen/compute_abi.h
$(BUILD)/gpu/test_%: $(BUILD)/cuda-obj/tests/cuda/test_%.c.o $(GPU_COMMON:%=$(BUILD)/cuda-obj/%.o) $(PLUGIN_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(GPU_LINK)
$(BUILD)/gpu/check: $(BUILD)/cuda-obj/tests/gpu/check.c.o $(GPU_COMMON:%=$(BUILD)/cuda-obj/%.o) $(PLUGIN_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(GPU_LINK)
# bench/gpu_busy.c measures what the backend's batches put into their streams.
GPU_WRAP := -Wl,--wrap=sp_slot_look,--wrap=sp_slot_face
$(BUILD)/gpu/bench: $(GPU_BENCH:%=$(BUILD)/cuda-obj/%.o) $(GPU_COMMON:%=$(BUILD)/cuda-obj/%.o) $(PLUGIN_OBJ)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(GPU_LINK) $(GPU_WRAP)
# The same on the emulator.
GPU_EMULATED := $(GPU_COMMON:%=$(BUILD)/emulated/%.o) $(EMULATED) $(CUDA_SHARED:%=$(BUILD)/emulated/%.o)
$(BUILD)/gpu-emulated/check: $(BUILD)/emulated/tests/gpu/check.c.o $(GPU_EMULATED)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(SANFLAGS) -o $@ $(filter %.o,$^) $(EMULATED) -ldl -lpthread -lm
$(BUILD)/gpu-emulated/bench: $(GPU_BENCH:%=$(BUILD)/emulated/%.o) $(GPU_EMULATED)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(SANFLAGS) -o $@ $(filter %.o,$^) $(EMULATED) $(GPU_WRAP) -ldl -lpthread -lm
$(BUILD)/gpu/make_fixtures: $(BUILD)/obj/tests/gpu/make_fixtures.o $(BUILD)/obj/tests/cuda/fixture.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -o $@ $^ $(SDK_LIBS) $(LDFLAGS)

.PHONY: gpu-fixtures gpu-check gpu-check-emulated gpu-programs cuda-report
GPU_FIXTURES ?= build/gpu-fixtures
gpu-fixtures: $(BUILD)/gpu/make_fixtures
	$< $(GPU_FIXTURES)
	@du -sh $(GPU_FIXTURES)
gpu-programs: $(PLUGIN) $(GPU_TESTS:%=$(BUILD)/gpu/%) $(BUILD)/gpu/check $(BUILD)/gpu/bench
gpu-check:
	tests/gpu/run --present
	$(MAKE) $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$$(nproc)) BUILD=build/gpu CUDA_ARCHS=native gpu-programs
	tests/gpu/run build/gpu
# Whether check and bench themselves work, where there is no GPU.
gpu-check-emulated: gpu-fixtures $(BUILD)/gpu-emulated/check $(BUILD)/gpu-emulated/bench
	SP_GPU_FIXTURES=$(GPU_FIXTURES) tests/gpu/run --emulated $(BUILD)
cuda-report: $(BUILD)/gen/compute_abi.h
	tools/cuda-report --build $(BUILD) --archs "$(CUDA_ARCHS)"
