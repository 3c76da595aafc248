/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PORT: disk. Durable writes into pre-zeroed segments. Implementations: uring.c, posix.c; in tests
 * one that fails and one that loses power.
 *
 * The writer hands over its buffers at open; a commit is one buffer written at one place and then
 * flushed. Commits complete in any order. A short write is an error. After any error the writer
 * stops for good, so a disk need not recover.
 *
 * Threads: prepare may run on a thread of its own beside the others; all others on one.
 */
#ifndef SP_JOURNAL_DISK_H
#define SP_JOURNAL_DISK_H

#include <stddef.h>
#include <stdint.h>

struct sp_disk;
struct sp_err;

enum { SP_DISK_BUFFERS_MAX = 8 };

struct sp_disk_buffer {
	uint8_t *bytes; /* aligned to SP_BLOCK; outlives the disk */
	size_t size;	/* a multiple of SP_BLOCK */
};

struct sp_disk_config {
	int directory;	  /* descriptor; outlives the disk */
	const char *path; /* for messages */
	struct sp_disk_buffer buffers[SP_DISK_BUFFERS_MAX];
	unsigned int buffers_n;
};

struct sp_disk_completion {
	unsigned int buffer;
	int result; /* 0: written and flushed; else -errno */
};

struct sp_disk_ops {
	const char *name;
	/* -ENOSYS, -EPERM, -EINVAL or -EOPNOTSUPP: this kind of disk does not work here. */
	int (*open)(const struct sp_disk_config *config, struct sp_disk **ret_disk,
		    struct sp_err *err);
	/* Waits for what is on its way. */
	void (*close)(struct sp_disk *disk);
	/* Makes the spare: see sp_directory_prepare. May take seconds. */
	int (*prepare)(struct sp_disk *disk, uint64_t size);
	/*
	 * Makes the spare the current segment: see sp_directory_publish. Nothing is on its way.
	 * @block is aligned to SP_BLOCK. 0 or -errno.
	 */
	int (*publish)(struct sp_disk *disk, uint64_t sequence, const uint8_t *block);
	/* Cuts the current segment to @size bytes and closes it. Nothing is on its way. */
	int (*finish)(struct sp_disk *disk, uint64_t size);
	/*
	 * Starts to write @n bytes (whole blocks) of a buffer at @offset, then to flush. The buffer
	 * is the disk's until its completion. 0 or -errno.
	 */
	int (*submit)(struct sp_disk *disk, unsigned int buffer, uint64_t offset, size_t n);
	/*
	 * Completions, up to @max; waits up to @timeout_ns for the first. Returns the count, or
	 * -errno if the disk itself fails.
	 */
	int (*reap)(struct sp_disk *disk, struct sp_disk_completion *completions, unsigned int max,
		    uint64_t timeout_ns);
};

struct sp_disk {
	const struct sp_disk_ops *ops;
};

extern const struct sp_disk_ops sp_disk_uring; /* without liburing: one that refuses */
extern const struct sp_disk_ops sp_disk_posix;

/* What this build has, best first, ending with NULL. */
extern const struct sp_disk_ops *const sp_disks[];

/* Opens the first of @disks (like sp_disks) that works here. 0 or -errno with @err filled. */
int sp_disk_open(const struct sp_disk_ops *const *disks, const struct sp_disk_config *config,
		 struct sp_disk **ret_disk, struct sp_err *err);

#endif
