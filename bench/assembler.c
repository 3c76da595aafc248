/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What assembling costs, ns a packet, at 1500 and 9000 bytes of IP packet: parse, window, bitmap,
 * ledger, frames out and buffers back, on 5-megapixel Mono8 images; beside it one memcpy of every
 * payload into a frame, which is the work that zero copy saves. Packets lie in far more memory than
 * caches hold, and were last touched when their block ids were written. CPU time, one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport/gvsp.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/region.h"
#include "bench.h"
#include "frame/assembler.h"
#include "gvsp_wire.h"
#include "wire/pfnc.h"

enum { WIDTH = 2448, HEIGHT = 2048, BURST = 32, BLOCKS = 32, OVERHEAD = 20 + 8 + 8 };

struct load {
	uint32_t mtu, stride; /* IP packet, buffer */
	uint32_t block_packets, packets_n;
	uint32_t drop_every; /* one payload packet in so many is lost; 0: none */
	struct sp_region region;
	struct sp_packet *packets;
	struct sp_assembler *assembler;
	uint8_t *frame; /* where memcpy puts one */
	uint64_t next_block, delivered;
};

static struct sp_stream_config stream_config(const struct load *load)
{
	return (struct sp_stream_config){
		.packet_payload = load->mtu - OVERHEAD,
		.pixel_format = SP_PFNC_MONO8,
		.width = WIDTH,
		.height = HEIGHT,
		.frames = 24,
		.packet_timeout_ns = 20000000,
		.gap_ns = 1000000,
		.retention_ns = 100000000,
		.resend_tries = 2,
	};
}

/* Block ids go on where the last measurement ended; a block begins every 8 ms of virtual time. */
static void stamp(struct load *load)
{
	uint32_t payload = load->mtu - OVERHEAD, bytes = WIDTH * HEIGHT, n = 0, drop = 0;

	for (uint32_t b = 0; b < BLOCKS; b++) {
		struct sp_gvsp_packet header = { .block_id = load->next_block % 65535 + 1 };

		load->next_block++;
		for (uint32_t id = 0; id <= load->block_packets + 1; id++) {
			struct sp_packet *packet = &load->packets[n];
			uint8_t *data = load->region.base + (size_t)n * load->stride;
			uint32_t left = id ? bytes - (id - 1) * payload : 0;

			header.packet_id = id;
			header.format = GVSP_FORMAT_PAYLOAD;
			packet->head = load->region.base + (size_t)n * load->stride;
			packet->offset = (uint64_t)n * load->stride;
			packet->token = n;
			packet->rx_ns = (load->next_block * 8000 + id) * 1000;
			if (id == 0) {
				struct sp_gvsp_leader leader = {
					.payload_type = GVSP_PAYLOAD_IMAGE,
					.has_image = true,
					.pixel_format = SP_PFNC_MONO8,
					.size_x = WIDTH,
					.size_y = HEIGHT,
					.timestamp = load->next_block,
				};

				packet->length = (uint32_t)sp_gvsp_build_leader(&header, &leader,
										data, load->stride);
			} else if (id > load->block_packets) {
				struct sp_gvsp_trailer trailer = { GVSP_PAYLOAD_IMAGE, true, HEIGHT,
								   0 };

				packet->length = (uint32_t)sp_gvsp_build_trailer(
					&header, &trailer, 0, data, load->stride);
			} else {
				if (load->drop_every && ++drop % load->drop_every == 0)
					continue;
				packet->length = (uint32_t)sp_gvsp_build(&header, data,
									 load->stride) +
						 (left < payload ? left : payload);
			}
			n++;
		}
	}
	load->packets_n = n;
}

