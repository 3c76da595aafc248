/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu_busy.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/setup.h"
#include "cuda/slot.h"

int __real_sp_slot_look(struct sp_slot *slot, struct sp_err *err);
int __real_sp_slot_face(struct sp_slot *slot, struct sp_err *err);
int __wrap_sp_slot_look(struct sp_slot *slot, struct sp_err *err);
int __wrap_sp_slot_face(struct sp_slot *slot, struct sp_err *err);

enum { TIMES_MAX = 1 << 17 }; /* between begin and end */

struct time {
	float begin, end; /* ms */
};

/* The backend's thread adds, the bench's begins and ends. */
static struct {
	pthread_mutex_t lock;
	bool counting;
	int error; /* the first one */
	struct sp_err why;
	cudaStream_t stream;
	cudaEvent_t origin;
	struct {
		cudaEvent_t begin, end;
		bool inside;
	} slots[SP_SLOTS_MAX];
	struct time *times;
	unsigned int n;
} busy = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What the slot had put in has ended, or the backend would not be here. */
static int collect(unsigned int slot, struct sp_err *err)
{
	struct time *time;
	int rc;

	if (!busy.slots[slot].inside)
		return 0;
	busy.slots[slot].inside = false;
	if (busy.n == TIMES_MAX)
		return sp_err_set(err, -ENOSPC, "more than %d batches", TIMES_MAX);
	time = &busy.times[busy.n];
	rc = SP_CUDA(err, cudaEventSynchronize(busy.slots[slot].end));
	if (!rc)
		rc = SP_CUDA(err, cudaEventElapsedTime(&time->begin, busy.origin,
						       busy.slots[slot].begin));
	if (!rc)
		rc = SP_CUDA(err,
			     cudaEventElapsedTime(&time->end, busy.origin, busy.slots[slot].end));
	busy.n += !rc;
	return rc;
}

static int count(struct sp_slot *slot, int (*work)(struct sp_slot *, struct sp_err *),
		 struct sp_err *err)
{
	bool counting;
	int rc;

	pthread_mutex_lock(&busy.lock);
	counting = busy.counting && !busy.error;
	if (counting)
		busy.error = collect(slot->index, &busy.why);
	if (counting && !busy.error)
		busy.error = SP_CUDA(&busy.why,
				     cudaEventRecord(busy.slots[slot->index].begin, slot->stream));
	rc = work(slot, err);
	if (counting && !busy.error)
		busy.error = SP_CUDA(&busy.why,
				     cudaEventRecord(busy.slots[slot->index].end, slot->stream));
	busy.slots[slot->index].inside = counting && !busy.error;
	pthread_mutex_unlock(&busy.lock);
	return rc;
}

int __wrap_sp_slot_look(struct sp_slot *slot, struct sp_err *err)
{
	return count(slot, __real_sp_slot_look, err);
}

int __wrap_sp_slot_face(struct sp_slot *slot, struct sp_err *err)
{
	return count(slot, __real_sp_slot_face, err);
}

/* Events live as long as the process. */
static int init(struct sp_err *err)
{
	int rc;

	busy.times = malloc(TIMES_MAX * sizeof(*busy.times));
	if (!busy.times)
		return sp_err_set(err, -ENOMEM, "out of memory");
	rc = SP_CUDA(err, cudaStreamCreateWithFlags(&busy.stream, cudaStreamNonBlocking));
	if (!rc)
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&busy.origin, cudaEventDefault));
	for (unsigned int i = 0; !rc && i < SP_SLOTS_MAX; i++) {
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&busy.slots[i].begin, cudaEventDefault));
		if (!rc)
			rc = SP_CUDA(err, cudaEventCreateWithFlags(&busy.slots[i].end,
								   cudaEventDefault));
	}
	return rc;
}

int gpu_busy_begin(struct sp_err *err)
{
	int rc = busy.times ? 0 : init(err);

	/* Times are told from here on: near, so that a float has them by the microsecond. */
	if (!rc)
		rc = SP_CUDA(err, cudaEventRecord(busy.origin, busy.stream));
	if (!rc)
		rc = SP_CUDA(err, cudaEventSynchronize(busy.origin));
	pthread_mutex_lock(&busy.lock);
	busy.counting = !rc;
	busy.error = 0;
	busy.n = 0;
	for (unsigned int i = 0; i < SP_SLOTS_MAX; i++)
		busy.slots[i].inside = false;
	pthread_mutex_unlock(&busy.lock);
	return rc;
}

static int by_begin(const void *a, const void *b)
{
	const struct time *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

static double union_of(struct time *times, unsigned int n)
{
	double sum = 0, until = 0;

	qsort(times, n, sizeof(*times), by_begin);
	for (unsigned int i = 0; i < n; i++) {
		double begin = (double)times[i].begin, end = (double)times[i].end;

		if (end <= until)
			continue;
		sum += end - (begin > until ? begin : until);
		until = end;
	}
	return sum / 1e3;
}

double gpu_busy_end(struct sp_err *err)
{
	double seconds;

	pthread_mutex_lock(&busy.lock);
	for (unsigned int i = 0; !busy.error && i < SP_SLOTS_MAX; i++)
		busy.error = collect(i, &busy.why);
	busy.counting = false;
	seconds = busy.error ? sp_err_set(err, busy.error, "%s", busy.why.text)
			     : union_of(busy.times, busy.n);
	pthread_mutex_unlock(&busy.lock);
	return seconds;
}
