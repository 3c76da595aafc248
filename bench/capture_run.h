/* SPDX-License-Identifier: Apache-2.0 */
/* One run of bench/capture: a sender in one network namespace, a receiver in this one. */
#ifndef SP_BENCH_CAPTURE_RUN_H
#define SP_BENCH_CAPTURE_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_WIDTH = 2048, BENCH_HEIGHT = 2048 };

/* What is sent. */
struct bench_load {
	uint32_t mtu; /* bytes of an IP packet */
	double fps, pacing; /* as gvcam has them; 0 pacing: as fast as it goes */
	uint32_t frames;
};

enum bench_kind {
	BENCH_RECEIVES, /* controls the camera, receives, and prints its figures */
	BENCH_TESTPMD, /* DPDK's own program: counts packets */
	BENCH_REPLAYS, /* reads a file, no sender */
	BENCH_RING, /* no kernel at all, no sender */
};

struct bench_receiver {
	const char *name; /* "af_packet", "aravis udp" */
	bool peer; /* not ours */
	enum bench_kind kind;
	const char *program; /* below the build folder, or on the PATH */
	const char *arguments[6]; /* before those that all have */
	bool tap; /* a ring of the kernel's packet socket: gets EAL arguments for it */
};

struct bench_result {
	double packets_per_s; /* received, over the time that the sender sent */
	double gbit_per_s; /* of IP */
	double loss; /* share of what was sent */
	double cpu_ns_per_packet; /* of the receiving process */
	double sender_ns_per_packet; /* of gvcam: the kernel's way to the receiver is in it */
	double latency_p50, latency_p99; /* ns; negative: not measured */
};

struct bench_place {
	const char *build; /* folder of programs */
	const char *work; /* temporary folder */
	const char *sender_namespace; /* file */
};

/* Writes the picture that gvcam sends. 0 or -errno. */
int bench_write_picture(const struct bench_place *place);

/* Records what @load sends into the file that BENCH_REPLAYS reads. 0 or -errno, said on stderr. */
int bench_record(const struct bench_place *place, const struct bench_load *load);

/* 0, or -errno with a line on stderr. Negative figures: this receiver does not have them. */
int bench_run(const struct bench_place *place, const struct bench_load *load,
	      const struct bench_receiver *receiver, struct bench_result *ret);

#endif
