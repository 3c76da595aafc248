/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails and loses power, by seed. What it has made durable is in the real files of the
 * directory, so that the real reader, verify and recovery look at it; what it has only accepted is
 * in memory. A commit passes through three stages, each commit at its own pace:
 *
 *	submitted ──▶ in the volatile cache ──▶ flushed, completed
 *
 * A flush makes everything in the cache durable. At a power loss each 512-byte sector that is on
 * its way or in the cache reaches the disk or not.
 */
#ifndef SP_TESTS_JOURNAL_SIM_DISK_H
#define SP_TESTS_JOURNAL_SIM_DISK_H

#include "journal/directory.h"
#include "unit/journal/fixture.h"

enum sim_stage { SIM_IDLE, SIM_SUBMITTED, SIM_CACHED };

enum sim_fault {
	SIM_NO_FAULT,
	SIM_WRITE_EIO,
	SIM_SHORT_WRITE,
	SIM_FLUSH_EIO,
	SIM_SUBMIT_EIO,
	SIM_NO_SPACE,	/* of prepare, from then on until it is lifted */
	SIM_POWER_LOSS, /* in the middle of an operation */
};

/* Set by the test before the writer opens; the disk reads and updates it. */
struct sim {
	uint64_t random;
	enum sim_fault fault;
	uint64_t fault_at;	/* the operation that fails: they count from 1 */
	bool in_order;		/* commits complete in the order of submission, at once */
	bool lies;		/* a flush in eight does nothing: a bug that must be found */
	/* What happened. */
	uint64_t operations, commits, prepares, cached_at_loss;
	bool off; /* power is */
	bool out_of_order; /* a later commit completed before an earlier one */
	unsigned int in_flight, in_flight_max;
};

static struct sim sim;

struct sim_commit {
	enum sim_stage stage;
	uint64_t number, offset;
	size_t n;
	uint8_t *copy;
	int result;
};

struct sim_disk {
	struct sp_disk disk;
	int directory, fd;
	struct sp_disk_buffer buffers[SP_DISK_BUFFERS_MAX];
	struct sim_commit commits[SP_DISK_BUFFERS_MAX];
};

static const struct sp_disk_ops sim_disk_ops;
UNUSED static const struct sp_disk_ops *const sim_disks[] = { &sim_disk_ops, NULL };
UNUSED static const struct sp_journal_backend sim_backend = { sim_disks, false };

static uint64_t sim_chance(uint64_t n)
{
	return next_random(&sim.random) % n;
}

static void sim_write(int fd, const uint8_t *bytes, size_t n, uint64_t offset)
{
	if (pwrite(fd, bytes, n, (off_t)offset) != (ssize_t)n)
		abort();
}

/* Some sectors of it, all or none. */
static void sim_write_torn(int fd, const uint8_t *bytes, size_t n, uint64_t offset)
{
	uint64_t of_four = sim_chance(5);

	for (size_t at = 0; at < n; at += 512)
		if (sim_chance(4) < of_four)
			sim_write(fd, bytes + at, 512, offset + at);
}

static void sim_lose_power(struct sim_disk *disk)
{
	for (unsigned int i = 0; i < SP_DISK_BUFFERS_MAX; i++) {
		struct sim_commit *commit = &disk->commits[i];

		if (commit->stage == SIM_IDLE)
			continue;
		sim.cached_at_loss++;
		if (disk->fd >= 0)
			sim_write_torn(disk->fd, commit->copy, commit->n, commit->offset);
	}
	sim.off = true;
}

/* True if this operation is the one that fails. */
static bool sim_operation(enum sim_fault fault)
{
	sim.operations++;
	return sim.fault == fault && sim.operations >= sim.fault_at && sim.fault_at;
}

static int sim_open(const struct sp_disk_config *config, struct sp_disk **ret_disk,
		    struct sp_err *err)
{
	struct sim_disk *disk = calloc(1, sizeof(*disk));

	(void)err;
	if (!disk)
		return -ENOMEM;
	disk->disk.ops = &sim_disk_ops;
	disk->directory = config->directory;
	disk->fd = -1;
	for (unsigned int i = 0; i < config->buffers_n; i++) {
		disk->buffers[i] = config->buffers[i];
		disk->commits[i].copy = malloc(config->buffers[i].size);
		if (!disk->commits[i].copy)
			abort();
	}
	*ret_disk = &disk->disk;
	return 0;
}

static void sim_close(struct sp_disk *base)
{
	struct sim_disk *disk = (struct sim_disk *)base;

	for (unsigned int i = 0; i < SP_DISK_BUFFERS_MAX; i++)
		free(disk->commits[i].copy);
	if (disk->fd >= 0)
		close(disk->fd);
	free(disk);
}

static int sim_prepare(struct sp_disk *base, uint64_t size)
{
	struct sim_disk *disk = (struct sim_disk *)base;
	struct stat st;
	int fd;

	if (sim.off)
		return -EIO;
	sim.prepares++;
	if (sim_operation(SIM_NO_SPACE))
		return -ENOSPC;
	if (sim.fault == SIM_POWER_LOSS && sim.operations == sim.fault_at) {
		fd = openat(disk->directory, "spare.tmp", O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)sim_chance(size)))
			abort();
		close(fd);
		sim_lose_power(disk);
		return -EIO;
	}
	if (!fstatat(disk->directory, "spare.spj", &st, 0) && (uint64_t)st.st_size == size)
		return 0;
	/* Zeros, without the wait for a real disk. */
	fd = openat(disk->directory, "spare.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	close(fd);
	return renameat(disk->directory, "spare.tmp", disk->directory, "spare.spj") ? -errno : 0;
}

