/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: the records of one commit, in whole blocks. Pure: bytes in, values out. The format is
 * described in docs/journal-format.md.
 *
 * Building: begin, add (any number), finish. A batch is accepted whole or not at all: one checksum
 * covers it with its padding, and every record has its own besides.
 */
#ifndef SP_JOURNAL_BATCH_H
#define SP_JOURNAL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/segment.h"

enum {
	SP_BATCH_HEADER = 64,		/* bytes */
	SP_RECORD_HEADER = 32,		/* bytes; a record's payload follows, padded to 8 */
	SP_BATCH_MAX = 8 << 20,		/* bytes with header and padding */
	SP_BATCH_RECORDS_MAX = 16384,
};

enum sp_batch_flag {
	SP_BATCH_SEAL = 1 << 0, /* nothing follows; the segment was closed in peace */
};

/* What a batch's header says, and where its records are. */
struct sp_batch {
	uint64_t sequence;     /* of the batch in its segment, from 0 */
	uint64_t first_index;  /* of its first record in the segment */
	uint64_t acknowledged; /* records of the segment that were durable when it was submitted */
	uint32_t flags;	       /* enum sp_batch_flag; unknown bits are refused */
	uint32_t records;
	uint32_t used;	       /* bytes with the header, without padding */
	const uint8_t *bytes;  /* the header's first byte */
};

struct sp_batch_record {
	uint64_t index, utc_ns;
	uint32_t type;
	uint32_t size;
	const uint8_t *bytes;
};

/* Bytes that a record of @size takes in a batch. */
static inline size_t sp_batch_record_bytes(size_t size)
{
	return SP_RECORD_HEADER + ((size + 7) & ~(size_t)7);
}

/* Whole blocks for @used bytes. */
static inline size_t sp_batch_padded(size_t used)
{
	return (used + SP_BLOCK - 1) & ~(size_t)(SP_BLOCK - 1);
}

/* A batch under construction in memory of the caller's. */
struct sp_batch_builder {
	uint8_t *bytes;
	size_t capacity; /* a multiple of SP_BLOCK, at most SP_BATCH_MAX */
	size_t used;
	uint32_t records;
};

void sp_batch_begin(struct sp_batch_builder *builder, uint8_t *bytes, size_t capacity);
/* True if a record of @size still fits. */
bool sp_batch_fits(const struct sp_batch_builder *builder, size_t size);
/* Copies a record that fits. */
void sp_batch_add(struct sp_batch_builder *builder, uint32_t type, const void *bytes, size_t size,
		  uint64_t utc_ns);
/*
 * Writes indexes, lengths and checksums; of @batch it takes sequence, first_index, acknowledged and
 * flags. Returns the bytes to write: whole blocks.
 */
size_t sp_batch_finish(struct sp_batch_builder *builder, uint32_t seed,
		       const struct sp_batch *batch);

/*
 * How many bytes (whole blocks) the batch that seems to begin at this block would take, 0 if none
 * does. Nothing but magic and length is looked at.
 */
size_t sp_batch_peek(const uint8_t block[SP_BLOCK]);

/*
 * Checks everything: lengths, checksums, indexes. @n: bytes that are there. True if the batch is
 * intact.
 */
bool sp_batch_parse(const uint8_t *bytes, size_t n, uint32_t seed, struct sp_batch *ret_batch);

/* The record at @*cursor (start with 0) of a batch that was parsed. False at the end. */
bool sp_batch_next(const struct sp_batch *batch, uint32_t *cursor,
		   struct sp_batch_record *ret_record);

#endif
