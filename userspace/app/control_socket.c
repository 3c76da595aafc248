/* SPDX-License-Identifier: Apache-2.0 */
#include "app/control_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/thread.h"

enum {
	REQUEST_MAX = 4096,
	ANSWER_MAX = 16 << 20,
	BACKLOG = 8,
	/* A client that does not speak or read is dropped after this. */
	CLIENT_TIMEOUT_S = 2,
	CALL_TIMEOUT_S = 10,
	RETRY_MS = 50,
};

struct sp_control_socket {
	struct sp_control_config config;
	char path[108];
	int fd;
	struct sp_event wake;
	struct sp_thread thread;
};

static int address_of(const char *path, struct sockaddr_un *address, struct sp_err *err)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return sp_err_set(err, -ENAMETOOLONG,
				  "control socket %s: the path is longer than %zu bytes; "
				  "set `socket` in the configuration",
				  path, sizeof(address->sun_path) - 1);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

static void set_timeouts(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		bytes += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static int send_json(int fd, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int status;

	if (!text)
		return -ENOMEM;
	status = send_all(fd, text, strlen(text)) ?: send_all(fd, "\n", 1);
	free(text);
	return status;
}

/* Reads up to a newline into a malloc'ed text of at most @max bytes. 0 or -errno. */
static int read_line(int fd, size_t max, char **ret_text)
{
	size_t size = 4096, n = 0;
	char *text = malloc(size);

	while (text) {
		ssize_t got;

		if (n + 1 == size) {
			char *larger = size < max ? realloc(text, size * 2) : NULL;

			if (!larger)
				break;
			text = larger;
			size *= 2;
		}
		got = recv(fd, text + n, size - n - 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int status = got < 0 ? -errno : -ECONNRESET;

			free(text);
			return status;
		}
		n += (size_t)got;
		if (text[n - 1] == '\n') {
			text[n - 1] = '\0';
			*ret_text = text;
			return 0;
		}
	}
	free(text);
	return -EMSGSIZE;
}

static json_t *refusal(const char *text)
{
	json_t *reply = json_pack("{s:b, s:s}", "ok", 0, "error", text);

	/* A text that was cut within a character is not UTF-8, and JSON cannot carry it. */
	return reply ?: json_pack("{s:b, s:s}", "ok", 0, "error", "refused");
}

json_t *sp_control_answer(const struct sp_control_config *config, const char *text)
{
	struct sp_err err = { "unknown failure" };
	json_t *request = json_loads(text, 0, NULL), *reply = NULL;
	const char *command = json_string_value(json_object_get(request, "command"));

	if (command)
		reply = config->handle(config->arg, command, request, &err);
	else
		sp_err_set(&err, -EINVAL, "the request is not an object with a \"command\"");
	if (reply)
		json_object_set_new(reply, "ok", json_true());
	else
		reply = refusal(err.text);
	json_decref(request);
	return reply;
}

static void serve(struct sp_control_socket *socket, int client)
{
	char *text = NULL;
	json_t *reply;

	set_timeouts(client, CLIENT_TIMEOUT_S);
	if (read_line(client, REQUEST_MAX, &text))
		return;
	reply = sp_control_answer(&socket->config, text);
	if (reply)
		(void)send_json(client, reply);
	json_decref(reply);
	free(text);
}

static void run(struct sp_thread *thread)
{
	struct sp_control_socket *socket = thread->arg;
	struct pollfd fds[] = {
		{ .fd = socket->fd, .events = POLLIN },
		{ .fd = socket->wake.fd, .events = POLLIN },
	};

	sp_event_arm(&socket->wake);
	while (!sp_thread_should_stop(thread)) {
		int client;

		if (poll(fds, 2, -1) < 0 || !(fds[0].revents & POLLIN))
			continue;
		client = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0) {
			/* For want of descriptors, say: the client stays in the queue. */
			sp_clock_sleep_until(sp_clock_now() + RETRY_MS * SP_NS_PER_MS);
			continue;
		}
		serve(socket, client);
		close(client);
	}
}

/*
 * A socket that nobody listens on is what a killed instance left. To connect to any other file is
 * refused too: that one is not ours to remove.
 */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	set_timeouts(fd, CLIENT_TIMEOUT_S);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

static int listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	mode_t mask;

	if (fd < 0)
		return -errno;
	remove_stale(address);
	mask = umask(0177);
	status = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	umask(mask);
	if (!status && listen(fd, BACKLOG))
		status = -errno;
	if (status) {
		close(fd);
		return status;
	}
	return fd;
}

int sp_control_socket_open(const struct sp_control_config *config,
			   struct sp_control_socket **ret_socket, struct sp_err *err)
{
	struct sp_control_socket *socket;
	struct sockaddr_un address;
	int status = address_of(config->path, &address, err);

	if (status)
		return status;
	socket = calloc(1, sizeof(*socket));
	if (!socket)
		return sp_err_set(err, -ENOMEM, "control socket: out of memory");
	socket->config = *config;
	memcpy(socket->path, address.sun_path, sizeof(socket->path));
	socket->fd = listen_at(&address);
	status = socket->fd < 0 ? socket->fd : sp_event_init(&socket->wake);
	if (!status) {
		status = sp_thread_start(&socket->thread, "control", -1, run, socket,
					 &socket->wake);
		if (status)
			sp_event_uninit(&socket->wake);
	}
	if (status) {
		if (socket->fd >= 0) {
			close(socket->fd);
			unlink(socket->path);
		}
		free(socket);
		return sp_err_set(err, status, "control socket %s: %s; %s", config->path,
				  strerror(-status),
				  status == -EADDRINUSE
					  ? "another instance listens there, or it is a file of "
					    "another kind: choose another `socket`"
					  : "see its directory, or choose another `socket`");
	}
	*ret_socket = socket;
	return 0;
}

void sp_control_socket_close(struct sp_control_socket *socket)
{
	if (!socket)
		return;
	sp_thread_stop(&socket->thread);
	sp_event_uninit(&socket->wake);
	close(socket->fd);
	unlink(socket->path);
	free(socket);
}

int sp_control_call(const char *path, const json_t *request, json_t **ret_answer,
		    struct sp_err *err)
{
	struct sockaddr_un address;
	int fd, status = address_of(path, &address, err);
	json_t *reply = NULL;
	char *text = NULL;

	if (status)
		return status;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sp_err_set(err, -errno, "control socket: %s", strerror(errno));
	set_timeouts(fd, CALL_TIMEOUT_S);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		status = sp_err_set(err, -errno, "%s: %s; no instance runs here: start one with "
				    "`sallyport run -c FILE`", path, strerror(errno));
		goto out;
	}
	status = send_json(fd, request) ?: read_line(fd, ANSWER_MAX, &text);
	if (status) {
		sp_err_set(err, status, "%s: %s; the instance does not answer: see its log", path,
			   strerror(-status));
		goto out;
	}
	reply = json_loads(text, 0, NULL);
	if (!reply) {
		status = sp_err_set(err, -EPROTO, "%s: the answer is not JSON", path);
	} else if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *reason = json_string_value(json_object_get(reply, "error"));

		status = sp_err_set(err, -EREMOTEIO, "%s", reason ?: "refused without a reason");
	} else {
		*ret_answer = json_incref(reply);
	}
	json_decref(reply);
out:
	free(text);
	close(fd);
	return status;
}
