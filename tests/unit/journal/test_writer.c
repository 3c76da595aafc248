/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
/* Writer and reader on the real disks. */
#include "unit/journal/fixture.h"

enum { BATCH = 16 << 10, SEGMENT = 128 << 10 };

static struct sp_journal_config small(unsigned int in_flight)
{
	return (struct sp_journal_config){
		.directory = directory, .segment_size = SEGMENT, .batch_size = BATCH,
		.in_flight = in_flight,
	};
}

static void round_trip(const struct sp_disk_ops *disk, unsigned int in_flight, bool background)
{
	const struct sp_disk_ops *const disks[] = { disk, NULL };
	const struct sp_journal_backend backend = { disks, background };
	struct sp_journal_config config = small(in_flight);
	const struct sp_journal_counters *counters;
	struct sp_journal_writer *writer;
	struct sp_journal_report report;
	struct sp_err err;
	int ret;

	fresh_directory();
	config = small(in_flight);
	ret = sp_journal_writer_open_on(&config, &backend, &writer, &err);
	if (ret)
		SKIP("%s", err.text);
	append_and_wait(writer, 0, 800, false);
	append_and_wait(writer, 800, 820, true);
	counters = sp_journal_writer_counters(writer);
	CHECK_EQ(counters->records, 820);
	CHECK(counters->segments >= 3);
	CHECK(counters->commits >= 20);
	/* Durable now, before the writer is closed. */
	CHECK_EQ(read_all(0), 820);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), 820);
	ret = sp_journal_verify(directory, &report, NULL, NULL, &err);
	if (ret)
		FAIL("%s", err.text);
	CHECK_EQ(report.records, 820);
	CHECK_EQ(report.torn_segments, 0);
	CHECK_EQ(report.corrupt_segments, 0);
	/* Again: nothing is appended to what is there. */
	CHECK_EQ(sp_journal_writer_open_on(&config, &backend, &writer, &err), 0);
	CHECK_EQ(sp_journal_writer_counters(writer)->recovered_records, 820);
	CHECK_EQ(sp_journal_writer_counters(writer)->torn_bytes, 0);
	append_and_wait(writer, 820, 830, false);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), 830);
}

TEST(writer_round_trip_best_disk_1) { round_trip(sp_disks[0], 1, true); }
TEST(writer_round_trip_best_disk_4) { round_trip(sp_disks[0], 4, true); }
TEST(writer_round_trip_best_disk_inline_spare) { round_trip(sp_disks[0], 4, false); }
TEST(writer_round_trip_posix) { round_trip(&sp_disk_posix, 4, true); }

TEST(writer_on_a_file_system_without_o_direct_or_not)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;

	if (access("/dev/shm", W_OK))
		SKIP("no /dev/shm");
	fresh_directory_in("/dev/shm");
	config = small(4);
	writer = open_writer(&config);
	append_and_wait(writer, 0, 200, false);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), 200);
}

TEST(writer_places_grow)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	struct sp_record_place last = { 0, 0 };
	struct sp_journal_ack acks[8];
	uint64_t acked = 0, next = 0;
	int n;

	fresh_directory();
	config = small(4);
	writer = open_writer(&config);
	while (acked < 400) {
		if (next < 400 && !append_id(writer, next))
			next++;
		/* Fewer at a time than a batch holds. */
		n = sp_journal_poll(writer, acks, 8, SP_NS_PER_MS, NULL);
		CHECK(n >= 0);
		for (int i = 0; i < n; i++) {
			CHECK_EQ(acks[i].cookie, acked++);
			CHECK(acks[i].place.segment > last.segment ||
			      (acks[i].place.segment == last.segment &&
			       (acks[i].place.index == last.index + 1 || acked == 1)));
			if (acks[i].place.segment > last.segment)
				CHECK_EQ(acks[i].place.index, 0);
			last = acks[i].place;
		}
	}
	sp_journal_writer_close(writer);
}

