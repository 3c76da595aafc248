/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash leaves at the end, and what it never leaves: damage before valid data. */
#include "unit/journal/fixture.h"

#include "journal/batch.h"

enum { BATCH = 16 << 10, SEGMENT = 128 << 10, BATCHES_MAX = 40 };

/* A segment as a crashed writer leaves it (one commit in flight), and where its batches are. */
struct segment {
	uint8_t *bytes;
	size_t size;
	unsigned int batches;
	size_t offset[BATCHES_MAX + 1];	   /* the last: where the next would go */
	uint64_t records[BATCHES_MAX + 1]; /* before the batch */
};

static struct sp_journal_config small(void)
{
	return (struct sp_journal_config){
		.directory = directory, .segment_size = SEGMENT, .batch_size = BATCH,
		.in_flight = 1, .no_uring = true,
	};
}

static void find_batches(struct segment *segment)
{
	struct sp_segment_header header;
	size_t at = SP_BLOCK;
	struct sp_batch batch;

	CHECK_EQ(sp_segment_header_parse(segment->bytes, &header, NULL), 0);
	segment->batches = 0;
	segment->offset[0] = at;
	segment->records[0] = 0;
	while (at < segment->size && segment->batches < BATCHES_MAX &&
	       sp_batch_parse(segment->bytes + at, segment->size - at, sp_segment_seed(header.uuid),
			      &batch)) {
		at += sp_batch_padded(batch.used);
		segment->batches++;
		segment->offset[segment->batches] = at;
		segment->records[segment->batches] = batch.first_index + batch.records;
	}
}

/* Batches of five records; the file as it is before the writer is closed. */
static struct segment crashed(unsigned int batches)
{
	struct sp_journal_config config = small();
	struct sp_journal_writer *writer;
	struct segment segment = { 0 };

	fresh_directory();
	config.directory = directory;
	writer = open_writer(&config);
	for (unsigned int i = 0; i < batches; i++)
		append_and_wait(writer, 5 * i, 5 * i + 5, false);
	CHECK_EQ(sp_journal_writer_counters(writer)->segments, 1);
	segment.bytes = load(segment_path(1), &segment.size);
	sp_journal_writer_close(writer);
	store(segment_path(1), segment.bytes, segment.size);
	find_batches(&segment);
	CHECK_EQ(segment.batches, batches);
	CHECK_EQ(segment.records[batches], 5 * batches);
	return segment;
}

/* Whole batches that end at or before @cut. */
static unsigned int batches_before(const struct segment *segment, size_t cut)
{
	unsigned int n = 0;

	while (n < segment->batches && segment->offset[n + 1] <= cut)
		n++;
	return n;
}

/* Whole batches before the first that was changed. */
static unsigned int batches_same(const struct segment *segment, const uint8_t *bytes)
{
	unsigned int n = 0;

	while (n < segment->batches &&
	       !memcmp(bytes + segment->offset[n], segment->bytes + segment->offset[n],
		       segment->offset[n + 1] - segment->offset[n]))
		n++;
	return n;
}

/* The first @records are there, nothing is called damaged, and the journal goes on behind them. */
static void check_torn(uint64_t records, bool expect_torn, const char *how, size_t cut)
{
	struct sp_journal_config config = small();
	struct sp_journal_writer *writer;
	struct sp_journal_report report;
	struct sp_err err;

	if (sp_journal_verify(directory, &report, NULL, NULL, &err))
		FAIL("%s at %zu: %s", how, cut, err.text);
	if (report.records != records || report.torn_segments != expect_torn)
		FAIL("%s at %zu: %" PRIu64 " records, torn %" PRIu64, how, cut, report.records,
		     report.torn_segments);
	CHECK_EQ(read_all(0), records);
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_writer_counters(writer)->recovered_records, records);
	CHECK_EQ(sp_journal_writer_counters(writer)->torn_bytes > 0, expect_torn);
	CHECK_EQ(sp_journal_writer_counters(writer)->corrupt_segments, 0);
	append_and_wait(writer, records, records + 3, false);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), records + 3);
	if (sp_journal_verify(directory, &report, NULL, NULL, &err))
		FAIL("%s at %zu, then a new segment: %s", how, cut, err.text);
}

