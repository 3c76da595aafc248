/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/config.h"
#include "app/control_socket.h"
#include "app/notify.h"
#include "app/pipeline.h"
#include "base/clock.h"
#include "base/progress.h"
#include "command.h"

static const char me[] = "sallyport run";

enum { CHECK_MS = 50 };

static const char *config_path;
static double duration;
static bool json, quiet, verbose;
static uint32_t ack_fd = UINT32_MAX;
static struct sp_pipeline_options pipeline_options;

static const struct sp_opt options[] = {
	{ "config", 'c', SP_OPT_STRING, &config_path, "FILE",
	  "the configuration (/etc/sallyport.yaml)", 0, 0 },
	{ "duration", 't', SP_OPT_DOUBLE, &duration, "S", "stop after this many seconds", 0.1,
	  1e9 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "the summary as one JSON object", 0, 0 },
	{ "quiet", 'q', SP_OPT_FLAG, &quiet, NULL, "no progress line, no summary", 0, 0 },
	{ "verbose", 'v', SP_OPT_FLAG, &verbose, NULL, "say what cameras and stages do", 0, 0 },
	{ "ack-fd", 0, SP_OPT_U32, &ack_fd, "FD",
	  "write the id of each durable encounter there, a line each", 1, 65535 },
	{ "allow-unencrypted", 0, SP_OPT_FLAG, &pipeline_options.allow_unencrypted, NULL,
	  "take real cameras although records are not encrypted yet", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Runs the appliance in the foreground until SIGINT, SIGTERM or SIGHUP.",
	"Stops cleanly: open encounters are closed and made durable. Exit status 1 if the journal broke.",
};

static json_t *handle(void *arg, const char *command, const json_t *request, struct sp_err *err)
{
	const char *lane = json_string_value(json_object_get(request, "lane"));
	struct sp_pipeline *pipeline = arg;
	int status;

	if (!strcmp(command, "stats"))
		return sp_pipeline_stats(pipeline);
	if (!strcmp(command, "lanes"))
		return sp_pipeline_lanes(pipeline);
	if (strcmp(command, "trigger") && strcmp(command, "close")) {
		sp_err_set(err, -EINVAL, "'%s' is not a command of this instance", command);
		return NULL;
	}
	if (!lane) {
		sp_err_set(err, -EINVAL, "%s: no lane is named", command);
		return NULL;
	}
	status = !strcmp(command, "trigger") ? sp_pipeline_trigger(pipeline, lane)
					     : sp_pipeline_close_encounter(pipeline, lane);
	if (status) {
		sp_err_set(err, status, "there is no lane '%s'; `sallyport lanes list` lists them",
			   lane);
		return NULL;
	}
	return json_pack("{s:s}", "lane", lane);
}

static void show(struct sp_progress *progress, struct sp_pipeline *pipeline, uint64_t begin_ns)
{
	struct sp_pipeline_figures f;
	char note[160];
	uint64_t now = sp_clock_now();

	sp_pipeline_figures(pipeline, &f);
	snprintf(note, sizeof(note),
		 "s  %u/%u cameras  %" PRIu64 " frames  %" PRIu64 " faces  %" PRIu64
		 " encounters  %" PRIu64 " durable  %" PRIu64 " packets missing",
		 f.streaming, f.cameras, f.frames, f.faces, f.encounters, f.acknowledged,
		 f.missing);
	sp_progress_update(progress, (now - begin_ns) / SP_NS_PER_S, note);
}

/* Runs until a signal, the end of a capture file or of the duration, or a broken journal. */
static int loop(struct sp_pipeline *pipeline, int signals, struct sp_err *err)
{
	struct pollfd pfd = { .fd = signals, .events = POLLIN };
	uint64_t begin = sp_clock_now();
	struct sp_progress progress;
	enum sp_pipeline_state state = SP_PIPELINE_RUNNING;

	sp_progress_start(&progress, "sallyport", 0);
	progress.on = progress.on && !quiet;
	while (state == SP_PIPELINE_RUNNING) {
		if (poll(&pfd, 1, CHECK_MS) > 0)
			break;
		if (duration > 0 && (double)(sp_clock_now() - begin) >= duration * 1e9)
			break;
		state = sp_pipeline_check(pipeline, err);
		if (state == SP_PIPELINE_RUNNING) {
			sp_notify_alive();
			show(&progress, pipeline, begin);
		}
	}
	sp_progress_end(&progress);
	return state == SP_PIPELINE_BROKEN ? -EIO : 0;
}

static void summarise(struct sp_pipeline *pipeline, double seconds)
{
	struct sp_pipeline_figures f;

	if (quiet)
		return;
	sp_pipeline_figures(pipeline, &f);
	if (json) {
		json_t *stats = sp_pipeline_stats(pipeline);

		json_object_set_new(stats, "seconds", json_real(seconds));
		json_object_set_new(stats, "ledger_adds_up", json_boolean(f.ledger_adds_up));
		sp_command_print_json(stats);
		return;
	}
	printf("%.1f s: %" PRIu64 " frames (%" PRIu64 " incomplete), %.1f MB, %" PRIu64
	       " faces, %" PRIu64 " encounters, %" PRIu64 " durable\n",
	       seconds, f.frames, f.incomplete, (double)f.bytes / 1e6, f.faces, f.encounters,
	       f.acknowledged);
	printf("packets: %" PRIu64 " expected, %" PRIu64 " missing; the ledger %s\n", f.expected,
	       f.missing, f.ledger_adds_up ? "adds up" : "DOES NOT ADD UP");
}

static int run(const struct sp_config *config, int signals)
{
	struct sp_control_config control = { .path = config->socket, .handle = handle };
	struct sp_control_socket *control_socket;
	struct sp_pipeline *pipeline;
	struct sp_pipeline_figures figures;
	uint64_t begin = sp_clock_now();
	struct sp_err err;
	int status;

	if (sp_pipeline_open(config, &pipeline_options, &pipeline, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	control.arg = pipeline;
	if (sp_control_socket_open(&control, &control_socket, &err)) {
		sp_pipeline_close(pipeline);
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	}
	sp_notify_ready();
	status = loop(pipeline, signals, &err);
	sp_notify_stopping();
	sp_control_socket_close(control_socket);
	sp_pipeline_stop(pipeline);
	/* The last records may have been what the disk had no room for. */
	if (!status && sp_pipeline_check(pipeline, &err) == SP_PIPELINE_BROKEN)
		status = -EIO;
	summarise(pipeline, (double)(sp_clock_now() - begin) / 1e9);
	sp_pipeline_figures(pipeline, &figures);
	sp_pipeline_close(pipeline);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (figures.unrecorded)
		return sp_command_fail(me, SP_EXIT_FAILED,
				       "%" PRIu64 " encounters could not be recorded",
				       figures.unrecorded);
	return SP_EXIT_OK;
}

/* Signals are read, not caught: the loop sees them, and no system call is cut short. */
static int prepare(int *ret_signals)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP); /* a terminal that goes away */
	sigprocmask(SIG_BLOCK, &set, NULL);
	*ret_signals = signalfd(-1, &set, SFD_CLOEXEC);
	return *ret_signals < 0 ? -errno : 0;
}

int cmd_run(int argc, char **argv)
{
	struct sp_config *config;
	struct sp_err err;
	int signals;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE,
				       "'%s' is not expected; give the configuration with -c",
				       argv[0]);
	if (verbose)
		sp_log_set_level(SP_LOG_INFO);
	if (sp_config_load(config_path ?: "/etc/sallyport.yaml", &config, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	pipeline_options.ack_fd = ack_fd == UINT32_MAX ? -1 : (int)ack_fd;
	if (ack_fd != UINT32_MAX && fcntl((int)ack_fd, F_GETFD) < 0) {
		sp_config_free(config);
		return sp_command_fail(me, SP_EXIT_USAGE, "--ack-fd: descriptor %u is not open",
				       ack_fd);
	}
	code = prepare(&signals);
	if (code) {
		sp_config_free(config);
		return sp_command_fail(me, SP_EXIT_FAILED, "signals: %s", strerror(-code));
	}
	code = run(config, signals);
	close(signals);
	sp_config_free(config);
	return code;
}
