/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "capture_process.h"

enum {
	SENDER_CPU = 0,
	RECEIVER_CPU = 1,
	PORT = 6000,
	PATH_BYTES = 512,
	LINE_BYTES = 4096,
	IP_UDP_BYTES = 28,
};

#define CAMERA "10.78.0.2"
#define HOST "10.78.0.1"
#define INTERFACE "host0"
#define START_NS (10 * SP_NS_PER_S)
#define RUN_NS (40 * SP_NS_PER_S)

struct run {
	const struct bench_place *place;
	const struct bench_load *load;
	const struct bench_receiver *receiver;
	struct bench_process sender, process;
	char sender_file[PATH_BYTES], sender_log[PATH_BYTES];
	char file[PATH_BYTES], log[PATH_BYTES];
	json_t *sent, *received; /* what they printed */
};

static void name_files(struct run *run)
{
	const char *work = run->place->work;

	snprintf(run->sender_file, sizeof(run->sender_file), "%s/sender", work);
	snprintf(run->sender_log, sizeof(run->sender_log), "%s/sender.log", work);
	snprintf(run->file, sizeof(run->file), "%s/receiver", work);
	snprintf(run->log, sizeof(run->log), "%s/receiver.log", work);
}

int bench_write_picture(const struct bench_place *place)
{
	char path[PATH_BYTES];
	FILE *out;

	snprintf(path, sizeof(path), "%s/picture.pgm", place->work);
	out = fopen(path, "w");
	if (!out)
		return -errno;
	fprintf(out, "P5\n%d %d\n255\n", BENCH_WIDTH, BENCH_HEIGHT);
	for (uint32_t i = 0; i < BENCH_WIDTH * BENCH_HEIGHT; i++)
		putc((int)(i * 31 + (i >> 11)) & 255, out);
	return fclose(out) ? -errno : 0;
}

static int start_sender(struct run *run)
{
	const struct bench_load *load = run->load;
	struct bench_command command = {
		.cpu = SENDER_CPU,
		.network = run->place->sender_namespace,
		.output = run->sender_file,
		.log = run->sender_log,
	};
	int res;

	bench_command_add_text(&command, "%s/gvcam", run->place->build);
	bench_command_add_text(&command, "--address=" CAMERA);
	bench_command_add_text(&command, "--images=%s/picture.pgm", run->place->work);
	bench_command_add(&command, "--hold=1000000");
	bench_command_add_text(&command, "--width=%d", BENCH_WIDTH);
	bench_command_add_text(&command, "--height=%d", BENCH_HEIGHT);
	bench_command_add_text(&command, "--packet-size=%u", load->mtu);
	bench_command_add_text(&command, "--fps=%g", load->fps);
	bench_command_add_text(&command, "--pacing=%g", load->pacing);
	bench_command_add_text(&command, "--frames=%u", load->frames);
	/* Packets of one paced burst are one run: else the sender is what is measured. */
	bench_command_add(&command, "--gso=on");
	bench_command_add(&command, "--no-resend");
	bench_command_add(&command, "--stamp");
	bench_command_add(&command, "--json");
	unlink(run->sender_log);
	res = bench_process_start(&run->sender, &command);
	if (!res)
		res = bench_process_wait_text(&run->sender, run->sender_log, "gvcam: camera 0",
					      START_NS);
	return res;
}

/* What every receiver of ours and of libaravis' knows of the stream. */
static void add_stream(struct bench_command *command, const struct bench_load *load)
{
	bench_command_add(command, "--camera=" CAMERA);
	bench_command_add_text(command, "--packet-size=%u", load->mtu);
	bench_command_add_text(command, "--width=%d", BENCH_WIDTH);
	bench_command_add_text(command, "--height=%d", BENCH_HEIGHT);
	bench_command_add_text(command, "--fps=%g", load->fps);
	bench_command_add_text(command, "--frames=%u", load->frames);
	bench_command_add_text(command, "--cpu=%d", RECEIVER_CPU);
}

/* 32 MiB of ring at either size: a frame of TPACKET_V2 holds the packet and some 100 bytes. */
static void add_tap(struct bench_command *command, const char *option,
		    const struct bench_load *load)
{
	bool jumbo = load->mtu > 1900;

	bench_command_add_text(
		command,
		"%s--vdev=net_af_packet0,iface=" INTERFACE ",blocksz=%u,framesz=%u,framecnt=%u",
		option, jumbo ? 65536 : 4096, jumbo ? 16384 : 2048, jumbo ? 2048 : 16384);
}

