/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's records as the program sees them, and the codec of an encounter. The bytes on disk
 * are described in docs/journal-format.md.
 */
#ifndef SP_JOURNAL_RECORD_H
#define SP_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct sp_encounter;
struct sp_err;

enum {
	SP_RECORD_MAX = 4 << 20, /* bytes of one record's payload */
};

enum sp_record_type {
	SP_RECORD_ENCOUNTER = 1,
};

/*
 * An encounter as bytes: little-endian, versioned, length-prefixed fields, readable by a later
 * version. Returns the size, -ENOSPC if @size is too small (then *ret_needed says how much), or
 * -EINVAL if decode would refuse it (a measure that is not finite, a count out of range, a name
 * without an end).
 */
int64_t sp_record_encode_encounter(const struct sp_encounter *encounter, uint8_t *bytes,
				   size_t size, size_t *ret_needed);

/*
 * Checks every length and range. 0 with *@ret_encounter filled (the caller clears it), or -EBADMSG
 * with @err filled.
 */
int sp_record_decode_encounter(const uint8_t *bytes, size_t size,
			       struct sp_encounter *ret_encounter, struct sp_err *err);

#endif
