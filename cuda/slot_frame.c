/* SPDX-License-Identifier: Apache-2.0 */
/* Frames come into a batch. */
#include "cuda/slot.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/region.h"
#include "infer/stretch.h"
#include "infer/tile.h"

/* Bytes from a part's first to the one with the last pixel. */
static uint64_t bytes_of(const struct sp_frame *frame)
{
	uint64_t line = sp_pfnc_line_bytes(frame->pixel_format, frame->width);

	if (frame->padding_x)
		return (frame->height - 1) * (line + frame->padding_x) + line;
	return sp_pfnc_image_bytes(frame->pixel_format, frame->width, frame->height);
}

static int refuse(struct sp_result *result, int code)
{
	result->cause = SP_RESULT_UNREADABLE;
	result->error = code;
	return code;
}

static int fail(struct sp_result *result, int code)
{
	result->cause = SP_RESULT_FAILED;
	result->error = code;
	return code;
}

/* Whether the device can read it: what is not checked here would cost the device. */
static int check(const struct sp_slot *slot, struct sp_result *result, const uint8_t *base,
		 const struct sp_pfnc **ret_format, struct sp_err *err)
{
	const struct sp_frame *frame = result->frame;
	uint64_t bytes, packets;
	int rc = sp_stretch_check(frame, ret_format);

	if (rc)
		return refuse(result, sp_err_set(err, rc,
						 "a frame's pixels cannot be read: its format or "
						 "its geometry is not one that is known"));
	if (!base)
		return refuse(result, sp_err_set(err, -EFAULT,
						 "a frame lies in a region that was never "
						 "registered"));
	bytes = bytes_of(frame);
	packets = (bytes + frame->parts[0].stride - 1) / frame->parts[0].stride;
	if (bytes > slot->setup->frame_bytes || packets > slot->setup->packets_max ||
	    packets > frame->packets - frame->parts[0].first_packet)
		return refuse(result,
			      sp_err_set(err, -EFBIG,
					 "a frame has %llu bytes in %llu packets; the device has "
					 "room for %llu in %u; set frame_bytes",
					 (unsigned long long)bytes, (unsigned long long)packets,
					 (unsigned long long)slot->setup->frame_bytes,
					 slot->setup->packets_max));
	return 0;
}

/* The places of the image's packets and which are missing, counted from its first. */
static int copy_packets(const struct sp_frame *frame, uint32_t packets, uint64_t bytes,
			uint64_t *offsets, uint64_t *missing)
{
	const struct sp_frame_part *part = &frame->parts[0];

	memset(missing, 0, ((size_t)packets + 63) / 64 * sizeof(*missing));
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t packet = part->first_packet + i;
		uint64_t left = bytes - (uint64_t)i * part->stride;

		offsets[i] = frame->offset[packet];
		if (sp_frame_packet_missing(frame, packet))
			missing[i / 64] |= 1ull << i % 64;
		else if (!sp_region_holds(part->region, offsets[i],
					  left < part->stride ? left : part->stride))
			return -EINVAL;
	}
	return 0;
}

/* Into the batch's memory: what the device gathers, and what is known of it afterwards. */
static int describe(struct sp_slot *slot, unsigned int i, struct sp_result *result,
		    const uint8_t *base, const struct sp_pfnc *format, struct sp_err *err)
{
	const struct sp_frame *frame = result->frame;
	struct sp_slot_frame *into = &slot->frames[i];
	uint32_t packets_max = slot->setup->packets_max, stride = frame->parts[0].stride;
	uint64_t bytes = bytes_of(frame);
	uint32_t packets = (uint32_t)((bytes + stride - 1) / stride);
	uint64_t *offsets = slot->offsets + (size_t)i * packets_max;
	uint64_t *missing = slot->missing + (size_t)i * ((packets_max + 63) / 64);
	uint8_t *to = slot->pixels + i * slot->frame_stride;

	if (copy_packets(frame, packets, bytes, offsets, missing))
		return refuse(result, sp_err_set(err, -EINVAL,
						 "a packet of a frame lies outside its region"));
	slot->gather[i] = (struct sp_gather_frame){
		.base = base,
		.offset = sp_device_arena_seen(&slot->pinned, offsets),
		.missing = sp_device_arena_seen(&slot->pinned, missing),
		.packets = packets,
		.stride = stride,
		.bytes = bytes,
		.to = to,
	};
	into->result = result;
	into->frame = *frame;
	into->frame.offset = offsets;
	into->frame.missing = missing;
	into->frame.packets = packets;
	into->frame.parts_n = 1;
	into->frame.parts[0].first_packet = 0;
	into->frame.parts[0].packets = packets;
	into->picture = sp_picture_of(format, frame->width, frame->height, frame->padding_x, to);
	return 0;
}

