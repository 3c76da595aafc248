/* SPDX-License-Identifier: Apache-2.0 */
#include "app/journal_thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/stats.h"
#include "base/thread.h"
#include "journal/inbox.h"
#include "journal/journal.h"
#include "lane/encounter.h"

enum {
	BURST = 64,
	/* Ids of records that are appended and not yet acknowledged. */
	UNACKNOWLEDGED_MAX = 1024,
	WAIT_MS = 100,
};

struct sp_journal_thread {
	struct sp_journal_thread_config config;
	struct sp_encounter_id ids[UNACKNOWLEDGED_MAX];
	uint64_t appended, acknowledged; /* also the cookies */
	struct sp_err reason;
	_Atomic bool broken;
	struct sp_thread thread;
};

static void fail(struct sp_journal_thread *t)
{
	atomic_store_explicit(&t->broken, true, memory_order_release);
}

static void tell(struct sp_journal_thread *t, const struct sp_encounter_id *id)
{
	char line[SP_ENCOUNTER_ID_TEXT + 1];
	size_t len = strlen(sp_encounter_id_format(id, line));

	line[len++] = '\n';
	/* Shorter than PIPE_BUF: whole or not at all. A reader that is gone is its own affair. */
	if (write(t->config.ack_fd, line, len) < 0 && errno != EPIPE)
		sp_log(SP_LOG_WARNING, "acknowledgements: %s", strerror(errno));
}

/*
 * Moves records from the inbox into the journal's batches until there is none, or no room. Returns
 * whether the journal must be polled to get on.
 */
static bool append(struct sp_journal_thread *t)
{
	struct sp_inbox_record record;
	const uint8_t *bytes;

	while (t->appended - t->acknowledged < UNACKNOWLEDGED_MAX &&
	       (bytes = sp_inbox_peek(t->config.inbox, &record))) {
		int status = sp_journal_append(t->config.writer, record.type, bytes, record.size,
					       record.utc_ns, t->appended);

		/*
		 * EAGAIN, perhaps with nothing on its way: the next segment may still be in the
		 * making. EIO: the writer is broken, has said so in the log, and tells the poll
		 * why.
		 */
		if (status == -EAGAIN || status == -EIO)
			return true;
		if (status) {
			sp_err_set(&t->reason, status,
				   "journal: a record was refused: %s; see `sallyport "
				   "journal verify` and the disk's free space",
				   strerror(-status));
			sp_log(SP_LOG_ERROR, "%s", t->reason.text);
			fail(t);
			return false;
		}
		memcpy(t->ids[t->appended++ % UNACKNOWLEDGED_MAX].bytes, record.id,
		       sizeof(record.id));
		sp_inbox_release(t->config.inbox);
	}
	return t->appended != t->acknowledged;
}

static void acknowledge(struct sp_journal_thread *t, uint64_t timeout_ns)
{
	struct sp_journal_ack acks[BURST];
	int n = sp_journal_poll(t->config.writer, acks, BURST, timeout_ns, &t->reason);

	if (n < 0) {
		fail(t);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (t->config.ack_fd >= 0)
			tell(t, &t->ids[acks[i].cookie % UNACKNOWLEDGED_MAX]);
		sp_count(&t->acknowledged, 1);
	}
}

static void run(struct sp_thread *thread)
{
	struct sp_journal_thread *t = thread->arg;
	struct sp_inbox_record record;

	while (!atomic_load(&t->broken)) {
		if (append(t)) {
			acknowledge(t, WAIT_MS * SP_NS_PER_MS);
			continue;
		}
		if (atomic_load(&t->broken))
			return;
		/* Stop only with an empty inbox: what a lane closed is made durable. */
		sp_event_arm(t->config.wake);
		if (!sp_inbox_peek(t->config.inbox, &record)) {
			if (sp_thread_should_stop(thread)) {
				sp_event_disarm(t->config.wake);
				return;
			}
			sp_event_wait(t->config.wake, WAIT_MS * SP_NS_PER_MS);
		}
		sp_event_disarm(t->config.wake);
	}
}

int sp_journal_thread_start(const struct sp_journal_thread_config *config,
			    struct sp_journal_thread **ret_thread, struct sp_err *err)
{
	struct sp_journal_thread *t = calloc(1, sizeof(*t));
	int status = -ENOMEM;

	if (t) {
		t->config = *config;
		status = sp_thread_start(&t->thread, "journal", -1, run, t, config->wake);
	}
	if (status) {
		free(t);
		return sp_err_set(err, status, "journal thread: %s", strerror(-status));
	}
	*ret_thread = t;
	return 0;
}

void sp_journal_thread_stop(struct sp_journal_thread *t)
{
	sp_thread_stop(&t->thread);
}

void sp_journal_thread_destroy(struct sp_journal_thread *t)
{
	free(t);
}

bool sp_journal_thread_broken(struct sp_journal_thread *t, struct sp_err *err)
{
	if (!atomic_load_explicit(&t->broken, memory_order_acquire))
		return false;
	if (err)
		*err = t->reason;
	return true;
}

uint64_t sp_journal_thread_acknowledged(const struct sp_journal_thread *t)
{
	return sp_counter_read(&t->acknowledged);
}
