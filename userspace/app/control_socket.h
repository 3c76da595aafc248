/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a running instance: a Unix stream socket, mode 0600. A client sends one
 * JSON object on a line, {"command": NAME, …}, and gets one back: {"ok": true, …} or {"ok": false,
 * "error": TEXT}.
 */
#ifndef SP_APP_CONTROL_SOCKET_H
#define SP_APP_CONTROL_SOCKET_H

#include <jansson.h>

struct sp_err;
struct sp_control_socket;

struct sp_control_config {
	const char *path;
	/*
	 * Answers a request, on the control thread. Returns a new object to which "ok" is added, or
	 * NULL with @err filled.
	 */
	json_t *(*handle)(void *arg, const char *command, const json_t *request,
			  struct sp_err *err);
	void *arg;
};

int sp_control_socket_open(const struct sp_control_config *config,
			   struct sp_control_socket **ret_socket, struct sp_err *err);
void sp_control_socket_close(struct sp_control_socket *socket);

/* What the socket answers to one line, for tests. NULL only if there is no memory. */
json_t *sp_control_answer(const struct sp_control_config *config, const char *text);

/*
 * Client: sends @request (not consumed), returns the answer. -ECONNREFUSED or -ENOENT if no
 * instance runs, -EREMOTEIO if it refused, with @err filled.
 */
int sp_control_call(const char *path, const json_t *request, json_t **ret_answer,
		    struct sp_err *err);

#endif