/* At each sector of the last three batches: cut, zero, garbage, then all above. */
TEST(torn_tails_at_every_sector)
{
	struct segment segment = crashed(8);
	uint8_t *bytes = malloc(segment.size);
	uint64_t state = 7;

	CHECK(bytes);
	for (size_t cut = segment.offset[5]; cut <= segment.offset[8]; cut += 512) {
		uint64_t records = segment.records[batches_before(&segment, cut)];
		size_t good = segment.offset[batches_before(&segment, cut)];
		unsigned int same;

		remove_files(directory);
		store(segment_path(1), segment.bytes, cut);
		/* A piece of a batch is torn only if it says anything. */
		check_torn(records, cut > good, "cut", cut);

		remove_files(directory);
		memcpy(bytes, segment.bytes, segment.size);
		memset(bytes + cut, 0, segment.size - cut);
		store(segment_path(1), bytes, segment.size);
		/* Zeros over padding change nothing. */
		same = batches_same(&segment, bytes);
		check_torn(segment.records[same], cut > segment.offset[same], "zeroed", cut);

		remove_files(directory);
		for (size_t i = cut; i < segment.offset[8]; i++)
			bytes[i] = (uint8_t)next_random(&state);
		store(segment_path(1), bytes, segment.size);
		check_torn(records, segment.offset[8] > good, "garbage", cut);
	}
	free(bytes);
	free(segment.bytes);
}

/* One lost sector inside the last batch, the rest of it intact. */
TEST(torn_sector_in_the_last_batch)
{
	struct segment segment = crashed(6);

	for (size_t at = segment.offset[5]; at < segment.offset[6]; at += 512) {
		uint8_t sector[512], zero[512] = { 0 };

		memcpy(sector, segment.bytes + at, 512);
		if (!memcmp(sector, zero, 512))
			continue; /* padding: losing it loses nothing */
		memset(segment.bytes + at, 0, 512);
		remove_files(directory);
		store(segment_path(1), segment.bytes, segment.size);
		check_torn(segment.records[5], true, "sector", at);
		memcpy(segment.bytes + at, sector, 512);
	}
	free(segment.bytes);
}

/* Verify names the place; the reader says it once and goes on behind it; the writer goes on. */
static void check_corrupt(const struct segment *segment, unsigned int batch)
{
	struct sp_journal_config config = small();
	struct sp_journal_report report = { 0 };
	struct sp_journal_reader *reader;
	struct sp_journal_writer *writer;
	struct sp_record_view view;
	struct sp_err err;
	uint64_t next = 0;
	unsigned int damages = 0;
	char place[160];
	int ret;

	CHECK_EQ(sp_journal_verify(directory, &report, NULL, NULL, &err), -EBADMSG);
	snprintf(place, sizeof(place), "%s: damaged at byte %zu, after record %" PRIu64,
		 segment_path(1), segment->offset[batch], segment->records[batch]);
	if (!strstr(err.text, place))
		FAIL("\"%s\" is not \"%s\"", err.text, place);
	CHECK_EQ(report.corrupt_segments, 1);
	CHECK_EQ(report.records, segment->records[segment->batches] - 5);
	CHECK_EQ(sp_journal_reader_open(directory, &reader, &err), 0);
	while ((ret = sp_journal_reader_next(reader, &view, &err))) {
		if (ret < 0) {
			CHECK_EQ(ret, -EBADMSG);
			CHECK(strstr(err.text, segment_path(1)));
			CHECK_EQ(next, segment->records[batch]);
			next = segment->records[batch + 1];
			damages++;
			continue;
		}
		CHECK_EQ(check_record(&view), next++);
	}
	sp_journal_reader_close(reader);
	CHECK_EQ(damages, 1);
	CHECK_EQ(next, segment->records[segment->batches]);
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_writer_counters(writer)->corrupt_segments, 1);
	append_and_wait(writer, next, next + 3, false);
	sp_journal_writer_close(writer);
	CHECK_EQ(sp_journal_verify(directory, &report, NULL, NULL, &err), -EBADMSG);
	CHECK_EQ(report.records, segment->records[segment->batches] - 5 + 3);
}

TEST(corruption_in_the_middle_is_named)
{
	struct segment segment = crashed(8);
	uint64_t state = 99;

	/* The last batch alone has none behind it that knows. */
	for (unsigned int batch = 0; batch < 7; batch++) {
		for (unsigned int round = 0; round < 8; round++) {
			size_t length = segment.offset[batch + 1] - segment.offset[batch];
			size_t at = segment.offset[batch] + next_random(&state) % length;
			uint8_t bit = (uint8_t)(1 << next_random(&state) % 8);

			segment.bytes[at] ^= bit;
			remove_files(directory);
			store(segment_path(1), segment.bytes, segment.size);
			check_corrupt(&segment, batch);
			segment.bytes[at] ^= bit;
		}
	}
	free(segment.bytes);
}

