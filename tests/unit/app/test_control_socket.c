/* SPDX-License-Identifier: Apache-2.0 */
/* TSAN: yes */
#include "app/control_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/diag.h"
#include "test.h"

static char path[64];

static json_t *handle(void *arg, const char *command, const json_t *request, struct sp_err *err)
{
	(void)arg;
	if (!strcmp(command, "echo"))
		return json_pack("{s:O}", "text", json_object_get(request, "text"));
	sp_err_set(err, -EINVAL, "'%s' is not a command", command);
	return NULL;
}

static struct sp_control_socket *open_socket(void)
{
	const struct sp_control_config config = { path, handle, NULL };
	struct sp_control_socket *socket;
	struct sp_err err = { "" };

	snprintf(path, sizeof(path), "/tmp/sp-control-%d.sock", getpid());
	if (sp_control_socket_open(&config, &socket, &err))
		FAIL("%s", err.text);
	return socket;
}

TEST(control_socket_answers_and_is_private)
{
	struct sp_control_socket *socket = open_socket();
	json_t *request = json_pack("{s:s, s:s}", "command", "echo", "text", "hello");
	json_t *reply = NULL;
	struct sp_err err = { "" };
	struct stat st;

	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(sp_control_call(path, request, &reply, &err), 0);
	CHECK_STR(json_string_value(json_object_get(reply, "text")), "hello");
	json_decref(reply);
	json_object_set_new(request, "command", json_string("nothing"));
	CHECK_EQ(sp_control_call(path, request, &reply, &err), -EREMOTEIO);
	CHECK_STR(err.text, "'nothing' is not a command");
	json_decref(request);
	sp_control_socket_close(socket);
	CHECK(stat(path, &st) < 0);
}

/* Lines that are not requests get an error, or silence; the server lives on. */
TEST(control_socket_survives_nonsense)
{
	static const char *const lines[] = { "\n", "{}\n", "[1,2]\n", "{\"command\":5}\n",
					     "\xff\xfe\n" };
	struct sp_control_socket *socket_ = open_socket();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	json_t *request = json_pack("{s:s, s:i}", "command", "echo", "text", 1), *reply;

	memcpy(address.sun_path, path, sizeof(path));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char text[256];
		ssize_t n;

		CHECK_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		CHECK(write(fd, lines[i], strlen(lines[i])) > 0);
		n = read(fd, text, sizeof(text) - 1);
		CHECK(n > 0);
		text[n] = '\0';
		CHECK(strstr(text, "\"ok\":false"));
		close(fd);
	}
	CHECK_EQ(sp_control_call(path, request, &reply, NULL), 0);
	json_decref(reply);
	json_decref(request);
	sp_control_socket_close(socket_);
}

TEST(control_socket_replaces_what_a_killed_instance_left)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "/tmp/sp-control-%d.sock", getpid());
	memcpy(address.sun_path, path, sizeof(path));
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	sp_control_socket_close(open_socket());
}

/* To connect to a file is refused as to a dead socket: it must not be taken for one. */
TEST(control_socket_leaves_other_files_alone)
{
	const struct sp_control_config config = { path, handle, NULL };
	struct sp_control_socket *socket = NULL;
	struct sp_err err = { "" };
	struct stat st;
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/sp-control-%d.file", getpid());
	file = fopen(path, "w");
	CHECK(file);
	fclose(file);
	CHECK_EQ(sp_control_socket_open(&config, &socket, &err), -EADDRINUSE);
	CHECK(strstr(err.text, path));
	CHECK_EQ(stat(path, &st), 0);
	unlink(path);
}

TEST(control_answer_is_json_whatever_the_reason)
{
	const struct sp_control_config config = { .handle = handle };
	char request[600] = "{\"command\":\"";
	json_t *reply;

	/* The complaint repeats the name and is cut within one of its characters. */
	while (strlen(request) < 520)
		strcat(request, "\xC3\xA4");
	strcat(request, "\"}");
	for (int shift = 0; shift < 2; shift++) {
		reply = sp_control_answer(&config, request);
		CHECK(json_is_false(json_object_get(reply, "ok")));
		CHECK(json_string_value(json_object_get(reply, "error")));
		json_decref(reply);
		memmove(request + 13, request + 12, strlen(request + 12) + 1);
		request[12] = 'x';
	}
}

TEST(control_call_says_that_nothing_runs)
{
	json_t *request = json_object(), *reply;
	struct sp_err err;

	CHECK_EQ(sp_control_call("/tmp/sp-no-such-socket", request, &reply, &err), -ENOENT);
	CHECK(strstr(err.text, "no instance runs"));
	json_decref(request);
}

TEST_MAIN()
