/* SPDX-License-Identifier: Apache-2.0 */
/* The format: header block, batches, names. */
#include "journal/batch.h"
#include "journal/segment.h"

#include <errno.h>

#include "base/diag.h"
#include "base/le.h"
#include "journal/record.h"
#include "test.h"

static const uint8_t uuid[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct sp_segment_header a_header(void)
{
	struct sp_segment_header header = {
		.sequence = 0x1122334455667788, .size = 64 << 20,
		.created_utc_ns = 1700000000000000001, .retention_class = 3, .epoch = 77,
		.previous_records = 99,
	};

	memcpy(header.uuid, uuid, 16);
	header.key_id[31] = 5;
	header.previous_uuid[0] = 9;
	return header;
}

/* RFC 3720, B.4. */
TEST(crc32c_known_answers)
{
	uint8_t bytes[32] = { 0 };

	CHECK_EQ((uint32_t)~sp_crc32c(~0u, bytes, 32), 0x8A9136AA);
	memset(bytes, 0xFF, 32);
	CHECK_EQ((uint32_t)~sp_crc32c(~0u, bytes, 32), 0x62A8AB43);
	for (unsigned int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	CHECK_EQ((uint32_t)~sp_crc32c(~0u, bytes, 32), 0x46DD794E);
	/* In two parts. */
	CHECK_EQ((uint32_t)~sp_crc32c(sp_crc32c(~0u, bytes, 11), bytes + 11, 21), 0x46DD794E);
}

TEST(segment_header_round_trip)
{
	struct sp_segment_header header = a_header(), back;
	uint8_t block[SP_BLOCK];

	sp_segment_header_build(&header, block);
	CHECK_EQ(sp_segment_header_parse(block, &back, NULL), 0);
	CHECK(!memcmp(&header, &back, sizeof(header)));
}

TEST(segment_header_refuses_every_flipped_bit)
{
	struct sp_segment_header header = a_header(), back;
	uint8_t block[SP_BLOCK];

	sp_segment_header_build(&header, block);
	for (unsigned int bit = 0; bit < 8 * SP_BLOCK; bit++) {
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_EQ(sp_segment_header_parse(block, &back, NULL), -EBADMSG);
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST(segment_header_of_a_later_version_is_named)
{
	struct sp_segment_header header = a_header(), back;
	uint8_t block[SP_BLOCK];
	struct sp_err err;

	header.cipher = 1;
	sp_segment_header_build(&header, block);
	CHECK_EQ(sp_segment_header_parse(block, &back, &err), -ENOTSUP);
	CHECK(strstr(err.text, "cipher 1"));
	header.cipher = 0;
	sp_segment_header_build(&header, block);
	sp_le32_put(block + 8, 2);
	sp_le32_put(block + SP_BLOCK - 4, ~sp_crc32c(~0u, block, SP_BLOCK - 4));
	CHECK_EQ(sp_segment_header_parse(block, &back, &err), -ENOTSUP);
	CHECK(strstr(err.text, "format 2"));
}

TEST(segment_names)
{
	static const char *const bad[] = {
		"", "seg-.spj", "seg-000000000000001.spj", "seg-00000000000000001.spj",
		"seg-000000000000000G.spj", "seg-000000000000000A.spj", "seg- 00000000000000a.spj",
		"seg--00000000000000a.spj", "seg-0x0000000000000a.spj", "seg-000000000000000a.spk",
	};
	char name[SP_SEGMENT_NAME_SIZE];
	uint64_t sequence;

	CHECK_STR(sp_segment_name(0xA, name), "seg-000000000000000a.spj");
	CHECK(sp_segment_name_parse(name, &sequence));
	CHECK_EQ(sequence, 0xA);
	CHECK(sp_segment_name_parse(sp_segment_name(UINT64_MAX, name), &sequence));
	CHECK(sequence == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!sp_segment_name_parse(bad[i], &sequence));
}

enum { ROOM = 16 * SP_BLOCK };

/* Records of sizes 0, 1, 2 … @n - 1 times @step, filled with their number. */
static size_t build(uint8_t *bytes, unsigned int n, size_t step, struct sp_batch *head)
{
	struct sp_batch_builder builder;
	uint8_t payload[4096];

	sp_batch_begin(&builder, bytes, ROOM);
	for (unsigned int i = 0; i < n; i++) {
		memset(payload, (int)i + 1, sizeof(payload));
		CHECK(sp_batch_fits(&builder, i * step));
		sp_batch_add(&builder, 1 + i % 3, payload, i * step, 1000 + i);
	}
	return sp_batch_finish(&builder, sp_segment_seed(uuid), head);
}

TEST(batch_round_trip)
{
	static uint8_t bytes[ROOM];
	struct sp_batch head = { .sequence = 4, .first_index = 1000, .acknowledged = 990 }, batch;
	struct sp_batch_record record;
	uint32_t cursor = 0;
	unsigned int i = 0;
	size_t n = build(bytes, 20, 37, &head);

	CHECK_EQ(n % SP_BLOCK, 0);
	CHECK_EQ(sp_batch_peek(bytes), n);
	CHECK(sp_batch_parse(bytes, n, sp_segment_seed(uuid), &batch));
	CHECK(sp_batch_parse(bytes, ROOM, sp_segment_seed(uuid), &batch));
	CHECK_EQ(batch.sequence, 4);
	CHECK_EQ(batch.first_index, 1000);
	CHECK_EQ(batch.acknowledged, 990);
	CHECK_EQ(batch.records, 20);
	CHECK_EQ(batch.flags, 0);
	while (sp_batch_next(&batch, &cursor, &record)) {
		CHECK_EQ(record.index, 1000 + i);
		CHECK_EQ(record.utc_ns, 1000 + i);
		CHECK_EQ(record.type, 1 + i % 3);
		CHECK_EQ(record.size, i * 37);
		for (uint32_t j = 0; j < record.size; j++)
			CHECK_EQ(record.bytes[j], i + 1);
		i++;
	}
	CHECK_EQ(i, 20);
}

TEST(batch_without_records)
{
	static uint8_t bytes[ROOM];
	struct sp_batch head = { .flags = SP_BATCH_SEAL }, batch;
	struct sp_batch_record record;
	uint32_t cursor = 0;

	CHECK_EQ(build(bytes, 0, 0, &head), SP_BLOCK);
	CHECK(sp_batch_parse(bytes, SP_BLOCK, sp_segment_seed(uuid), &batch));
	CHECK_EQ(batch.flags, SP_BATCH_SEAL);
	CHECK(!sp_batch_next(&batch, &cursor, &record));
}

TEST(batch_refuses_every_flipped_bit_and_truncation)
{
	static uint8_t bytes[ROOM];
	struct sp_batch head = { .sequence = 1, .first_index = 5, .acknowledged = 5 }, batch;
	size_t n = build(bytes, 4, 700, &head);

	CHECK_EQ(n, 2 * SP_BLOCK);
	for (unsigned int bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!sp_batch_parse(bytes, n, sp_segment_seed(uuid), &batch));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < n; cut += 64)
		CHECK(!sp_batch_parse(bytes, cut, sp_segment_seed(uuid), &batch));
	CHECK(sp_batch_parse(bytes, n, sp_segment_seed(uuid), &batch));
}

TEST(batch_of_another_segment_is_refused)
{
	static uint8_t bytes[ROOM];
	struct sp_batch head = { .sequence = 0 }, batch;
	uint8_t other[16];
	size_t n = build(bytes, 3, 10, &head);

	memcpy(other, uuid, 16);
	other[15] ^= 1;
	CHECK(sp_batch_parse(bytes, n, sp_segment_seed(uuid), &batch));
	CHECK(!sp_batch_parse(bytes, n, sp_segment_seed(other), &batch));
}

/* Damage under a correct checksum: a bug or malice wrote it, and it must not lead anywhere. */
TEST(batch_with_wrong_lengths_is_refused)
{
	static uint8_t good[ROOM], bytes[ROOM];
	struct sp_batch head = { .first_index = 7 }, batch;
	size_t n = build(good, 5, 100, &head);
	uint32_t seed = sp_segment_seed(uuid);
	uint64_t state = 88172645463325252ull;

	for (unsigned int round = 0; round < 20000; round++) {
		size_t at = 8 + next_random(&state) % (n - 8);
		struct sp_batch_record record;
		uint32_t cursor = 0, sum = 0;

		memcpy(bytes, good, n);
		bytes[at] = (uint8_t)next_random(&state);
		if (bytes[at] == good[at])
			continue;
		sp_le32_put(bytes + 4, ~sp_crc32c(seed, bytes + 8, n - 8));
		if (!sp_batch_parse(bytes, n, seed, &batch))
			continue;
		/* Header fields without a rule, or padding: the records are what they were. */
		CHECK_EQ(batch.records, 5);
		while (sp_batch_next(&batch, &cursor, &record))
			sum += record.size;
		CHECK_EQ(sum, 1000);
	}
}

TEST(batch_fits_to_the_last_byte)
{
	static uint8_t bytes[ROOM];
	struct sp_batch_builder builder;

	sp_batch_begin(&builder, bytes, SP_BLOCK);
	CHECK(sp_batch_fits(&builder, SP_BLOCK - SP_BATCH_HEADER - SP_RECORD_HEADER));
	CHECK(!sp_batch_fits(&builder, SP_BLOCK - SP_BATCH_HEADER - SP_RECORD_HEADER + 1));
	CHECK(!sp_batch_fits(&builder, SP_RECORD_MAX + 1));
	CHECK(!sp_batch_fits(&builder, SIZE_MAX));
}

TEST_MAIN()