static int sim_publish(struct sp_disk *base, uint64_t sequence, const uint8_t *block)
{
	struct sim_disk *disk = (struct sim_disk *)base;
	char name[SP_SEGMENT_NAME_SIZE];
	int fd;

	if (sim.off)
		return -EIO;
	fd = openat(disk->directory, "spare.spj", O_RDWR);
	if (fd < 0)
		return -errno;
	if (sim_operation(SIM_POWER_LOSS)) {
		/* Before the header's flush any sectors; behind it the name may be the old one. */
		if (sim_chance(2)) {
			sim_write_torn(fd, block, SP_BLOCK, 0);
		} else {
			sim_write(fd, block, SP_BLOCK, 0);
			if (sim_chance(2) && renameat(disk->directory, "spare.spj", disk->directory,
						      sp_segment_name(sequence, name)))
				abort();
		}
		close(fd);
		sim_lose_power(disk);
		return -EIO;
	}
	sim_write(fd, block, SP_BLOCK, 0);
	if (renameat(disk->directory, "spare.spj", disk->directory,
		     sp_segment_name(sequence, name))) {
		close(fd);
		return -errno;
	}
	disk->fd = fd;
	return 0;
}

static int sim_finish(struct sp_disk *base, uint64_t size)
{
	struct sim_disk *disk = (struct sim_disk *)base;
	bool loss = false;

	if (sim.off)
		return -EIO;
	loss = sim_operation(SIM_POWER_LOSS);
	if ((!loss || sim_chance(2)) && ftruncate(disk->fd, (off_t)size))
		abort();
	close(disk->fd);
	disk->fd = -1;
	if (loss)
		sim_lose_power(disk);
	return loss ? -EIO : 0;
}

static int sim_submit(struct sp_disk *base, unsigned int buffer, uint64_t offset, size_t n)
{
	struct sim_disk *disk = (struct sim_disk *)base;
	struct sim_commit *commit = &disk->commits[buffer];

	if (sim.off)
		return -EIO;
	/* The writer's promises to the port. */
	if (commit->stage != SIM_IDLE || offset % SP_BLOCK || n % SP_BLOCK || !n ||
	    n > disk->buffers[buffer].size)
		abort();
	if (sim_operation(SIM_SUBMIT_EIO))
		return -EIO;
	memcpy(commit->copy, disk->buffers[buffer].bytes, n);
	commit->stage = SIM_SUBMITTED;
	if (++sim.in_flight > sim.in_flight_max)
		sim.in_flight_max = sim.in_flight;
	commit->number = ++sim.commits;
	commit->offset = offset;
	commit->n = n;
	commit->result = 0;
	if (sim.fault == SIM_POWER_LOSS && sim.operations == sim.fault_at) {
		sim_lose_power(disk);
		return -EIO;
	}
	return 0;
}

/* One commit makes one step; true if that completes it. */
static bool sim_step(struct sim_disk *disk, struct sim_commit *commit)
{
	bool lie;

	if (commit->stage == SIM_SUBMITTED) {
		bool is_short = sim_operation(SIM_SHORT_WRITE);

		if (is_short || (sim.operations--, sim_operation(SIM_WRITE_EIO))) {
			if (is_short)
				sim_write(disk->fd, commit->copy, commit->n / 2, commit->offset);
			commit->result = -EIO;
			commit->stage = SIM_IDLE;
			return true;
		}
		commit->stage = SIM_CACHED;
		return false;
	}
	if (sim_operation(SIM_FLUSH_EIO)) {
		/* Part of it may have arrived, and the kernel forgets the rest. */
		sim_write_torn(disk->fd, commit->copy, commit->n, commit->offset);
		commit->result = -EIO;
		commit->stage = SIM_IDLE;
		return true;
	}
	lie = sim.lies && !sim_chance(8);
	for (unsigned int i = 0; i < SP_DISK_BUFFERS_MAX; i++) {
		struct sim_commit *other = &disk->commits[i];

		if (other->stage == SIM_CACHED && !lie)
			sim_write(disk->fd, other->copy, other->n, other->offset);
		sim.out_of_order |= other->stage != SIM_IDLE && other->number < commit->number;
	}
	commit->stage = SIM_IDLE;
	return true;
}

static int sim_reap(struct sp_disk *base, struct sp_disk_completion *completions, unsigned int max,
		    uint64_t timeout_ns)
{
	struct sim_disk *disk = (struct sim_disk *)base;
	unsigned int n = 0;
	uint64_t steps = timeout_ns ? 1 + sim_chance(6) : sim_chance(3);

	for (; steps && n < max && !sim.off; steps--) {
		struct sim_commit *commit = NULL;
		unsigned int first = (unsigned)sim_chance(SP_DISK_BUFFERS_MAX);

		for (unsigned int i = 0; i < SP_DISK_BUFFERS_MAX; i++) {
			struct sim_commit *other =
				&disk->commits[(first + i) % SP_DISK_BUFFERS_MAX];

			if (other->stage != SIM_IDLE &&
			    (!commit || (sim.in_order && other->number < commit->number)))
				commit = other;
		}
		if (!commit)
			break;
		if (sim_operation(SIM_POWER_LOSS)) {
			sim_lose_power(disk);
			break;
		}
		if (!sim_step(disk, commit))
			continue;
		sim.in_flight--;
		completions[n].buffer = (unsigned)(commit - disk->commits);
		completions[n++].result = commit->result;
	}
	if (sim.off)
		return -EIO;
	return (int)n;
}

static const struct sp_disk_ops sim_disk_ops = {
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.prepare = sim_prepare,
	.publish = sim_publish,
	.finish = sim_finish,
	.submit = sim_submit,
	.reap = sim_reap,
};

#endif
