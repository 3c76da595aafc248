/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "journal/directory.h"
#include "journal/scan.h"

struct verify {
	const char *path;
	int directory;
	struct sp_journal_report report;
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	uint64_t before, total; /* bytes of the segments before this one, of all */
	/* The segment before this one, if it was readable. */
	bool previous_known;
	uint64_t previous_sequence, previous_records;
	uint8_t previous_uuid[16];
	bool corrupt;
	struct sp_err first;
};

static void show_progress(void *arg, uint64_t offset)
{
	struct verify *verify = arg;

	if (verify->progress)
		verify->progress(verify->arg, verify->before + offset, verify->total);
}

/* Counts a corrupt segment; the first one's text is kept. */
__attribute__((format(printf, 2, 3))) static void name_damage(struct verify *verify,
							      const char *fmt, ...)
{
	struct sp_err text;
	va_list ap;

	verify->report.corrupt_segments++;
	if (verify->corrupt)
		return;
	verify->corrupt = true;
	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	sp_err_set(&verify->first, 0, "%s/%s", verify->path, text.text);
}

/*
 * Every intact record is counted, also behind damage. 0 or -errno; *@ret_damaged is the position
 * where the first damage begins, `offset` 0 if none does.
 */
static int walk(struct verify *verify, struct sp_segment_file *file,
		struct sp_segment_position *ret_end, struct sp_segment_position *ret_damaged,
		uint64_t *ret_records, bool *ret_torn)
{
	struct sp_segment_position position = { .offset = SP_BLOCK }, damaged = { .offset = 0 };
	struct sp_segment_tail tail = { .corrupt = true };
	uint64_t records = 0;
	struct sp_batch batch;
	int ret;

	while (tail.corrupt) {
		while ((ret = sp_segment_look(file, &position, &batch)) > 0) {
			records += batch.records;
			sp_segment_pass(&position, &batch);
			show_progress(verify, position.offset);
		}
		if (!ret)
			ret = sp_segment_judge(file, &position, show_progress, verify, &tail);
		if (ret < 0)
			return ret;
		if (!tail.corrupt)
			break;
		/* A live writer may have finished it between the two looks. */
		sp_segment_refresh(file);
		ret = sp_segment_look(file, &position, &batch);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		if (!damaged.offset)
			damaged = position;
		position = tail.resume;
	}
	*ret_end = position;
	*ret_damaged = damaged;
	*ret_records = records;
	*ret_torn = tail.end > position.offset;
	return 0;
}

/* What the next segment's header knows of this one. */
static void check_link(struct verify *verify, const struct sp_segment_file *file)
{
	static const uint8_t none[16];
	const struct sp_segment_header *header = &file->header;
	char name[SP_SEGMENT_NAME_SIZE];

	/* The first that is there: those before it have been purged. */
	if (!verify->report.segments || !memcmp(header->previous_uuid, none, sizeof(none)))
		return;
	sp_segment_name(file->sequence - 1, name);
	if (verify->previous_sequence != file->sequence - 1) {
		name_damage(verify, "%s: missing, with %" PRIu64 " records; restore it from a copy",
			    name, header->previous_records);
		return;
	}
	if (!verify->previous_known)
		return;
	if (memcmp(header->previous_uuid, verify->previous_uuid, 16))
		name_damage(verify, "%s: another segment under this name; restore it from a copy",
			    name);
	else if (verify->previous_records < header->previous_records)
		name_damage(verify, "%s: ends after record %" PRIu64 " of %" PRIu64
			    "; restore it from a copy", name, verify->previous_records,
			    header->previous_records);
}

static int verify_segment(struct verify *verify, struct sp_segment_file *file)
{
	struct sp_segment_position end, damaged;
	char name[SP_SEGMENT_NAME_SIZE];
	uint64_t records;
	bool torn;
	int ret;

	check_link(verify, file);
	ret = walk(verify, file, &end, &damaged, &records, &torn);
	if (ret)
		return ret;
	verify->report.records += records;
	verify->report.bytes += end.bytes;
	verify->report.torn_segments += torn;
	if (damaged.offset)
		name_damage(verify, "%s: damaged at byte %" PRIu64 ", after record %" PRIu64
			    ", before intact data; restore it from a copy",
			    sp_segment_name(file->sequence, name), damaged.offset, damaged.records);
	verify->previous_known = !damaged.offset;
	verify->previous_records = end.records;
	memcpy(verify->previous_uuid, file->header.uuid, 16);
	return 0;
}

static int verify_one(struct verify *verify, uint64_t sequence)
{
	char name[SP_SEGMENT_NAME_SIZE];
	struct sp_segment_file file;
	struct sp_err why;
	int ret;

	ret = sp_segment_open(&file, verify->directory, sequence, &why);
	if (!ret) {
		ret = verify_segment(verify, &file);
		if (ret)
			sp_err_set(&why, ret, "%s: cannot be read: %s",
				   sp_segment_name(sequence, name), strerror(-ret));
		verify->before += file.size;
		sp_segment_close(&file);
	}
	if (ret == -EBADMSG || ret == -ENOTSUP || ret == -EIO) {
		name_damage(verify, "%s; restore it from a copy", why.text);
		verify->previous_known = false;
		ret = 0;
	}
	if (ret)
		return sp_err_set(&verify->first, ret, "%s/%s; see the disk", verify->path,
				  why.text);
	verify->previous_sequence = sequence;
	verify->report.segments++;
	return 0;
}

static uint64_t total_size(int directory, const uint64_t *sequences, int64_t n)
{
	char name[SP_SEGMENT_NAME_SIZE];
	uint64_t total = 0;
	struct stat st;

	for (int64_t i = 0; i < n; i++)
		if (!fstatat(directory, sp_segment_name(sequences[i], name), &st, 0))
			total += (uint64_t)st.st_size;
	return total;
}

int sp_journal_verify(const char *directory, struct sp_journal_report *ret_report,
		      void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
		      struct sp_err *err)
{
	struct verify verify = { .path = directory, .progress = progress, .arg = arg };
	uint64_t *sequences;
	int64_t n;
	int ret = 0;

	verify.directory = sp_directory_open(directory, err);
	if (verify.directory < 0)
		return verify.directory;
	n = sp_directory_list(verify.directory, &sequences);
	if (n <= 0) {
		ret = n ? (int)n : -ENOENT;
		sp_err_set(err, ret, "%s: %s", directory,
			   n ? strerror((int)-n) : "no journal here; give the directory of one");
		goto err_close;
	}
	verify.total = total_size(verify.directory, sequences, n);
	for (int64_t i = 0; i < n && !ret; i++)
		ret = verify_one(&verify, sequences[i]);
	free(sequences);
	if (!ret && verify.corrupt)
		ret = -EBADMSG;
	if (ret)
		sp_err_set(err, ret, "%s", verify.first.text);
	if (!ret || ret == -EBADMSG)
		*ret_report = verify.report;
err_close:
	close(verify.directory);
	return ret;
}
