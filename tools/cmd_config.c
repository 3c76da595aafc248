/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/config.h"
#include "app/models.h"
#include "command.h"

static const char me[] = "sallyport config check";

static const char *path;
static bool json;

static const struct sp_opt options[] = {
	{ "config", 'c', SP_OPT_STRING, &path, "FILE", "the configuration (or as an operand)", 0,
	  0 },
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"[FILE]",
	"Reads a configuration as `run` would, and says what it asks of the machine.",
	NULL,
};

static void print_models(const struct sp_models *models)
{
	printf("  models: %s, %s, %s\n", models->detector, models->embedder,
	       *models->quality ? models->quality : "no quality network");
	if (models->demonstration)
		printf("  these are for demonstration: they know synthetic people only\n");
}

static int choose(const struct sp_config *config, struct sp_models *models, struct sp_err *err)
{
	const struct sp_models_wish wish = { config->model_directory, config->compute.detector,
					     config->compute.embedder, config->compute.quality };

	return sp_models_choose(&wish, models, err);
}

static const char *source_name(const struct sp_config *config)
{
	static const char *const names[] = { "auto", "udp", "dpdk", "replay" };

	return names[config->capture.source];
}

static json_t *plan_json(const struct sp_config *config, const struct sp_config_plan *plan)
{
	json_t *queues = json_array();

	for (uint32_t i = 0; i < plan->queues_n; i++) {
		const struct sp_config_queue_plan *q = &plan->queues[i];

		json_array_append_new(queues, json_pack("{s:i, s:f, s:f, s:I, s:I, s:I}", "cameras",
							(int)q->cameras, "bits_per_second",
							q->bits_per_second, "packets_per_second",
							q->packets_per_second, "buffers_needed",
							(json_int_t)q->buffers_needed, "buffers",
							(json_int_t)q->buffers, "region_bytes",
							(json_int_t)q->region_bytes));
	}
	return json_pack("{s:b, s:i, s:i, s:f, s:f, s:f, s:I, s:I, s:f, s:s, s:o}", "ok", 1, "lanes",
			 (int)config->lanes_count, "cameras", (int)plan->cameras,
			 "frames_per_second", plan->frames_per_second, "bits_per_second",
			 plan->bits_per_second, "packets_per_second", plan->packets_per_second,
			 "buffers_needed", (json_int_t)plan->buffers_needed, "region_bytes",
			 (json_int_t)plan->region_bytes, "detections_per_second",
			 plan->detections_per_second, "source", source_name(config), "queues",
			 queues);
}

static void print_queues(const struct sp_config *config, const struct sp_config_plan *plan)
{
	printf("  source %s, %u queue%s; %.1f MiB of packet memory in all\n", source_name(config),
	       plan->queues_n, plan->queues_n == 1 ? "" : "s",
	       (double)plan->region_bytes / (1 << 20));
	for (uint32_t i = 0; i < plan->queues_n; i++) {
		const struct sp_config_queue_plan *q = &plan->queues[i];

		printf("  queue %u: %u cameras, %.3f Gb/s, %.0f packets/s; %u packet buffers, a "
		       "region of %.1f MiB",
		       i, q->cameras, q->bits_per_second / 1e9, q->packets_per_second, q->buffers,
		       (double)q->region_bytes / (1 << 20));
		if (config->capture.cpus_count > i)
			printf("; on CPU %u", config->capture.cpus[i]);
		putchar('\n');
	}
}

/* @models: NULL without a backend that has any. */
static void print(const struct sp_config *config, const struct sp_config_plan *plan,
		  const struct sp_models *models)
{
	if (json) {
		sp_command_print_json(plan_json(config, plan));
		return;
	}
	printf("%s: well-formed\n", path);
	printf("  %u lanes, %u cameras: %.0f frames/s, %.3f Gb/s, %.0f packets/s\n",
	       config->lanes_count, plan->cameras, plan->frames_per_second,
	       plan->bits_per_second / 1e9, plan->packets_per_second);
	print_queues(config, plan);
	if (models) {
		printf("  faces: %.0f detections/s, precision %s\n", plan->detections_per_second,
		       sp_precision_name(config->compute.precision));
		print_models(models);
	}
	printf("  purpose '%s'; images and templates of people without a match are %s\n",
	       config->purpose,
	       config->policy.persist_unmatched ? "KEPT (policy.persist_unmatched)" : "not kept");
}

static int check(int argc, char **argv)
{
	struct sp_config_plan plan;
	struct sp_config *config;
	struct sp_models models;
	struct sp_err err;
	bool none;
	int status;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (!path && argc == 1)
		path = argv[0];
	else if (argc || !path)
		return sp_command_fail(me, SP_EXIT_USAGE, "give one configuration file");
	if (sp_config_load(path, &config, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	status = sp_config_plan(config, &plan, &err);
	none = !strcmp(config->compute.backend, "none");
	if (!status && !none)
		status = choose(config, &models, &err);
	if (status)
		sp_command_fail(me, SP_EXIT_FAILED, "%s: %s", path, err.text);
	else
		print(config, &plan, none ? NULL : &models);
	sp_config_free(config);
	return status ? SP_EXIT_FAILED : SP_EXIT_OK;
}

int cmd_config(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "check", "read a configuration as `run` would", check },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport config", "Configuration files.", argc,
				   argv);
}
