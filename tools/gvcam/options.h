/* SPDX-License-Identifier: Apache-2.0 */
/* What gvcam is told on its command line, and the farm that it asks for. */
#ifndef GVCAM_OPTIONS_H
#define GVCAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "gvcam/farm.h"

/* Seeds end here: UINT64_MAX says that --lanesim is not given. */
#define GVCAM_LANESIM_SEED_MAX 0x1p63

enum { GVCAM_NOT_GIVEN = UINT32_MAX };

struct gvcam_options {
	struct sp_opt_list addresses, images, spoofs;
	uint32_t cameras, width, height, packet_size, hold, gap, vehicles, looks;
	double fps, pacing, loss, resend_loss, duplicate, duration, leader_loss, trailer_loss;
	uint32_t reorder;
	uint64_t seed, frames, start_block, lanesim, change_format;
	const char *format, *posts, *truth, *gso, *multi_part, *burst_loss, *spoof_from;
	bool pattern, night, no_resend, extended_ids, stamp, json;
	bool chunks, all_in, variable_lines;
};

static inline bool gvcam_options_has_lanesim(const struct gvcam_options *options)
{
	return options->lanesim != UINT64_MAX;
}

/*
 * All of @config but its pictures. 0, or -EINVAL with @err filled where the options contradict each
 * other or one is wrong.
 */
int gvcam_options_config(const struct gvcam_options *options, bool resend_loss_given,
			 struct gvcam_farm_config *config, struct sp_err *err);

#endif
