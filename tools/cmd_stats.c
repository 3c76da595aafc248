/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/control_socket.h"
#include "base/table.h"
#include "command.h"
#include "place.h"

static const char me[] = "sallyport stats";

static struct sp_place_options place;
static bool json;

static const struct sp_opt options[] = {
	SP_PLACE_OPTIONS(place),
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "one JSON object with every counter", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Shows the counters of a running instance.",
	"Streams: expected = delivered + policy + bad + late + discarded + missing, in payload packets of\n"
	"closed blocks.",
};

static long long number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void print_streams(const json_t *streams)
{
	struct sp_table table;
	json_t *s;
	size_t i;

	if (sp_table_init(
		    &table,
		    "lane|camera|state|>frames|>incomplete|>expected|>delivered|>policy|>bad|>late|"
		    ">discarded|>missing|>resent"))
		return;
	json_array_foreach(streams, i, s) {
		const char *state =
			json_string_value(json_object_get(json_object_get(s, "control"), "state"));

		sp_table_row(&table, "%s|%s|%s|%lld|%lld|%lld|%lld|%lld|%lld|%lld|%lld|%lld|%lld",
			     json_string_value(json_object_get(s, "lane")),
			     json_string_value(json_object_get(s, "camera")), state ?: "replay",
			     number(s, "frames_complete") + number(s, "frames_incomplete"),
			     number(s, "frames_incomplete"), number(s, "expected"),
			     number(s, "delivered"), number(s, "policy"), number(s, "bad_packet"),
			     number(s, "late"), number(s, "block_discarded"), number(s, "missing"),
			     number(s, "resent"));
	}
	sp_table_print(&table, stdout);
	sp_table_uninit(&table);
}

/* Every number of an object on one line: "NAME: key value, key value". */
static void print_numbers(const char *name, json_t *object)
{
	const char *key, *separator = ": ";
	json_t *value;

	fputs(name, stdout);
	json_object_foreach(object, key, value) {
		if (json_is_integer(value))
			printf("%s%s %lld", separator, key, (long long)json_integer_value(value));
		else if (json_is_real(value))
			printf("%s%s %.2f", separator, key, json_real_value(value));
		else
			continue;
		separator = ", ";
	}
	fputc('\n', stdout);
}

/* Of the many things that can happen to packets, those that did. */
static void print_port(const json_t *port)
{
	const json_t *missing = json_object_get(port, "missing");
	const char *bound = json_string_value(json_object_get(missing, "bound")) ?: "";
	const char *key;
	json_t *value;

	printf("port %s, queue %lld, cameras %lld: received %lld",
	       json_string_value(json_object_get(port, "name")), number(port, "queue"),
	       number(port, "cameras"), number(port, "received"));
	json_object_foreach((json_t *)port, key, value) {
		if (json_integer_value(value) && strcmp(key, "received") &&
		    strcmp(key, "queue") && strcmp(key, "cameras"))
			printf(", %s %lld", key, (long long)json_integer_value(value));
	}
	printf("\n  missing %lld", number(missing, "total"));
	json_object_foreach((json_t *)missing, key, value) {
		if (json_integer_value(value) && strcmp(key, "total"))
			printf(", %s %s%lld", key, strstr(bound, key) ? "at most " : "",
			       (long long)json_integer_value(value));
	}
	putchar('\n');
}

static const char *place_of(const json_t *stats, const json_t *alarm, char text[256])
{
	const json_t *stream = json_object_get(alarm, "stream");
	const json_t *of = json_array_get(json_object_get(stats, stream ? "streams" : "ports"),
					  (size_t)number(alarm, stream ? "stream" : "port"));

	if (stream)
		snprintf(text, 256, "%s, %s", json_string_value(json_object_get(of, "lane")) ?: "?",
			 json_string_value(json_object_get(of, "camera")) ?: "?");
	else
		snprintf(text, 256, "port %s, queue %lld",
			 json_string_value(json_object_get(of, "name")) ?: "?",
			 number(of, "queue"));
	return text;
}

static void print_alarms(const json_t *stats)
{
	json_t *alarms = json_object_get(stats, "alarms"), *alarm;
	char place_text[256];
	size_t i;

	json_array_foreach(alarms, i, alarm) {
		printf("alarm: %s: %s %lld since %s, last %s; docs/capture.md says what it means\n",
		       place_of(stats, alarm, place_text),
		       json_string_value(json_object_get(alarm, "counter")), number(alarm, "count"),
		       json_string_value(json_object_get(alarm, "since")),
		       json_string_value(json_object_get(alarm, "last")));
	}
}

/* What looks at frames. */
static void print_compute(const json_t *inference)
{
	const char *kernels = json_string_value(json_object_get(inference, "kernels"));
	const char *precision = json_string_value(json_object_get(inference, "precision"));

	printf("compute: %s", json_string_value(json_object_get(inference, "backend")) ?: "?");
	if (kernels && precision)
		printf(", %s kernels, %s", kernels, precision);
	putchar('\n');
}

static void print(const json_t *stats)
{
	json_t *stages = json_object_get(stats, "stages");
	json_t *inference = json_object_get(stages, "inference"), *item;
	size_t i;

	print_streams(json_object_get(stats, "streams"));
	putchar('\n');
	json_array_foreach(json_object_get(stats, "ports"), i, item)
		print_port(item);
	print_compute(inference);
	print_numbers("inference", inference);
	print_numbers("inference, last packet to result (ms)",
		      json_object_get(inference, "latency_ms"));
	json_array_foreach(json_object_get(stages, "lanes"), i, item)
		print_numbers(json_string_value(json_object_get(item, "lane")), item);
	print_numbers("journal", json_object_get(stats, "journal"));
	print_alarms(stats);
}

int cmd_stats(int argc, char **argv)
{
	json_t *request, *stats;
	char socket[4096];
	struct sp_err err;
	int status, code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc)
		return sp_command_fail(me, SP_EXIT_USAGE, "'%s' is not expected", argv[0]);
	request = json_pack("{s:s}", "command", "stats");
	status = sp_place_socket(&place, socket, sizeof(socket), &err) ?:
		 sp_control_call(socket, request, &stats, &err);
	json_decref(request);
	if (status)
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	if (json)
		sp_command_print_json(stats);
	else {
		print(stats);
		json_decref(stats);
	}
	return SP_EXIT_OK;
}
