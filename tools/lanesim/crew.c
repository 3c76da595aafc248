/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/progress.h"
#include "base/thread.h"
#include "lanesim/scene/scene.h"

enum {
	THREADS_MAX = 256,
	AHEAD = 4, /* results a thread that may wait for their turn, while a slow one is made */
};

struct worker {
	struct sp_thread thread;
	struct lanesim_hand hand;
	struct shift *shift;
};

/* One run. Item i's result is in slot i % slots; under the lock, but for what the slot holds. */
struct shift {
	const struct lanesim_crew *crew;
	pthread_mutex_t lock;
	pthread_cond_t made_one, taken_one;
	uint32_t next, taken, slots;
	bool *made; /* a slot each */
	uint8_t *results;
	int error;
	struct sp_err why;
	struct worker *workers;
	unsigned int workers_n;
};

struct sp_image *lanesim_hand_image(struct lanesim_hand *hand, uint32_t width, uint32_t height)
{
	if (hand->image.rgb && hand->image.width == width && hand->image.height == height)
		return &hand->image;
	sp_image_uninit(&hand->image);
	hand->image = (struct sp_image){ 0 };
	return sp_image_init(&hand->image, width, height) ? NULL : &hand->image;
}

static void *result_of(struct shift *shift, uint32_t i)
{
	return shift->results + i % shift->slots * shift->crew->result_bytes;
}

/* Under the lock. The first failure is the one that is told. */
static void fail(struct shift *shift, int error, const struct sp_err *why)
{
	if (!shift->error) {
		shift->error = error;
		shift->why = *why;
	}
	pthread_cond_broadcast(&shift->taken_one);
	pthread_cond_signal(&shift->made_one);
}

static void work(struct sp_thread *thread)
{
	struct worker *worker = thread->arg;
	struct shift *shift = worker->shift;
	const struct lanesim_crew *crew = shift->crew;
	struct sp_err err = { "out of memory" };

	pthread_mutex_lock(&shift->lock);
	while (!shift->error && shift->next < crew->n) {
		uint32_t i = shift->next;
		int res;

		if (i - shift->taken >= shift->slots) {
			pthread_cond_wait(&shift->taken_one, &shift->lock);
			continue;
		}
		shift->next++;
		pthread_mutex_unlock(&shift->lock);
		memset(result_of(shift, i), 0, crew->result_bytes);
		res = crew->make(crew->arg, &worker->hand, i, result_of(shift, i), &err);
		pthread_mutex_lock(&shift->lock);
		if (res) {
			fail(shift, res, &err);
			break;
		}
		shift->made[i % shift->slots] = true;
		pthread_cond_signal(&shift->made_one);
	}
	pthread_mutex_unlock(&shift->lock);
}

/* Takes results as they come, until all are taken or something fails. */
static void take_all(struct shift *shift)
{
	const struct lanesim_crew *crew = shift->crew;
	struct sp_progress progress;
	struct sp_err err = { "out of memory" };

	if (crew->label)
		sp_progress_start(&progress, crew->label, crew->n);
	pthread_mutex_lock(&shift->lock);
	while (!shift->error && shift->taken < crew->n) {
		uint32_t i = shift->taken;
		int res = 0;

		if (!shift->made[i % shift->slots]) {
			pthread_cond_wait(&shift->made_one, &shift->lock);
			continue;
		}
		pthread_mutex_unlock(&shift->lock);
		if (crew->take)
			res = crew->take(crew->arg, i, result_of(shift, i), &err);
		if (crew->label)
			sp_progress_update(&progress, i + 1, NULL);
		pthread_mutex_lock(&shift->lock);
		shift->made[i % shift->slots] = false;
		shift->taken++;
		if (res)
			fail(shift, res, &err);
		pthread_cond_broadcast(&shift->taken_one);
	}
	pthread_mutex_unlock(&shift->lock);
	if (crew->label)
		sp_progress_end(&progress);
}

static int start(struct shift *shift)
{
	int res = 0;

	for (unsigned int i = 0; i < shift->workers_n && !res; i++) {
		struct worker *worker = &shift->workers[i];

		worker->shift = shift;
		res = lanesim_eye_create(&worker->hand.eye);
		if (!res)
			res = sp_thread_start(&worker->thread, "lanesim", -1, work, worker, NULL);
	}
	if (res) {
		pthread_mutex_lock(&shift->lock);
		fail(shift, res, &(struct sp_err){ "cannot start the threads that render" });
		pthread_mutex_unlock(&shift->lock);
	}
	return res;
}

static void end(struct shift *shift)
{
	for (unsigned int i = 0; i < shift->workers_n; i++) {
		struct worker *worker = &shift->workers[i];

		sp_thread_stop(&worker->thread);
		if (worker->hand.eye)
			lanesim_eye_destroy(worker->hand.eye);
		sp_image_uninit(&worker->hand.image);
	}
	for (uint32_t i = 0; i < shift->slots && shift->crew->drop; i++)
		if (shift->made[i])
			shift->crew->drop(shift->crew->arg, result_of(shift, i));
}

int lanesim_crew_run(const struct lanesim_crew *crew, struct sp_err *err)
{
	unsigned int threads = crew->threads ? crew->threads : sp_thread_cpus();
	struct shift shift = { .crew = crew };

	if (!crew->n)
		return 0;
	threads = threads > THREADS_MAX ? THREADS_MAX : threads;
	shift.workers_n = threads < crew->n ? threads : crew->n;
	shift.slots = shift.workers_n * AHEAD;
	shift.made = calloc(shift.slots, sizeof(*shift.made));
	shift.results = calloc(shift.slots, crew->result_bytes ? crew->result_bytes : 1);
	shift.workers = calloc(shift.workers_n, sizeof(*shift.workers));
	if (!shift.made || !shift.results || !shift.workers) {
		shift.error = sp_err_set(&shift.why, -ENOMEM, "out of memory");
		goto err_free;
	}
	pthread_mutex_init(&shift.lock, NULL);
	pthread_cond_init(&shift.made_one, NULL);
	pthread_cond_init(&shift.taken_one, NULL);
	if (!start(&shift))
		take_all(&shift);
	end(&shift);
	pthread_cond_destroy(&shift.taken_one);
	pthread_cond_destroy(&shift.made_one);
	pthread_mutex_destroy(&shift.lock);
err_free:
	free(shift.workers);
	free(shift.results);
	free(shift.made);
	return shift.error ? sp_err_set(err, shift.error, "%s", shift.why.text) : 0;
}