TEST(writer_close_commits_what_was_appended)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	uint64_t id = 0;

	fresh_directory();
	config = small(4);
	writer = open_writer(&config);
	while (!append_id(writer, id))
		id++;
	CHECK(id > 10);
	sp_journal_writer_close(writer);
	CHECK_EQ(read_all(0), id);
}

TEST(writer_locks_and_names_the_holder)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer, *second;
	struct sp_err err;
	char pid[32];

	fresh_directory();
	config = small(1);
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_writer_open(&config, &second, &err), -EBUSY);
	snprintf(pid, sizeof(pid), "process %d;", (int)getpid());
	if (!strstr(err.text, pid) || !strstr(err.text, directory))
		FAIL("\"%s\" does not name %s", err.text, pid);
	sp_journal_writer_close(writer);
	writer = open_writer(&config);
	sp_journal_writer_close(writer);
}

TEST(writer_keeps_files_private)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	struct dirent *entry;
	struct stat st;
	mode_t old = umask(0);
	DIR *dir;

	fresh_directory();
	CHECK(!rmdir(directory));
	config = small(1);
	writer = open_writer(&config);
	append_and_wait(writer, 0, 10, false);
	umask(old);
	CHECK(!stat(directory, &st));
	CHECK_EQ(st.st_mode & 07777, 0700);
	dir = opendir(directory);
	CHECK(dir);
	while ((entry = readdir(dir))) {
		CHECK(!fstatat(dirfd(dir), entry->d_name, &st, 0));
		if (S_ISREG(st.st_mode))
			CHECK_EQ(st.st_mode & 07777, 0600);
	}
	closedir(dir);
	sp_journal_writer_close(writer);
}

TEST(writer_refuses_bad_settings_and_sizes)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	struct sp_err err;
	static uint8_t big[BATCH];

	fresh_directory();
	config = small(5);
	CHECK_EQ(sp_journal_writer_open(&config, &writer, &err), -EINVAL);
	config = small(1);
	config.batch_size = 100;
	CHECK_EQ(sp_journal_writer_open(&config, &writer, &err), -EINVAL);
	config = small(1);
	config.segment_size = BATCH;
	CHECK_EQ(sp_journal_writer_open(&config, &writer, &err), -EINVAL);
	config = small(1);
	config.directory = "/nonexistent/journal";
	CHECK_EQ(sp_journal_writer_open(&config, &writer, &err), -ENOENT);
	CHECK(strstr(err.text, "/nonexistent/journal"));
	config = small(1);
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_append(writer, SP_RECORD_ENCOUNTER, big, BATCH - 64 - 32, 0, 0), 0);
	CHECK_EQ(sp_journal_append(writer, SP_RECORD_ENCOUNTER, big, BATCH - 64 - 32 + 1, 0, 0),
		 -EMSGSIZE);
	CHECK_EQ(sp_journal_append(writer, SP_RECORD_ENCOUNTER, big, SIZE_MAX, 0, 0), -EMSGSIZE);
	sp_journal_writer_close(writer);
}

TEST(writer_takes_the_largest_record)
{
	struct sp_journal_config config = { 0 };
	struct sp_journal_writer *writer;
	struct sp_journal_reader *reader;
	struct sp_record_view view;
	struct sp_journal_ack ack;
	uint8_t *bytes = malloc(SP_RECORD_MAX);
	uint64_t state = 5;

	CHECK(bytes);
	fresh_directory();
	for (size_t i = 0; i < SP_RECORD_MAX; i += 8)
		sp_le64_put(bytes + i, next_random(&state));
	config.directory = directory;
	config.segment_size = 16 << 20;
	config.batch_size = 8 << 20;
	config.in_flight = 1;
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_append(writer, SP_RECORD_ENCOUNTER, bytes, SP_RECORD_MAX, 1, 2), 0);
	CHECK_EQ(sp_journal_poll(writer, &ack, 1, 10 * SP_NS_PER_S, NULL), 1);
	sp_journal_writer_close(writer);
	CHECK_EQ(sp_journal_reader_open(directory, &reader, NULL), 0);
	CHECK_EQ(sp_journal_reader_next(reader, &view, NULL), 1);
	CHECK_EQ(view.size, SP_RECORD_MAX);
	CHECK(!memcmp(view.bytes, bytes, SP_RECORD_MAX));
	CHECK_EQ(sp_journal_reader_next(reader, &view, NULL), 0);
	sp_journal_reader_close(reader);
	free(bytes);
}

