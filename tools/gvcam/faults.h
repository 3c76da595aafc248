/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad network by seed: which packets are lost, sent twice or late. The fate of a packet is a hash
 * of seed, camera, block and packet, so it does not depend on timing or on resend requests: the
 * same seed harms the same packets in every run.
 */
#ifndef GVCAM_FAULTS_H
#define GVCAM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum { GVCAM_REORDER_MAX = 1024, GVCAM_COPIES_MAX = 2, GVCAM_BURST_MAX = 65536 };

struct sp_err;

struct gvcam_faults {
	double loss, resend_loss, duplicate; /* probabilities, 0 … 1 */
	/*
	 * Bursts: with the probability @burst_loss one begins at a packet, and burst_length packets
	 * of the block are lost. At most one begins in each burst_length packets of a block, so
	 * burst_loss × burst_length ≤ 1 is what can be had, and is about the part that is lost.
	 */
	double burst_loss;
	uint32_t burst_length; /* packets, 1 … GVCAM_BURST_MAX where there is a burst_loss */
	double leader_loss, trailer_loss; /* beside all others */
	uint32_t reorder; /* a packet may leave up to so many places late; ≤ GVCAM_REORDER_MAX */
	uint64_t seed;
};

struct gvcam_fate {
	unsigned int copies; /* 0: lost; 2: sent twice */
	uint32_t late[GVCAM_COPIES_MAX]; /* places, for each copy */
};

/* "P,LENGTH" into the bursts. 0, or -EINVAL with @err filled. */
int gvcam_faults_parse_burst(const char *text, struct gvcam_faults *faults, struct sp_err *err);

/* Of packet @packet of the @packets of a block. */
void gvcam_faults_fate(const struct gvcam_faults *faults, uint32_t camera, uint64_t block,
		       uint32_t packet, uint32_t packets, struct gvcam_fate *ret);
/* The @nth resent packet of the camera. */
bool gvcam_faults_resend_lost(const struct gvcam_faults *faults, uint32_t camera, uint64_t nth);

/* Packets on their way through the disorder. */
struct gvcam_ref {
	uint32_t packet;
	bool copy; /* the second one of a pair */
};

struct gvcam_reorder_node {
	struct gvcam_ref ref;
	uint32_t next; /* UINT32_MAX: none */
};

struct gvcam_reorder {
	struct gvcam_reorder_node *nodes;
	/* Lists of nodes by due place modulo depth + 1, and the list of unused nodes. */
	uint32_t *first, *last;
	uint32_t free;
	uint32_t depth, place, held;
};

/* 0 or -ENOMEM. */
int gvcam_reorder_init(struct gvcam_reorder *reorder, uint32_t depth);
void gvcam_reorder_uninit(struct gvcam_reorder *reorder);
/*
 * Puts the copies of the next packet in line, then takes the line one place on: what is due now
 * goes to @out, in order; never more than 2 · (depth + 1) refs. Returns how many.
 */
uint32_t gvcam_reorder_step(struct gvcam_reorder *reorder, uint32_t packet,
			    const struct gvcam_fate *fate, struct gvcam_ref *out);
/* The end of a block: everything that is still held, in order. */
uint32_t gvcam_reorder_flush(struct gvcam_reorder *reorder, struct gvcam_ref *out);

#endif