/* ---- looks ----------------------------------------------------------------------------------- */

/* A chunk of looks of that size which has a place left, or a new one. */
static int find_chunk(struct sp_slot *slot, uint32_t width, uint32_t height,
		      struct sp_detect_chunk **ret_chunk, struct sp_err *err)
{
	struct sp_device_size *size;
	struct sp_detect_chunk *chunk;
	int rc;

	for (unsigned int i = 0; i < slot->chunks_n; i++) {
		chunk = &slot->chunks[i];
		if (chunk->size->width == width && chunk->size->height == height &&
		    chunk->n < chunk->size->places) {
			*ret_chunk = chunk;
			return 0;
		}
	}
	rc = sp_device_detector_get(slot->detector, width, height, &size, err);
	if (rc)
		return rc;
	if (slot->places_n + size->places > slot->places) {
		sp_device_detector_put(size);
		return -EAGAIN;
	}
	chunk = &slot->chunks[slot->chunks_n];
	*chunk = (struct sp_detect_chunk){
		.size = size,
		.slot = slot->index,
		.index = slot->chunks_n++,
		.first = slot->places_n,
	};
	slot->places_n += size->places;
	*ret_chunk = chunk;
	return 0;
}

/* Of a frame that does not come in after all. */
static void give_back(struct sp_slot *slot, const struct sp_slot_frame *frame, unsigned int looks,
		      unsigned int chunks_before, uint32_t places_before)
{
	for (unsigned int i = 0; i < looks; i++) {
		struct sp_detect_chunk *chunk = slot->chunks;

		while (frame->place[i] < chunk->first ||
		       frame->place[i] >= chunk->first + chunk->size->places)
			chunk++;
		chunk->n--;
	}
	while (slot->chunks_n > chunks_before)
		sp_device_detector_put(slot->chunks[--slot->chunks_n].size);
	slot->places_n = places_before;
}

static int place_looks(struct sp_slot *slot, struct sp_slot_frame *frame, struct sp_err *err)
{
	unsigned int chunks = slot->chunks_n;
	uint32_t places = slot->places_n;

	for (unsigned int i = 0; i < frame->looks_n; i++) {
		const struct sp_fit *fit = &frame->looks[i];
		struct sp_detect_chunk *chunk;
		int rc = find_chunk(slot, fit->input_width, fit->input_height, &chunk, err);

		if (rc) {
			give_back(slot, frame, i, chunks, places);
			return rc;
		}
		frame->place[i] = chunk->first + chunk->n++;
		slot->looks[frame->place[i]] = (struct sp_preprocess_look){
			.picture = frame->picture,
			.fit = *fit,
		};
	}
	return 0;
}

int sp_slot_add(struct sp_slot *slot, struct sp_result *result, const uint8_t *base,
		struct sp_err *err)
{
	const struct sp_setup *setup = slot->setup;
	struct sp_slot_frame *frame = &slot->frames[slot->n];
	const struct sp_pfnc *format;
	int rc = check(slot, result, base, &format, err);

	rc = rc ? rc : describe(slot, slot->n, result, base, format, err);
	if (rc)
		return rc;
	rc = sp_tile_plan(sp_setup_tiles(setup, result->lane, result->camera), result->width,
			  result->height, setup->detect_width, setup->detect_height, frame->looks,
			  &frame->looks_n, err);
	rc = rc ? rc : place_looks(slot, frame, err);
	if (rc == -EAGAIN)
		return rc;
	if (rc)
		return fail(result, rc);
	slot->n++;
	return 0;
}
