/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/ring.h"
#include "base/thread.h"

/* One of the threads. */
struct hand {
	struct sp_ring queued; /* owner → thread */
	struct sp_ring done; /* thread → owner */
	struct sp_event wake;
	struct sp_thread thread;
	struct sp_crew *crew;
	unsigned int index;
	unsigned int out; /* owner's: jobs given and not yet taken back */
};

struct sp_crew {
	struct sp_crew_config config;
	unsigned int out; /* of all hands */
	unsigned int next_take; /* hand to take from first, so that none waits behind another */
	unsigned int next_give;
	struct hand hands[];
};

static void run(struct sp_thread *thread)
{
	struct hand *hand = thread->arg;
	const struct sp_crew_config *config = &hand->crew->config;

	while (!sp_thread_should_stop(thread)) {
		void *job;

		if (sp_ring_pop(&hand->queued, &job, 1)) {
			config->work(config->arg, hand->index, job);
			/* Never full: it has room for every job. */
			sp_ring_push(&hand->done, &job, 1);
			if (config->done)
				sp_event_signal(config->done);
			continue;
		}
		sp_event_arm(&hand->wake);
		if (!sp_ring_count(&hand->queued) && !sp_thread_should_stop(thread))
			sp_event_wait(&hand->wake, 60 * SP_NS_PER_S);
		sp_event_disarm(&hand->wake);
	}
}

static int hand_init(struct hand *hand, struct sp_crew *crew, unsigned int index)
{
	int err;

	hand->crew = crew;
	hand->index = index;
	err = sp_ring_init(&hand->queued, crew->config.jobs);
	if (err)
		return err;
	err = sp_ring_init(&hand->done, crew->config.jobs);
	if (err)
		goto err_uninit_todo;
	err = sp_event_init(&hand->wake);
	if (err)
		goto err_uninit_done;
	return 0;
err_uninit_done:
	sp_ring_uninit(&hand->done);
err_uninit_todo:
	sp_ring_uninit(&hand->queued);
	return err;
}

static void hand_uninit(struct hand *hand)
{
	sp_event_uninit(&hand->wake);
	sp_ring_uninit(&hand->done);
	sp_ring_uninit(&hand->queued);
}

/* The threads must be asked first, so that they finish their jobs beside each other. */
static void stop(struct sp_crew *crew, unsigned int hands)
{
	for (unsigned int i = 0; i < hands; i++)
		sp_thread_ask_stop(&crew->hands[i].thread);
	for (unsigned int i = 0; i < hands; i++)
		sp_thread_stop(&crew->hands[i].thread);
}

int sp_crew_create(const struct sp_crew_config *config, struct sp_crew **ret_crew,
		   struct sp_err *err)
{
	size_t size = sizeof(struct sp_crew) + config->workers * sizeof(struct hand);
	unsigned int ready = 0, started = 0;
	struct sp_crew *crew;
	int rc;

	if (!config->workers || config->workers > SP_CREW_MAX || !config->jobs)
		return sp_err_set(err, -EINVAL,
				  "%s: %u threads for %u jobs; 1 to %d threads are possible",
				  config->name, config->workers, config->jobs, SP_CREW_MAX);
	/* The rings inside want cache lines of their own. */
	size = (size + SP_CACHE_LINE - 1) / SP_CACHE_LINE * SP_CACHE_LINE;
	crew = aligned_alloc(SP_CACHE_LINE, size);
	if (!crew)
		return sp_err_set(err, -ENOMEM, "%s: out of memory", config->name);
	memset(crew, 0, size);
	crew->config = *config;
	for (; ready < config->workers; ready++) {
		rc = hand_init(&crew->hands[ready], crew, ready);
		if (rc)
			goto err_uninit_hands;
	}
	for (; started < config->workers; started++) {
		struct hand *hand = &crew->hands[started];
		char name[32];

		snprintf(name, sizeof(name), "%s-%u", config->name, started);
		rc = sp_thread_start(&hand->thread, name, -1, run, hand, &hand->wake);
		if (rc)
			goto err_stop;
	}
	*ret_crew = crew;
	return 0;
err_stop:
	stop(crew, started);
err_uninit_hands:
	while (ready)
		hand_uninit(&crew->hands[--ready]);
	free(crew);
	return sp_err_set(err, rc, "%s: cannot start a thread: %s", config->name, strerror(-rc));
}

void sp_crew_destroy(struct sp_crew *crew)
{
	if (!crew)
		return;
	stop(crew, crew->config.workers);
	for (unsigned int i = 0; i < crew->config.workers; i++)
		hand_uninit(&crew->hands[i]);
	free(crew);
}

bool sp_crew_give(struct sp_crew *crew, void *job)
{
	unsigned int n = crew->config.workers;
	struct hand *least = NULL;

	if (crew->out == crew->config.jobs)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		struct hand *hand = &crew->hands[(crew->next_give + i) % n];

		if (!least || hand->out < least->out)
			least = hand;
	}
	crew->next_give = (least->index + 1) % n;
	sp_ring_push(&least->queued, &job, 1);
	least->out++;
	crew->out++;
	sp_event_signal(&least->wake);
	return true;
}

unsigned int sp_crew_take(struct sp_crew *crew, void **jobs, unsigned int max)
{
	unsigned int n = crew->config.workers, taken = 0;

	for (unsigned int i = 0; i < n && taken < max; i++) {
		struct hand *hand = &crew->hands[(crew->next_take + i) % n];
		uint32_t got = sp_ring_pop(&hand->done, jobs + taken, max - taken);

		hand->out -= got;
		taken += got;
	}
	crew->out -= taken;
	crew->next_take = (crew->next_take + 1) % n;
	return taken;
}
