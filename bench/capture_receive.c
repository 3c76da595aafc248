/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver of bench/capture: one camera through one of our packet sources, the assembler and the
 * frame source, as in `sallyport run`; prints what it cost and how late frames were, as a line of
 * JSON. With --source none it has the camera send, and somebody else receives.
 *
 * Figures are of the time between the first frame and the last. The last 8 bytes of an image are
 * when its last packet left (gvcam --stamp); a file's frames have no such time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/opt.h"
#include "capture/ingress.h"
#include "capture/packet_source.h"
#include "capture_figures.h"
#include "control/camera.h"
#include "frame/assembler.h"
#include "frame/frame_source.h"
#include "wire/pfnc.h"

enum { CREDIT = 8, SPARE_BUFFERS = 4096, SOCKET_BYTES = 32 << 20, EAL_MAX = 8 };

#define QUIET_NS (700 * SP_NS_PER_MS) /* nothing for so long: the camera is done */
#define PATIENCE_NS (10 * SP_NS_PER_S) /* before the first frame */
#define NAP_MAX_NS (20 * SP_NS_PER_US)

struct options {
	const char *source, *camera, *host, *interface, *file;
	struct sp_opt_list eal;
	uint32_t packet_size, width, height, frames, cpu, port;
	double fps;
};

struct receiver {
	const struct options *options;
	struct sp_stream_config stream;
	struct sp_packet_source *packets;
	struct sp_frame_source *source;
	struct sp_camera *camera;
	struct sp_event event;
	struct bench_figures figures;
	uint64_t last_block;
};

static int open_packets(struct receiver *r, struct sp_err *err)
{
	const struct options *o = r->options;
	unsigned int buffers = CREDIT * sp_assembler_block_packets(&r->stream) + SPARE_BUFFERS;
	uint32_t size = r->stream.packet_payload + 8;

	if (!strcmp(o->source, "udp") || !strcmp(o->source, "recvmmsg")) {
		const struct sp_udp_config udp = {
			.buffers = buffers,
			.buffer_size = size,
			.no_uring = !strcmp(o->source, "recvmmsg"),
		};

		return sp_udp_open(&udp, &r->packets, err);
	}
	if (!strcmp(o->source, "replay")) {
		const struct sp_replay_config replay = {
			.path = o->file,
			.buffers = buffers,
			.buffer_size = size,
		};

		return sp_replay_open(&replay, &r->packets, err);
	}
	if (!strcmp(o->source, "dpdk")) {
		const struct sp_dpdk_config dpdk = {
			.eal = o->eal.items,
			.eal_n = o->eal.n,
			.drop_interface = o->interface,
			.queues = 1,
			.buffers = buffers,
			.buffer_size = size,
			.nap_max_ns = NAP_MAX_NS,
		};

		return sp_dpdk_open(&dpdk, &r->packets, err);
	}
	return sp_err_set(err, -EINVAL,
			  "--source: '%s' is none of udp, recvmmsg, dpdk, replay, none", o->source);
}

static int open_source(struct receiver *r, struct sp_err *err)
{
	struct sp_gvsp_source_config config = { .cpu = (int)r->options->cpu, .frames = &r->event };
	int res = open_packets(r, err);

	if (res)
		return res;
	config.packets = r->packets;
	res = sp_gvsp_source_open(&config, &r->source, err);
	if (res) {
		r->packets->ops->close(r->packets);
		return res;
	}
	res = r->source->ops->add_stream(r->source, &r->stream, err);
	if (res >= 0)
		res = r->source->ops->start(r->source, err);
	return res;
}

static int start_camera(struct receiver *r, struct sp_err *err)
{
	const struct options *o = r->options;
	const struct sp_camera_stream to = {
		.host_ip = r->stream.host_ip,
		.host_port = r->stream.host_port,
		.packet_size = o->packet_size,
		.width = o->width,
		.height = o->height,
		.pixel_format = SP_PFNC_MONO8,
		.fps = o->fps,
	};
	int res = sp_camera_aravis.open(o->camera, &r->camera, err);

	return res ? res : sp_camera_aravis.start(r->camera, &to, err);
}