static void three_segments(void)
{
	struct sp_journal_config config = small();
	struct sp_journal_writer *writer;

	fresh_directory();
	config.directory = directory;
	for (uint64_t i = 0; i < 3; i++) {
		writer = open_writer(&config);
		append_and_wait(writer, 20 * i, 20 * i + 20, true);
		CHECK_EQ(sp_journal_writer_counters(writer)->segments, 1);
		sp_journal_writer_close(writer);
	}
	CHECK_EQ(read_all(0), 60);
}

static void check_named(const char *what)
{
	struct sp_journal_report report;
	struct sp_err err;

	CHECK_EQ(sp_journal_verify(directory, &report, NULL, NULL, &err), -EBADMSG);
	if (!strstr(err.text, what))
		FAIL("\"%s\" does not say \"%s\"", err.text, what);
	CHECK_EQ(report.corrupt_segments, 1);
}

/* In a segment that was closed in peace the seal knows of every record before it. */
TEST(damage_under_a_seal_is_named)
{
	struct segment segment = { 0 };
	size_t last;

	three_segments();
	segment.bytes = load(segment_path(2), &segment.size);
	find_batches(&segment);
	CHECK_EQ(segment.offset[segment.batches], segment.size);
	last = segment.offset[segment.batches - 2];
	segment.bytes[last + 100] ^= 1;
	store(segment_path(2), segment.bytes, segment.size);
	check_named("seg-0000000000000002.spj: damaged at byte");
	free(segment.bytes);
}

TEST(lost_tail_is_known_to_the_next_segment)
{
	struct segment segment = { 0 };

	three_segments();
	segment.bytes = load(segment_path(2), &segment.size);
	find_batches(&segment);
	store(segment_path(2), segment.bytes, segment.offset[segment.batches - 2]);
	check_named("seg-0000000000000002.spj: ends after record");
	free(segment.bytes);
}

TEST(missing_segment_is_named)
{
	three_segments();
	CHECK(!unlink(segment_path(2)));
	check_named("seg-0000000000000002.spj: missing, with");
	/* The oldest may go: they are purged in that order. */
	three_segments();
	CHECK(!unlink(segment_path(1)));
	CHECK_EQ(sp_journal_verify(directory, &(struct sp_journal_report){ 0 }, NULL, NULL, NULL), 0);
}

TEST(renamed_or_replaced_segment_is_named)
{
	struct segment segment = { 0 };

	three_segments();
	segment.bytes = load(segment_path(1), &segment.size);
	store(segment_path(2), segment.bytes, segment.size);
	check_named("its header says segment 1");
	free(segment.bytes);
}

TEST(damaged_header_is_named_and_passed_over)
{
	struct sp_journal_reader *reader;
	struct sp_record_view view;
	struct segment segment = { 0 };
	struct sp_err err;
	unsigned int n = 0, damages = 0;
	int ret;

	three_segments();
	segment.bytes = load(segment_path(2), &segment.size);
	segment.bytes[20] ^= 4;
	store(segment_path(2), segment.bytes, segment.size);
	free(segment.bytes);
	check_named("seg-0000000000000002.spj: damaged header");
	CHECK_EQ(sp_journal_reader_open(directory, &reader, NULL), 0);
	while ((ret = sp_journal_reader_next(reader, &view, &err))) {
		n += ret > 0;
		damages += ret == -EBADMSG;
	}
	sp_journal_reader_close(reader);
	CHECK_EQ(damages, 1);
	CHECK_EQ(n, 40);
}

/* Batches of another segment, intact in themselves, where this one ends: a recycled file. */
TEST(stale_batches_are_refused)
{
	struct segment other = crashed(8);
	struct segment segment;

	segment = crashed(4);
	CHECK(segment.offset[4] < other.offset[8]);
	memcpy(segment.bytes + segment.offset[4], other.bytes + other.offset[4],
	       other.offset[8] - other.offset[4]);
	remove_files(directory);
	store(segment_path(1), segment.bytes, segment.size);
	check_torn(20, true, "stale", segment.offset[4]);
	free(other.bytes);
	free(segment.bytes);
}

/* A crashed segment gives back the zeros that were never written to, and nothing else. */
TEST(recovery_changes_no_byte)
{
	struct segment segment = crashed(6);
	struct sp_journal_config config = small();
	uint8_t *after;
	size_t size;

	segment.bytes[segment.offset[6] - 1] ^= 0xFF;
	remove_files(directory);
	store(segment_path(1), segment.bytes, segment.size);
	sp_journal_writer_close(open_writer(&config));
	after = load(segment_path(1), &size);
	CHECK_EQ(size, segment.offset[6]);
	CHECK(!memcmp(after, segment.bytes, size));
	free(after);
	free(segment.bytes);
}

TEST_MAIN()
