/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable records a second: the journal against a plain loop of pwrite and fdatasync over a file that
 * was zeroed beforehand, and over one that grows. "1K×16" is 16 records of 1 KiB a commit; the plain
 * loops write the same bytes, padded to whole blocks, and check nothing.
 *
 * The measured part lies within one segment; "rotating" is the ordinary configuration over several
 * segments, so that the zeros of the next one are written meanwhile. Files lie in $SP_BENCH_DIR
 * (default build/bench): name a directory on the disk to be measured, not a tmpfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "bench.h"
#include "journal/disk.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/writer.h"

enum { SEGMENT = 32 << 20, ACKS = 256 };

struct load {
	size_t record;	      /* bytes */
	unsigned int records; /* a commit */
	unsigned int commits; /* a measurement */
	bool rotates;
};

struct engine {
	const struct load *load;
	const char *directory;
	unsigned int in_flight; /* 0: the plain loop */
	bool grows;		/* the plain loop's file */
};

static uint8_t payload[1 << 20];

/* The journal's spare and the plain file of zeros serve again, unless @all. */
static void remove_files(const char *path, bool all)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (all || !strncmp(entry->d_name, "seg-", 4))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

/* A commit at a time: its records are appended, then a poll submits them. */
static int write_records(struct sp_journal_writer *writer, const struct engine *engine,
			 struct sp_err *err)
{
	const struct load *load = engine->load;
	uint64_t total = (uint64_t)load->commits * load->records, next = 0, acked = 0;
	uint64_t limit = (uint64_t)(engine->in_flight - 1) * load->records;
	struct sp_journal_ack acks[ACKS];
	int n, ret;

	while (acked < total) {
		/* A commit is free if what is unacknowledged is less than all of them carry. */
		bool room = next < total && next - acked <= limit;

		for (unsigned int i = 0; room && i < load->records; i++) {
			ret = sp_journal_append(writer, SP_RECORD_ENCOUNTER, payload, load->record,
						0, next);
			if (ret == -EAGAIN)
				break;
			if (ret)
				return sp_err_set(err, ret, "append: %s", strerror(-ret));
			next++;
		}
		room = next < total && next - acked <= limit;
		n = sp_journal_poll(writer, acks, ACKS, room ? 0 : SP_NS_PER_S, err);
		if (n < 0)
			return n;
		acked += (unsigned)n;
	}
	return 0;
}

static double run_journal(void *arg)
{
	const struct engine *engine = arg;
	const struct load *load = engine->load;
	const struct sp_journal_backend backend = { sp_disks, load->rotates };
	struct sp_journal_config config = {
		.directory = engine->directory,
		.segment_size = SEGMENT,
		.in_flight = engine->in_flight,
	};
	struct sp_journal_writer *writer;
	struct sp_err err;
	uint64_t begin;
	int ret;

	remove_files(engine->directory, false);
	ret = sp_journal_writer_open_on(&config, &backend, &writer, &err);
	if (ret) {
		fprintf(stderr, "journal: %s\n", err.text);
		return -1;
	}
	begin = sp_clock_now();
	ret = write_records(writer, engine, &err);
	begin = sp_clock_now() - begin;
	sp_journal_writer_close(writer);
	if (ret) {
		fprintf(stderr, "journal: %s\n", err.text);
		return -1;
	}
	return (double)load->commits * load->records * 1e9 / (double)begin;
}

static int zero_file(int fd)
{
	struct stat st;

	if (!fstat(fd, &st) && st.st_size == SEGMENT)
		return 0;
	for (uint64_t at = 0; at < SEGMENT; at += sizeof(payload))
		if (pwrite(fd, payload, sizeof(payload), (off_t)at) != (ssize_t)sizeof(payload))
			return -1;
	return fdatasync(fd);
}

static double run_plain(void *arg)
{
	const struct engine *engine = arg;
	const struct load *load = engine->load;
	size_t n = (load->record * load->records + SP_BLOCK - 1) & ~(size_t)(SP_BLOCK - 1);
	char path[512];
	uint64_t begin, at = 0;
	bool failed;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", engine->directory, engine->grows ? "growing" : "plain");
	fd = open(path, O_RDWR | O_CREAT | (engine->grows ? O_TRUNC : 0), 0600);
	failed = fd < 0 || (!engine->grows && zero_file(fd));
	begin = sp_clock_now();
	for (unsigned int i = 0; i < load->commits && !failed; i++, at += n) {
		if (!engine->grows && at + n > SEGMENT)
			at = 0;
		failed = pwrite(fd, payload, n, (off_t)at) != (ssize_t)n || fdatasync(fd);
	}
	begin = sp_clock_now() - begin;
	if (fd >= 0)
		close(fd);
	if (failed) {
		fprintf(stderr, "journal: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return (double)load->commits * load->records * 1e9 / (double)begin;
}

static void measure(struct sp_bench *bench, const char *label, const struct load *load,
		    const char *directory)
{
	struct engine engines[] = {
		{ load, directory, 1, false }, { load, directory, 4, false },
		{ load, directory, 0, false }, { load, directory, 0, true },
	};
	const char *metric = "records_per_second", *unit = "1/s", *peer = "pwrite_fdatasync";
	struct sp_bench_row rows[] = {
		{ label, "journal_1", metric, unit, run_journal, &engines[0], peer, "higher" },
		{ label, "journal_4", metric, unit, run_journal, &engines[1], peer, "higher" },
		{ label, peer, metric, unit, run_plain, &engines[2], NULL, NULL },
		{ label, "pwrite_fdatasync_growing", metric, unit, run_plain, &engines[3], NULL, NULL },
	};

	sp_bench_run(bench, rows, sizeof(rows) / sizeof(rows[0]), SP_BENCH_ROUNDS_MIN);
}

int main(void)
{
	static const struct {
		const char *label;
		struct load load;
	} cases[] = {
		{ "1K×1", { 1 << 10, 1, 1500, false } },
		{ "1K×16", { 1 << 10, 16, 1000, false } },
		{ "32K×1", { 32 << 10, 1, 800, false } },
		{ "32K×16", { 32 << 10, 16, 60, false } },
		{ "32K×16 rotating", { 32 << 10, 16, 240, true } },
	};
	struct sp_bench *bench = sp_bench_begin("journal");
	const char *where = getenv("SP_BENCH_DIR");
	char directory[256];

	if (!bench)
		return 1;
	snprintf(directory, sizeof(directory), "%s/journal-XXXXXX", where ? where : "build/bench");
	if (!mkdtemp(directory)) {
		fprintf(stderr, "journal: %s: %s; set SP_BENCH_DIR\n", directory, strerror(errno));
		sp_bench_end(bench);
		return 1;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(bench, cases[i].label, &cases[i].load, directory);
	remove_files(directory, true);
	rmdir(directory);
	return sp_bench_end(bench);
}
