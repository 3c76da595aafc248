/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

enum { WINDOW = 1 << 20 };

/* @n bytes at @offset, fewer at the end of the file. The count or -errno. */
static ssize_t read_at(int fd, uint8_t *bytes, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t part = pread(fd, bytes + done, n - done, (off_t)(offset + done));

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		if (!part)
			break;
		done += (size_t)part;
	}
	return (ssize_t)done;
}

/* 1 with @n bytes at @offset in the window, 0 if the file ends before, -errno. */
static int window_show(struct sp_segment_file *file, uint64_t offset, size_t n,
		       const uint8_t **ret_bytes)
{
	size_t want = n > WINDOW ? n : WINDOW;
	ssize_t got;

	if (offset < file->window_at || offset + n > file->window_at + file->window_n) {
		if (want > file->window_room) {
			uint8_t *bigger = realloc(file->window, want);

			if (!bigger)
				return -ENOMEM;
			file->window = bigger;
			file->window_room = want;
		}
		file->window_n = 0;
		got = read_at(file->fd, file->window, want, offset);
		if (got < 0)
			return (int)got;
		file->window_at = offset;
		file->window_n = (size_t)got;
		if (file->window_n < n)
			return 0;
	}
	*ret_bytes = file->window + (offset - file->window_at);
	return 1;
}

int sp_segment_open(struct sp_segment_file *file, int directory, uint64_t sequence,
		    struct sp_err *err)
{
	char name[SP_SEGMENT_NAME_SIZE];
	const uint8_t *block;
	struct stat st;
	int ret;

	memset(file, 0, sizeof(*file));
	file->sequence = sequence;
	sp_segment_name(sequence, name);
	file->fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return sp_err_set(err, -errno, "%s: %s", name, strerror(errno));
	if (fstat(file->fd, &st)) {
		ret = sp_err_set(err, -errno, "%s: %s", name, strerror(errno));
		goto err_close;
	}
	file->size = (uint64_t)st.st_size;
	ret = window_show(file, 0, SP_BLOCK, &block);
	if (ret < 0) {
		sp_err_set(err, ret, "%s: %s", name, strerror(-ret));
		goto err_close;
	}
	if (!ret) {
		ret = sp_err_set(err, -EBADMSG, "%s: shorter than its header", name);
		goto err_close;
	}
	ret = sp_segment_header_parse(block, &file->header, err);
	if (ret) {
		sp_err_prefix(err, ret, "%s", name);
		goto err_close;
	}
	if (file->header.sequence != sequence) {
		ret = sp_err_set(err, -EBADMSG, "%s: its header says segment %" PRIu64
				 "; the file was renamed", name, file->header.sequence);
		goto err_close;
	}
	file->seed = sp_segment_seed(file->header.uuid);
	return 0;

err_close:
	sp_segment_close(file);
	return ret;
}

void sp_segment_close(struct sp_segment_file *file)
{
	if (file->fd < 0)
		return;
	free(file->window);
	close(file->fd);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

void sp_segment_refresh(struct sp_segment_file *file)
{
	file->window_n = 0;
}

int sp_segment_batch(struct sp_segment_file *file, uint64_t offset, struct sp_batch *ret_batch)
{
	const uint8_t *bytes;
	size_t n;
	int ret;

	ret = window_show(file, offset, SP_BLOCK, &bytes);
	if (ret <= 0)
		return ret;
	n = sp_batch_peek(bytes);
	if (!n)
		return 0;
	ret = window_show(file, offset, n, &bytes);
	if (ret <= 0)
		return ret;
	return sp_batch_parse(bytes, n, file->seed, ret_batch);
}

int sp_segment_look(struct sp_segment_file *file, const struct sp_segment_position *position,
		    struct sp_batch *ret_batch)
{
	struct sp_batch batch;
	int ret;

	if (position->sealed)
		return 0;
	ret = sp_segment_batch(file, position->offset, &batch);
	if (ret <= 0)
		return ret;
	if (batch.sequence != position->batches || batch.first_index != position->records)
		return 0;
	*ret_batch = batch;
	return 1;
}

void sp_segment_pass(struct sp_segment_position *position, const struct sp_batch *batch)
{
	struct sp_batch_record record;
	uint32_t cursor = 0;

	while (sp_batch_next(batch, &cursor, &record))
		position->bytes += record.size;
	position->offset += sp_batch_padded(batch->used);
	position->batches = batch->sequence + 1;
	position->records = batch->first_index + batch->records;
	position->sealed = batch->flags & SP_BATCH_SEAL;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, n - 1);
}

int sp_segment_judge(struct sp_segment_file *file, const struct sp_segment_position *position,
		     void (*progress)(void *arg, uint64_t offset), void *arg,
		     struct sp_segment_tail *ret_tail)
{
	struct sp_segment_tail tail = { .end = position->offset };
	uint64_t offset = position->offset;
	const uint8_t *block;
	struct sp_batch batch;
	struct stat st;
	int ret;

	for (; !position->sealed; offset += SP_BLOCK) {
		ret = window_show(file, offset, SP_BLOCK, &block);
		if (ret < 0)
			return ret;
		if (!ret) {
			/* Less than a block: the file was cut, and not by its writer. */
			if (!fstat(file->fd, &st) && offset < (uint64_t)st.st_size)
				tail.end = (uint64_t)st.st_size;
			break;
		}
		if (progress && !(offset % WINDOW))
			progress(arg, offset);
		if (is_zero(block, SP_BLOCK))
			continue;
		tail.end = offset + SP_BLOCK;
		ret = sp_segment_batch(file, offset, &batch);
		if (ret < 0)
			return ret;
		if (!ret || batch.sequence < position->batches ||
		    batch.acknowledged <= position->records)
			continue;
		tail.corrupt = true;
		tail.resume = *position;
		tail.resume.offset = offset;
		tail.resume.batches = batch.sequence;
		tail.resume.records = batch.first_index;
		break;
	}
	*ret_tail = tail;
	return 0;
}
