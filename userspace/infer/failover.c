/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/failover.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/thread.h"
#include "infer/compute.h"
#include "infer/failover_config.h"
#include "infer/failover_gallery.h"

enum {
	REGIONS_MAX = 64,
	RETRY_FIRST_S = 1,
	RETRY_LAST_S = 60,
	WORK_PER_WORKER = 2, /* frames inside the second: as many as a CPU is busy with */
};

/* One of the two. The caller's thread has it, but for what the helper hands over. */
struct side {
	const struct sp_compute_ops *ops;
	struct sp_compute *compute; /* NULL: not open, or not ours now */
	unsigned int inside; /* results that have not been put, or not been polled yet */
	/* From the helper, opened and with all regions. */
	_Atomic(struct sp_compute *) opened;
};

struct failover {
	struct sp_compute base;
	char kernels[64]; /* base.info's: the first's own goes with it */
	struct sp_failover_config config; /* a copy of its own */
	struct side first, second;
	bool lost; /* the first is; nothing goes there */
	/* Asked of the helper: */
	_Atomic bool want_second;
	_Atomic(struct sp_compute *) to_close; /* the first, when nothing of it is out */
	struct sp_event wake;
	struct sp_thread helper;
	/* As registered; the caller's and the helper's. */
	pthread_mutex_t regions_lock;
	struct sp_region *regions[REGIONS_MAX];
	unsigned int regions_n;
	struct sp_failover_galleries galleries;
};

static struct failover *failover_of(struct sp_compute *compute)
{
	return (struct failover *)compute;
}

/* ---- the helper ------------------------------------------------------------------------------ */

/*
 * Opens what stands on @side, with all that the caller has registered, and hands it over. Under the
 * lock, so that a region which comes or goes meanwhile finds it either here or there.
 */
static int open_side(struct failover *f, struct side *side, struct sp_err *err)
{
	struct sp_compute *compute;
	int rc = side->ops->open(&f->config.config, &compute, err);

	if (rc)
		return rc;
	pthread_mutex_lock(&f->regions_lock);
	for (unsigned int i = 0; !rc && i < f->regions_n; i++)
		rc = compute->ops->register_region(compute, f->regions[i], err);
	if (!rc)
		atomic_store_explicit(&side->opened, compute, memory_order_release);
	pthread_mutex_unlock(&f->regions_lock);
	if (rc) {
		compute->ops->close(compute);
		return rc;
	}
	if (side == &f->first)
		sp_failover_galleries_serve(&f->galleries, compute);
	if (f->config.config.done)
		sp_event_signal(f->config.config.done);
	return 0;
}

static void open_second(struct failover *f)
{
	struct sp_err err;

	if (open_side(f, &f->second, &err))
		sp_log(SP_LOG_ERROR, "inference: backend '%s' cannot stand in for '%s': %s",
		       f->second.ops->name, f->first.ops->name, err.text);
	else
		sp_log(SP_LOG_WARNING, "inference: backend '%s' stands in for '%s'",
		       f->second.ops->name, f->first.ops->name);
}

/* Whether the first is back. Told only once why not. */
static bool reopen_first(struct failover *f, bool *complained)
{
	struct sp_err err;

	if (open_side(f, &f->first, &err)) {
		sp_log(*complained ? SP_LOG_DEBUG : SP_LOG_WARNING,
		       "inference: backend '%s' is not back: %s", f->first.ops->name, err.text);
		*complained = true;
		return false;
	}
	sp_log(SP_LOG_WARNING, "inference: backend '%s' is back", f->first.ops->name);
	return true;
}

static void help(struct sp_thread *thread)
{
	struct failover *f = thread->arg;
	bool reopen = false, complained = false;
	uint64_t retry_s = RETRY_FIRST_S, due = 0;

	while (!sp_thread_should_stop(thread)) {
		struct sp_compute *gone;
		uint64_t now, wait = 100 * SP_NS_PER_MS;

		if (atomic_exchange(&f->want_second, false))
			open_second(f);
		gone = atomic_exchange(&f->to_close, NULL);
		if (gone) {
			/* Here, since a search may be stuck in it for a while. */
			sp_failover_galleries_leave(&f->galleries, gone);
			gone->ops->close(gone);
			reopen = true;
			complained = false;
			retry_s = RETRY_FIRST_S;
			due = sp_clock_now() + retry_s * SP_NS_PER_S;
		}
		now = sp_clock_now();
		if (reopen && now >= due) {
			reopen = !reopen_first(f, &complained);
			retry_s = 2 * retry_s < RETRY_LAST_S ? 2 * retry_s : RETRY_LAST_S;
			due = sp_clock_now() + retry_s * SP_NS_PER_S;
			continue;
		}
		if (reopen && due - now < wait)
			wait = due - now;
		sp_event_arm(&f->wake);
		if (!atomic_load(&f->want_second) && !atomic_load(&f->to_close) &&
		    !sp_thread_should_stop(thread))
			sp_event_wait(&f->wake, reopen ? wait : SP_NS_PER_S);
		sp_event_disarm(&f->wake);
	}
}

