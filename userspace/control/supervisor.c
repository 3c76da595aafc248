/* SPDX-License-Identifier: Apache-2.0 */
#include "control/supervisor.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/thread.h"

struct worker {
	/* Constant while it runs. */
	const struct sp_supervisor_config *config;
	struct sp_supervised_camera target;
	unsigned int index;
	/* The worker's own. */
	struct sp_link link;
	struct sp_camera *camera; /* open and started, or NULL */
	char told[sizeof(((struct sp_err *)0)->text)]; /* the failure that the log has already */
	struct sp_thread thread;
	struct sp_event wake;
	/* Shared. */
	pthread_mutex_t lock;
	struct sp_camera_status status;
};

struct sp_supervisor {
	struct sp_supervisor_config config;
	unsigned int n;
	struct worker workers[];
};

const struct sp_counter sp_camera_counter_table[] = {
	SP_COUNTER(struct sp_camera_status, connects, "times that the camera began to stream"),
	SP_COUNTER(struct sp_camera_status, losses, "times that control of the camera was lost"),
	SP_COUNTER(struct sp_camera_status, errors, "tries to connect that failed"),
};
const size_t sp_camera_counter_table_n =
	sizeof(sp_camera_counter_table) / sizeof(sp_camera_counter_table[0]);

/* Shows the link's state to the others. @error: NULL leaves the last one. */
static void publish(struct worker *worker, uint64_t *counter, const char *error)
{
	const struct sp_supervisor_config *config = worker->config;

	pthread_mutex_lock(&worker->lock);
	worker->status.state = worker->link.state;
	worker->status.since_ns = worker->link.since_ns;
	if (counter)
		(*counter)++;
	if (error)
		snprintf(worker->status.error, sizeof(worker->status.error), "%s", error);
	pthread_mutex_unlock(&worker->lock);
	if (config->changed)
		config->changed(config->arg, worker->index, worker->link.state);
}

/* A camera that stays away fails the same way every time: the log hears of it once. */
static void tell(struct worker *worker, const char *error)
{
	if (!strcmp(worker->told, error))
		return;
	snprintf(worker->told, sizeof(worker->told), "%s", error);
	sp_log(SP_LOG_WARNING, "%s (trying again)", error);
}

static void let_go(struct worker *worker)
{
	const struct sp_camera_ops *ops = worker->config->ops;

	ops->stop(worker->camera, NULL);
	ops->close(worker->camera);
	worker->camera = NULL;
}

static void connect_camera(struct worker *worker)
{
	const struct sp_camera_ops *ops = worker->config->ops;
	struct sp_camera *camera;
	struct sp_err err = { "" };
	int ret;

	publish(worker, NULL, NULL);
	ret = ops->open(worker->target.address, &camera, &err);
	if (!ret) {
		ret = ops->start(camera, &worker->target.stream, &err);
		if (ret)
			ops->close(camera);
	}
	if (ret) {
		if (!err.text[0])
			sp_err_set(&err, ret, "camera %s: %s; check it", worker->target.address,
				   strerror(-ret));
		tell(worker, err.text);
		sp_link_failed(&worker->link, sp_clock_now());
		publish(worker, &worker->status.errors, err.text);
		return;
	}
	worker->camera = camera;
	worker->told[0] = '\0';
	sp_log(SP_LOG_INFO, "camera %s: streaming", worker->target.address);
	sp_link_connected(&worker->link, sp_clock_now());
	publish(worker, &worker->status.connects, NULL);
}

static void check_camera(struct worker *worker)
{
	struct sp_err err;

	if (worker->config->ops->alive(worker->camera))
		return;
	sp_err_set(&err, 0, "camera %s: control is lost; check its power, its cable and whether "
		   "another program controls it", worker->target.address);
	tell(worker, err.text);
	sp_link_lost(&worker->link, sp_clock_now());
	publish(worker, &worker->status.losses, err.text);
	let_go(worker);
	sp_link_failed(&worker->link, sp_clock_now());
	publish(worker, NULL, NULL);
}

