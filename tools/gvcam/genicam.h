/* SPDX-License-Identifier: Apache-2.0 */
/* The GenICam description of a camera: which features it has and in which registers they are. */
#ifndef GVCAM_GENICAM_H
#define GVCAM_GENICAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gvcam_genicam {
	uint32_t width_max, height_max; /* pixels */
	bool pictures; /* the test pattern can be switched off */
};

/*
 * XML text into a malloc'ed buffer that the caller frees, NUL-padded to a multiple of 4 bytes
 * (@ret_bytes, padding included). 0 or -ENOMEM.
 */
int gvcam_genicam_create(const struct gvcam_genicam *genicam, char **ret_xml, size_t *ret_bytes);

#endif
