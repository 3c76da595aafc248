/* SPDX-License-Identifier: Apache-2.0 */
/* The device, what is said of one that will not do, and what CUDA's errors become. */
#include "test.h"

#include <errno.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/device.h"

#ifdef SP_CUDA_EMULATED
#include "emulator/emulator.h"

/* Opens device @index of @like and expects @code, with @text somewhere in what is said. */
static void refused(const struct sp_emulator_device *like, unsigned int index, int code,
		    const char *text)
{
	struct sp_device device = { .processors = 12345 };
	struct sp_err err = { "" };

	sp_emulator_set_device(like);
	CHECK_EQ(sp_device_open(index, &device, &err), code);
	if (!strstr(err.text, text))
		FAIL("\"%s\" is not in \"%s\"", text, err.text);
	/* Untouched. */
	CHECK_EQ(device.processors, 12345);
	sp_emulator_reset();
}

TEST(device_is_described)
{
	struct sp_emulator_device like;
	struct sp_device device;
	struct sp_err err;

	sp_emulator_reset();
	like = sp_emulator_device();
	like.count = 2;
	CHECK_EQ(sizeof(device.name), sizeof(like.name));
	sp_emulator_set_device(&like);
	CHECK_EQ(sp_device_open(1, &device, &err), 0);
	CHECK_EQ(device.index, 1);
	CHECK_STR(device.name, like.name);
	CHECK_EQ(device.driver, like.driver);
	CHECK_EQ(device.runtime, like.runtime);
	CHECK_EQ(device.major, like.major);
	CHECK_EQ(device.minor, like.minor);
	CHECK_EQ(device.processors, like.processors);
	CHECK_EQ(device.shared_max, like.shared_max);
	CHECK_EQ(device.memory, like.memory);
	CHECK_EQ(device.threads_max, 1024);
	CHECK(device.memory_free && device.memory_free <= device.memory);
	sp_emulator_reset();
}

TEST(device_driver_of_the_same_major_release_will_do)
{
	struct sp_emulator_device like;
	struct sp_device device;

	sp_emulator_reset();
	like = sp_emulator_device();
	like.runtime = 13020;
	like.driver = 13000;
	sp_emulator_set_device(&like);
	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	like.driver = 14010;
	sp_emulator_set_device(&like);
	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	sp_emulator_reset();
}

TEST(device_refusals_say_what_to_do)
{
	struct sp_emulator_device like, good;

	sp_emulator_reset();
	good = like = sp_emulator_device();
	like.driver = 0;
	refused(&like, 0, -ENODEV, "device 0: no NVIDIA driver is loaded; install it");
	like.driver = 12040;
	refused(&like, 0, -ENODEV, "driver (for CUDA 12.4) is too old for CUDA 13.0; update it");
	like = good;
	like.count = 0;
	refused(&like, 0, -ENODEV, "there is no NVIDIA device");
	like.count = 2;
	refused(&like, 2, -ENODEV, "device 2: there is no device 2: there are 2");
	refused(&like, UINT32_MAX, -ENODEV, "there is no device 4294967295");
	like = good;
	like.major = 7;
	like.minor = 5;
	snprintf(like.name, sizeof(like.name), "Tesla T4");
	refused(&like, 0, -ENODEV, "Tesla T4 has compute capability 7.5, which is too old");
	like.major = 8;
	like.minor = 0;
	sp_emulator_set_device(&like);
	CHECK_EQ(sp_device_open(0, &(struct sp_device){ 0 }, NULL), 0);
	sp_emulator_reset();
}

/* Whichever call fails, its status and text come out. */
TEST(device_every_call_that_fails_is_named)
{
	struct sp_device device;
	struct sp_err err;
	uint64_t calls;

	sp_emulator_reset();
	calls = sp_emulator_calls();
	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	calls = sp_emulator_calls() - calls;
	CHECK(calls >= 4);
	for (uint64_t i = 1; i <= calls; i++) {
		sp_emulator_reset();
		sp_emulator_fail(i, cudaErrorMemoryAllocation);
		memset(&err, 0, sizeof(err));
		CHECK_EQ(sp_device_open(0, &device, &err), -ENOMEM);
		CHECK(strstr(err.text, "device 0: cuda"));
		CHECK(strstr(err.text, "cudaErrorMemoryAllocation"));
	}
	sp_emulator_reset();
}

#endif

TEST(device_opens)
{
	struct sp_device device;
	struct sp_err err = { "" };

	if (sp_device_open(0, &device, &err))
		FAIL("%s", err.text);
	CHECK(device.major >= 8);
	CHECK(device.processors && device.threads_max >= 1024 && device.shared_max >= 96 << 10);
	CHECK(device.driver / 1000 >= device.runtime / 1000);
}

TEST(check_codes)
{
	static const struct {
		cudaError_t status;
		int code;
		int lost;
	} cases[] = {
		{ cudaErrorMemoryAllocation, -ENOMEM, 0 },
		{ cudaErrorNoDevice, -ENODEV, 0 },
		{ cudaErrorInsufficientDriver, -ENODEV, 0 },
		{ cudaErrorInvalidDevice, -ENODEV, 0 },
		{ cudaErrorInvalidValue, -EINVAL, 0 },
		{ cudaErrorInvalidConfiguration, -EINVAL, 0 },
		{ cudaErrorNotSupported, -ENOTSUP, 0 },
		{ cudaErrorNoKernelImageForDevice, -ENOTSUP, 0 },
		{ cudaErrorIllegalAddress, -ENODEV, 1 },
		{ cudaErrorLaunchTimeout, -ENODEV, 1 },
		{ cudaErrorLaunchFailure, -ENODEV, 1 },
		{ cudaErrorECCUncorrectable, -ENODEV, 1 },
		{ cudaErrorUnknown, -ENODEV, 1 },
		{ cudaErrorNotReady, -EIO, 0 },
	};
	struct sp_err err = { "untouched" };
	int calls = 0;

	CHECK_EQ(SP_CUDA(&err, (calls++, cudaSuccess)), 0);
	CHECK_EQ(calls, 1);
	CHECK_STR(err.text, "untouched");
	CHECK(!sp_cuda_lost(cudaSuccess));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(SP_CUDA(&err, cases[i].status), cases[i].code);
		CHECK_EQ(SP_CUDA(NULL, cases[i].status), cases[i].code);
		CHECK_EQ(sp_cuda_lost(cases[i].status), cases[i].lost);
		CHECK(strstr(err.text, "cases[i].status: ") == err.text);
		CHECK(strstr(err.text, cudaGetErrorName(cases[i].status)));
		CHECK(strstr(err.text, cudaGetErrorString(cases[i].status)));
	}
	CHECK_EQ(SP_CUDA(&err, cudaErrorIllegalAddress), -ENODEV);
	CHECK(strstr(err.text, "made anew"));
}

TEST_MAIN()
