/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "journal/directory.h"
#include "journal/scan.h"

/* A segment that was closed in peace is cut behind its seal: 1 with its record count, 0, -errno. */
static int find_seal(struct sp_segment_file *file, uint64_t *ret_records)
{
	struct sp_batch batch;
	int ret;

	if (file->size < 2 * SP_BLOCK || file->size % SP_BLOCK)
		return 0;
	ret = sp_segment_batch(file, file->size - SP_BLOCK, &batch);
	if (ret <= 0)
		return ret;
	if (!(batch.flags & SP_BATCH_SEAL) || batch.records)
		return 0;
	*ret_records = batch.first_index;
	return 1;
}

/* The file system takes back what the crashed writer had reserved and not used. */
static void trim(int directory, const struct sp_segment_file *file, uint64_t end)
{
	char name[SP_SEGMENT_NAME_SIZE];
	int fd;

	if (end >= file->size)
		return;
	fd = openat(directory, sp_segment_name(file->sequence, name), O_WRONLY | O_CLOEXEC);
	/* A read-only or sealed file keeps its zeros: only space is lost. */
	if (fd < 0 || ftruncate(fd, (off_t)end))
		sp_log(SP_LOG_INFO, "%s: cannot be trimmed: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int recover_segment(int directory, const char *path, struct sp_segment_file *file,
			   struct sp_recovery *recovery)
{
	struct sp_segment_position position = { .offset = SP_BLOCK };
	struct sp_segment_tail tail;
	struct sp_batch batch;
	char name[SP_SEGMENT_NAME_SIZE];
	int ret;

	memcpy(recovery->previous_uuid, file->header.uuid, 16);
	ret = find_seal(file, &recovery->previous_records);
	if (ret) {
		recovery->records += ret > 0 ? recovery->previous_records : 0;
		return ret < 0 ? ret : 0;
	}
	while ((ret = sp_segment_look(file, &position, &batch)) > 0)
		sp_segment_pass(&position, &batch);
	if (!ret)
		ret = sp_segment_judge(file, &position, NULL, NULL, &tail);
	if (ret < 0)
		return ret;
	recovery->previous_records = position.records;
	recovery->records += position.records;
	sp_segment_name(file->sequence, name);
	if (tail.corrupt) {
		recovery->corrupt_segments++;
		sp_log(SP_LOG_ERROR, "%s/%s: damaged after record %" PRIu64
		       "; run `sallyport journal verify`", path, name, position.records);
		return 0;
	}
	if (tail.end > position.offset) {
		recovery->torn_bytes += tail.end - position.offset;
		sp_log(SP_LOG_WARNING, "%s/%s: torn tail of %" PRIu64 " bytes after record %" PRIu64
		       ", as a crash leaves it", path, name, tail.end - position.offset,
		       position.records);
	}
	trim(directory, file, tail.end);
	return 0;
}

int sp_recover(int directory, const char *path, struct sp_recovery *ret_recovery,
	       struct sp_err *err)
{
	struct sp_recovery recovery = { .next_sequence = 1 };
	char name[SP_SEGMENT_NAME_SIZE];
	struct sp_segment_file file;
	uint64_t *sequences;
	struct sp_err why;
	int64_t n;
	int ret = 0;

	n = sp_directory_list(directory, &sequences);
	if (n < 0)
		return sp_err_set(err, (int)n, "%s: cannot list it: %s", path, strerror((int)-n));
	for (int64_t i = 0; i < n && !ret; i++) {
		recovery.next_sequence = sequences[i] + 1;
		memset(recovery.previous_uuid, 0, 16);
		recovery.previous_records = 0;
		ret = sp_segment_open(&file, directory, sequences[i], &why);
		if (!ret) {
			ret = recover_segment(directory, path, &file, &recovery);
			if (ret)
				sp_err_set(&why, ret, "%s: %s",
					   sp_segment_name(sequences[i], name), strerror(-ret));
			sp_segment_close(&file);
		}
		/* One bad file must not stop the appliance: it is named, and the rest goes on. */
		if (ret == -EBADMSG || ret == -ENOTSUP || ret == -EIO) {
			recovery.corrupt_segments++;
			sp_log(SP_LOG_ERROR, "%s/%s; run `sallyport journal verify`", path,
			       why.text);
			ret = 0;
		} else if (ret) {
			sp_err_set(err, ret, "%s/%s; see the disk", path, why.text);
		}
	}
	if (n)
		free(sequences);
	if (!ret)
		*ret_recovery = recovery;
	return ret;
}