static void run(struct sp_thread *thread)
{
	struct worker *worker = thread->arg;
	uint64_t wait_ns;

	while (!sp_thread_should_stop(thread)) {
		switch (sp_link_next(&worker->link, sp_clock_now(), &wait_ns)) {
		case SP_LINK_CONNECT:
			connect_camera(worker);
			break;
		case SP_LINK_CHECK:
			check_camera(worker);
			break;
		case SP_LINK_WAIT:
			sp_event_arm(&worker->wake);
			if (!sp_thread_should_stop(thread))
				sp_event_wait(&worker->wake, wait_ns);
			sp_event_disarm(&worker->wake);
			break;
		}
	}
	if (worker->camera)
		let_go(worker);
	sp_link_stopped(&worker->link, sp_clock_now());
	publish(worker, NULL, NULL);
}

static int check_config(const struct sp_supervisor_config *config, struct sp_err *err)
{
	const struct sp_camera_ops *ops = config->ops;
	const struct sp_link_config *link = &config->link;

	if (!ops || !ops->open || !ops->close || !ops->start || !ops->stop || !ops->alive)
		return sp_err_set(err, -EINVAL,
				  "camera control \"%s\": an operation is missing; fill its table",
				  ops && ops->name ? ops->name : "?");
	if (!link->first_ns || link->first_ns > link->max_ns || !link->check_ns)
		return sp_err_set(err, -EINVAL, "camera back-off: must begin above 0 and not above "
				  "its limit, and be checked at a period above 0");
	return 0;
}

int sp_supervisor_create(const struct sp_supervisor_config *config,
			 const struct sp_supervised_camera *cameras, unsigned int n,
			 struct sp_supervisor **ret_supervisor, struct sp_err *err)
{
	struct sp_supervisor *supervisor;
	int ret = check_config(config, err);

	if (ret)
		return ret;
	supervisor = calloc(1, sizeof(*supervisor) + n * sizeof(supervisor->workers[0]));
	if (!supervisor)
		return sp_err_set(err, -ENOMEM, "cameras: no memory; end other programs");
	supervisor->config = *config;
	while (supervisor->n < n) {
		struct worker *worker = &supervisor->workers[supervisor->n];

		worker->config = &supervisor->config;
		worker->target = cameras[supervisor->n];
		worker->index = supervisor->n;
		worker->status.state = SP_CAMERA_STOPPED;
		ret = sp_event_init(&worker->wake);
		if (ret) {
			sp_supervisor_destroy(supervisor);
			return sp_err_set(err, ret,
					  "cameras: eventfd: %s; raise the limit of open files",
					  strerror(-ret));
		}
		pthread_mutex_init(&worker->lock, NULL);
		supervisor->n++;
	}
	*ret_supervisor = supervisor;
	return 0;
}

int sp_supervisor_start(struct sp_supervisor *supervisor, struct sp_err *err)
{
	for (unsigned int i = 0; i < supervisor->n; i++) {
		struct worker *worker = &supervisor->workers[i];
		char name[16];
		int ret;

		if (worker->thread.running)
			continue;
		snprintf(name, sizeof(name), "cam-%u", i);
		sp_link_init(&worker->link, &supervisor->config.link, supervisor->config.seed + i,
			     sp_clock_now());
		ret = sp_thread_start(&worker->thread, name, -1, run, worker, &worker->wake);
		if (ret) {
			sp_supervisor_stop(supervisor);
			return sp_err_set(err, ret, "camera %s: no thread: %s; end other programs",
					  worker->target.address, strerror(-ret));
		}
	}
	return 0;
}

void sp_supervisor_stop(struct sp_supervisor *supervisor)
{
	for (unsigned int i = 0; i < supervisor->n; i++)
		sp_thread_ask_stop(&supervisor->workers[i].thread);
	for (unsigned int i = 0; i < supervisor->n; i++)
		sp_thread_stop(&supervisor->workers[i].thread);
}

void sp_supervisor_destroy(struct sp_supervisor *supervisor)
{
	if (!supervisor)
		return;
	sp_supervisor_stop(supervisor);
	for (unsigned int i = 0; i < supervisor->n; i++) {
		pthread_mutex_destroy(&supervisor->workers[i].lock);
		sp_event_uninit(&supervisor->workers[i].wake);
	}
	free(supervisor);
}

int sp_supervisor_status(struct sp_supervisor *supervisor, unsigned int camera,
			 struct sp_camera_status *ret_status)
{
	struct worker *worker;

	if (camera >= supervisor->n)
		return -EINVAL;
	worker = &supervisor->workers[camera];
	pthread_mutex_lock(&worker->lock);
	*ret_status = worker->status;
	pthread_mutex_unlock(&worker->lock);
	return 0;
}
