/* SPDX-License-Identifier: Apache-2.0 */
#include "farm/farm.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/diag.h"
#include "base/region.h"
#include "capture/packet_source.h"
#include "frame/frame_source.h"
#include "gvcam/pattern.h"
#include "wire/pfnc.h"

/* ---- the payloads' memory, for reading only ---- */

static sigjmp_buf refused;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(refused, 1);
}

int farm_protect(struct farm *farm, struct sp_err *err)
{
	const struct sp_region *region = farm->packets->region;
	struct sigaction action = { .sa_handler = on_fault }, old;
	volatile uint8_t *first = region->base;

	if (mprotect(region->base, region->size, PROT_READ))
		return sp_err_set(err, -errno, "mprotect: %s", strerror(errno));
	sigaction(SIGSEGV, &action, &old);
	if (!sigsetjmp(refused, 1)) {
		*first = *first;
		sigaction(SIGSEGV, &old, NULL);
		return sp_err_set(err, -EFAULT, "the CPU could write to a region that it may read");
	}
	sigaction(SIGSEGV, &old, NULL);
	return 0;
}

/* ---- frames ---- */

static int check_addresses(struct farm *farm, const struct sp_frame *frame, struct sp_err *err)
{
	const struct sp_frame_part *part = &frame->parts[0];

	if (part->region != farm->packets->region)
		return sp_err_set(err, -EFAULT, "block %" PRIu64 " is in another region",
				  frame->block_id);
	for (uint32_t i = 0; i < frame->packets; i++) {
		uint64_t from = (uint64_t)i * part->stride;
		uint64_t bytes = part->bytes - from < part->stride ? part->bytes - from
								   : part->stride;

		if (sp_frame_packet_missing(frame, i))
			continue;
		if (!sp_region_holds(part->region, frame->offset[i], bytes))
			return sp_err_set(err, -EFAULT, "block %" PRIu64 ", packet %u: outside",
					  frame->block_id, i);
		farm->payloads++;
	}
	return 0;
}

static int check_pixels(struct farm_camera *camera, const struct sp_frame *frame, uint32_t height,
			struct sp_err *err)
{
	uint8_t got[FARM_LINE_MAX], want[FARM_LINE_MAX];

	if (frame->width != camera->width || frame->height != height ||
	    frame->pixel_format != SP_PFNC_MONO8)
		return sp_err_set(err, -EBADMSG, "block %" PRIu64 " is %ux%u, not %ux%u",
				  frame->block_id, frame->width, frame->height, camera->width,
				  height);
	for (uint32_t y = 0; y < height; y++) {
		int missing = sp_frame_read_row(frame, y, 0, camera->width, got);

		if (missing)
			return sp_err_set(err, -EBADMSG, "block %" PRIu64 ", line %u: %d",
					  frame->block_id, y, missing);
		gvcam_pattern_fill(SP_PFNC_MONO8, camera->width, height, frame->block_id,
				   (uint64_t)y * camera->width, want, camera->width);
		for (uint32_t x = 0; x < camera->width; x++)
			if (got[x] != want[x])
				return sp_err_set(err, -EBADMSG,
						  "block %" PRIu64 ": pixel %u, %u is %u, not %u",
						  frame->block_id, x, y, got[x], want[x]);
		camera->payload_bytes += camera->width;
	}
	return 0;
}

int farm_check_frame(struct farm *farm, const struct sp_frame *frame, struct sp_err *err)
{
	struct farm_camera *camera = &farm->cameras[frame->stream];
	int error = check_addresses(farm, frame, err);

	if (error || frame->flags & SP_FRAME_INCOMPLETE) {
		camera->incomplete++;
		return error;
	}
	if (camera->frames % farm->options.every == 0)
		error = check_pixels(camera, frame, farm->options.height, err);
	if (error)
		return sp_err_prefix(err, error, "camera %u", frame->stream);
	if (frame->block_id == camera->last_block)
		return sp_err_set(err, -EBADMSG, "camera %u: block %" PRIu64 " twice",
				  frame->stream, frame->block_id);
	camera->last_block = frame->block_id;
	camera->frames++;
	return 0;
}

/* ---- ledgers ---- */

int farm_check_ledgers(struct farm *farm, struct sp_err *err)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		const struct sp_stream_counters *c = farm->source->ops->counters(farm->source, i);

		if (!sp_ledger_adds_up(c))
			return sp_err_set(err, -EBADMSG,
					  "camera %u: the ledger does not add up: expected %" PRIu64
					  ", delivered %" PRIu64 ", missing %" PRIu64,
					  i, c->expected, c->delivered, c->missing);
		if (c->frames_complete != farm->cameras[i].frames)
			return sp_err_set(err, -EBADMSG,
					  "camera %u: %" PRIu64 " frames counted, %" PRIu64 " seen",
					  i, c->frames_complete, farm->cameras[i].frames);
		if (!farm->options.hostile &&
		    c->foreign + c->malformed + c->bad_packet + c->block_discarded)
			return sp_err_set(err, -EBADMSG,
					  "camera %u: packets that are not its own: %" PRIu64
					  " foreign, %" PRIu64 " malformed, %" PRIu64 " bad",
					  i, c->foreign, c->malformed, c->bad_packet);
	}
	return 0;
}