static void take_frame(struct receiver *r, const struct sp_frame *frame)
{
	uint64_t now_ns = sp_clock_now(), sent_ns;
	bool whole = !(frame->flags & SP_FRAME_INCOMPLETE);
	const struct sp_frame_part *image = &frame->parts[0];

	r->last_block = frame->block_id;
	bench_figures_frame(&r->figures, now_ns, whole, r->packets->counters.received);
	if (whole && !r->packets->patient &&
	    !sp_frame_read(frame, 0, image->bytes - sizeof(sent_ns), sizeof(sent_ns),
			   (uint8_t *)&sent_ns))
		bench_figures_latency(&r->figures, now_ns, sent_ns);
}

/* Until the last frame, the file's end, or until nothing has come for a while. */
static void take_frames(struct receiver *r)
{
	uint64_t until_ns = sp_clock_now() + PATIENCE_NS;
	struct sp_frame *frame;

	while (sp_clock_now() < until_ns) {
		bool ended = sp_gvsp_source_ended(r->source) || sp_gvsp_source_failed(r->source);

		while (r->source->ops->get(r->source, &frame, 1)) {
			take_frame(r, frame);
			r->source->ops->put(r->source, frame);
			until_ns = sp_clock_now() + QUIET_NS;
		}
		if (ended || (r->options->frames && r->last_block >= r->options->frames))
			return;
		sp_event_arm(&r->event);
		sp_event_wait(&r->event, 50 * SP_NS_PER_MS);
		sp_event_disarm(&r->event);
	}
}

static int receive(struct receiver *r, struct sp_err *err)
{
	const struct sp_stream_counters *c;
	bool file = !strcmp(r->options->source, "replay");
	uint16_t port;
	int res;

	r->stream.fd = -1;
	r->stream.host_port = (uint16_t)r->options->port;
	if (!file) {
		/* A source that needs no socket has the port reserved by one. */
		r->stream.fd = sp_udp_socket(0, (uint16_t)r->options->port, SOCKET_BYTES, &port,
					     err);
		if (r->stream.fd < 0)
			return r->stream.fd;
		r->stream.host_port = port;
	}
	res = open_source(r, err);
	if (!res && !file)
		res = start_camera(r, err);
	if (res)
		return res;
	take_frames(r);
	if (r->camera) {
		struct sp_err ignored; /* gvcam may have ended before us */

		sp_camera_aravis.stop(r->camera, &ignored);
		sp_camera_aravis.close(r->camera);
	}
	r->source->ops->stop(r->source);
	c = r->source->ops->counters(r->source, 0);
	r->figures.packets = r->packets->counters.received;
	if (!sp_ledger_adds_up(c))
		return sp_err_set(err, -EPROTO, "the ledger does not add up");
	fprintf(stderr,
		"expected %llu delivered %llu missing %llu policy %llu late %llu; overflow %llu "
		"ring full %llu no mbuf %llu no buffer %llu\n",
		(unsigned long long)c->expected, (unsigned long long)c->delivered,
		(unsigned long long)c->missing, (unsigned long long)c->policy,
		(unsigned long long)c->late,
		(unsigned long long)r->packets->counters.socket_overflow,
		(unsigned long long)r->packets->counters.ring_full,
		(unsigned long long)r->packets->counters.no_mbuf,
		(unsigned long long)r->packets->counters.no_buffer);
	r->source->ops->close(r->source);
	return bench_figures_print(&r->figures, stdout) ? -EIO : 0;
}

/* The camera sends to our address until we are told to end; the kernel may drop its packets. */
static int control_only(struct receiver *r, struct sp_err *err)
{
	const struct options *o = r->options;
	struct sp_ingress *ingress = NULL;
	struct sp_err ignored;
	sigset_t signals;
	int number, res = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r->stream.host_port = (uint16_t)o->port;
	if (o->interface)
		res = sp_ingress_drop(o->interface, &r->stream.host_port, 1, &ingress, err);
	/* A build that cannot leaves the kernel its work. */
	if (!res || res == -ENOSYS)
		res = start_camera(r, err);
	if (!res)
		sigwait(&signals, &number);
	if (r->camera) {
		sp_camera_aravis.stop(r->camera, &ignored);
		sp_camera_aravis.close(r->camera);
	}
	sp_ingress_undo(ingress);
	return res;
}

