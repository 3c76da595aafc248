/* SPDX-License-Identifier: Apache-2.0 */
/* A checksum over pictures: the same seed gives the same bytes, whatever machine makes them. */
#ifndef LANESIM_DIGEST_H
#define LANESIM_DIGEST_H

#include <stdint.h>

struct sp_err;

enum { LANESIM_DIGEST_BYTES = 32, LANESIM_DIGEST_SCENES = 8 };

/*
 * sha256 over the pixels of @n documents and @n heads met at chance, 256 × 256 each, and the first
 * @scenes of a vehicle seen from every post, by day and by night. 0 or -errno with @err filled.
 */
int lanesim_digest(uint64_t seed, uint32_t n, uint32_t scenes, unsigned int threads,
		   uint8_t ret_digest[LANESIM_DIGEST_BYTES], struct sp_err *err);

#endif
