/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts results in order of exposure.
 *
 * A backend has many workers, so even one camera's results overtake each other. A camera vouches
 * for its exposures up to the last of its results that follow each other by block id without a gap;
 * where a block is missing, or the camera is silent, it vouches for what is `deadline` behind now.
 * The watermark is the earliest that a camera vouches for: everything up to it has come.
 */
#ifndef SP_LANE_ORDER_H
#define SP_LANE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct sp_result;

struct sp_order_camera {
	/* Of its last result that was passed on; 0 before the first. */
	uint64_t block_id, exposure_ns;
	/* Scratch of sp_order_advance. */
	uint64_t next_block, vouched_ns;
	bool gap;
};

struct sp_order {
	struct sp_result **waiting; /* backlog + 1, the earliest first */
	unsigned int waiting_n, backlog;
	struct sp_order_camera *cameras;
	unsigned int cameras_n;
	uint64_t deadline_ns;
	uint64_t watermark_ns; /* never goes back */
};

/* Room for @backlog results of cameras 0 … @cameras - 1. 0 or -ENOMEM. */
int sp_order_init(struct sp_order *order, unsigned int cameras, unsigned int backlog,
		  uint64_t deadline_ns);
void sp_order_uninit(struct sp_order *order);

/*
 * False, and nothing happens, if the watermark has passed @result: the caller deals with it out of
 * order. Otherwise @result waits (is borrowed) until it is taken.
 */
bool sp_order_insert(struct sp_order *order, struct sp_result *result);

/* One more waits than there should; force the earliest before the next insert. */
static inline bool sp_order_is_over(const struct sp_order *order)
{
	return order->waiting_n > order->backlog;
}

/* Moves the watermark to what is known at @now_ns. */
void sp_order_advance(struct sp_order *order, uint64_t now_ns);

/* The earliest result, or NULL if there is none up to the watermark. */
struct sp_result *sp_order_take(struct sp_order *order);

/* The earliest result, pushing the watermark on to it; NULL if none waits. */
struct sp_result *sp_order_force(struct sp_order *order);

/* Exposure of the earliest waiting result; UINT64_MAX if none waits. */
uint64_t sp_order_next_ns(const struct sp_order *order);

#endif
