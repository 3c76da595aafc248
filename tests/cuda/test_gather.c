/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel A: frames as their packets say, whatever lies where. */
#include "cuda/gather.h"

#include <inttypes.h>

#include "card.h"
#include "test.h"

enum {
	FRAMES_MAX = 3,
	GUARD = 256, /* bytes before and after a frame that stay as they are */
	STALE = 0xA5, /* what was there before */
	HEADERS = 50, /* bytes before a payload: Ethernet, IP, UDP and GVSP */
	SEEDS = 4,
};

struct shape {
	uint32_t stride;
	uint64_t bytes;
};

/* Strides of usual and of odd packets, and pieces that begin and end in the middle of packets. */
static const struct shape shapes[] = {
	{ 1440, 100000 }, { 1464, 1464 * 9 }, { 8952, 45000 }, { 8963, 45000 },	 { 1437, 9999 },
	{ 4096, 16384 },  { 4097, 3 * 4097 }, { 16, 160 },     { 17, 4096 },	 { 7, 500 },
	{ 1, 45 },	  { 5, 1 },	      { 15, 15 },      { 70001, 70001 }, { 33000, 70000 },
};

struct packets {
	uint8_t *region, *region_device;
	uint64_t *offset, *offset_device, *missing, *missing_device;
	uint32_t n;
	uint8_t *frame; /* of the device, behind its guard */
	uint64_t bytes;
};

/* The reference: byte by byte. */
static uint8_t byte_at(const struct packets *packets, const struct shape *shape, uint64_t i)
{
	uint64_t packet = i / shape->stride;

	if (i >= shape->bytes || packets->missing[packet / 64] >> packet % 64 & 1)
		return 0;
	return packets->region[packets->offset[packet] + i % shape->stride];
}

/*
 * Packets in any order, any distance apart, @missing of 8 missing. The region begins with the first
 * one's aligned words and ends with the last one's, so that whoever reads beyond them leaves it.
 */
static void make_packets(struct packets *packets, const struct shape *shape, uint32_t missing,
			 uint64_t *random)
{
	uint32_t n = (uint32_t)((shape->bytes + shape->stride - 1) / shape->stride);
	uint64_t slot = shape->stride + HEADERS + 16, size, last = 0;

	packets->n = n;
	packets->bytes = shape->bytes;
	packets->offset = card_pinned((n + 1) * 8, &packets->offset_device);
	packets->missing = card_pinned((n + 63) / 64 * 8, &packets->missing_device);
	memset(packets->missing, 0, (n + 63) / 64 * 8);
	for (uint32_t i = 0; i < n; i++) {
		packets->offset[i] = i * slot + (i ? HEADERS : 0) + card_random(random) % 16;
		if (card_random(random) % 8 < missing)
			packets->missing[i / 64] |= (uint64_t)1 << i % 64;
	}
	for (uint32_t i = n; i > 1; i--) {
		uint32_t other = (uint32_t)(card_random(random) % i);
		uint64_t offset = packets->offset[i - 1];

		packets->offset[i - 1] = packets->offset[other];
		packets->offset[other] = offset;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t payload = i + 1 < n ? shape->stride
					     : shape->bytes - (n - 1) * (uint64_t)shape->stride;

		if (packets->offset[i] + payload > last)
			last = packets->offset[i] + payload;
	}
	size = (last + 15) / 16 * 16;
	packets->region = card_pinned(size, &packets->region_device);
	for (uint64_t i = 0; i < size; i++)
		packets->region[i] = (uint8_t)(card_random(random) | 1);
	packets->frame = card_memory(GUARD + shape->bytes + SP_GATHER_SLACK + GUARD);
	packets->frame += GUARD;
	CARD(cudaMemset(packets->frame - GUARD, STALE,
			GUARD + shape->bytes + SP_GATHER_SLACK + GUARD));
	/* Other streams do not wait for it. */
	CARD(cudaStreamSynchronize(NULL));
	/* A missing packet's place is not to be read at all. */
	for (uint32_t i = 0; i < n; i++)
		if (packets->missing[i / 64] >> i % 64 & 1)
			packets->offset[i] = UINT64_MAX / 2;
}

static void free_packets(struct packets *packets)
{
	card_free_pinned(packets->region);
	card_free_pinned(packets->offset);
	card_free_pinned(packets->missing);
	card_free(packets->frame - GUARD);
}

