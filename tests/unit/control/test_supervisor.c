/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "control/supervisor.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "test.h"

/* ---- a port whose cameras do as they are told; a camera's address is its index --------------- */

enum { CAMERAS = 2, HISTORY = 64 };

struct sp_camera {
	/* Told by the test. */
	int open_error, start_error;
	bool hold_open, dead;
	/* Seen by it. */
	unsigned int opens, closes, starts, stops, held;
	uint16_t port;
	enum sp_camera_state history[HISTORY];
	unsigned int history_n;
};

static struct sp_camera cameras[CAMERAS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static int fake_open(const char *address, struct sp_camera **ret_camera, struct sp_err *err)
{
	struct sp_camera *camera = &cameras[atoi(address)];
	int ret;

	pthread_mutex_lock(&lock);
	camera->held++;
	while (camera->hold_open)
		pthread_cond_wait(&changed, &lock);
	camera->held--;
	ret = camera->open_error;
	if (!ret)
		camera->opens++;
	pthread_mutex_unlock(&lock);
	if (ret)
		return sp_err_set(err, ret, "camera %s: did not answer; check its cable", address);
	*ret_camera = camera;
	return 0;
}

static void fake_close(struct sp_camera *camera)
{
	pthread_mutex_lock(&lock);
	camera->closes++;
	pthread_mutex_unlock(&lock);
}

static int fake_start(struct sp_camera *camera, const struct sp_camera_stream *stream,
		      struct sp_err *err)
{
	int ret;

	(void)err; /* left empty: the supervisor must then name the errno itself */
	pthread_mutex_lock(&lock);
	ret = camera->start_error;
	camera->port = stream->host_port;
	if (!ret)
		camera->starts++;
	pthread_mutex_unlock(&lock);
	return ret;
}

static int fake_stop(struct sp_camera *camera, struct sp_err *err)
{
	(void)err;
	pthread_mutex_lock(&lock);
	camera->stops++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static bool fake_alive(struct sp_camera *camera)
{
	bool alive;

	pthread_mutex_lock(&lock);
	alive = !camera->dead;
	camera->dead = false;
	pthread_mutex_unlock(&lock);
	return alive;
}

static const struct sp_camera_ops fake = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.start = fake_start,
	.stop = fake_stop,
	.alive = fake_alive,
};

static void note(void *arg, unsigned int camera, enum sp_camera_state state)
{
	struct sp_camera *c = &((struct sp_camera *)arg)[camera];

	pthread_mutex_lock(&lock);
	if (c->history_n < HISTORY)
		c->history[c->history_n++] = state;
	pthread_mutex_unlock(&lock);
}

/* ---- */

static struct sp_supervisor *begin(uint64_t first_ns, unsigned int n)
{
	struct sp_supervised_camera list[CAMERAS] = {
		{ .address = "0", .stream = { .host_port = 1000 } },
		{ .address = "1", .stream = { .host_port = 1001 } },
	};
	struct sp_supervisor_config config = {
		.ops = &fake,
		.link = { .first_ns = first_ns, .max_ns = 4 * first_ns, .settle_ns = 1,
			  .check_ns = SP_NS_PER_MS },
		.seed = 7,
		.changed = note,
		.arg = cameras,
	};
	struct sp_supervisor *supervisor = NULL;
	struct sp_err err;

	CHECK_EQ(sp_supervisor_create(&config, list, n, &supervisor, &err), 0);
	return supervisor;
}

static void reset(void)
{
	memset(cameras, 0, sizeof(cameras));
	sp_log_set_level(SP_LOG_ERROR);
}

static void tell(void (*order)(void))
{
	pthread_mutex_lock(&lock);
	order();
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static struct sp_camera_status status(struct sp_supervisor *supervisor, unsigned int camera)
{
	struct sp_camera_status s = { 0 };

	sp_supervisor_status(supervisor, camera, &s);
	return s;
}

/* Waits, 20 s at most, until @condition holds; says whether it does. */
#define EVENTUALLY(condition)                                                                      \
	({                                                                                         \
		uint64_t until = sp_clock_now() + 20 * SP_NS_PER_S;                                \
		bool holds;                                                                        \
		while (!(holds = (condition)) && sp_clock_now() < until)                           \
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);                 \
		holds;                                                                             \
	})

TEST(supervisor_refuses_a_port_with_holes_and_an_impossible_back_off)
{
	struct sp_camera_ops holes = fake;
	struct sp_supervisor_config config = { .ops = &holes, .link = sp_link_default };
	struct sp_supervisor *supervisor = NULL;
	struct sp_err err = { "" };

	holes.alive = NULL;
	CHECK_EQ(sp_supervisor_create(&config, NULL, 0, &supervisor, &err), -EINVAL);
	CHECK(err.text[0]);
	holes.alive = fake_alive;
	config.link.first_ns = config.link.max_ns + 1;
	CHECK_EQ(sp_supervisor_create(&config, NULL, 0, &supervisor, &err), -EINVAL);
	CHECK(!supervisor);
}

TEST(supervisor_streams_and_lets_go_at_the_end)
{
	struct sp_supervisor *s;

	reset();
	s = begin(SP_NS_PER_MS, 2);
	CHECK_EQ(status(s, 0).state, SP_CAMERA_STOPPED);
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(status(s, 0).state == SP_CAMERA_STREAMING &&
			 status(s, 1).state == SP_CAMERA_STREAMING));
	sp_supervisor_stop(s);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_EQ(status(s, i).state, SP_CAMERA_STOPPED);
		CHECK_EQ(status(s, i).connects, 1);
		CHECK_EQ(cameras[i].port, 1000 + i);
		CHECK_EQ(cameras[i].starts, 1);
		CHECK_EQ(cameras[i].stops, 1);
		CHECK_EQ(cameras[i].closes, 1);
	}
	CHECK_EQ(sp_supervisor_status(s, 2, &(struct sp_camera_status){ 0 }), -EINVAL);
	/* It can be started again. */
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(status(s, 1).connects == 2));
	sp_supervisor_destroy(s);
	CHECK_EQ(cameras[1].closes, 2);
}

