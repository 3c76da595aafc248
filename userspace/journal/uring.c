/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk by io_uring: O_DIRECT from registered buffers into a registered file; each commit is a
 * write linked to a flush, so that the kernel starts the flush when the write is done and not
 * before, and leaves it out when the write fails or is short.
 */
#include "journal/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <liburing.h>

#include "base/clock.h"
#include "base/diag.h"
#include "journal/directory.h"

enum {
	ENTRIES = 4 * SP_DISK_BUFFERS_MAX, /* a write and a flush a buffer, with room to spare */
	FILE_SLOT = 0,
};

struct uring_commit {
	unsigned int pending; /* completions to come: write, flush */
	size_t n;
	int result;
};

struct uring_disk {
	struct sp_disk disk;
	struct io_uring ring;
	int directory, fd;
	bool registered; /* buffers; RLIMIT_MEMLOCK may forbid it */
	uint8_t *buffers[SP_DISK_BUFFERS_MAX];
	struct uring_commit commits[SP_DISK_BUFFERS_MAX];
	unsigned int pending; /* completions to come, of all commits */
};

/* tmpfs and some network file systems do not know O_DIRECT: the open says so. */
static int probe_direct(int directory)
{
	int fd = openat(directory, "probe.tmp", O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	int ret = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	unlinkat(directory, "probe.tmp", 0);
	return ret;
}

static int uring_open(const struct sp_disk_config *config, struct sp_disk **ret_disk,
		      struct sp_err *err)
{
	struct iovec iov[SP_DISK_BUFFERS_MAX];
	struct uring_disk *uring;
	const int none = -1;
	int ret;

	ret = probe_direct(config->directory);
	if (ret)
		return sp_err_set(err, ret, "%s: O_DIRECT: %s", config->path, strerror(-ret));
	uring = calloc(1, sizeof(*uring));
	if (!uring)
		return sp_err_set(err, -ENOMEM, "%s: no memory", config->path);
	ret = io_uring_queue_init(ENTRIES, &uring->ring, 0);
	if (ret) {
		/* A locked-memory limit too small for the ring is a refusal like any other. */
		ret = ret == -ENOMEM ? -EPERM : ret;
		sp_err_set(err, ret, "%s: io_uring: %s", config->path, strerror(-ret));
		goto err_free;
	}
	ret = io_uring_register_files(&uring->ring, &none, 1);
	if (ret) {
		sp_err_set(err, ret, "%s: io_uring files: %s", config->path, strerror(-ret));
		goto err_exit;
	}
	for (unsigned int i = 0; i < config->buffers_n; i++) {
		uring->buffers[i] = config->buffers[i].bytes;
		iov[i] = (struct iovec){ config->buffers[i].bytes, config->buffers[i].size };
	}
	ret = io_uring_register_buffers(&uring->ring, iov, config->buffers_n);
	uring->registered = !ret;
	if (ret)
		sp_log(SP_LOG_INFO, "%s: io_uring buffers are not registered (%s): slower; raise "
		       "RLIMIT_MEMLOCK", config->path, strerror(-ret));
	uring->disk.ops = &sp_disk_uring;
	uring->directory = config->directory;
	uring->fd = -1;
	*ret_disk = &uring->disk;
	return 0;

err_exit:
	io_uring_queue_exit(&uring->ring);
err_free:
	free(uring);
	return ret;
}

static int uring_prepare(struct sp_disk *disk, uint64_t size)
{
	return sp_directory_prepare(((struct uring_disk *)disk)->directory, size);
}

static int uring_publish(struct sp_disk *disk, uint64_t sequence, const uint8_t *block)
{
	struct uring_disk *uring = (struct uring_disk *)disk;
	int fd, ret;

	fd = sp_directory_publish(uring->directory, sequence, block, O_DIRECT);
	if (fd < 0)
		return fd;
	ret = io_uring_register_files_update(&uring->ring, FILE_SLOT, &fd, 1);
	if (ret != 1) {
		close(fd);
		return ret < 0 ? ret : -EIO;
	}
	uring->fd = fd;
	return 0;
}

static int uring_finish(struct sp_disk *disk, uint64_t size)
{
	struct uring_disk *uring = (struct uring_disk *)disk;
	int ret = ftruncate(uring->fd, (off_t)size) ? -errno : 0;
	int none = -1;

	io_uring_register_files_update(&uring->ring, FILE_SLOT, &none, 1);
	close(uring->fd);
	uring->fd = -1;
	return ret;
}

static int uring_submit(struct sp_disk *disk, unsigned int buffer, uint64_t offset, size_t n)
{
	struct uring_disk *uring = (struct uring_disk *)disk;
	struct uring_commit *commit = &uring->commits[buffer];
	struct io_uring_sqe *sqe;
	int ret;

	/* At most two entries a buffer are ever in the queue, which is larger: never NULL. */
	sqe = io_uring_get_sqe(&uring->ring);
	if (uring->registered)
		io_uring_prep_write_fixed(sqe, FILE_SLOT, uring->buffers[buffer], (unsigned)n,
					  offset, (int)buffer);
	else
		io_uring_prep_write(sqe, FILE_SLOT, uring->buffers[buffer], (unsigned)n, offset);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, 2 * buffer);
	sqe = io_uring_get_sqe(&uring->ring);
	io_uring_prep_fsync(sqe, FILE_SLOT, IORING_FSYNC_DATASYNC);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, 2 * buffer + 1);
	*commit = (struct uring_commit){ .n = n };
	while (commit->pending < 2) {
		ret = io_uring_submit(&uring->ring);
		if (ret == -EINTR)
			continue;
		if (ret <= 0)
			return ret ? ret : -EIO;
		commit->pending += (unsigned)ret;
		uring->pending += (unsigned)ret;
	}
	return 0;
}

