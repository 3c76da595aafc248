/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment's first block, and the checksum of everything in a segment. Pure: bytes in, values out.
 * The format is described in docs/journal-format.md.
 */
#ifndef SP_JOURNAL_SEGMENT_H
#define SP_JOURNAL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_err;

enum {
	SP_BLOCK = 4096, /* bytes; everything is written in whole blocks at multiples of it */
	SP_SEGMENT_FORMAT = 1,
	SP_SEGMENT_NAME_SIZE = 25, /* "seg-%016x.spj" and the NUL */
};

enum sp_cipher {
	SP_CIPHER_NONE = 0, /* others come with encryption; this reader refuses them by name */
};

struct sp_segment_header {
	uint8_t uuid[16];
	uint64_t sequence;	 /* the number in the file's name */
	uint64_t size;		 /* bytes of the file as it was prepared */
	uint64_t created_utc_ns;
	uint32_t retention_class;
	uint32_t cipher;	 /* enum sp_cipher */
	uint64_t epoch;		 /* of the key; 0 without encryption */
	uint8_t key_id[32];	 /* zero without encryption */
	/*
	 * The segment before this one, as its writer left it or as recovery found it: its records
	 * can later be seen to be missing. Zero in the first.
	 */
	uint8_t previous_uuid[16];
	uint64_t previous_records;
};

/* CRC-32C (Castagnoli) of @n bytes, continued from @crc; start with sp_segment_seed or ~0u. */
uint32_t sp_crc32c(uint32_t crc, const void *bytes, size_t n);

/* Where the checksums of a segment's batches and records start: stale bytes of another one fail. */
uint32_t sp_segment_seed(const uint8_t uuid[16]);

/* Fills the whole block. */
void sp_segment_header_build(const struct sp_segment_header *header, uint8_t block[SP_BLOCK]);

/*
 * 0; -EBADMSG if this is no intact header; -ENOTSUP if it is intact and written by a later version
 * or encrypted. @err says which.
 */
int sp_segment_header_parse(const uint8_t block[SP_BLOCK], struct sp_segment_header *ret_header,
			    struct sp_err *err);

/* "seg-0000000000000001.spj". Returns @name. */
char *sp_segment_name(uint64_t sequence, char name[SP_SEGMENT_NAME_SIZE]);
/* True if @name is exactly such a name. */
bool sp_segment_name_parse(const char *name, uint64_t *ret_sequence);

#endif
