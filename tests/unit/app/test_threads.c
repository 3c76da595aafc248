/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/*
 * The lane thread and the journal thread with an inbox between them. Encounters are triggered:
 * there is no frame and no backend that sees. The journal is a real one, on a disk that can be told
 * to hang and to fail.
 */
#include "app/journal_thread.h"
#include "app/lane_thread.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/event.h"
#include "frame/frame_source.h"
#include "infer/batch.h"
#include "infer/compute.h"
#include "journal/inbox.h"
#include "lane/lane.h"
#include "records.h"

/* ---- a disk as bad as it gets ---------------------------------------------------------------- */

static _Atomic bool disk_hangs, disk_fails;

static int bad_submit(struct sp_disk *disk, unsigned int buffer, uint64_t offset, size_t n)
{
	while (atomic_load(&disk_hangs))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	return atomic_load(&disk_fails) ? -EIO : sp_disk_posix.submit(disk, buffer, offset, n);
}

static struct sp_disk_ops bad_disk;

static int bad_open(const struct sp_disk_config *config, struct sp_disk **ret_disk,
		    struct sp_err *err)
{
	int status = sp_disk_posix.open(config, ret_disk, err);

	if (!status)
		(*ret_disk)->ops = &bad_disk;
	return status;
}

/* ---- the bench they stand on ----------------------------------------------------------------- */

static unsigned int no_frames(struct sp_frame_source *source, struct sp_frame **frames,
			      unsigned int max)
{
	(void)source;
	(void)frames;
	(void)max;
	return 0;
}

static const struct sp_frame_source_ops no_source = { .name = "none", .get = no_frames };

struct bench {
	struct sp_frame_source source;
	struct sp_compute *compute;
	struct sp_event batch_wake, lane_wake, journal_wake;
	struct sp_batch *batch;
	struct sp_lane *lanes[2];
	struct sp_inbox *inbox;
	struct sp_journal_writer *writer;
	struct sp_journal_thread *journal;
	struct sp_lane_thread *lane_thread;
	int acks[2];
};

static void start_inference(struct bench *b)
{
	const struct sp_compute_config compute = { .in_flight = 4, .done = &b->batch_wake };
	struct sp_batch_camera cameras[2] = { { 0, 0, &b->source }, { 1, 0, &b->source } };
	struct sp_batch_config batch = {
		.in_flight = 4, .work = 2, .cameras = cameras, .cameras_n = 2, .queue = 2,
		.wake = &b->batch_wake, .lane_wake = &b->lane_wake,
	};

	b->source.ops = &no_source;
	CHECK_EQ(sp_event_init(&b->batch_wake), 0);
	CHECK_EQ(sp_event_init(&b->lane_wake), 0);
	CHECK_EQ(sp_event_init(&b->journal_wake), 0);
	CHECK_EQ(sp_compute_none.open(&compute, &b->compute, NULL), 0);
	batch.compute = b->compute;
	CHECK_EQ(sp_batch_start(&batch, &b->batch, NULL), 0);
}

static void start(struct bench *b)
{
	static const struct sp_disk_ops *const disks[] = { &bad_disk, NULL };
	const struct sp_journal_backend backend = { disks, true };
	const struct sp_journal_config journal = { .directory = fresh_directory(),
						   .segment_size = 4 << 20 };
	struct sp_lane_config lane = {
		.purpose = "test",
		.cameras = 1,
		.gap_ns = SP_NS_PER_S,
		.max_ns = 60 * SP_NS_PER_S,
		.deadline_ns = SP_NS_PER_MS,
		.backlog = 8,
		.same_similarity = 0.4f,
		.same_overlap = 0.3f,
		.jpeg_quality = 90,
	};
	struct sp_journal_thread_config journal_thread = { .wake = &b->journal_wake };
	struct sp_lane_thread_config lane_thread = {
		.lanes = b->lanes,
		.lanes_n = 2,
		.wake = &b->lane_wake,
		.batch_wake = &b->batch_wake,
		.journal_wake = &b->journal_wake,
	};
	struct sp_err err = { "" };

	memset(b, 0, sizeof(*b));
	bad_disk = sp_disk_posix;
	bad_disk.open = bad_open;
	bad_disk.submit = bad_submit;
	atomic_store(&disk_hangs, false);
	atomic_store(&disk_fails, false);
	start_inference(b);
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(lane.name, sizeof(lane.name), "lane-%u", i + 1);
		lane.seed = i;
		CHECK_EQ(sp_lane_create(&lane, &b->lanes[i], &err), 0);
	}
	CHECK_EQ(pipe2(b->acks, O_CLOEXEC | O_NONBLOCK), 0);
	/* Room for some twenty encounters without anybody. */
	CHECK_EQ(sp_inbox_create(4096, &b->inbox, &err), 0);
	if (sp_journal_writer_open_on(&journal, &backend, &b->writer, &err))
		FAIL("%s", err.text);
	journal_thread.writer = b->writer;
	journal_thread.inbox = lane_thread.inbox = b->inbox;
	journal_thread.ack_fd = b->acks[1];
	CHECK_EQ(sp_journal_thread_start(&journal_thread, &b->journal, &err), 0);
	lane_thread.batch = b->batch;
	lane_thread.journal = b->journal;
	CHECK_EQ(sp_lane_thread_start(&lane_thread, &b->lane_thread, &err), 0);
}

