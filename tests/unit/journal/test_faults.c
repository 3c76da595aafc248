/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails: the writer stops for good, and never acknowledges what is not durable. */
#include "unit/journal/sim_disk.h"

enum { BATCH = 8 << 10, SEGMENT = 64 << 10 };

static struct sp_journal_config small(unsigned int in_flight)
{
	return (struct sp_journal_config){
		.directory = directory, .segment_size = SEGMENT, .batch_size = BATCH,
		.in_flight = in_flight,
	};
}

static const char *fast_directory(void)
{
	return fresh_directory_in(access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
}

static struct sp_journal_writer *open_sim(unsigned int in_flight)
{
	struct sp_journal_config config = small(in_flight);
	struct sp_journal_writer *writer;
	struct sp_err err;

	if (sp_journal_writer_open_on(&config, &sim_backend, &writer, &err))
		FAIL("%s", err.text);
	return writer;
}

/* Appends and polls until the writer breaks; returns how many were acknowledged, in order. */
static uint64_t run_until_broken(struct sp_journal_writer *writer)
{
	struct sp_journal_ack acks[32];
	uint64_t next = 0, acked = 0;
	struct sp_err err;
	int n;

	for (;;) {
		int ret = append_id(writer, next);

		if (!ret)
			next++;
		else if (ret == -EIO)
			break;
		else
			CHECK_EQ(ret, -EAGAIN);
		if (!ret && next % 3)
			continue;
		n = sp_journal_poll(writer, acks, 32, SP_NS_PER_S, &err);
		if (n < 0) {
			CHECK_EQ(n, -EIO);
			break;
		}
		for (int i = 0; i < n; i++)
			CHECK_EQ(acks[i].cookie, acked++);
		CHECK(next < 100000);
	}
	/* For good: the disk is well again, the writer is not. */
	sim.fault = SIM_NO_FAULT;
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(append_id(writer, next), -EIO);
		CHECK_EQ(sp_journal_poll(writer, acks, 32, SP_NS_PER_MS, &err), -EIO);
		CHECK(strstr(err.text, directory));
	}
	return acked;
}

static void break_at_each_operation(enum sim_fault fault)
{
	for (uint64_t at = 1; at < 120; at++) {
		struct sp_journal_writer *writer;
		struct sp_journal_report report;
		struct sp_err err;
		uint64_t acked, there;

		fast_directory();
		sim = (struct sim){ .random = 0x5EED + at, .fault = fault, .fault_at = at + 2 };
		writer = open_sim(1 + at % 4);
		acked = run_until_broken(writer);
		CHECK_EQ(sp_journal_writer_counters(writer)->records >= acked, 1);
		CHECK(sp_journal_writer_counters(writer)->refused > 0);
		sp_journal_writer_close(writer);
		if (sp_journal_verify(directory, &report, NULL, NULL, &err))
			FAIL("fault %d at %" PRIu64 ": %s", fault, at, err.text);
		there = read_all(0);
		if (there < acked)
			FAIL("fault %d at %" PRIu64 ": %" PRIu64 " acknowledged, %" PRIu64
			     " there", fault, at, acked, there);
		/* A restart goes on. */
		sim.fault = SIM_NO_FAULT;
		writer = open_sim(4);
		append_and_wait(writer, there, there + 20, false);
		sp_journal_writer_close(writer);
		CHECK_EQ(read_all(0), there + 20);
	}
}

TEST(write_error_stops_the_writer) { break_at_each_operation(SIM_WRITE_EIO); }
TEST(short_write_stops_the_writer) { break_at_each_operation(SIM_SHORT_WRITE); }
TEST(flush_error_stops_the_writer) { break_at_each_operation(SIM_FLUSH_EIO); }
TEST(submit_error_stops_the_writer) { break_at_each_operation(SIM_SUBMIT_EIO); }

TEST(commits_out_of_order_are_acknowledged_in_order)
{
	bool out_of_order = false;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct sp_journal_writer *writer;
		struct sp_journal_ack acks[64];
		uint64_t next = 0, acked = 0;
		int n;

		fast_directory();
		sim = (struct sim){ .random = seed };
		writer = open_sim(4);
		while (acked < 200) {
			if (next < 200 && !append_id(writer, next)) {
				next++;
				if (next % 2)
					continue;
			}
			n = sp_journal_poll(writer, acks, 64, 0, NULL);
			CHECK(n >= 0);
			for (int i = 0; i < n; i++)
				CHECK_EQ(acks[i].cookie, acked++);
			/* The files hold what is durable and no more. */
			if (n)
				CHECK(read_all(0) >= acked);
		}
		CHECK_EQ(sim.in_flight_max, 4);
		out_of_order |= sim.out_of_order;
		sp_journal_writer_close(writer);
	}
	CHECK(out_of_order);
}

TEST(no_more_in_flight_than_configured)
{
	for (unsigned int in_flight = 1; in_flight <= 4; in_flight++) {
		struct sp_journal_writer *writer;

		fast_directory();
		sim = (struct sim){ .random = 3 };
		writer = open_sim(in_flight);
		append_and_wait(writer, 0, 300, false);
		sp_journal_writer_close(writer);
		CHECK_EQ(sim.in_flight_max, in_flight);
		CHECK_EQ(read_all(0), 300);
	}
}

TEST(full_disk_at_open_is_said)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	struct sp_err err;

	fast_directory();
	config = small(4);
	sim = (struct sim){ .random = 1, .fault = SIM_NO_SPACE, .fault_at = 1 };
	CHECK_EQ(sp_journal_writer_open_on(&config, &sim_backend, &writer, &err), -ENOSPC);
	CHECK(strstr(err.text, "make room"));
}

/* The next record is refused, all before are kept; with room again the journal goes on. */
TEST(full_disk_refuses_and_breaks_nothing)
{
	struct sp_journal_writer *writer;
	struct sp_journal_ack acks[64];
	uint64_t next = 0, acked = 0;
	struct sp_err err;
	int ret, n;

	fast_directory();
	sim = (struct sim){ .random = 11, .fault = SIM_NO_SPACE, .fault_at = 40 };
	writer = open_sim(4);
	for (;;) {
		ret = append_id(writer, next);
		if (!ret) {
			next++;
			continue;
		}
		if (ret == -ENOSPC)
			break;
		CHECK_EQ(ret, -EAGAIN);
		n = sp_journal_poll(writer, acks, 64, SP_NS_PER_S, &err);
		CHECK(n >= 0);
		acked += (unsigned)n;
	}
	CHECK(sp_journal_writer_counters(writer)->segments >= 2);
	CHECK_EQ(append_id(writer, next), -ENOSPC);
	while (acked < next) {
		n = sp_journal_poll(writer, acks, 64, SP_NS_PER_S, &err);
		CHECK(n >= 0);
		acked += (unsigned)n;
	}
	CHECK_EQ(read_all(0), next);
	sim.fault = SIM_NO_FAULT;
	/* The refusal asked for another attempt; the next one finds its fruit. */
	ret = append_id(writer, next);
	if (ret)
		ret = append_id(writer, next);
	CHECK_EQ(ret, 0);
	n = sp_journal_poll(writer, acks, 1, SP_NS_PER_S, &err);
	while (!n)
		n = sp_journal_poll(writer, acks, 1, SP_NS_PER_S, &err);
	CHECK_EQ(acks[0].cookie, next);
	append_and_wait(writer, next + 1, next + 50, false);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), next + 50);
}

TEST_MAIN()
