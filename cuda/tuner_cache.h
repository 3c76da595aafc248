/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured of convolutions, kept in a file: a line for each,
 *
 *	KEY | CHOICE | OURS_US CUDNN_US | CHECK
 *
 * KEY says all that the measurement depends on; CHOICE is "ours" or "ENGINE TYPE=VALUE …"; times are
 * microseconds, 0: not measured; CHECK is a checksum of what is before it. The file is replaced as a
 * whole. Lines that are damaged are left out, with one warning, and measured again.
 */
#ifndef SP_CUDA_TUNER_CACHE_H
#define SP_CUDA_TUNER_CACHE_H

#include <stdbool.h>

#include "cuda/cudnn.h"

enum {
	SP_TUNER_KEY = 512, /* bytes of a key */
	SP_TUNER_ENTRIES_MAX = 4096, /* more push out the oldest */
};

struct sp_tuner_entry {
	char key[SP_TUNER_KEY];
	bool ours;
	struct sp_cudnn_choice choice; /* unless ours */
	float ours_us, cudnn_us;
};

struct sp_tuner_cache;

/*
 * @directory/convolutions; the directory is made, 0700, when there is something to keep. NULL: out
 * of memory. A file that is not there or not readable is empty.
 */
struct sp_tuner_cache *sp_tuner_cache_open(const char *directory,
					   void (*log)(int level, const char *text));
void sp_tuner_cache_close(struct sp_tuner_cache *cache);

/* NULL: not measured yet. */
const struct sp_tuner_entry *sp_tuner_cache_find(const struct sp_tuner_cache *cache,
						 const char *key);

/* Keeps @entry, in place of one of its key, and writes the file; one warning if it cannot. */
void sp_tuner_cache_keep(struct sp_tuner_cache *cache, const struct sp_tuner_entry *entry);

#endif
