/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/batch.h"

#include <string.h>

#include "base/le.h"
#include "journal/record.h"

static const uint8_t magic[4] = { 'S', 'P', 'J', 'B' };

/* Batch header. */
enum {
	AT_MAGIC = 0,
	AT_CRC = 4, /* of all that follows, to the end of the last block */
	AT_SEQUENCE = 8,
	AT_FIRST = 16,
	AT_ACKNOWLEDGED = 24,
	AT_RECORDS = 32,
	AT_USED = 36,
	AT_FLAGS = 40, /* zero from 44 to the end of the header */
};

/* Record header. */
enum {
	AT_RECORD_CRC = 0, /* of all that follows, to the end of the payload */
	AT_TYPE = 4,
	AT_SIZE = 8, /* then 4 bytes of zero */
	AT_INDEX = 16,
	AT_UTC = 24,
};

void sp_batch_begin(struct sp_batch_builder *builder, uint8_t *bytes, size_t capacity)
{
	builder->bytes = bytes;
	builder->capacity = capacity;
	builder->used = SP_BATCH_HEADER;
	builder->records = 0;
}

bool sp_batch_fits(const struct sp_batch_builder *builder, size_t size)
{
	return size <= SP_RECORD_MAX && builder->records < SP_BATCH_RECORDS_MAX &&
	       sp_batch_record_bytes(size) <= builder->capacity - builder->used;
}

void sp_batch_add(struct sp_batch_builder *builder, uint32_t type, const void *bytes, size_t size,
		  uint64_t utc_ns)
{
	uint8_t *record = builder->bytes + builder->used;
	size_t whole = sp_batch_record_bytes(size);

	memset(record, 0, SP_RECORD_HEADER);
	sp_le32_put(record + AT_TYPE, type);
	sp_le32_put(record + AT_SIZE, (uint32_t)size);
	sp_le64_put(record + AT_UTC, utc_ns);
	if (size)
		memcpy(record + SP_RECORD_HEADER, bytes, size);
	memset(record + SP_RECORD_HEADER + size, 0, whole - SP_RECORD_HEADER - size);
	builder->used += whole;
	builder->records++;
}

size_t sp_batch_finish(struct sp_batch_builder *builder, uint32_t seed,
		       const struct sp_batch *batch)
{
	size_t padded = sp_batch_padded(builder->used);
	uint64_t index = batch->first_index;
	uint8_t *bytes = builder->bytes;

	for (size_t at = SP_BATCH_HEADER; at < builder->used; index++) {
		uint8_t *record = bytes + at;
		uint32_t size = sp_le32_get(record + AT_SIZE);

		sp_le64_put(record + AT_INDEX, index);
		sp_le32_put(record + AT_RECORD_CRC,
			    ~sp_crc32c(seed, record + AT_TYPE, SP_RECORD_HEADER - AT_TYPE + size));
		at += sp_batch_record_bytes(size);
	}
	memset(bytes, 0, SP_BATCH_HEADER);
	memset(bytes + builder->used, 0, padded - builder->used);
	memcpy(bytes + AT_MAGIC, magic, sizeof(magic));
	sp_le64_put(bytes + AT_SEQUENCE, batch->sequence);
	sp_le64_put(bytes + AT_FIRST, batch->first_index);
	sp_le64_put(bytes + AT_ACKNOWLEDGED, batch->acknowledged);
	sp_le32_put(bytes + AT_RECORDS, builder->records);
	sp_le32_put(bytes + AT_USED, (uint32_t)builder->used);
	sp_le32_put(bytes + AT_FLAGS, batch->flags);
	sp_le32_put(bytes + AT_CRC, ~sp_crc32c(seed, bytes + AT_SEQUENCE, padded - AT_SEQUENCE));
	return padded;
}

size_t sp_batch_peek(const uint8_t block[SP_BLOCK])
{
	uint32_t used = sp_le32_get(block + AT_USED);

	if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) || used < SP_BATCH_HEADER ||
	    used > SP_BATCH_MAX)
		return 0;
	return sp_batch_padded(used);
}

/* The records fill the batch exactly, are numbered without a gap and intact. */
static bool records_are_intact(const struct sp_batch *batch, uint32_t seed)
{
	uint64_t index = batch->first_index;
	uint32_t at = SP_BATCH_HEADER, n = 0;

	while (at < batch->used) {
		const uint8_t *record = batch->bytes + at;
		uint32_t room = batch->used - at, size;

		if (room < SP_RECORD_HEADER)
			return false;
		size = sp_le32_get(record + AT_SIZE);
		if (size > SP_RECORD_MAX || sp_batch_record_bytes(size) > room ||
		    sp_le64_get(record + AT_INDEX) != index)
			return false;
		if (sp_le32_get(record + AT_RECORD_CRC) !=
		    (uint32_t)~sp_crc32c(seed, record + AT_TYPE, SP_RECORD_HEADER - AT_TYPE + size))
			return false;
		at += (uint32_t)sp_batch_record_bytes(size);
		index++;
		n++;
	}
	return n == batch->records;
}

bool sp_batch_parse(const uint8_t *bytes, size_t n, uint32_t seed, struct sp_batch *ret_batch)
{
	size_t padded = n < SP_BLOCK ? 0 : sp_batch_peek(bytes);
	struct sp_batch batch;

	if (!padded || padded > n)
		return false;
	if (sp_le32_get(bytes + AT_CRC) !=
	    (uint32_t)~sp_crc32c(seed, bytes + AT_SEQUENCE, padded - AT_SEQUENCE))
		return false;
	batch.sequence = sp_le64_get(bytes + AT_SEQUENCE);
	batch.first_index = sp_le64_get(bytes + AT_FIRST);
	batch.acknowledged = sp_le64_get(bytes + AT_ACKNOWLEDGED);
	batch.records = sp_le32_get(bytes + AT_RECORDS);
	batch.used = sp_le32_get(bytes + AT_USED);
	batch.flags = sp_le32_get(bytes + AT_FLAGS);
	batch.bytes = bytes;
	if (batch.flags & ~(uint32_t)SP_BATCH_SEAL || batch.records > SP_BATCH_RECORDS_MAX ||
	    batch.acknowledged > batch.first_index ||
	    batch.first_index > UINT64_MAX - SP_BATCH_RECORDS_MAX)
		return false;
	if (!records_are_intact(&batch, seed))
		return false;
	*ret_batch = batch;
	return true;
}

bool sp_batch_next(const struct sp_batch *batch, uint32_t *cursor,
		   struct sp_batch_record *ret_record)
{
	uint32_t at = *cursor ? *cursor : SP_BATCH_HEADER;
	const uint8_t *record = batch->bytes + at;

	if (at >= batch->used)
		return false;
	ret_record->index = sp_le64_get(record + AT_INDEX);
	ret_record->utc_ns = sp_le64_get(record + AT_UTC);
	ret_record->type = sp_le32_get(record + AT_TYPE);
	ret_record->size = sp_le32_get(record + AT_SIZE);
	ret_record->bytes = record + SP_RECORD_HEADER;
	*cursor = at + (uint32_t)sp_batch_record_bytes(ret_record->size);
	return true;
}
