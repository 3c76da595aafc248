/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer must know of the segments that are there before it adds one. */
#ifndef SP_JOURNAL_RECOVER_H
#define SP_JOURNAL_RECOVER_H

#include <stdint.h>

struct sp_err;

struct sp_recovery {
	uint64_t next_sequence;
	uint8_t previous_uuid[16]; /* of the last segment, zero if none or unreadable */
	uint64_t previous_records; /* intact in it */
	uint64_t records, torn_bytes, corrupt_segments;
};

/*
 * Looks at every segment. Those that were closed in peace cost two reads, others are read whole. A
 * torn tail is counted, a damaged segment is logged and counted; neither is an error, since the
 * journal must go on. Zeros that were never written to are given back to the file system; no other
 * byte is changed. 0, or -errno with @err filled if something cannot be read.
 */
int sp_recover(int directory, const char *path, struct sp_recovery *ret_recovery,
	       struct sp_err *err);

#endif
