/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a header block, as a batch with its checksums put right (else nothing would get past
 * them), and as what follows a good header in a file that is scanned to its end.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/le.h"
#include "journal/batch.h"
#include "journal/record.h"
#include "journal/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 8 * SP_BLOCK };

static void walk(const struct sp_batch *batch)
{
	struct sp_batch_record record;
	uint32_t cursor = 0, n = 0;
	uint64_t sum = 0;

	while (sp_batch_next(batch, &cursor, &record)) {
		if (record.index != batch->first_index + n++)
			abort();
		for (uint32_t i = 0; i < record.size; i++)
			sum += record.bytes[i];
	}
	if (n != batch->records || cursor > batch->used || sum > UINT32_MAX)
		abort();
}

/* The checksums of the batch at @bytes and of its records, as far as their lengths make sense. */
static void put_right(uint8_t *bytes, size_t room, uint32_t seed)
{
	size_t padded, at = SP_BATCH_HEADER;

	memcpy(bytes, "SPJB", 4);
	padded = sp_batch_peek(bytes);
	if (!padded || padded > room)
		return;
	while (at + SP_RECORD_HEADER <= padded) {
		uint32_t size = sp_le32_get(bytes + at + 8);

		if (size > padded - at - SP_RECORD_HEADER)
			break;
		sp_le32_put(bytes + at, ~sp_crc32c(seed, bytes + at + 4, SP_RECORD_HEADER - 4 + size));
		at += sp_batch_record_bytes(size);
	}
	sp_le32_put(bytes + 4, ~sp_crc32c(seed, bytes + 8, padded - 8));
}

static void scan(const uint8_t *bytes, size_t n)
{
	struct sp_segment_header header = { .uuid = { 1 }, .sequence = 1 };
	struct sp_segment_position position = { .offset = SP_BLOCK };
	struct sp_segment_tail tail = { .corrupt = true };
	struct sp_segment_file file;
	uint8_t block[SP_BLOCK];
	struct sp_batch batch;
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("segment", 0);
	sp_segment_header_build(&header, block);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, block, SP_BLOCK, 0) != SP_BLOCK ||
	    pwrite(fd, bytes, n, SP_BLOCK) != (ssize_t)n)
		abort();
	memset(&file, 0, sizeof(file));
	file.fd = dup(fd);
	file.size = SP_BLOCK + n;
	file.seed = sp_segment_seed(header.uuid);
	while (tail.corrupt) {
		uint64_t before = position.offset;

		while (sp_segment_look(&file, &position, &batch) > 0) {
			walk(&batch);
			sp_segment_pass(&position, &batch);
		}
		if (sp_segment_judge(&file, &position, NULL, NULL, &tail))
			abort();
		if (!tail.corrupt)
			break;
		if (tail.resume.offset <= before && before != SP_BLOCK)
			abort();
		position = tail.resume;
	}
	sp_segment_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t uuid[16] = { 1 };
	uint32_t seed = sp_segment_seed(uuid);
	static uint8_t bytes[ROOM];
	struct sp_segment_header header;
	struct sp_batch batch;
	size_t n;

	if (size > ROOM)
		size = ROOM;
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data, size);
	if (!sp_segment_header_parse(bytes, &header, NULL))
		sp_segment_header_build(&header, bytes);
	sp_le32_put(bytes + SP_BLOCK - 4, ~sp_crc32c(~0u, bytes, SP_BLOCK - 4));
	sp_segment_header_parse(bytes, &header, NULL);

	memcpy(bytes, data, size < SP_BLOCK ? size : SP_BLOCK);
	for (n = 0; n + SP_BLOCK <= ROOM; n += sp_batch_peek(bytes + n) ? sp_batch_peek(bytes + n)
									 : SP_BLOCK) {
		if (bytes[n] == 0)
			continue;
		put_right(bytes + n, ROOM - n, seed);
		if (sp_batch_parse(bytes + n, ROOM - n, seed, &batch))
			walk(&batch);
		if (sp_batch_peek(bytes + n) > ROOM - n)
			break;
	}
	scan(bytes, (size + SP_BLOCK - 1) & ~(size_t)(SP_BLOCK - 1));
	return 0;
}
