/* SPDX-License-Identifier: Apache-2.0 */
#include "infer_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "infer_cpu.h"

struct infer_peer {
	char engine[32], version[64];
	bool opencv; /* reads few operators */
	pid_t pid;
	FILE *requests, *answers;
};

/* The child's side: @requests becomes its stdin, @answers its stdout. Does not return. */
static void become(const char *engine, const char *python, unsigned int threads, int requests,
		   int answers)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", threads);
	infer_cpu_use(threads);
	if (dup2(requests, STDIN_FILENO) < 0 || dup2(answers, STDOUT_FILENO) < 0)
		_exit(127);
	execl(python, python, "bench/peers/infer.py", engine, number, (char *)NULL);
	_exit(127);
}

/* Steals @request (NULL: only listens). The answer, or NULL with @err filled. */
static json_t *ask(struct infer_peer *peer, json_t *request, struct sp_err *err)
{
	bool sent = !request || (!json_dumpf(request, peer->requests, JSON_COMPACT) &&
				 fputc('\n', peer->requests) != EOF && !fflush(peer->requests));
	json_t *answer = NULL;
	const char *error;
	char line[1024];

	json_decref(request);
	if (sent && fgets(line, sizeof(line), peer->answers))
		answer = json_loads(line, 0, NULL);
	if (!answer) {
		sp_err_set(err, -EPROTO, "%s: its process ended or made no sense", peer->engine);
		return NULL;
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (!error)
		return answer;
	sp_err_set(err, -EPROTO, "%s: %s", peer->engine, error);
	json_decref(answer);
	return NULL;
}

/* Pipes of a new process; -errno, all closed. */
static int start(struct infer_peer *peer, const char *engine, const char *python,
		 unsigned int threads)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -EMFILE;
	}
	fflush(NULL);
	peer->pid = fork();
	if (!peer->pid)
		become(engine, python, threads, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	peer->requests = fdopen(in[1], "w");
	peer->answers = fdopen(out[0], "r");
	return peer->pid < 0 || !peer->requests || !peer->answers ? -ENOMEM : 0;
}

int infer_peer_start(const char *engine, const char *python, unsigned int threads,
		     struct infer_peer **ret_peer, struct sp_err *err)
{
	struct infer_peer *peer = calloc(1, sizeof(*peer));
	const char *version;
	json_t *hello;

	if (!peer)
		return sp_err_set(err, -ENOMEM, "out of memory");
	snprintf(peer->engine, sizeof(peer->engine), "%s", engine);
	peer->opencv = !strcmp(engine, "opencv");
	if (start(peer, engine, python, threads)) {
		infer_peer_end(peer);
		return sp_err_set(err, -EAGAIN, "%s: no process or pipe could be made", engine);
	}
	hello = ask(peer, NULL, err);
	if (!hello) {
		infer_peer_end(peer);
		return -ENOENT;
	}
	version = json_string_value(json_object_get(hello, "version"));
	snprintf(peer->version, sizeof(peer->version), "%s", version ? version : "?");
	json_decref(hello);
	*ret_peer = peer;
	return 0;
}

void infer_peer_end(struct infer_peer *peer)
{
	if (!peer)
		return;
	/* The end of its requests is the end of it. */
	if (peer->requests)
		fclose(peer->requests);
	if (peer->answers)
		fclose(peer->answers);
	if (peer->pid > 0)
		waitpid(peer->pid, NULL, 0);
	free(peer);
}

const char *infer_peer_version(const struct infer_peer *peer)
{
	return peer->version;
}

int infer_peer_load(struct infer_peer *peer, unsigned int id, const struct infer_work *work,
		    const char *const *outputs, unsigned int outputs_n, struct sp_err *err)
{
	const char *model = peer->opencv ? work->opencv_model : work->model;
	json_t *names = json_array(), *answer;

	for (unsigned int i = 0; i < outputs_n; i++)
		json_array_append_new(names, json_string(outputs[i]));
	answer = ask(peer,
		     json_pack("{s:s, s:i, s:s, s:s, s:[I,I,I,I], s:o, s:s}", "do", "load", "id",
			       (int)id, "model", model, "input", work->input_file, "shape",
			       (json_int_t)work->shape[0], (json_int_t)work->shape[1],
			       (json_int_t)work->shape[2], (json_int_t)work->shape[3], "outputs",
			       names, "precision", sp_precision_name(work->precision)),
		     err);
	json_decref(answer);
	return answer ? 0 : -EPROTO;
}

int infer_peer_outputs(struct infer_peer *peer, unsigned int id, const char *path, float *values,
		       size_t n, struct sp_err *err)
{
	json_t *answer = ask(
		peer, json_pack("{s:s, s:i, s:s}", "do", "outputs", "id", (int)id, "file", path),
		err);
	FILE *file;
	size_t got;
	bool more;

	if (!answer)
		return -EPROTO;
	json_decref(answer);
	file = fopen(path, "rb");
	got = file ? fread(values, sizeof(*values), n, file) : 0;
	more = file && fgetc(file) != EOF;
	if (file)
		fclose(file);
	if (got != n || more)
		return sp_err_set(err, -EPROTO, "%s: its outputs are not %zu numbers", peer->engine,
				  n);
	return 0;
}

double infer_peer_run(struct infer_peer *peer, unsigned int id, unsigned int n)
{
	struct sp_err err;
	json_t *answer = ask(
		peer, json_pack("{s:s, s:i, s:i}", "do", "run", "id", (int)id, "n", (int)n), &err);
	double seconds;

	if (!answer) {
		fprintf(stderr, "infer: %s\n", err.text);
		return -1;
	}
	seconds = json_number_value(json_object_get(answer, "seconds"));
	json_decref(answer);
	return seconds > 0 ? seconds : -1;
}
