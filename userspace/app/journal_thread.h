/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal thread: inbox → journal → acknowledgements. An encounter counts only when its id has
 * been acknowledged: its record and all before it are durable.
 */
#ifndef SP_APP_JOURNAL_THREAD_H
#define SP_APP_JOURNAL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct sp_err;
struct sp_event;
struct sp_inbox;
struct sp_journal_thread;
struct sp_journal_writer;

struct sp_journal_thread_config {
	/* The thread's alone while it runs; the caller closes it. */
	struct sp_journal_writer *writer;
	struct sp_inbox *inbox;
	struct sp_event *wake;
	/* Acknowledged encounter ids are written here, a line each; -1: nowhere. */
	int ack_fd;
};

int sp_journal_thread_start(const struct sp_journal_thread_config *config,
			    struct sp_journal_thread **ret_thread, struct sp_err *err);
/* Makes what is in the inbox durable, ends. */
void sp_journal_thread_stop(struct sp_journal_thread *thread);
void sp_journal_thread_destroy(struct sp_journal_thread *thread);

/* True after the first write or flush error: nothing more becomes durable. @err gets the reason. */
bool sp_journal_thread_broken(struct sp_journal_thread *thread, struct sp_err *err);
uint64_t sp_journal_thread_acknowledged(const struct sp_journal_thread *thread);

#endif