static void add_receiver(struct bench_command *command, const struct run *run)
{
	const struct bench_receiver *receiver = run->receiver;

	bench_command_add_text(command, "%s/%s", run->place->build, receiver->program);
	for (unsigned int i = 0; receiver->arguments[i]; i++)
		bench_command_add(command, receiver->arguments[i]);
	add_stream(command, run->load);
	if (receiver->tap)
		add_tap(command, "--eal=", run->load);
	if (!receiver->peer)
		bench_command_add(command, "--host=" HOST);
}

static json_t *parse(const char *file)
{
	char line[LINE_BYTES];

	bench_read_line(file, line, sizeof(line));
	return json_loads(line, 0, NULL);
}

static int receive(struct run *run)
{
	struct bench_command command = { .cpu = -1, .output = run->file, .log = run->log };
	int res;

	add_receiver(&command, run);
	if (run->receiver->kind == BENCH_REPLAYS)
		bench_command_add_text(&command, "--file=%s/%u.pcapng", run->place->work,
				       run->load->mtu);
	res = bench_process_start(&run->process, &command);
	if (!res)
		res = bench_process_wait(&run->process, RUN_NS);
	run->received = res ? NULL : parse(run->file);
	return !res && !run->received ? -EPROTO : res;
}

/* "  RX-packets: 860100         RX-dropped: 0 …" of testpmd's last words. */
static json_t *parse_testpmd(const char *file)
{
	char line[LINE_BYTES];
	FILE *in = fopen(file, "r");
	json_t *found = NULL;
	long long packets;

	while (in && !found && fgets(line, sizeof(line), in))
		if (sscanf(line, " RX-packets: %lld", &packets) == 1)
			found = json_pack("{s:I}", "packets", (json_int_t)packets);
	if (in)
		fclose(in);
	return found;
}

/* Whoever has the camera send ends when it has sent everything. */
static int have_camera_send(struct run *run)
{
	struct bench_command command = { .cpu = -1, .output = run->log };
	struct bench_process control;
	int res;

	bench_command_add_text(&command, "%s/bench/capture_receive", run->place->build);
	bench_command_add(&command, "--source=none");
	add_stream(&command, run->load);
	bench_command_add(&command, "--host=" HOST);
	bench_command_add_text(&command, "--port=%d", PORT);
	bench_command_add(&command, "--interface=" INTERFACE);
	res = bench_process_start(&control, &command);
	if (res)
		return res;
	res = bench_process_wait(&run->sender, RUN_NS);
	bench_process_end(&control, START_NS);
	return res;
}

