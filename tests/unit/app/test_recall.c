/* SPDX-License-Identifier: Apache-2.0 */
/* Encounters out of a journal, by what people ask for. */
#include "app/recall.h"

#include <errno.h>

#include "records.h"

enum { N = 4 };

static struct sp_encounter e;

/*
 * 0: lane a, nobody. 1: lane b, a match. 2: lane a, no decision, with an image. 3: lane a, refer.
 */
static void write_journal(void)
{
	const struct sp_journal_config config = { .directory = fresh_directory(),
						  .segment_size = 4 << 20 };
	struct sp_journal_writer *writer = open_writer(&config);

	for (unsigned int i = 0; i < N; i++) {
		records_fill(&e, i, i == 1 ? "b" : "a");
		if (i == 1)
			records_occupant(&e, SP_MATCH);
		if (i == 2)
			records_jpeg(records_occupant(&e, SP_NO_DECISION), 90);
		if (i == 3)
			records_occupant(&e, SP_REFER);
		records_write(writer, &e);
		sp_encounter_clear(&e);
	}
	sp_journal_writer_close(writer);
}

struct seen {
	unsigned int mask, n, stop_after;
};

static int see(void *arg, const struct sp_encounter *encounter)
{
	struct seen *seen = arg;

	seen->mask |= 1u << (encounter->id.bytes[0] - 0x10);
	return ++seen->n == seen->stop_after ? -EINTR : 0;
}

TEST(recall_filters)
{
	const uint64_t utc = 1700000000 * SP_NS_PER_S;
	const struct {
		struct sp_recall_filter filter;
		unsigned int mask;
	} cases[] = {
		{ { 0 }, 0xF },
		{ { .lane = "b" }, 2 },
		{ { .lane = "c" }, 0 },
		{ { .decision = "match" }, 2 },
		{ { .decision = "no decision" }, 4 },
		{ { .decision = "refer" }, 8 },
		{ { .id_prefix = "12" }, 4 },
		{ { .id_prefix = "1" }, 0xF },
		{ { .since_utc_ns = utc + SP_NS_PER_S }, 0xE },
		{ { .until_utc_ns = utc + SP_NS_PER_S }, 3 },
		{ { .since_utc_ns = utc + 1, .until_utc_ns = utc + SP_NS_PER_S, .lane = "a" }, 0 },
	};

	write_journal();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = { 0 };
		struct sp_err err = { "" };

		if (sp_recall_each(directory, &cases[i].filter, see, &seen, &err))
			FAIL("case %zu: %s", i, err.text);
		if (seen.mask != cases[i].mask)
			FAIL("case %zu gives 0x%x, not 0x%x", i, seen.mask, cases[i].mask);
	}
}

TEST(recall_stops_when_told)
{
	const struct sp_recall_filter all = { 0 };
	struct seen seen = { .stop_after = 2 };
	struct sp_err err = { "as it was" };

	write_journal();
	CHECK_EQ(sp_recall_each(directory, &all, see, &seen, &err), -EINTR);
	CHECK_EQ(seen.mask, 3);
	CHECK_STR(err.text, "as it was");
}

TEST(recall_one_by_the_beginning_of_its_id)
{
	struct sp_err err = { "" };

	write_journal();
	memset(&e, 0, sizeof(e));
	if (sp_recall_one(directory, "12", &e, &err))
		FAIL("%s", err.text);
	CHECK_EQ(e.occupants_n, 1);
	CHECK(e.occupants[0].jpeg_size > 100);
	CHECK_EQ(e.occupants[0].jpeg[0], 0xFF);
	CHECK_EQ(e.occupants[0].jpeg[1], 0xD8);
	CHECK_NEAR(e.occupants[0].embedding[1], 1, 0);
	sp_encounter_clear(&e);
	CHECK_EQ(sp_recall_one(directory, "1", &e, &err), -ENOTUNIQ);
	CHECK(strstr(err.text, "4 encounters"));
	CHECK_EQ(sp_recall_one(directory, "ff", &e, &err), -ENOENT);
	CHECK(strstr(err.text, "ff"));
}

TEST(recall_says_that_there_is_no_journal)
{
	const struct sp_recall_filter all = { 0 };
	struct sp_err err = { "" };
	struct seen seen = { 0 };

	CHECK_EQ(sp_recall_each(fresh_directory(), &all, see, &seen, &err), -ENOENT);
	CHECK(strstr(err.text, directory));
}

TEST_MAIN()
