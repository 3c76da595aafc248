/* SPDX-License-Identifier: Apache-2.0 */
/* The disk by pwrite and fdatasync: where io_uring or O_DIRECT is refused. A commit at a time. */
#include "journal/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "journal/directory.h"

struct posix_disk {
	struct sp_disk disk;
	int directory, fd;
	uint8_t *buffers[SP_DISK_BUFFERS_MAX];
	/* Done in submit, handed out by reap. */
	struct sp_disk_completion done[SP_DISK_BUFFERS_MAX];
	unsigned int done_n;
};

static int posix_open(const struct sp_disk_config *config, struct sp_disk **ret_disk,
		      struct sp_err *err)
{
	struct posix_disk *posix = calloc(1, sizeof(*posix));

	if (!posix)
		return sp_err_set(err, -ENOMEM, "%s: no memory", config->path);
	posix->disk.ops = &sp_disk_posix;
	posix->directory = config->directory;
	posix->fd = -1;
	for (unsigned int i = 0; i < config->buffers_n; i++)
		posix->buffers[i] = config->buffers[i].bytes;
	*ret_disk = &posix->disk;
	return 0;
}

static void posix_close(struct sp_disk *disk)
{
	struct posix_disk *posix = (struct posix_disk *)disk;

	if (posix->fd >= 0)
		close(posix->fd);
	free(posix);
}

static int posix_prepare(struct sp_disk *disk, uint64_t size)
{
	return sp_directory_prepare(((struct posix_disk *)disk)->directory, size);
}

static int posix_publish(struct sp_disk *disk, uint64_t sequence, const uint8_t *block)
{
	struct posix_disk *posix = (struct posix_disk *)disk;
	int fd = sp_directory_publish(posix->directory, sequence, block, 0);

	if (fd < 0)
		return fd;
	posix->fd = fd;
	return 0;
}

static int posix_finish(struct sp_disk *disk, uint64_t size)
{
	struct posix_disk *posix = (struct posix_disk *)disk;
	int ret = ftruncate(posix->fd, (off_t)size) ? -errno : 0;

	close(posix->fd);
	posix->fd = -1;
	return ret;
}

static int write_and_flush(int fd, const uint8_t *bytes, size_t n, uint64_t offset)
{
	ssize_t got;

	do {
		got = pwrite(fd, bytes, n, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if ((size_t)got != n)
		return -EIO;
	return fdatasync(fd) ? -errno : 0;
}

static int posix_submit(struct sp_disk *disk, unsigned int buffer, uint64_t offset, size_t n)
{
	struct posix_disk *posix = (struct posix_disk *)disk;

	posix->done[posix->done_n++] = (struct sp_disk_completion){
		.buffer = buffer,
		.result = write_and_flush(posix->fd, posix->buffers[buffer], n, offset),
	};
	return 0;
}

static int posix_reap(struct sp_disk *disk, struct sp_disk_completion *completions,
		      unsigned int max, uint64_t timeout_ns)
{
	struct posix_disk *posix = (struct posix_disk *)disk;
	unsigned int n = posix->done_n < max ? posix->done_n : max;

	(void)timeout_ns;
	for (unsigned int i = 0; i < n; i++)
		completions[i] = posix->done[i];
	for (unsigned int i = n; i < posix->done_n; i++)
		posix->done[i - n] = posix->done[i];
	posix->done_n -= n;
	return (int)n;
}

const struct sp_disk_ops sp_disk_posix = {
	.name = "posix",
	.open = posix_open,
	.close = posix_close,
	.prepare = posix_prepare,
	.publish = posix_publish,
	.finish = posix_finish,
	.submit = posix_submit,
	.reap = posix_reap,
};
