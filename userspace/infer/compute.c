/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/compute.h"

#include <string.h>

#include "frame/frame.h"

const char *sp_face_reason_name(unsigned int i)
{
	static const char *const names[SP_FACE_REASONS] = {
		"too_small", "turned", "blurred", "dark", "bright", "damaged", "cut", "poor",
		"underexposed", "overexposed", "flat", "uneven", "near_border",
	};

	return i < SP_FACE_REASONS ? names[i] : "unknown";
}

const char *sp_result_cause_name(enum sp_result_cause cause)
{
	static const char *const names[SP_RESULT_CAUSES] = {
		[SP_RESULT_FACES] = "faces",
		[SP_RESULT_SHED] = "shed",
		[SP_RESULT_UNREADABLE] = "unreadable",
		[SP_RESULT_FAILED] = "failed",
		[SP_RESULT_UNSEEN] = "unseen",
		[SP_RESULT_LOST] = "lost",
	};

	return (unsigned int)cause < SP_RESULT_CAUSES ? names[cause] : "unknown";
}

void sp_result_begin(struct sp_result *result, struct sp_frame *frame)
{
	memset(result, 0, offsetof(struct sp_result, faces));
	result->frame = frame;
	result->stream = frame->stream;
	result->lane = frame->lane;
	result->camera = frame->camera;
	result->width = frame->width;
	result->height = frame->height;
	result->block_id = frame->block_id;
	result->device_ticks = frame->device_ticks;
	result->exposure_ns = frame->exposure_ns;
	result->last_ns = frame->last_ns;
	result->frame_flags = frame->flags;
}
