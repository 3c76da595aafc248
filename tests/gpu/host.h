/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's side of the plugin where there is no program: models come from fixtures. For
 * tests/gpu and bench/gpu; libc and what the plugin shares with the program.
 */
#ifndef SP_TESTS_GPU_HOST_H
#define SP_TESTS_GPU_HOST_H

#include <stdint.h>

#include "frame/frame.h"
#include "infer/compute.h"

struct fixture_frame;
struct sp_err;
struct sp_region;

/* "build/gpu-fixtures" or $SP_GPU_FIXTURES. */
const char *host_fixture(char path[1024], const char *name);

/*
 * The plugin at @path, or, if that is NULL, what is linked into this program. NULL with @err filled.
 * model files are fixtures, named by their paths.
 */
const struct sp_compute_ops *host_plugin(const char *path, struct sp_err *err);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t host_now(void);

/* A frame as its packets lie in a region, apart by odd distances. */
struct host_frame {
	struct sp_frame frame;
	uint64_t *offset, *missing;
};

/* Bytes of the region that it takes. */
uint64_t host_frame_bytes(const struct fixture_frame *from);
/* At @at of @region, which stays. 0 or -ENOMEM. */
int host_frame_init(struct host_frame *frame, const struct fixture_frame *from,
		    struct sp_region *region, uint64_t at);
void host_frame_uninit(struct host_frame *frame);

#endif
