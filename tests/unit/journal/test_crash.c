/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power losses by seed, several lives a journal. What was acknowledged is always there; what is
 * there is what was appended, in order, without a hole in any life; and nothing is called damaged.
 * SP_TEST_SEED=N runs one seed; SP_LONG=1 runs many.
 */
#include "unit/journal/sim_disk.h"

enum { BATCH = 12 << 10, SEGMENT = 64 << 10, LIVES = 6, IDS = 4096 };

struct life {
	uint64_t first, appended, acked; /* ids: first ≤ acked ≤ appended (ends) */
};

static uint64_t lost_power, losses_with_data;

static struct life live(uint64_t first, uint64_t seed)
{
	struct sp_journal_config config = {
		.directory = directory, .segment_size = SEGMENT, .batch_size = BATCH,
		.in_flight = 1 + (unsigned)(seed % 4),
	};
	struct life life = { first, first, first };
	struct sp_journal_writer *writer;
	struct sp_journal_ack acks[32];
	uint64_t random = seed * 77 + 1;
	int n;

	if (sp_journal_writer_open_on(&config, &sim_backend, &writer, NULL)) {
		CHECK(sim.off);
		return life;
	}
	while (life.appended < first + IDS / LIVES) {
		if (!append_id(writer, life.appended))
			life.appended++;
		else if (sim.off)
			break;
		if (next_random(&random) % 4)
			continue;
		n = sp_journal_poll(writer, acks, 32, next_random(&random) % 2 ? SP_NS_PER_S : 0,
				    NULL);
		if (n < 0)
			break;
		for (int i = 0; i < n; i++)
			CHECK_EQ(acks[i].cookie, life.acked++);
	}
	sp_journal_writer_close(writer);
	/* Closed in peace: everything is durable, though nobody was told. */
	if (!sim.off)
		life.acked = life.appended;
	return life;
}

/* Records lost that were acknowledged. Anything else that is wrong fails the test. */
static uint64_t judge(uint64_t seed, const struct life *lives, unsigned int n)
{
	static bool there[IDS];
	struct sp_journal_reader *reader;
	struct sp_journal_report report;
	struct sp_record_view view;
	uint64_t last = 0, lost = 0;
	bool any = false;
	struct sp_err err;
	int ret;

	memset(there, 0, sizeof(there));
	ret = sp_journal_verify(directory, &report, NULL, NULL, &err);
	if (ret && ret != -ENOENT && !sim.lies)
		FAIL("seed %" PRIu64 ": %s", seed, err.text);
	if (!sp_journal_reader_open(directory, &reader, NULL)) {
		while ((ret = sp_journal_reader_next(reader, &view, &err))) {
			uint64_t id;

			if (ret < 0) {
				CHECK(sim.lies);
				continue;
			}
			id = check_record(&view);
			if (id >= IDS || (any && id <= last))
				FAIL("seed %" PRIu64 ": record %" PRIu64 " after %" PRIu64, seed, id,
				     last);
			there[id] = any = true;
			last = id;
		}
		sp_journal_reader_close(reader);
	}
	for (unsigned int i = 0; i < n; i++) {
		bool hole = false;

		for (uint64_t id = lives[i].first; id < lives[i].appended; id++) {
			lost += !there[id] && id < lives[i].acked;
			if (there[id] && hole && !sim.lies)
				FAIL("seed %" PRIu64 ": a hole before record %" PRIu64, seed, id);
			hole |= !there[id];
		}
	}
	return lost;
}

static uint64_t run(uint64_t seed, bool lies)
{
	struct life lives[LIVES];
	uint64_t random = seed * 0x9E3779B97F4A7C15ull + 1, first = 0, lost = 0;

	fresh_directory_in(access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	for (unsigned int i = 0; i < LIVES; i++) {
		/* Short lives more often than long ones; a few end in peace. */
		uint64_t span = 1ull << (2 + next_random(&random) % 8);

		sim = (struct sim){
			.random = next_random(&random), .lies = lies, .fault = SIM_POWER_LOSS,
			.fault_at = next_random(&random) % 8 ? 1 + next_random(&random) % span : 0,
		};
		lives[i] = live(first, next_random(&random));
		lost_power += sim.off;
		losses_with_data += sim.off && sim.cached_at_loss;
		first = lives[i].appended;
		lost = judge(seed, lives, i + 1);
		if (lost)
			return lost;
	}
	return 0;
}

TEST(acknowledged_records_survive_power_losses)
{
	const char *one = getenv("SP_TEST_SEED");
	uint64_t from = one ? strtoull(one, NULL, 0) : 1;
	uint64_t to = one ? from : getenv("SP_LONG") ? 1200 : 150;

	printf("# seeds %" PRIu64 " to %" PRIu64 ", %d lives each\n", from, to, LIVES);
	for (uint64_t seed = from; seed <= to; seed++) {
		uint64_t lost = run(seed, false);

		if (lost)
			FAIL("seed %" PRIu64 ": %" PRIu64 " acknowledged records lost", seed, lost);
	}
	printf("# %" PRIu64 " power losses, %" PRIu64 " with commits on their way\n", lost_power,
	       losses_with_data);
	if (!one)
		CHECK(losses_with_data > to);
}

/* The simulator sees a disk that forgets a flush: else the test above shows nothing. */
TEST(a_skipped_flush_is_found)
{
	unsigned int found = 0;

	for (uint64_t seed = 1; seed <= 40; seed++)
		found += run(seed, true) > 0;
	printf("# found in %u of 40 seeds\n", found);
	CHECK(found > 20);
}

TEST_MAIN()
