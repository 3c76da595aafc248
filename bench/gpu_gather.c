/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel A alone: frames of 5 megapixels out of pinned memory over the bus, from payloads as
 * cameras and network cards place them; and how much slower products of matrices are beside it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/gather.h"
#include "gpu.h"

enum { FRAMES = 16, LINE = 64, RANDOM = -1 };

/* Payload bytes; 0: a frame in one piece. */
static const uint32_t strides[] = { 1440, 8164, 0 };
/* Bytes between a line of 64 and a payload. */
static const int shifts[] = { 0, 50, RANDOM };

enum {
	STRIDES = sizeof(strides) / sizeof(strides[0]),
	SHIFTS = sizeof(shifts) / sizeof(shifts[0])
};

struct frames {
	uint32_t n, width, height;
	uint64_t bytes, room; /* of a frame; of one on the device */
	uint8_t *packets, *linear; /* both as the device sees them */
	struct sp_gather_frame *gather, *gather_view;
	uint64_t *offset, *offset_view, *missing_view;
	struct gpu_memory memory;
	struct gpu_products products;
	cudaStream_t other;
};

static uint32_t stride_of(const struct frames *frames, unsigned int i)
{
	return strides[i] ? strides[i] : (uint32_t)frames->bytes;
}

static uint32_t packets_of(const struct frames *frames, uint32_t stride)
{
	return (uint32_t)((frames->bytes + stride - 1) / stride);
}

/* From payload to payload. */
static uint64_t slot_of(uint32_t stride)
{
	return ((uint64_t)stride + LINE + LINE - 1) / LINE * LINE;
}

static int init(struct gpu_bench *bench, struct frames *frames, struct sp_err *err)
{
	struct gpu_memory *memory = &frames->memory;
	size_t packets = 0, all = 0;
	uint8_t *payload;

	frames->n = bench->small ? 2 : FRAMES;
	frames->width = bench->small ? 128 : 2448;
	frames->height = bench->small ? 96 : 2048;
	frames->bytes = (uint64_t)frames->width * frames->height;
	frames->room = (frames->bytes + SP_GATHER_SLACK + 255) / 256 * 256;
	for (unsigned int i = 0; i < STRIDES; i++) {
		size_t n = packets_of(frames, stride_of(frames, i));
		size_t size = frames->n * n * slot_of(stride_of(frames, i));

		packets = n > packets ? n : packets;
		all = size > all ? size : all;
	}
	payload = gpu_take_pinned(memory, all, &frames->packets, err);
	if (!payload)
		return -ENOMEM;
	for (size_t i = 0; i < all; i++)
		payload[i] = (uint8_t)(i * 2654435761u >> 24);
	frames->gather = gpu_take_pinned(memory, FRAMES * sizeof(*frames->gather),
					 &frames->gather_view, err);
	frames->offset = frames->gather
				 ? gpu_take_pinned(memory, frames->n * packets * sizeof(uint64_t),
						   &frames->offset_view, err)
				 : NULL;
	if (!frames->offset || !gpu_take_pinned(memory, (packets + 63) / 64 * sizeof(uint64_t),
						&frames->missing_view, err))
		return -ENOMEM;
	frames->linear = gpu_take(memory, frames->n * frames->room, err);
	if (!frames->linear)
		return -ENOMEM;
	return gpu_products_init(&frames->products, bench, memory, err);
}

static void describe(struct frames *frames, uint32_t stride, int shift)
{
	uint32_t packets = packets_of(frames, stride);
	uint64_t chance = 1;

	for (uint32_t i = 0; i < frames->n * packets; i++) {
		chance = chance * 6364136223846793005ull + 1442695040888963407ull;
		frames->offset[i] = i * slot_of(stride) +
				    (shift == RANDOM ? chance >> 58 : (unsigned int)shift);
	}
	for (uint32_t i = 0; i < frames->n; i++)
		frames->gather[i] = (struct sp_gather_frame){
			.base = frames->packets,
			.offset = frames->offset_view + i * packets,
			.missing = frames->missing_view,
			.packets = packets,
			.stride = stride,
			.bytes = frames->bytes,
			.to = frames->linear + i * frames->room,
		};
}