static void open_load(struct load *load)
{
	struct sp_stream_config config = stream_config(load);
	struct sp_assembler_config assembler;
	struct sp_err err;
	uint32_t buffers;

	load->stride = (load->mtu + 511) / 512 * 512;
	load->block_packets = (WIDTH * HEIGHT + config.packet_payload - 1) / config.packet_payload;
	buffers = (load->block_packets + 2) * BLOCKS;
	load->packets = calloc(buffers, sizeof(load->packets[0]));
	load->frame = malloc((size_t)WIDTH * HEIGHT);
	if (!load->packets || !load->frame ||
	    sp_region_init(&load->region, (size_t)buffers * load->stride, &err))
		exit(1);
	memset(load->region.base, 1, load->region.size);
	memset(load->frame, 1, (size_t)WIDTH * HEIGHT);
	assembler = (struct sp_assembler_config){ &load->region, buffers, 1 };
	if (sp_assembler_create(&assembler, &load->assembler, &err) ||
	    sp_assembler_add_stream(load->assembler, &config, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void close_load(struct load *load)
{
	sp_assembler_destroy(load->assembler);
	sp_region_uninit(&load->region);
	free(load->packets);
	free(load->frame);
}

/* Of this thread: what else the machine does is left out. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * SP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static double run_assembler(void *arg)
{
	struct load *load = arg;
	const struct sp_stream_counters *c = sp_assembler_counters(load->assembler, 0);
	struct sp_assembler_out out;
	uint64_t begin, delivered, tokens = 0;

	stamp(load);
	delivered = c->delivered;
	begin = cpu_ns();
	for (uint32_t i = 0; i < load->packets_n; i += BURST) {
		uint32_t n = load->packets_n - i < BURST ? load->packets_n - i : BURST;

		sp_assembler_push(load->assembler, &load->packets[i], n);
		sp_assembler_tick(load->assembler, load->packets[i + n - 1].rx_ns);
		sp_assembler_take(load->assembler, &out);
		tokens += out.tokens_n;
		/* The consumer is done at once. */
		for (uint32_t f = 0; f < out.frames_n; f++)
			sp_assembler_put(load->assembler, out.frames[f]);
	}
	sp_assembler_flush(load->assembler, load->packets[load->packets_n - 1].rx_ns);
	sp_assembler_take(load->assembler, &out);
	for (uint32_t f = 0; f < out.frames_n; f++)
		sp_assembler_put(load->assembler, out.frames[f]);
	begin = cpu_ns() - begin;
	sp_assembler_take(load->assembler, &out);
	/* Every payload packet must be in a frame, else this measured something else. */
	if (c->delivered - delivered != load->packets_n - 2 * BLOCKS || !sp_ledger_adds_up(c)) {
		fprintf(stderr, "assembler: %llu of %u packets delivered\n",
			(unsigned long long)(c->delivered - delivered),
			load->packets_n - 2 * BLOCKS);
		return -1;
	}
	return (double)begin / load->packets_n;
}

static double run_memcpy(void *arg)
{
	struct load *load = arg;
	uint32_t payload = load->mtu - OVERHEAD;
	uint64_t begin;

	stamp(load);
	begin = cpu_ns();
	for (uint32_t i = 0, at = 0; i < load->packets_n; i++) {
		uint32_t length = load->packets[i].length - SP_GVSP_HEADER_BYTES;

		if (at + length > WIDTH * HEIGHT)
			at = 0;
		memcpy(load->frame + at,
		       load->region.base + load->packets[i].offset + SP_GVSP_HEADER_BYTES, length);
		at += payload;
		if (at + payload > WIDTH * HEIGHT)
			at = 0;
	}
	return (double)(cpu_ns() - begin) / load->packets_n;
}

int main(void)
{
	static struct load loads[] = { { .mtu = 1500 },
				       { .mtu = 9000 },
				       { .mtu = 1500, .drop_every = 50 } };
	static const char *const labels[] = { "1500", "9000", "1500, 2 % lost" };
	enum { LOADS = sizeof(loads) / sizeof(loads[0]) };
	struct sp_bench *bench = sp_bench_begin("assembler");

	if (!bench)
		return 1;
	for (int i = 0; i < LOADS; i++) {
		struct sp_bench_row rows[] = {
			{ labels[i], "assembler", "cpu_time_per_packet", "ns", run_assembler,
			  &loads[i], "memcpy", "lower" },
			{ labels[i], "memcpy", "cpu_time_per_packet", "ns", run_memcpy, &loads[i],
			  NULL, NULL },
		};

		open_load(&loads[i]);
		sp_bench_run(bench, rows, 2, SP_BENCH_ROUNDS);
		close_load(&loads[i]);
	}
	return sp_bench_end(bench);
}