/* ---- the caller's thread --------------------------------------------------------------------- */

/* What the helper has opened is ours from here on. */
static void take_opened(struct failover *f, struct side *side)
{
	struct sp_compute *opened;

	if (side->compute)
		return;
	opened = atomic_exchange_explicit(&side->opened, NULL, memory_order_acq_rel);
	if (!opened)
		return;
	side->compute = opened;
	if (side == &f->first)
		f->lost = false;
}

static void take_all_opened(struct failover *f)
{
	take_opened(f, &f->first);
	take_opened(f, &f->second);
}

static void lose_first(struct failover *f)
{
	if (f->lost)
		return;
	f->lost = true;
	sp_log(SP_LOG_ERROR,
	       "inference: backend '%s' lost its device; the frames inside are lost, backend '%s' "
	       "goes on",
	       f->first.ops->name, f->second.ops->name);
	if (!f->second.compute) {
		atomic_store(&f->want_second, true);
		sp_event_signal(&f->wake);
	}
}

/* Once nothing of it is out. */
static void give_up_first(struct failover *f)
{
	if (!f->lost || !f->first.compute || f->first.inside)
		return;
	atomic_store(&f->to_close, f->first.compute);
	f->first.compute = NULL;
	sp_event_signal(&f->wake);
}

static unsigned int submit_to(struct side *side, struct sp_frame *const *frames, unsigned int n)
{
	unsigned int taken = side->compute ? side->compute->ops->submit(side->compute, frames, n)
					   : 0;

	side->inside += taken;
	return taken;
}

static unsigned int failover_submit(struct sp_compute *compute, struct sp_frame *const *frames,
				    unsigned int n)
{
	struct failover *f = failover_of(compute);
	unsigned int room;

	take_all_opened(f);
	if (!f->lost)
		return submit_to(&f->first, frames, n);
	give_up_first(f);
	room = f->config.second_work > f->second.inside ? f->config.second_work - f->second.inside
							: 0;
	return submit_to(&f->second, frames, n < room ? n : room);
}

static unsigned int poll_from(struct failover *f, struct side *side, struct sp_result **results,
			      unsigned int max)
{
	struct sp_compute *compute = side->compute;
	unsigned int n = compute && max ? compute->ops->poll(compute, results, max) : 0;

	for (unsigned int i = 0; i < n; i++) {
		results[i]->owner = side;
		if (side == &f->first && results[i]->cause == SP_RESULT_LOST)
			lose_first(f);
	}
	return n;
}

static unsigned int failover_poll(struct sp_compute *compute, struct sp_result **results,
				  unsigned int max)
{
	struct failover *f = failover_of(compute);
	unsigned int n = poll_from(f, &f->first, results, max);

	return n + poll_from(f, &f->second, results + n, max - n);
}

static unsigned int release_from(struct side *side, struct sp_frame **frames, unsigned int max)
{
	struct sp_compute *compute = side->compute;

	return compute && compute->ops->release && max ? compute->ops->release(compute, frames, max)
						       : 0;
}

static unsigned int failover_release(struct sp_compute *compute, struct sp_frame **frames,
				     unsigned int max)
{
	struct failover *f = failover_of(compute);
	unsigned int n = release_from(&f->first, frames, max);

	return n + release_from(&f->second, frames + n, max - n);
}

static void failover_put(struct sp_compute *compute, struct sp_result *result)
{
	struct failover *f = failover_of(compute);
	struct side *side = result->owner;

	side->compute->ops->put(side->compute, result);
	side->inside--;
	give_up_first(f);
}

/* ---- the rest of the port -------------------------------------------------------------------- */

/* Where frames come from or are about to: the first, or both where the second has been opened. */
static int failover_register_region(struct sp_compute *compute, struct sp_region *region,
				    struct sp_err *err)
{
	struct failover *f = failover_of(compute);
	struct side *sides[] = { &f->first, &f->second };
	int rc = 0;

	pthread_mutex_lock(&f->regions_lock);
	take_all_opened(f);
	if (f->regions_n == REGIONS_MAX)
		rc = sp_err_set(err, -ENOSPC, "inference: more than %d regions", REGIONS_MAX);
	for (unsigned int i = 0; !rc && i < 2; i++)
		if (sides[i]->compute)
			rc = sides[i]->compute->ops->register_region(sides[i]->compute, region,
								     err);
	if (!rc)
		f->regions[f->regions_n++] = region;
	pthread_mutex_unlock(&f->regions_lock);
	return rc;
}

