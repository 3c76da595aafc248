/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: append-only segments in one directory, one writer, any number of readers.
 *
 * A record is acknowledged when its bytes and everything before them are durable (write →
 * fdatasync). After the first write or flush error the writer is broken for good and says so;
 * nothing is retried, since the kernel may have dropped the dirty pages.
 */
#ifndef SP_JOURNAL_JOURNAL_H
#define SP_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"
#include "journal/record.h"

struct sp_err;
struct sp_journal_writer;
struct sp_journal_reader;

struct sp_journal_config {
	const char *directory;	  /* made with mode 0700 if absent; refused if others may enter */
	uint64_t segment_size;	  /* bytes; 0: 64 MiB */
	unsigned int in_flight;	  /* commits on their way to the disk: 1 … 4; 0: 4 */
	size_t batch_size;	  /* bytes of one commit at most; 0: 2 MiB */
	bool no_uring;		  /* pwrite and fdatasync even where io_uring works */
};

struct sp_journal_counters {
	uint64_t records, bytes;      /* acknowledged */
	uint64_t commits;	      /* write + fdatasync pairs */
	uint64_t refused;	      /* appends turned away: full or broken */
	uint64_t segments;	      /* opened by this writer */
	uint64_t recovered_records;   /* found valid at open */
	uint64_t torn_bytes;	      /* behind the last intact batch, found at open */
	uint64_t corrupt_segments;    /* found at open, left as they are */
};

extern const struct sp_counter sp_journal_counter_table[];
extern const size_t sp_journal_counter_table_n;

/* A record's place for ever: unique in the directory, growing. */
struct sp_record_place {
	uint64_t segment; /* sequence number of the segment */
	uint64_t index;	  /* of the record in it */
};

/*
 * Locks the directory (-EBUSY if another instance has it), recovers what is there, opens a new
 * segment. All calls from one thread.
 */
int sp_journal_writer_open(const struct sp_journal_config *config,
			   struct sp_journal_writer **ret_writer, struct sp_err *err);
/* Commits and waits for what was appended, then closes. */
void sp_journal_writer_close(struct sp_journal_writer *writer);

/*
 * Copies the record into the current batch. @cookie comes back with the acknowledgement.
 * 0, -EAGAIN if the batches are full (call poll, then again), -EIO once the writer is broken,
 * -EMSGSIZE if the record is too large, -ENOSPC if the disk has no room for another segment.
 */
int sp_journal_append(struct sp_journal_writer *writer, enum sp_record_type type, const void *bytes,
		      size_t size, uint64_t utc_ns, uint64_t cookie);

struct sp_journal_ack {
	uint64_t cookie;
	struct sp_record_place place;
};

/*
 * Submits the batch if a commit is free, collects acknowledgements in the order of the appends;
 * waits up to @timeout_ns for the first if something is on its way (or if the last append was
 * refused because the next segment is still being zeroed). Returns the count, or -EIO once the
 * writer is broken with @err filled.
 */
int sp_journal_poll(struct sp_journal_writer *writer, struct sp_journal_ack *acks, unsigned int max,
		    uint64_t timeout_ns, struct sp_err *err);

const struct sp_journal_counters *
sp_journal_writer_counters(const struct sp_journal_writer *writer);

/*
 * Readers need no lock and see what was acknowledged at the time of the call and maybe more.
 * -ENOENT if there is no journal in @directory.
 */
int sp_journal_reader_open(const char *directory, struct sp_journal_reader **ret_reader,
			   struct sp_err *err);
void sp_journal_reader_close(struct sp_journal_reader *reader);

struct sp_record_view {
	struct sp_record_place place;
	enum sp_record_type type;
	uint64_t utc_ns;
	const uint8_t *bytes; /* valid until the next call on this reader */
	size_t size;
};

/*
 * The next record in order of writing: 1, 0 at the end (a later call sees what was added
 * meanwhile), -errno with @err filled on damage. After -EBADMSG or -ENOTSUP, which each damaged
 * place gives once, the next call goes on behind the damage; any other error may come again.
 */
int sp_journal_reader_next(struct sp_journal_reader *reader, struct sp_record_view *ret_record,
			   struct sp_err *err);

struct sp_journal_report {
	uint64_t segments, records, bytes;
	uint64_t torn_segments; /* end in a torn tail: what a crash leaves, no acknowledged loss */
	uint64_t corrupt_segments; /* damage before valid data */
};

/*
 * Reads every byte. 0 if all is well (torn tails included), -EBADMSG with @err naming the first
 * corrupt place, another -errno if it cannot read (-ENOENT: no journal). The report is filled for 0
 * and -EBADMSG. @progress (may be NULL) is called now and then, in bytes. A writer may be at work.
 */
int sp_journal_verify(const char *directory, struct sp_journal_report *ret_report,
		      void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
		      struct sp_err *err);

#endif