TEST(reader_follows_a_writer)
{
	struct sp_journal_config config;
	struct sp_journal_writer *writer;
	struct sp_journal_reader *reader;
	struct sp_record_view view;
	struct sp_err err;
	uint64_t read = 0;
	int ret;

	fresh_directory();
	config = small(4);
	writer = open_writer(&config);
	CHECK_EQ(sp_journal_reader_open(directory, &reader, NULL), 0);
	CHECK_EQ(sp_journal_reader_next(reader, &view, NULL), 0);
	for (uint64_t id = 0; id < 600; id += 7) {
		append_and_wait(writer, id, id + 7, false);
		while ((ret = sp_journal_reader_next(reader, &view, &err)) > 0)
			CHECK_EQ(check_record(&view), read++);
		if (ret)
			FAIL("%s", err.text);
		CHECK_EQ(read, id + 7);
	}
	CHECK(sp_journal_writer_counters(writer)->segments > 1);
	sp_journal_reader_close(reader);
	sp_journal_writer_close(writer);
}

struct race {
	struct sp_thread thread;
	struct sp_journal_writer *writer;
	_Atomic bool done;
};

static void write_on(struct sp_thread *thread)
{
	struct race *race = thread->arg;
	struct sp_journal_ack acks[32];
	uint64_t next = 0, acked = 0;

	while (acked < 3000) {
		int n;

		if (next < 3000 && !append_id(race->writer, next)) {
			next++;
			if (next % 5)
				continue;
		}
		n = sp_journal_poll(race->writer, acks, 32, SP_NS_PER_S, NULL);
		if (n < 0)
			break;
		acked += (unsigned)n;
	}
	race->done = acked == 3000;
}

/* What is on its way to the disk is never mistaken for damage. */
TEST(reader_and_verify_beside_a_busy_writer)
{
	struct sp_journal_config config;
	static struct race race;
	struct sp_journal_reader *reader;
	struct sp_journal_report report;
	struct sp_record_view view;
	struct sp_err err;
	uint64_t read = 0;
	int ret = 0;

	fresh_directory();
	config = small(4);
	memset(&race, 0, sizeof(race));
	race.writer = open_writer(&config);
	CHECK_EQ(sp_journal_reader_open(directory, &reader, NULL), 0);
	CHECK_EQ(sp_thread_start(&race.thread, "writer", -1, write_on, &race, NULL), 0);
	while (!race.done && ret >= 0) {
		while ((ret = sp_journal_reader_next(reader, &view, &err)) > 0)
			read++;
		if (!ret)
			ret = sp_journal_verify(directory, &report, NULL, NULL, &err);
	}
	sp_thread_stop(&race.thread);
	if (ret < 0)
		FAIL("%s", err.text);
	CHECK(race.done);
	while ((ret = sp_journal_reader_next(reader, &view, &err)) > 0)
		read++;
	CHECK_EQ(ret, 0);
	CHECK_EQ(read, 3000);
	sp_journal_reader_close(reader);
	sp_journal_writer_close(race.writer);
	CHECK_EQ(read_all(0), 3000);
}

TEST(no_journal_is_said)
{
	struct sp_journal_reader *reader;
	struct sp_journal_report report;
	struct sp_err err;

	fresh_directory();
	CHECK_EQ(sp_journal_reader_open(directory, &reader, &err), -ENOENT);
	CHECK(strstr(err.text, "no journal here"));
	CHECK_EQ(sp_journal_verify(directory, &report, NULL, NULL, &err), -ENOENT);
	CHECK_EQ(sp_journal_reader_open("/nonexistent", &reader, &err), -ENOENT);
	CHECK_EQ(sp_journal_verify("/nonexistent", &report, NULL, NULL, &err), -ENOENT);
}

TEST_MAIN()
