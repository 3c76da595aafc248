/* SPDX-License-Identifier: Apache-2.0 */
/* A journal in a temporary directory, and records whose bytes tell their number. */
#ifndef SP_TESTS_JOURNAL_FIXTURE_H
#define SP_TESTS_JOURNAL_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/le.h"
#include "base/thread.h"
#include "journal/disk.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/writer.h"
#include "test.h"

#define UNUSED __attribute__((unused))

enum { RECORD_SIZE_MAX = 6000 };

static char directory[64];

UNUSED static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

UNUSED static void remove_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static void remove_directory(void)
{
	if (!*directory)
		return;
	remove_files(directory);
	rmdir(directory);
}

/* A fresh empty one in @where; the last one goes, also when a test failed, and at exit. */
UNUSED static const char *fresh_directory_in(const char *where)
{
	static bool registered;

	if (!registered)
		atexit(remove_directory);
	registered = true;
	remove_directory();
	snprintf(directory, sizeof(directory), "%s/sallyport-journal-XXXXXX", where);
	if (!mkdtemp(directory)) {
		*directory = 0;
		FAIL("mkdtemp in %s: %s", where, strerror(errno));
	}
	return directory;
}

UNUSED static const char *fresh_directory(void)
{
	return fresh_directory_in("/tmp");
}

UNUSED static char *segment_path(uint64_t sequence)
{
	static char path[2][128];
	static unsigned int i;
	char name[SP_SEGMENT_NAME_SIZE];
	char *text = path[++i % 2];

	snprintf(text, sizeof(path[0]), "%s/%s", directory, sp_segment_name(sequence, name));
	return text;
}

/* Record @id: 16 … RECORD_SIZE_MAX bytes that follow from @id. */
UNUSED static size_t make_record(uint64_t id, uint8_t *bytes)
{
	uint64_t state = id * 0x9E3779B97F4A7C15ull + 1;
	size_t range = next_random(&state) % 8 ? 400 : RECORD_SIZE_MAX - 16;
	size_t size = 16 + next_random(&state) % range;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = next_random(&state);

		memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
	}
	sp_le64_put(bytes, id);
	return size;
}

/* The id of a record that is what make_record made, or a failed test. */
UNUSED static uint64_t check_record(const struct sp_record_view *view)
{
	uint8_t bytes[RECORD_SIZE_MAX + 8];
	uint64_t id;

	CHECK(view->size >= 16);
	id = sp_le64_get(view->bytes);
	CHECK_EQ(view->size, make_record(id, bytes));
	CHECK(!memcmp(view->bytes, bytes, view->size));
	CHECK_EQ(view->utc_ns, id * 10);
	CHECK_EQ(view->type, SP_RECORD_ENCOUNTER);
	return id;
}

UNUSED static int append_id(struct sp_journal_writer *writer, uint64_t id)
{
	uint8_t bytes[RECORD_SIZE_MAX + 8];
	size_t size = make_record(id, bytes);

	return sp_journal_append(writer, SP_RECORD_ENCOUNTER, bytes, size, id * 10, id);
}

/* Records @from … @to - 1, acknowledged in order. @each: one commit a record. */
UNUSED static void append_and_wait(struct sp_journal_writer *writer, uint64_t from, uint64_t to,
				   bool each)
{
	struct sp_journal_ack acks[64];
	uint64_t next = from, acked = from;
	struct sp_err err;

	while (acked < to) {
		bool room = next < to && (!each || next == acked);
		int ret = room ? append_id(writer, next) : -EAGAIN, n;

		if (!ret) {
			next++;
			if (!each)
				continue;
		} else if (ret != -EAGAIN) {
			FAIL("append %" PRIu64 ": %s", next, strerror(-ret));
		}
		n = sp_journal_poll(writer, acks, 64, SP_NS_PER_S, &err);
		if (n < 0)
			FAIL("%s", err.text);
		for (int i = 0; i < n; i++)
			CHECK_EQ(acks[i].cookie, acked++);
	}
}

/* Reads all: ids must be @from, @from + 1, … Returns the next one. */
UNUSED static uint64_t read_all(uint64_t from)
{
	struct sp_journal_reader *reader;
	struct sp_record_view view;
	struct sp_err err;
	int ret;

	if (sp_journal_reader_open(directory, &reader, &err))
		FAIL("%s", err.text);
	while ((ret = sp_journal_reader_next(reader, &view, &err)) > 0)
		CHECK_EQ(check_record(&view), from++);
	sp_journal_reader_close(reader);
	if (ret)
		FAIL("%s", err.text);
	return from;
}

UNUSED static struct sp_journal_writer *open_writer(const struct sp_journal_config *config)
{
	struct sp_journal_writer *writer;
	struct sp_err err;

	if (sp_journal_writer_open(config, &writer, &err))
		FAIL("%s", err.text);
	return writer;
}

/* A file's bytes; the caller frees them. */
UNUSED static uint8_t *load(const char *path, size_t *ret_size)
{
	struct stat st;
	uint8_t *bytes;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0);
	CHECK(!fstat(fd, &st));
	bytes = malloc((size_t)st.st_size + 1);
	CHECK(bytes);
	CHECK_EQ(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return bytes;
}

UNUSED static void store(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, bytes, size), size);
	close(fd);
}

#endif