static void check_frame(const struct packets *packets, const struct shape *shape, bool gathered)
{
	uint64_t n = GUARD + shape->bytes + SP_GATHER_SLACK + GUARD;
	uint8_t *got = malloc(n);

	CARD(cudaMemcpy(got, packets->frame - GUARD, n, cudaMemcpyDeviceToHost));
	for (uint64_t i = 0; i < n; i++) {
		bool inside = gathered && i >= GUARD && i < n - GUARD;
		uint8_t want = inside ? byte_at(packets, shape, i - GUARD) : STALE;

		if (got[i] != want) {
			uint8_t is = got[i];

			free(got);
			FAIL("stride %" PRIu32 ", %" PRIu64 " bytes: byte %" PRId64
			     " is %u, not %u",
			     shape->stride, shape->bytes, (int64_t)i - GUARD, is, want);
		}
	}
	free(got);
}

static struct sp_gather_frame frame_of(const struct packets *packets, const struct shape *shape)
{
	return (struct sp_gather_frame){
		.base = packets->region_device,
		.offset = packets->offset_device,
		.missing = packets->missing_device,
		.packets = packets->n,
		.stride = shape->stride,
		.bytes = shape->bytes,
		.to = packets->frame,
	};
}

/* Frames of different shapes in one launch, one slot of which is empty. */
static void gather(const struct shape *const *of, uint32_t n, uint32_t missing, uint32_t empty,
		   uint64_t *random)
{
	struct packets packets[FRAMES_MAX];
	struct sp_gather_frame *frames, *device;
	uint64_t most = 0;

	frames = card_pinned(n * sizeof(*frames), &device);
	for (uint32_t i = 0; i < n; i++) {
		make_packets(&packets[i], of[i], missing, random);
		frames[i] = frame_of(&packets[i], of[i]);
		if (i == empty)
			frames[i].bytes = 0;
		most = of[i]->bytes > most ? of[i]->bytes : most;
	}
	CARD(sp_gather(NULL, device, n, most));
	CARD(cudaStreamSynchronize(NULL));
	for (uint32_t i = 0; i < n; i++)
		check_frame(&packets[i], of[i], i != empty);
	for (uint32_t i = 0; i < n; i++)
		free_packets(&packets[i]);
	card_free_pinned(frames);
}

TEST(frames_are_what_their_packets_brought)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];

		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			uint64_t random = seed * 1000 + i + 1;

			gather(&shape, 1, 0, 1, &random);
		}
	}
}

TEST(missing_packets_and_the_slack_are_zeros)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *shape = &shapes[i];

		for (uint32_t missing = 2; missing <= 8; missing += 3) {
			uint64_t random = missing * 1000 + i + 1;

			gather(&shape, 1, missing, 1, &random);
		}
	}
}

TEST(frames_of_many_sizes_and_an_empty_slot)
{
	static const struct shape *const of[FRAMES_MAX] = { &shapes[3], &shapes[0], &shapes[9] };

	for (uint32_t empty = 0; empty <= FRAMES_MAX; empty++) {
		uint64_t random = empty + 1;

		gather(of, FRAMES_MAX, 1, empty, &random);
	}
}

/* Payloads at every place of a word to every place of a word. */
TEST(every_shift)
{
	for (uint32_t stride = 32; stride < 48; stride++) {
		struct shape odd = { stride, 16 * stride + 5 };
		const struct shape *shape = &odd;
		uint64_t random = stride;

		gather(&shape, 1, 0, 1, &random);
	}
}

/* As the backend does it: what a graph works on is decided when it is launched. */
TEST(captured_launches_read_their_list_anew)
{
	const struct shape *before = &shapes[0], *after = &shapes[4];
	struct packets first, second;
	struct sp_gather_frame *frames, *device;
	uint64_t random = 5;
	cudaStream_t stream;
	cudaGraph_t graph;
	cudaGraphExec_t exec;

	make_packets(&first, before, 1, &random);
	make_packets(&second, after, 1, &random);
	frames = card_pinned(2 * sizeof(*frames), &device);
	frames[0] = frames[1] = frame_of(&first, before);
	CARD(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CARD(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	CARD(sp_gather(stream, device, 2, before->bytes));
	CARD(cudaStreamEndCapture(stream, &graph));
	CARD(cudaGraphInstantiate(&exec, graph, 0));
	frames[0].bytes = 0;
	frames[1] = frame_of(&second, after);
	CARD(cudaGraphLaunch(exec, stream));
	CARD(cudaStreamSynchronize(stream));
	check_frame(&first, before, false);
	check_frame(&second, after, true);
	CARD(cudaGraphExecDestroy(exec));
	CARD(cudaGraphDestroy(graph));
	CARD(cudaStreamDestroy(stream));
	free_packets(&first);
	free_packets(&second);
	card_free_pinned(frames);
}

TEST(nothing_to_do)
{
	CARD(sp_gather(NULL, NULL, 0, 1000));
	CARD(sp_gather(NULL, NULL, 3, 0));
}

TEST_MAIN()
