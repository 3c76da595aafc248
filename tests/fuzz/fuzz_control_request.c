/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on the control socket: every one gets an answer that is JSON and says whether it was done.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/control_socket.h"
#include "base/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As `sallyport run` answers: with text of the request's in the answer or in the complaint. */
static json_t *handle(void *arg, const char *command, const json_t *request, struct sp_err *err)
{
	const char *lane = json_string_value(json_object_get(request, "lane"));

	(void)arg;
	if (!strcmp(command, "trigger") && lane)
		return json_pack("{s:s}", "lane", lane);
	sp_err_set(err, -1, "'%s' is not a command, or there is no lane '%s'", command,
		   lane ? lane : "");
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_control_config config = { .handle = handle };
	char *line = malloc(size + 1), *text;
	json_t *reply;

	if (!line)
		abort();
	memcpy(line, data, size);
	line[size] = '\0';
	reply = sp_control_answer(&config, line);
	if (!reply || !json_is_boolean(json_object_get(reply, "ok")))
		abort();
	text = json_dumps(reply, JSON_COMPACT);
	if (!text || strchr(text, '\n'))
		abort();
	free(text);
	json_decref(reply);
	free(line);
	return 0;
}
