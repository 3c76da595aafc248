/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/control_socket.h"
#include "base/table.h"
#include "command.h"
#include "place.h"

static struct sp_place_options place;
static bool json;

static const struct sp_opt options[] = {
	SP_PLACE_OPTIONS(place),
	{ "json", 'j', SP_OPT_FLAG, &json, NULL, "JSON lines", 0, 0 },
	{ 0 },
};

/* Sends @command for @lane (may be NULL) to the running instance. Returns an exit code. */
static int call(const char *me, const char *command, const char *lane, json_t **ret_answer)
{
	json_t *request = json_pack("{s:s, s:s?}", "command", command, "lane", lane);
	char socket[4096];
	struct sp_err err;
	int status;

	status = sp_place_socket(&place, socket, sizeof(socket), &err) ?:
		 sp_control_call(socket, request, ret_answer, &err);
	json_decref(request);
	return status ? sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text) : SP_EXIT_OK;
}

static int list(int argc, char **argv)
{
	static const char me[] = "sallyport lanes list";
	static const struct sp_opt_usage usage = { me, "", "Lists the lanes of a running instance.",
						   NULL };
	struct sp_table table;
	json_t *answer, *lane;
	size_t i;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	code = call(me, "lanes", NULL, &answer);
	if (code)
		return code;
	if (!json &&
	    sp_table_init(&table, "lane|>cameras|>streaming|encounter|>encounters|>faces")) {
		json_decref(answer);
		return sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	}
	json_array_foreach(json_object_get(answer, "lanes"), i, lane) {
		if (json) {
			sp_command_print_json(json_incref(lane));
			continue;
		}
		sp_table_row(&table, "%s|%lld|%lld|%s|%lld|%lld",
			     json_string_value(json_object_get(lane, "name")),
			     json_integer_value(json_object_get(lane, "cameras")),
			     json_integer_value(json_object_get(lane, "streaming")),
			     json_is_true(json_object_get(lane, "open")) ? "open" : "–",
			     json_integer_value(json_object_get(lane, "encounters")),
			     json_integer_value(json_object_get(lane, "faces")));
	}
	if (!json) {
		sp_table_print(&table, stdout);
		sp_table_uninit(&table);
	}
	json_decref(answer);
	return SP_EXIT_OK;
}

static int act(const char *me, const char *summary, const char *command, int argc, char **argv)
{
	const struct sp_opt_usage usage = { me, "LANE", summary, NULL };
	json_t *answer;
	int code = sp_command_parse(options, &usage, &argc, argv);

	if (code >= 0)
		return code;
	if (argc != 1)
		return sp_command_fail(me, SP_EXIT_USAGE, "give the name of one lane");
	code = call(me, command, argv[0], &answer);
	if (code)
		return code;
	if (json)
		sp_command_print_json(answer);
	else
		json_decref(answer);
	return SP_EXIT_OK;
}

static int trigger(int argc, char **argv)
{
	return act("sallyport lanes trigger",
		   "Opens an encounter on a lane, or prolongs the open one.", "trigger", argc,
		   argv);
}

static int close_encounter(int argc, char **argv)
{
	return act("sallyport lanes close", "Closes the open encounter of a lane now.", "close",
		   argc, argv);
}

int cmd_lanes(int argc, char **argv)
{
	static const struct sp_command commands[] = {
		{ "list", "lanes of a running instance", list },
		{ "trigger", "open an encounter without waiting for a face", trigger },
		{ "close", "close the open encounter", close_encounter },
		{ 0 },
	};

	return sp_command_dispatch(commands, "sallyport lanes", "Lanes of a running instance.",
				   argc, argv);
}
