/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu_peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "gpu/host.h"

enum { RUN_SECONDS = 30 };

void gpu_peer_stop(struct gpu_peer *peer)
{
	if (!peer->child)
		return;
	close(peer->to);
	close(peer->from);
	kill(peer->child, SIGKILL);
	waitpid(peer->child, NULL, 0);
	peer->child = 0;
}

static int lose(struct gpu_peer *peer, int code, const char *why, struct sp_err *err)
{
	gpu_peer_stop(peer);
	return sp_err_set(err, code, "the peer %s", why);
}

static int say(struct gpu_peer *peer, const char *line, struct sp_err *err)
{
	size_t n = strlen(line);

	if (!peer->child)
		return sp_err_set(err, -EPIPE, "the peer is gone");
	/* Shorter than a pipe's atomic writes. */
	return write(peer->to, line, n) == (ssize_t)n ? 0 : lose(peer, -EPIPE, "has gone", err);
}

/* The next line, without its end. One that is too long is as an end. */
static int hear(struct gpu_peer *peer, double seconds, char line[GPU_PEER_LINE], struct sp_err *err)
{
	uint64_t end = host_now() + (uint64_t)((seconds > 0 ? seconds : 0) * 1e9);
	char *newline;

	while (!(newline = memchr(peer->heard, '\n', peer->heard_n))) {
		uint64_t now = host_now();
		struct pollfd event = { .fd = peer->from, .events = POLLIN };
		size_t room = sizeof(peer->heard) - peer->heard_n;
		ssize_t n;

		if (now >= end || poll(&event, 1, (int)((end - now) / 1000000) + 1) <= 0)
			return lose(peer, -ETIME, "has not answered in time", err);
		n = room ? read(peer->from, peer->heard + peer->heard_n, room) : 0;
		if (n <= 0)
			return lose(peer, -EPIPE, "has ended", err);
		peer->heard_n += (size_t)n;
	}
	*newline = '\0';
	memcpy(line, peer->heard, (size_t)(newline + 1 - peer->heard));
	peer->heard_n -= (size_t)(newline + 1 - peer->heard);
	memmove(peer->heard, newline + 1, peer->heard_n);
	return 0;
}

static void become(const char *fixtures, int in, int out)
{
	const char *command = getenv("SP_GPU_PEER");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	if (command && *command)
		execl(command, command, fixtures, (char *)NULL);
	else
		execlp("python3", "python3", "bench/peers/gpu_torch.py", "--serve", fixtures,
		       (char *)NULL);
	_exit(127);
}

int gpu_peer_start(struct gpu_peer *peer, const char *fixtures, double seconds, struct sp_err *err)
{
	int to[2], from[2], rc;
	char line[GPU_PEER_LINE];

	memset(peer, 0, sizeof(*peer));
	signal(SIGPIPE, SIG_IGN);
	if (pipe(to))
		return sp_err_set(err, -errno, "pipe: %s", strerror(errno));
	if (pipe(from)) {
		rc = sp_err_set(err, -errno, "pipe: %s", strerror(errno));
		goto err_close_to;
	}
	fflush(NULL); /* else what is not yet written is written twice */
	peer->child = fork();
	if (peer->child < 0) {
		rc = sp_err_set(err, -errno, "fork: %s", strerror(errno));
		peer->child = 0;
		goto err_close_from;
	}
	if (!peer->child) {
		close(to[1]);
		close(from[0]);
		become(fixtures, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	peer->to = to[1];
	peer->from = from[0];
	rc = hear(peer, seconds, line, err);
	if (rc)
		return rc;
	if (sscanf(line, "ready %31s %255[^\n]", peer->name, peer->version) == 2)
		return 0;
	gpu_peer_stop(peer);
	return sp_err_set(err, -ENOENT, "%s", line);

err_close_from:
	close(from[0]);
	close(from[1]);
err_close_to:
	close(to[0]);
	close(to[1]);
	return rc;
}

int gpu_peer_prepare(struct gpu_peer *peer, const char *name, uint32_t side, uint32_t n,
		     double seconds, struct sp_err *err)
{
	char line[GPU_PEER_LINE];
	int rc;

	snprintf(line, sizeof(line), "prepare %s %u %u\n", name, side, n);
	rc = say(peer, line, err);
	if (!rc)
		rc = hear(peer, seconds, line, err);
	if (rc)
		return rc;
	return strcmp(line, "ready") ? sp_err_set(err, -EIO, "the peer: %s", line) : 0;
}

int gpu_peer_run(struct gpu_peer *peer, unsigned int runs, double *ret_seconds, struct sp_err *err)
{
	char line[GPU_PEER_LINE];
	int rc;

	snprintf(line, sizeof(line), "run %u\n", runs);
	rc = say(peer, line, err);
	if (!rc)
		rc = hear(peer, RUN_SECONDS, line, err);
	if (rc)
		return rc;
	if (sscanf(line, "seconds %lf", ret_seconds) != 1 || !(*ret_seconds > 0))
		return sp_err_set(err, -EIO, "the peer: %s", line);
	return 0;
}