static int pin(uint32_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static int run(const struct options *o, struct sp_err *err)
{
	struct receiver r = { .options = o };
	int res;

	r.stream = (struct sp_stream_config){
		.packet_payload = o->packet_size - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = o->width,
		.height = o->height,
		.frames = CREDIT,
		.gap_ns = SP_NS_PER_MS,
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.retention_ns = 100 * SP_NS_PER_MS,
	};
	if (inet_pton(AF_INET, o->host, &r.stream.host_ip) != 1 ||
	    inet_pton(AF_INET, o->camera, &r.stream.camera_ip) != 1)
		return sp_err_set(err, -EINVAL, "--host and --camera want IPv4 addresses");
	r.stream.host_ip = ntohl(r.stream.host_ip);
	r.stream.camera_ip = ntohl(r.stream.camera_ip);
	res = pin(o->cpu);
	if (res)
		return sp_err_set(err, res, "--cpu %u: %s", o->cpu, strerror(-res));
	if (!strcmp(o->source, "none"))
		return control_only(&r, err);
	res = sp_event_init(&r.event);
	if (res)
		return sp_err_set(err, res, "eventfd: %s", strerror(-res));
	res = bench_figures_init(&r.figures);
	if (res)
		return sp_err_set(err, res, "no memory");
	return receive(&r, err);
}

int main(int argc, char **argv)
{
	static struct options o = { .source = "udp",
				    .packet_size = 1500,
				    .width = 2048,
				    .height = 2048,
				    .fps = 10,
				    .cpu = 1,
				    .port = 6000 };
	static const struct sp_opt table[] = {
		{ "source", 0, SP_OPT_STRING, &o.source, "NAME",
		  "udp, recvmmsg, dpdk, replay or none (udp)", 0, 0 },
		{ "camera", 0, SP_OPT_STRING, &o.camera, "IP", "the camera's address", 0, 0 },
		{ "host", 0, SP_OPT_STRING, &o.host, "IP", "our address", 0, 0 },
		{ "port", 0, SP_OPT_U32, &o.port, "PORT", "our port (6000)", 1, 65535 },
		{ "interface", 0, SP_OPT_STRING, &o.interface, "NAME",
		  "where the kernel shall drop the stream, for dpdk and none", 0, 0 },
		{ "eal", 0, SP_OPT_LIST, &o.eal, "ARGUMENT", "for dpdk; may be repeated", 0, 0 },
		{ "file", 0, SP_OPT_STRING, &o.file, "FILE", "for replay", 0, 0 },
		{ "packet-size", 0, SP_OPT_U32, &o.packet_size, "BYTES", "of IP (1500)", 220,
		  16384 },
		{ "width", 0, SP_OPT_U32, &o.width, "PIXELS", "(2048)", 8, 16384 },
		{ "height", 0, SP_OPT_U32, &o.height, "PIXELS", "(2048)", 8, 16384 },
		{ "fps", 0, SP_OPT_DOUBLE, &o.fps, "HZ", "(10)", 0.1, 10000 },
		{ "frames", 0, SP_OPT_U32, &o.frames, "N", "block id of the last frame", 0, 65535 },
		{ "cpu", 0, SP_OPT_U32, &o.cpu, "N", "to run on (1)", 0, 1023 },
		{ NULL, 0, SP_OPT_FLAG, NULL, NULL, NULL, 0, 0 },
	};
	static const struct sp_opt_usage usage = {
		.command = "capture_receive",
		.arguments = "",
		.summary = "Receives from one camera and prints what it cost; see bench/capture.c.",
	};
	struct sp_err err;
	int operands, res = sp_opt_parse(table, argc, argv, &operands, &err);

	if (res == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return 0;
	}
	if (!res)
		res = o.camera && o.host
			      ? run(&o, &err)
			      : sp_err_set(&err, -EINVAL, "--camera and --host are needed");
	if (res)
		fprintf(stderr, "capture_receive: %s\n", err.text);
	return res != 0;
}