static void failover_forget_region(struct sp_compute *compute, struct sp_region *region)
{
	struct failover *f = failover_of(compute);
	struct side *sides[] = { &f->first, &f->second };
	unsigned int i = 0;

	pthread_mutex_lock(&f->regions_lock);
	take_all_opened(f);
	while (i < f->regions_n && f->regions[i] != region)
		i++;
	if (i < f->regions_n)
		f->regions[i] = f->regions[--f->regions_n];
	for (i = 0; i < 2; i++)
		if (sides[i]->compute && sides[i]->compute->ops->forget_region)
			sides[i]->compute->ops->forget_region(sides[i]->compute, region);
	pthread_mutex_unlock(&f->regions_lock);
}

static int failover_gallery_open(struct sp_compute *compute, const float *rows, uint32_t rows_n,
				 uint32_t size, struct sp_gallery **ret_gallery, struct sp_err *err)
{
	return sp_failover_gallery_open(&failover_of(compute)->galleries, rows, rows_n, size,
					ret_gallery, err);
}

static void failover_gallery_close(struct sp_compute *compute, struct sp_gallery *gallery)
{
	sp_failover_gallery_close(&failover_of(compute)->galleries, gallery);
}

static int failover_search(struct sp_compute *compute, const struct sp_gallery *gallery,
			   const float *queries, uint32_t queries_n, uint32_t k,
			   struct sp_hit *hits)
{
	return sp_failover_gallery_search(&failover_of(compute)->galleries, gallery, queries,
					  queries_n, k, hits);
}

static void close_one(struct sp_compute *compute)
{
	if (compute)
		compute->ops->close(compute);
}

static void failover_close(struct sp_compute *compute)
{
	struct failover *f = failover_of(compute);

	sp_thread_stop(&f->helper);
	sp_failover_galleries_uninit(&f->galleries);
	close_one(f->first.compute);
	close_one(f->second.compute);
	close_one(atomic_load(&f->first.opened));
	close_one(atomic_load(&f->second.opened));
	close_one(atomic_load(&f->to_close));
	sp_event_uninit(&f->wake);
	sp_failover_config_uninit(&f->config);
	pthread_mutex_destroy(&f->regions_lock);
	free(f);
}

static const struct sp_compute_ops failover_ops = {
	.name = "failover",
	.close = failover_close,
	.register_region = failover_register_region,
	.forget_region = failover_forget_region,
	.submit = failover_submit,
	.release = failover_release,
	.poll = failover_poll,
	.put = failover_put,
	.gallery_open = failover_gallery_open,
	.gallery_close = failover_gallery_close,
	.search = failover_search,
};

static int open_all(struct failover *f, const struct sp_compute_config *config,
		    unsigned int second_work, struct sp_err *err)
{
	int rc = sp_failover_config_init(&f->config, config, second_work);

	if (rc)
		return sp_err_set(err, rc, "inference: out of memory");
	rc = f->first.ops->open(&f->config.config, &f->first.compute, err);
	if (rc)
		goto err_config;
	rc = sp_event_init(&f->wake);
	if (rc)
		goto err_first;
	sp_failover_galleries_init(&f->galleries, f->first.compute);
	rc = sp_thread_start(&f->helper, "standby", -1, help, f, &f->wake);
	if (!rc)
		return 0;
	sp_failover_galleries_uninit(&f->galleries);
	sp_event_uninit(&f->wake);
err_first:
	sp_err_set(err, rc, "inference: %s", strerror(-rc));
	f->first.compute->ops->close(f->first.compute);
err_config:
	sp_failover_config_uninit(&f->config);
	return rc;
}

int sp_failover_open(const struct sp_compute_ops *first, const struct sp_compute_ops *second,
		     const struct sp_compute_config *config, struct sp_compute **ret_compute,
		     struct sp_err *err)
{
	struct failover *f = calloc(1, sizeof(*f));
	unsigned int workers = config->workers ?: sp_thread_cpus();
	int rc;

	if (!f)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	f->first.ops = first;
	f->second.ops = second;
	f->base.ops = &failover_ops;
	pthread_mutex_init(&f->regions_lock, NULL);
	rc = open_all(f, config, workers * WORK_PER_WORKER, err);
	if (rc) {
		pthread_mutex_destroy(&f->regions_lock);
		free(f);
		return rc;
	}
	f->base.info = f->first.compute->info;
	if (f->base.info.kernels) {
		snprintf(f->kernels, sizeof(f->kernels), "%s", f->base.info.kernels);
		f->base.info.kernels = f->kernels;
	}
	*ret_compute = &f->base;
	return 0;
}
