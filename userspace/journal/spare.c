/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/spare.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "journal/disk.h"

static void make(struct sp_thread *thread)
{
	struct sp_spare *spare = thread->arg;
	int ret;

	pthread_mutex_lock(&spare->lock);
	for (;;) {
		while (!spare->wanted && !spare->stop)
			pthread_cond_wait(&spare->changed, &spare->lock);
		if (spare->stop)
			break;
		spare->wanted = false;
		pthread_mutex_unlock(&spare->lock);
		ret = spare->disk->ops->prepare(spare->disk, spare->size);
		pthread_mutex_lock(&spare->lock);
		/* EAGAIN stands for "being made" here. */
		spare->state = ret == -EAGAIN ? -EIO : ret;
		pthread_cond_broadcast(&spare->changed);
	}
	pthread_mutex_unlock(&spare->lock);
}

int sp_spare_init(struct sp_spare *spare, struct sp_disk *disk, uint64_t size, bool background)
{
	pthread_condattr_t monotonic;
	int ret;

	*spare = (struct sp_spare){ .disk = disk, .size = size };
	ret = disk->ops->prepare(disk, size);
	if (ret)
		return ret;
	pthread_mutex_init(&spare->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&spare->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (!background)
		return 0;
	ret = sp_thread_start(&spare->thread, "journal-spare", -1, make, spare, NULL);
	if (ret) {
		pthread_cond_destroy(&spare->changed);
		pthread_mutex_destroy(&spare->lock);
	}
	return ret;
}

void sp_spare_uninit(struct sp_spare *spare)
{
	pthread_mutex_lock(&spare->lock);
	spare->stop = true;
	pthread_cond_broadcast(&spare->changed);
	pthread_mutex_unlock(&spare->lock);
	sp_thread_stop(&spare->thread);
	pthread_cond_destroy(&spare->changed);
	pthread_mutex_destroy(&spare->lock);
}

int sp_spare_state(struct sp_spare *spare)
{
	int ret;

	pthread_mutex_lock(&spare->lock);
	ret = spare->state;
	pthread_mutex_unlock(&spare->lock);
	return ret;
}

void sp_spare_wait(struct sp_spare *spare, uint64_t timeout_ns)
{
	uint64_t end_ns = sp_clock_now() + timeout_ns;
	struct timespec end = {
		.tv_sec = (time_t)(end_ns / SP_NS_PER_S),
		.tv_nsec = (long)(end_ns % SP_NS_PER_S),
	};
	int ret = 0;

	pthread_mutex_lock(&spare->lock);
	while (spare->state == -EAGAIN && !ret)
		ret = pthread_cond_timedwait(&spare->changed, &spare->lock, &end);
	pthread_mutex_unlock(&spare->lock);
}

static void want(struct sp_spare *spare, int state)
{
	if (!spare->thread.running) {
		spare->state = spare->disk->ops->prepare(spare->disk, spare->size);
		return;
	}
	pthread_mutex_lock(&spare->lock);
	spare->state = state;
	spare->wanted = true;
	pthread_cond_broadcast(&spare->changed);
	pthread_mutex_unlock(&spare->lock);
}

void sp_spare_taken(struct sp_spare *spare)
{
	want(spare, -EAGAIN);
}

void sp_spare_retry(struct sp_spare *spare)
{
	/* The reason stays visible meanwhile. */
	want(spare, sp_spare_state(spare));
}
