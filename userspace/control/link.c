/* SPDX-License-Identifier: Apache-2.0 */
#include "control/link.h"

#include "base/clock.h"
#include "base/random.h"

const struct sp_link_config sp_link_default = {
	.first_ns = 500 * SP_NS_PER_MS,
	.max_ns = 30 * SP_NS_PER_S,
	.settle_ns = 10 * SP_NS_PER_S,
	.check_ns = 100 * SP_NS_PER_MS,
};

const char *sp_camera_state_name(enum sp_camera_state state)
{
	static const char *const names[] = {
		[SP_CAMERA_CONNECTING] = "connecting",
		[SP_CAMERA_STREAMING] = "streaming",
		[SP_CAMERA_LOST] = "lost",
		[SP_CAMERA_BACKING_OFF] = "backing_off",
		[SP_CAMERA_STOPPED] = "stopped",
	};

	return names[state];
}

static void enter(struct sp_link *link, enum sp_camera_state state, uint64_t now_ns)
{
	link->state = state;
	link->since_ns = now_ns;
}

void sp_link_init(struct sp_link *link, const struct sp_link_config *config, uint64_t seed,
		  uint64_t now_ns)
{
	*link = (struct sp_link){
		.config = *config,
		.step_ns = config->first_ns,
		.due_ns = now_ns,
		.random = seed,
	};
	enter(link, SP_CAMERA_CONNECTING, now_ns);
}

enum sp_link_action sp_link_next(struct sp_link *link, uint64_t now_ns, uint64_t *ret_wait_ns)
{
	if (link->state == SP_CAMERA_STOPPED || link->state == SP_CAMERA_LOST) {
		*ret_wait_ns = UINT64_MAX;
		return SP_LINK_WAIT;
	}
	if (now_ns < link->due_ns) {
		*ret_wait_ns = link->due_ns - now_ns;
		return SP_LINK_WAIT;
	}
	if (link->state == SP_CAMERA_STREAMING) {
		link->due_ns = now_ns + link->config.check_ns;
		return SP_LINK_CHECK;
	}
	if (link->state == SP_CAMERA_BACKING_OFF)
		enter(link, SP_CAMERA_CONNECTING, now_ns);
	return SP_LINK_CONNECT;
}

void sp_link_connected(struct sp_link *link, uint64_t now_ns)
{
	enter(link, SP_CAMERA_STREAMING, now_ns);
	link->due_ns = now_ns + link->config.check_ns;
}

void sp_link_failed(struct sp_link *link, uint64_t now_ns)
{
	uint64_t half = link->step_ns / 2;

	enter(link, SP_CAMERA_BACKING_OFF, now_ns);
	link->due_ns = now_ns + half + sp_random_next(&link->random) % (link->step_ns - half + 1);
	link->step_ns = link->step_ns > link->config.max_ns / 2 ? link->config.max_ns :
								  link->step_ns * 2;
}

void sp_link_lost(struct sp_link *link, uint64_t now_ns)
{
	if (now_ns - link->since_ns >= link->config.settle_ns)
		link->step_ns = link->config.first_ns;
	enter(link, SP_CAMERA_LOST, now_ns);
}

void sp_link_stopped(struct sp_link *link, uint64_t now_ns)
{
	enter(link, SP_CAMERA_STOPPED, now_ns);
}
