/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer of bench/capture: libaravis receives the same stream, through its UDP socket or its packet
 * socket, with its own defaults but for resending, which nobody does there. Prints the same line as
 * bench/capture_receive. A peer of bench/loss too: with its default policy of resending.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <arv.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/opt.h"
#include "../capture_figures.h"

enum { BUFFERS = 8, SOCKET_BUFFER = 4 << 20 };

#define QUIET_NS (700 * SP_NS_PER_MS)
#define PATIENCE_NS (10 * SP_NS_PER_S)

struct options {
	const char *camera;
	uint32_t packet_size, width, height, frames, cpu;
	double fps;
	bool packet_socket, resend;
};

static int fail(const char *what, GError *error)
{
	fprintf(stderr, "aravis: %s: %s\n", what, error ? error->message : "failed");
	g_clear_error(&error);
	return 1;
}

static int open_camera(const struct options *o, ArvCamera **ret_camera)
{
	ArvGvStreamOption how = o->packet_socket ? ARV_GV_STREAM_OPTION_NONE
						 : ARV_GV_STREAM_OPTION_PACKET_SOCKET_DISABLED;
	GError *error = NULL;
	ArvCamera *camera = arv_camera_new(o->camera, &error);

	if (!camera)
		return fail(o->camera, error);
	arv_camera_gv_set_packet_size_adjustment(camera, ARV_GV_PACKET_SIZE_ADJUSTMENT_NEVER);
	arv_camera_gv_set_stream_options(camera, how);
	arv_camera_set_region(camera, 0, 0, (int)o->width, (int)o->height, &error);
	if (!error)
		arv_camera_gv_set_packet_size(camera, (int)o->packet_size, &error);
	if (!error)
		arv_camera_set_frame_rate(camera, o->fps, &error);
	if (error) {
		g_object_unref(camera);
		return fail("format", error);
	}
	*ret_camera = camera;
	return 0;
}

static void take_buffer(ArvBuffer *buffer, ArvStream *stream, struct bench_figures *figures)
{
	uint64_t now_ns = sp_clock_now(), sent_ns;
	bool whole = arv_buffer_get_status(buffer) == ARV_BUFFER_STATUS_SUCCESS;
	size_t size;
	const uint8_t *data = arv_buffer_get_data(buffer, &size);

	bench_figures_frame(figures, now_ns, whole,
			    arv_stream_get_info_uint64_by_name(stream, "n_received_packets"));
	if (!whole || size < sizeof(sent_ns))
		return;
	memcpy(&sent_ns, data + size - sizeof(sent_ns), sizeof(sent_ns));
	bench_figures_latency(figures, now_ns, sent_ns);
}

static void take_buffers(const struct options *o, ArvStream *stream, struct bench_figures *figures)
{
	uint64_t until_ns = sp_clock_now() + PATIENCE_NS, last = 0;

	while (last < o->frames && sp_clock_now() < until_ns) {
		ArvBuffer *buffer = arv_stream_timeout_pop_buffer(stream, 50000);

		if (!buffer)
			continue;
		take_buffer(buffer, stream, figures);
		last = arv_buffer_get_frame_id(buffer);
		arv_stream_push_buffer(stream, buffer);
		until_ns = sp_clock_now() + QUIET_NS;
	}
	figures->packets = arv_stream_get_info_uint64_by_name(stream, "n_received_packets");
}

static int receive(const struct options *o)
{
	struct bench_figures figures;
	ArvCamera *camera = NULL;
	GError *error = NULL;
	ArvStream *stream;

	if (bench_figures_init(&figures) || open_camera(o, &camera))
		return 1;
	stream = arv_camera_create_stream(camera, NULL, NULL, &error);
	if (!stream) {
		g_object_unref(camera);
		return fail("stream", error);
	}
	/* Where resending is compared, the wire alone shall lose: a socket buffer as ours. */
	if (o->resend)
		g_object_set(stream, "socket-buffer", ARV_GV_STREAM_SOCKET_BUFFER_FIXED,
			     "socket-buffer-size", SOCKET_BUFFER, NULL);
	else
		g_object_set(stream, "packet-resend", ARV_GV_STREAM_PACKET_RESEND_NEVER, NULL);
	for (int i = 0; i < BUFFERS; i++)
		arv_stream_push_buffer(stream, arv_buffer_new((size_t)o->width * o->height, NULL));
	arv_camera_start_acquisition(camera, &error);
	if (!error) {
		take_buffers(o, stream, &figures);
		/* gvcam may have ended before us. */
		arv_camera_stop_acquisition(camera, NULL);
	}
	g_object_unref(stream);
	g_object_unref(camera);
	if (error)
		return fail("start", error);
	return bench_figures_print(&figures, stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct options o = { .packet_size = 1500,
				    .width = 2048,
				    .height = 2048,
				    .frames = 65535,
				    .cpu = 1,
				    .fps = 10 };
	static const struct sp_opt table[] = {
		{ "camera", 0, SP_OPT_STRING, &o.camera, "IP", "the camera's address", 0, 0 },
		{ "packet-socket", 0, SP_OPT_FLAG, &o.packet_socket, NULL,
		  "receive through a packet socket, not UDP", 0, 0 },
		{ "resend", 0, SP_OPT_FLAG, &o.resend, NULL, "ask for lost packets", 0, 0 },
		{ "packet-size", 0, SP_OPT_U32, &o.packet_size, "BYTES", "of IP (1500)", 220,
		  16384 },
		{ "width", 0, SP_OPT_U32, &o.width, "PIXELS", "(2048)", 8, 16384 },
		{ "height", 0, SP_OPT_U32, &o.height, "PIXELS", "(2048)", 8, 16384 },
		{ "fps", 0, SP_OPT_DOUBLE, &o.fps, "HZ", "(10)", 0.1, 10000 },
		{ "frames", 0, SP_OPT_U32, &o.frames, "N", "block id of the last frame", 1, 65535 },
		{ "cpu", 0, SP_OPT_U32, &o.cpu, "N", "to run on (1)", 0, 1023 },
		{ NULL, 0, SP_OPT_FLAG, NULL, NULL, NULL, 0, 0 },
	};
	static const struct sp_opt_usage usage = {
		.command = "aravis",
		.arguments = "",
		.summary = "Receives from one camera with libaravis; see bench/capture.c.",
	};
	cpu_set_t cpus;
	struct sp_err err;
	int operands, res = sp_opt_parse(table, argc, argv, &operands, &err);

	if (res == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return 0;
	}
	if (!res && !o.camera)
		res = sp_err_set(&err, -1, "--camera is needed");
	if (res) {
		fprintf(stderr, "aravis: %s\n", err.text);
		return 1;
	}
	CPU_ZERO(&cpus);
	CPU_SET(o.cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	return receive(&o);
}
