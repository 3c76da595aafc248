/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "journal/directory.h"
#include "journal/scan.h"

struct sp_journal_reader {
	char *path;
	int directory;
	struct sp_segment_file file; /* fd < 0: none is open */
	bool any;		     /* `sequence` was open or is damaged */
	uint64_t sequence;
	struct sp_segment_position position; /* behind `batch` */
	struct sp_batch batch;		     /* whose records are handed out, if `in_batch` */
	uint32_t cursor;
	bool in_batch;
	uint64_t judged; /* offset behind which no damage was found; spares a second search */
};

int sp_journal_reader_open(const char *directory, struct sp_journal_reader **ret_reader,
			   struct sp_err *err)
{
	struct sp_journal_reader *reader;
	uint64_t *sequences;
	int64_t n;
	int ret;

	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return sp_err_set(err, -ENOMEM, "%s: no memory", directory);
	reader->file.fd = -1;
	reader->path = strdup(directory);
	if (!reader->path) {
		ret = sp_err_set(err, -ENOMEM, "%s: no memory", directory);
		goto err_free;
	}
	reader->directory = sp_directory_open(directory, err);
	if (reader->directory < 0) {
		ret = reader->directory;
		goto err_free;
	}
	n = sp_directory_list(reader->directory, &sequences);
	if (n <= 0) {
		ret = n ? (int)n : -ENOENT;
		sp_err_set(err, ret, "%s: %s", directory,
			   n ? strerror((int)-n) : "no journal here; give the directory of one");
		goto err_close;
	}
	free(sequences);
	*ret_reader = reader;
	return 0;

err_close:
	close(reader->directory);
err_free:
	free(reader->path);
	free(reader);
	return ret;
}

void sp_journal_reader_close(struct sp_journal_reader *reader)
{
	if (!reader)
		return;
	sp_segment_close(&reader->file);
	close(reader->directory);
	free(reader->path);
	free(reader);
}

/* The first segment behind the current one: 1, 0 if there is none, -errno. */
static int find_next(struct sp_journal_reader *reader, uint64_t *ret_sequence)
{
	uint64_t *sequences;
	int64_t n = sp_directory_list(reader->directory, &sequences);
	int found = 0;

	if (n <= 0)
		return (int)n;
	for (int64_t i = 0; i < n && !found; i++) {
		if (reader->any && sequences[i] <= reader->sequence)
			continue;
		*ret_sequence = sequences[i];
		found = 1;
	}
	free(sequences);
	return found;
}

static int enter(struct sp_journal_reader *reader, uint64_t sequence, struct sp_err *err)
{
	int ret;

	sp_segment_close(&reader->file);
	reader->position = (struct sp_segment_position){ .offset = SP_BLOCK };
	reader->judged = 0;
	ret = sp_segment_open(&reader->file, reader->directory, sequence, err);
	if (!ret || ret == -EBADMSG || ret == -ENOTSUP) {
		reader->any = true;
		reader->sequence = sequence;
	}
	return ret ? sp_err_prefix(err, ret, "%s", reader->path) : 0;
}

/*
 * The batch at the position is not there: is it damaged, or is this the end for now? 1 if there is
 * one now, 0 at the end, -EBADMSG once if damaged (the position is then behind it), -errno. @final:
 * the segment does not grow any more.
 */
static int judge(struct sp_journal_reader *reader, bool final, struct sp_err *err)
{
	struct sp_segment_file *file = &reader->file;
	struct sp_segment_position *position = &reader->position;
	char name[SP_SEGMENT_NAME_SIZE];
	struct sp_segment_tail tail;
	int ret;

	if (!final && reader->judged == position->offset)
		return 0;
	ret = sp_segment_judge(file, position, NULL, NULL, &tail);
	if (ret)
		return ret;
	reader->judged = position->offset;
	if (!tail.corrupt)
		return 0;
	/* A writer may have finished it between the two looks. */
	sp_segment_refresh(file);
	ret = sp_segment_look(file, position, &reader->batch);
	if (ret)
		return ret;
	sp_err_set(err, -EBADMSG, "%s/%s: damaged at byte %" PRIu64 ", after record %" PRIu64
		   "; run `sallyport journal verify`", reader->path,
		   sp_segment_name(file->sequence, name), position->offset, position->records);
	*position = tail.resume;
	return -EBADMSG;
}

/*
 * The next batch of the current segment: 1, 0 if none is there (yet), -errno. @again: the file may
 * have changed since the last look.
 */
static int next_batch(struct sp_journal_reader *reader, bool again, bool final, struct sp_err *err)
{
	struct sp_segment_file *file = &reader->file;
	char name[SP_SEGMENT_NAME_SIZE];
	int ret;

	if (file->fd < 0)
		return 0;
	if (again)
		sp_segment_refresh(file);
	ret = sp_segment_look(file, &reader->position, &reader->batch);
	if (!ret && again && !reader->position.sealed)
		ret = judge(reader, final, err);
	if (ret > 0) {
		sp_segment_pass(&reader->position, &reader->batch);
		reader->cursor = 0;
		reader->in_batch = true;
	}
	if (ret < 0 && ret != -EBADMSG)
		sp_err_set(err, ret, "%s/%s: %s; see the disk", reader->path,
			   sp_segment_name(file->sequence, name), strerror(-ret));
	return ret;
}

/* The next batch of any segment: 1, 0 at the end, -errno. */
static int advance(struct sp_journal_reader *reader, struct sp_err *err)
{
	uint64_t sequence = 0;
	int next, ret;

	reader->in_batch = false;
	for (;;) {
		ret = next_batch(reader, false, false, err);
		if (ret)
			return ret;
		/*
		 * In this order: once a later segment exists this one does not grow, so what is
		 * then not there will never be.
		 */
		next = find_next(reader, &sequence);
		if (next < 0)
			return sp_err_set(err, next, "%s: cannot list it: %s", reader->path,
					  strerror(-next));
		ret = next_batch(reader, true, next, err);
		if (ret || !next)
			return ret;
		ret = enter(reader, sequence, err);
		if (ret)
			return ret;
	}
}

int sp_journal_reader_next(struct sp_journal_reader *reader, struct sp_record_view *ret_record,
			   struct sp_err *err)
{
	struct sp_batch_record record;
	int ret;

	while (!reader->in_batch || !sp_batch_next(&reader->batch, &reader->cursor, &record)) {
		ret = advance(reader, err);
		if (ret <= 0)
			return ret;
	}
	*ret_record = (struct sp_record_view){
		.place = { reader->file.sequence, record.index },
		.type = (enum sp_record_type)record.type,
		.utc_ns = record.utc_ns,
		.bytes = record.bytes,
		.size = record.size,
	};
	return 1;
}