static void refuse_open(void)
{
	cameras[0].open_error = -ETIMEDOUT;
}

static void refuse_start(void)
{
	cameras[0].open_error = 0;
	cameras[0].start_error = -EBUSY;
}

static void accept(void)
{
	cameras[0].start_error = 0;
}

TEST(supervisor_tries_again_and_says_why_it_failed)
{
	struct sp_supervisor *s;

	reset();
	tell(refuse_open);
	s = begin(SP_NS_PER_MS, 1);
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(status(s, 0).errors >= 3));
	CHECK_STR(status(s, 0).error, "camera 0: did not answer; check its cable");
	tell(refuse_start);
	CHECK(EVENTUALLY(strstr(status(s, 0).error, "busy")));
	CHECK_EQ(status(s, 0).connects, 0);
	tell(accept);
	CHECK(EVENTUALLY(status(s, 0).state == SP_CAMERA_STREAMING));
	CHECK_EQ(status(s, 0).connects, 1);
	sp_supervisor_destroy(s);
	/* What was opened was closed, also where start had failed. */
	CHECK(cameras[0].opens >= 2);
	CHECK_EQ(cameras[0].opens, cameras[0].closes);
	CHECK_EQ(cameras[0].stops, cameras[0].starts);
}

static void lose_0(void)
{
	cameras[0].dead = true;
}

TEST(supervisor_reconnects_after_a_loss)
{
	static const enum sp_camera_state want[] = {
		SP_CAMERA_CONNECTING, SP_CAMERA_STREAMING, SP_CAMERA_LOST, SP_CAMERA_BACKING_OFF,
		SP_CAMERA_CONNECTING, SP_CAMERA_STREAMING, SP_CAMERA_STOPPED,
	};
	struct sp_supervisor *s;

	reset();
	s = begin(SP_NS_PER_MS, 2);
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(status(s, 0).connects == 1 && status(s, 1).connects == 1));
	tell(lose_0);
	CHECK(EVENTUALLY(status(s, 0).connects == 2));
	CHECK_EQ(status(s, 0).losses, 1);
	CHECK(strstr(status(s, 0).error, "control is lost"));
	CHECK_EQ(status(s, 1).connects, 1);
	CHECK_EQ(status(s, 1).losses, 0);
	sp_supervisor_stop(s);
	CHECK_EQ(cameras[0].history_n, sizeof(want) / sizeof(want[0]));
	for (unsigned int i = 0; i < cameras[0].history_n; i++)
		CHECK_STR(sp_camera_state_name(cameras[0].history[i]),
			  sp_camera_state_name(want[i]));
	CHECK_EQ(cameras[0].stops, 2);
	sp_supervisor_destroy(s);
}

static void hold_0(void)
{
	cameras[0].hold_open = true;
}

static void lose_1(void)
{
	cameras[1].dead = true;
}

static void release_0(void)
{
	cameras[0].hold_open = false;
}

static bool is_held(void)
{
	bool held;

	pthread_mutex_lock(&lock);
	held = cameras[0].held;
	pthread_mutex_unlock(&lock);
	return held;
}

TEST(supervisor_lets_no_silent_camera_delay_another)
{
	struct sp_supervisor *s;

	reset();
	tell(hold_0);
	s = begin(SP_NS_PER_MS, 2);
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(is_held()));
	for (unsigned int i = 1; i <= 5; i++) {
		CHECK(EVENTUALLY(status(s, 1).connects == i));
		tell(lose_1);
	}
	CHECK(is_held());
	CHECK_EQ(status(s, 0).state, SP_CAMERA_CONNECTING);
	tell(release_0);
	CHECK(EVENTUALLY(status(s, 0).state == SP_CAMERA_STREAMING));
	sp_supervisor_destroy(s);
}

TEST(supervisor_stops_at_once_while_it_backs_off)
{
	struct sp_supervisor *s;
	uint64_t begun;

	reset();
	tell(refuse_open);
	s = begin(600 * SP_NS_PER_S, 1);
	CHECK_EQ(sp_supervisor_start(s, NULL), 0);
	CHECK(EVENTUALLY(status(s, 0).state == SP_CAMERA_BACKING_OFF));
	begun = sp_clock_now();
	sp_supervisor_destroy(s);
	/* The wait is 300 s at least; anything below shows that it was cut short. */
	CHECK(sp_clock_now() - begun < 60 * SP_NS_PER_S);
	CHECK_EQ(cameras[0].opens, 0);
}

TEST_MAIN()