static int count(struct run *run)
{
	bool jumbo = run->load->mtu > 1900;
	struct bench_command command = { .cpu = -1, .output = run->file };
	int res;

	/* Into a file it would say nothing before its end. */
	bench_command_add(&command, "stdbuf");
	bench_command_add(&command, "-oL");
	bench_command_add(&command, run->receiver->program);
	for (unsigned int i = 0; run->receiver->arguments[i]; i++)
		bench_command_add(&command, run->receiver->arguments[i]);
	bench_command_add_text(&command, "--lcores=0@%d,1@%d", SENDER_CPU, RECEIVER_CPU);
	add_tap(&command, "", run->load);
	bench_command_add(&command, "--");
	bench_command_add(&command, "--forward-mode=rxonly");
	bench_command_add(&command, "--auto-start");
	bench_command_add_text(&command, "--total-num-mbufs=%u", jumbo ? 4096 : 16384);
	bench_command_add_text(&command, "--mbuf-size=%u", jumbo ? 16640 : 2176);
	unlink(run->file);
	res = bench_process_start(&run->process, &command);
	if (!res)
		res = bench_process_wait_text(&run->process, run->file, "Press enter to exit",
					      START_NS);
	if (!res)
		res = have_camera_send(run);
	if (run->process.pid && write(run->process.input, "\n", 1) != 1)
		res = -EPIPE;
	if (!res)
		res = bench_process_wait(&run->process, START_NS);
	run->received = res ? NULL : parse_testpmd(run->file);
	return !res && !run->received ? -EPROTO : res;
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

static void judge(const struct run *run, struct bench_result *ret)
{
	const json_t *camera = json_array_get(json_object_get(run->sent, "cameras"), 0);
	double packets = number(run->received, "packets"), sent = number(camera, "sent");
	double seconds = number(camera, "seconds"), between = number(run->received, "between");
	double bytes = number(camera, "bytes") + sent * IP_UDP_BYTES;

	*ret = (struct bench_result){
		.packets_per_s = packets / seconds,
		.gbit_per_s = packets / sent * bytes * 8 / seconds / 1e9,
		.loss = packets < sent ? 1 - packets / sent : 0,
		.cpu_ns_per_packet = -1,
		.sender_ns_per_packet = (double)run->sender.cpu_ns / sent,
		.latency_p50 = number(run->received, "latency_p50_ns"),
		.latency_p99 = number(run->received, "latency_p99_ns"),
	};
	if (between > 0)
		ret->cpu_ns_per_packet = number(run->received, "cpu_ns") / between;
}

/* Without a sender: the receiver's own time counts. */
static void judge_alone(const struct run *run, struct bench_result *ret)
{
	double between = number(run->received, "between");

	*ret = (struct bench_result){ -1, -1, -1, -1, -1, -1, -1 };
	ret->cpu_ns_per_packet = number(run->received, "cpu_ns") / between;
	if (run->receiver->kind == BENCH_RING)
		return;
	ret->packets_per_s = between / number(run->received, "seconds");
	ret->gbit_per_s = ret->packets_per_s * run->load->mtu * 8 / 1e9;
}

static void complain(const struct run *run, int error)
{
	char line[LINE_BYTES];

	bench_read_line(run->log, line, sizeof(line));
	fprintf(stderr, "%u %s: %s: %s\n", run->load->mtu, run->receiver->name, strerror(-error),
		line);
}

int bench_run(const struct bench_place *place, const struct bench_load *load,
	      const struct bench_receiver *receiver, struct bench_result *ret)
{
	struct run run = { .place = place, .load = load, .receiver = receiver };
	bool alone = receiver->kind == BENCH_REPLAYS || receiver->kind == BENCH_RING;
	int res = 0;

	name_files(&run);
	if (!alone)
		res = start_sender(&run);
	if (!res)
		res = receiver->kind == BENCH_TESTPMD ? count(&run) : receive(&run);
	if (run.process.pid)
		bench_process_end(&run.process, START_NS);
	/* A receiver may have left before the last frame: the sender would wait for another. */
	if (run.sender.pid)
		bench_process_end(&run.sender, START_NS);
	run.sent = alone || res ? NULL : parse(run.sender_file);
	if (!res && !alone && !run.sent)
		res = -EPROTO;
	if (res)
		complain(&run, res);
	else if (alone)
		judge_alone(&run, ret);
	else
		judge(&run, ret);
	json_decref(run.sent);
	json_decref(run.received);
	return res;
}

int bench_record(const struct bench_place *place, const struct bench_load *load)
{
	static const struct bench_receiver recorder = { .name = "dumpcap" };
	struct run run = { .place = place, .load = load, .receiver = &recorder };
	struct bench_command command = { .cpu = RECEIVER_CPU };
	struct bench_process dumpcap;
	char file[PATH_BYTES];
	int res;

	name_files(&run);
	snprintf(file, sizeof(file), "%s/%u.pcapng", place->work, load->mtu);
	command.output = run.log;
	bench_command_add(&command, "dumpcap");
	bench_command_add(&command, "-q");
	bench_command_add(&command, "-B64");
	bench_command_add(&command, "-i" INTERFACE);
	bench_command_add_text(&command, "-fudp dst port %d", PORT);
	bench_command_add_text(&command, "-w%s", file);
	unlink(run.log);
	res = start_sender(&run);
	if (!res)
		res = bench_process_start(&dumpcap, &command);
	if (res)
		goto err_end_sender;
	res = bench_process_wait_text(&dumpcap, run.log, "File:", START_NS);
	command.output = run.file;
	if (!res)
		res = have_camera_send(&run);
	/* What is in its buffer is written still. */
	sp_clock_sleep_until(sp_clock_now() + SP_NS_PER_S);
	bench_process_end(&dumpcap, START_NS);
err_end_sender:
	if (run.sender.pid)
		bench_process_end(&run.sender, START_NS);
	if (res)
		complain(&run, res);
	return res;
}