static int gather(void *arg, cudaStream_t stream, struct sp_err *err)
{
	struct frames *frames = arg;

	return SP_CUDA(err, sp_gather(stream, frames->gather_view, frames->n, frames->bytes));
}

/*
 * The share of the multiprocessors that frames take from whoever computes meanwhile: how much
 * longer products take while frames are gathered all the time in another stream.
 */
static int measure_share(struct gpu_bench *bench, struct frames *frames, const char *label,
			 double seconds_gather, struct sp_err *err)
{
	double alone[GPU_ROUNDS], beside[GPU_ROUNDS], middle;
	int rc = gpu_time(bench, gpu_products_work, &frames->products, 1, alone, err);
	unsigned int n;

	if (rc)
		return rc;
	middle = gpu_median(alone, bench->rounds);
	/* For longer than the products take, at whatever rate. */
	n = bench->small ? 1 : 2 + (unsigned int)(3 * middle / seconds_gather);
	for (unsigned int i = 0; !rc && i < bench->rounds; i++) {
		for (unsigned int k = 0; !rc && k < n; k++)
			rc = gather(frames, frames->other, err);
		if (!rc)
			rc = gpu_time_once(bench, gpu_products_work, &frames->products, 1,
					   &beside[i], err);
		if (!rc)
			rc = SP_CUDA(err, cudaStreamSynchronize(frames->other));
		if (!rc)
			beside[i] = 100 * (1 - middle / beside[i]);
	}
	if (!rc)
		gpu_record(bench, label, "taken_from_others", "%", beside, bench->rounds);
	return rc;
}

static int bench_one(struct gpu_bench *bench, struct frames *frames, unsigned int which, int shift,
		     struct sp_err *err)
{
	uint32_t stride = stride_of(frames, which);
	const struct gpu_numbers numbers = {
		.operations = 4.0 * (double)frames->bytes * frames->n,
		.bytes = (double)frames->bytes * frames->n,
		.bus = ((double)frames->bytes + 8.125 * packets_of(frames, stride)) * frames->n,
	};
	double seconds[GPU_ROUNDS], rate[GPU_ROUNDS];
	char label[128], packet[32] = "in one piece", place[32] = "at random";
	int rc;

	describe(frames, stride, shift);
	if (strides[which])
		snprintf(packet, sizeof(packet), "packets of %u", stride);
	if (shift != RANDOM)
		snprintf(place, sizeof(place), "all + %d", shift);
	snprintf(label, sizeof(label), "gather %u x %ux%u, %s, %s", frames->n, frames->width,
		 frames->height, packet, place);
	rc = gpu_time(bench, gather, frames, 10, seconds, err);
	if (rc)
		return rc;
	gpu_record_kernel(bench, label, seconds, &numbers);
	for (unsigned int i = 0; i < bench->rounds; i++)
		rate[i] = numbers.bus / seconds[i] / 1e9;
	gpu_record(bench, label, "over_the_bus", "GB/s", rate, bench->rounds);
	return measure_share(bench, frames, label, gpu_median(seconds, bench->rounds), err);
}

void gpu_gather(struct gpu_bench *bench)
{
	struct frames frames = { 0 };
	struct sp_err err;
	int rc = init(bench, &frames, &err);

	if (!rc)
		rc = SP_CUDA(&err, cudaStreamCreateWithFlags(&frames.other, cudaStreamNonBlocking));
	for (unsigned int i = 0; !rc && i < STRIDES * SHIFTS; i++)
		rc = bench_one(bench, &frames, i / SHIFTS, shifts[i % SHIFTS], &err);
	if (rc)
		gpu_failed(bench, "gather", &err);
	if (frames.other)
		cudaStreamDestroy(frames.other);
	gpu_give_back(&frames.memory);
}