/* In the order of sp_pipeline_stop and _close. */
static void stop(struct bench *b)
{
	sp_batch_stop(b->batch);
	sp_lane_thread_stop(b->lane_thread);
	sp_journal_thread_stop(b->journal);
}

static void tear_down(struct bench *b)
{
	sp_lane_thread_destroy(b->lane_thread);
	sp_journal_thread_destroy(b->journal);
	for (unsigned int i = 0; i < 2; i++)
		sp_lane_destroy(b->lanes[i]);
	sp_batch_destroy(b->batch);
	sp_compute_none.close(b->compute);
	sp_journal_writer_close(b->writer);
	sp_inbox_destroy(b->inbox);
	close(b->acks[0]);
	close(b->acks[1]);
	sp_event_uninit(&b->batch_wake);
	sp_event_uninit(&b->lane_wake);
	sp_event_uninit(&b->journal_wake);
}

static uint64_t encounters(const struct bench *b)
{
	return sp_counter_read(&sp_lane_counters(b->lanes[0])->encounters) +
	       sp_counter_read(&sp_lane_counters(b->lanes[1])->encounters);
}

/* Triggers and closes encounters on both lanes until there are @n. */
static void make_encounters(struct bench *b, uint64_t n)
{
	for (unsigned int lane = 0; encounters(b) < n; lane = !lane) {
		CHECK_EQ(sp_lane_thread_trigger(b->lane_thread, lane), 0);
		CHECK_EQ(sp_lane_thread_close_encounter(b->lane_thread, lane), 0);
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	}
}

/* How many acknowledged ids stand in the pipe, each a line. */
static uint64_t acknowledged_lines(const struct bench *b)
{
	char text[SP_ENCOUNTER_ID_TEXT];
	struct sp_encounter_id id;
	uint64_t n = 0;

	while (read(b->acks[0], text, sizeof(text)) == sizeof(text)) {
		CHECK_EQ(text[sizeof(text) - 1], '\n');
		text[sizeof(text) - 1] = '\0';
		CHECK_EQ(sp_encounter_id_parse(text, &id), 0);
		n++;
	}
	return n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

TEST(threads_make_what_lanes_close_durable)
{
	struct sp_journal_report report;
	struct bench b;
	uint64_t n;

	start(&b);
	CHECK_EQ(sp_lane_thread_trigger(b.lane_thread, 2), -ERANGE);
	CHECK_EQ(sp_lane_thread_close_encounter(b.lane_thread, 2), -ERANGE);
	CHECK(!sp_lane_thread_is_open(b.lane_thread, 2));
	make_encounters(&b, 60);
	/* One is open at the end: it is closed and recorded like the others. */
	CHECK_EQ(sp_lane_thread_trigger(b.lane_thread, 1), 0);
	while (!sp_lane_thread_is_open(b.lane_thread, 1))
		sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_MS);
	stop(&b);
	n = encounters(&b);
	CHECK(n > 60);
	CHECK(!sp_journal_thread_broken(b.journal, NULL));
	CHECK_EQ(sp_lane_thread_handed_over(b.lane_thread), n);
	CHECK_EQ(sp_lane_thread_lost(b.lane_thread), 0);
	CHECK_EQ(sp_journal_thread_acknowledged(b.journal), n);
	CHECK_EQ(acknowledged_lines(&b), n);
	tear_down(&b);
	CHECK_EQ(sp_journal_verify(directory, &report, NULL, NULL, NULL), 0);
	CHECK_EQ(report.records, n);
}

static void release_disk(struct sp_thread *thread)
{
	(void)thread;
	sp_clock_sleep_until(sp_clock_now() + 50 * SP_NS_PER_MS);
	atomic_store(&disk_fails, true);
	atomic_store(&disk_hangs, false);
}

/*
 * The journal breaks while the lane thread, asked to stop, waits for room in the inbox: it must end
 * all the same, and every encounter is accounted for.
 */
TEST(threads_end_when_the_journal_breaks_meanwhile)
{
	struct sp_thread helper;
	struct sp_err err = { "" };
	struct bench b;

	start(&b);
	atomic_store(&disk_hangs, true);
	make_encounters(&b, 80);
	CHECK(!sp_journal_thread_broken(b.journal, NULL));
	CHECK_EQ(sp_thread_start(&helper, "helper", -1, release_disk, NULL, NULL), 0);
	stop(&b);
	sp_thread_stop(&helper);
	CHECK(sp_journal_thread_broken(b.journal, &err));
	CHECK(strstr(err.text, directory) && strstr(err.text, "see the disk"));
	CHECK(sp_lane_thread_lost(b.lane_thread) > 0);
	CHECK_EQ(sp_lane_thread_handed_over(b.lane_thread) + sp_lane_thread_lost(b.lane_thread),
		 encounters(&b));
	CHECK_EQ(sp_journal_thread_acknowledged(b.journal), 0);
	CHECK_EQ(acknowledged_lines(&b), 0);
	tear_down(&b);
}

TEST_MAIN()
