/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_farm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define START_NS (10 * SP_NS_PER_S)
#define RUN_NS (180 * SP_NS_PER_S)
/* gvcam that has sent all waits two seconds for resend requests. */
#define END_NS (10 * SP_NS_PER_S)

const char *bench_farm_build(void)
{
	const char *build = getenv("SP_BUILD");

	return build && *build ? build : "build";
}

void bench_farm_receiver(const struct bench_farm_load *load, struct bench_command *receiver)
{
	*receiver = (struct bench_command){ .cpu = -1 };
	bench_command_add_text(receiver, "%s/tests/integration/farm", bench_farm_build());
	bench_command_add(receiver, "--address=" BENCH_FARM_CAMERA);
	bench_command_add(receiver, "--host-address=10.77.0.1");
	bench_command_add_text(receiver, "--cameras=%u", load->cameras);
	bench_command_add_text(receiver, "--width=%u", load->width);
	bench_command_add_text(receiver, "--height=%u", load->height);
	bench_command_add_text(receiver, "--fps=%g", load->fps);
}

static int start_sender(const struct bench_farm_load *load, const char *work,
			struct bench_process *process)
{
	char output[256], log[256];
	struct bench_command sender = {
		.cpu = -1,
		.network = getenv("SP_CAMERA_NAMESPACE"),
		.output = output,
		.log = log,
	};
	int error;

	snprintf(output, sizeof(output), "%s/sent.json", work);
	snprintf(log, sizeof(log), "%s/gvcam.log", work);
	bench_command_add_text(&sender, "%s/gvcam", bench_farm_build());
	bench_command_add(&sender, "--address=" BENCH_FARM_CAMERA);
	bench_command_add(&sender, "--pattern");
	bench_command_add(&sender, "--json");
	bench_command_add_text(&sender, "--cameras=%u", load->cameras);
	bench_command_add_text(&sender, "--width=%u", load->width);
	bench_command_add_text(&sender, "--height=%u", load->height);
	bench_command_add_text(&sender, "--fps=%g", load->fps);
	bench_command_add_text(&sender, "--seed=%llu", (unsigned long long)load->seed);
	if (load->frames)
		bench_command_add_text(&sender, "--frames=%u", load->frames);
	for (int i = 0; i < BENCH_FARM_FAULTS_MAX && load->faults[i]; i++)
		bench_command_add(&sender, load->faults[i]);
	error = bench_process_start(process, &sender);
	if (!error)
		error = bench_process_wait_text(process, log, "gvcam: camera 0", START_NS);
	if (error)
		fprintf(stderr, "gvcam does not start (%s): %s\n", log, strerror(-error));
	return error;
}

static int read_json(const char *work, const char *name, json_t **ret)
{
	char path[256];
	json_error_t why;

	snprintf(path, sizeof(path), "%s/%s", work, name);
	*ret = json_load_file(path, 0, &why);
	if (*ret)
		return 0;
	fprintf(stderr, "%s: %s\n", path, why.text);
	return -EPROTO;
}

int bench_farm_run(const struct bench_farm_load *load, struct bench_command *receiver,
		   json_t **ret_received, json_t **ret_sent)
{
	const char *work = getenv("SP_WORK");
	struct bench_process camera = { 0 }, process = { 0 };
	char output[256], log[256], why[512];
	int error, ended;

	if (!work || !getenv("SP_CAMERA_NAMESPACE")) {
		fprintf(stderr, "SP_WORK and SP_CAMERA_NAMESPACE are not set; run bench/farm.sh\n");
		return -EINVAL;
	}
	snprintf(output, sizeof(output), "%s/received.json", work);
	snprintf(log, sizeof(log), "%s/receiver.log", work);
	receiver->output = output;
	receiver->log = log;
	error = start_sender(load, work, &camera);
	if (error)
		goto err_end_camera;
	error = bench_process_start(&process, receiver);
	if (!error)
		error = bench_process_wait(&process, RUN_NS);
	if (error) {
		bench_read_line(log, why, sizeof(why));
		fprintf(stderr, "%s: %s (%s)\n", receiver->arguments[0], why, strerror(-error));
	}
err_end_camera:
	ended = load->frames && !error ? bench_process_wait(&camera, END_NS)
				       : bench_process_end(&camera, END_NS);
	error = error ? error : ended;
	if (!error)
		error = read_json(work, "received.json", ret_received);
	if (error)
		return error;
	error = read_json(work, "sent.json", ret_sent);
	if (error)
		json_decref(*ret_received);
	return error;
}

double bench_farm_figure(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

double bench_farm_sent(const json_t *sent, const char *key)
{
	const json_t *cameras = json_object_get(sent, "cameras"), *camera;
	double sum = 0;
	size_t i;

	json_array_foreach(cameras, i, camera) sum += bench_farm_figure(camera, key);
	return sum;
}