/* True if its commit is complete. */
static bool take_cqe(struct uring_disk *uring, const struct io_uring_cqe *cqe,
		     struct sp_disk_completion *completion)
{
	struct uring_commit *commit;
	bool is_flush = cqe->user_data & 1;
	int result = cqe->res;

	/* The timeout that an old kernel needs for a bounded wait comes back as a completion. */
	if (cqe->user_data >= 2 * SP_DISK_BUFFERS_MAX)
		return false;
	commit = &uring->commits[cqe->user_data / 2];
	if (!is_flush && result >= 0)
		result = (size_t)result == commit->n ? 0 : -EIO;
	/* A flush that was left out says ECANCELED; the write's own error tells more. */
	if (result < 0 && (!commit->result || commit->result == -ECANCELED))
		commit->result = result;
	uring->pending--;
	if (--commit->pending)
		return false;
	completion->buffer = (unsigned)(cqe->user_data / 2);
	completion->result = commit->result;
	return true;
}

static int uring_reap(struct sp_disk *disk, struct sp_disk_completion *completions,
		      unsigned int max, uint64_t timeout_ns)
{
	struct uring_disk *uring = (struct uring_disk *)disk;
	uint64_t end_ns = sp_clock_now() + timeout_ns, now_ns;
	struct io_uring_cqe *cqe;
	unsigned int n = 0;
	int ret;

	while (n < max && uring->pending) {
		ret = io_uring_peek_cqe(&uring->ring, &cqe);
		if (ret == -EAGAIN) {
			struct __kernel_timespec limit;

			now_ns = sp_clock_now();
			if (n || now_ns >= end_ns)
				break;
			limit.tv_sec = (int64_t)((end_ns - now_ns) / SP_NS_PER_S);
			limit.tv_nsec = (int64_t)((end_ns - now_ns) % SP_NS_PER_S);
			ret = io_uring_wait_cqe_timeout(&uring->ring, &cqe, &limit);
			if (ret == -ETIME || ret == -EINTR || ret == -EAGAIN)
				continue;
		}
		if (ret)
			return ret;
		n += take_cqe(uring, cqe, &completions[n]);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
	return (int)n;
}

static void uring_close(struct sp_disk *disk)
{
	struct uring_disk *uring = (struct uring_disk *)disk;
	struct sp_disk_completion done;

	/* The kernel writes from the buffers until then. */
	while (uring->pending)
		if (uring_reap(disk, &done, 1, SP_NS_PER_S) < 0)
			break;
	io_uring_queue_exit(&uring->ring);
	if (uring->fd >= 0)
		close(uring->fd);
	free(uring);
}

const struct sp_disk_ops sp_disk_uring = {
	.name = "uring",
	.open = uring_open,
	.close = uring_close,
	.prepare = uring_prepare,
	.publish = uring_publish,
	.finish = uring_finish,
	.submit = uring_submit,
	.reap = uring_reap,
};
