/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/stretch.h"

#include <errno.h>
#include <stddef.h>

#include "infer/pixels.h"

/* Whether the frame has the packets of the stretch's bytes, missing or not. */
static int is_there(const struct sp_frame *frame, const struct sp_stretch *stretch)
{
	const uint8_t *at;
	uint32_t n;

	return stretch->bytes && !sp_frame_run(frame, 0, stretch->from, &at, &n) &&
	       !sp_frame_run(frame, 0, stretch->from + stretch->bytes - 1, &at, &n);
}

int sp_stretch_check(const struct sp_frame *frame, const struct sp_pfnc **ret_format)
{
	const struct sp_pfnc *format = sp_pfnc_by_code(frame->pixel_format);
	struct sp_stretch last;

	if (!format)
		return -ENOTSUP;
	if (!frame->width || !frame->height || frame->width > SP_PIXELS_SIDE_MAX ||
	    frame->height > SP_PIXELS_SIDE_MAX)
		return -EINVAL;
	if (format->kind == SP_PFNC_BAYER && (frame->width < 2 || frame->height < 2))
		return -EINVAL;
	if (format->kind == SP_PFNC_YUYV && frame->width % 2)
		return -EINVAL;
	/* The last pixel is there, so all are. */
	last = sp_stretch_of(frame, format, frame->height - 1, frame->width - 1, 1);
	if ((uint64_t)last.bytes * 8 < (uint64_t)(last.skip + 1) * format->bits_per_pixel ||
	    !is_there(frame, &last))
		return -EINVAL;
	*ret_format = format;
	return 0;
}
