/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"

extern char **environ;

/* No shell: the address is one argument, whatever it holds. */
static int spawn(const char *url, bool mirror, uint64_t bytes_max, int output, int complaints,
		 pid_t *ret_pid)
{
	char size[24];
	/* -q: no ~/.curlrc. A transfer that stalls below 1 kB/s for half a minute is given up. */
	const char *arguments[] = { "curl", "-q", "--silent", "--show-error", "--fail",
				    "--location", "--max-redirs", "5", "--proto",
				    mirror ? "=https,http,file" : "=https", "--proto-redir",
				    mirror ? "=https,http" : "=https", "--connect-timeout", "15",
				    "--speed-limit", "1000", "--speed-time", "30",
				    "--max-filesize", size, "--url", url, NULL };
	posix_spawn_file_actions_t actions;
	int status;

	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes_max);
	status = posix_spawn_file_actions_init(&actions);
	if (status)
		return -status;
	status = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) ?:
		 posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO) ?:
		 posix_spawnp(ret_pid, arguments[0], &actions, NULL, (char *const *)arguments,
			      environ);
	posix_spawn_file_actions_destroy(&actions);
	return -status;
}

int sp_fetch_open(const char *url, bool mirror, uint64_t bytes_max, struct sp_fetch *ret_fetch,
		  struct sp_err *err)
{
	struct sp_fetch fetch;
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC))
		return sp_err_set(err, -errno, "pipe: %s", strerror(errno));
	fetch.fd = ends[0];
	fetch.complaints = memfd_create("complaints", MFD_CLOEXEC);
	status = fetch.complaints < 0 ? -errno : spawn(url, mirror, bytes_max, ends[1],
						       fetch.complaints, &fetch.pid);
	close(ends[1]);
	if (!status) {
		*ret_fetch = fetch;
		return 0;
	}
	close(fetch.fd);
	if (fetch.complaints >= 0)
		close(fetch.complaints);
	if (status == -ENOENT)
		return sp_err_set(err, status, "the program curl is not installed");
	return sp_err_set(err, status, "curl: %s", strerror(-status));
}

int sp_fetch_close(struct sp_fetch *fetch, struct sp_err *err)
{
	char text[256];
	ssize_t n;
	int status;

	close(fetch->fd); /* curl ends if it still has something to say */
	while (waitpid(fetch->pid, &status, 0) < 0 && errno == EINTR)
		;
	n = pread(fetch->complaints, text, sizeof(text) - 1, 0);
	close(fetch->complaints);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return sp_err_set(err, -EIO, "%s", *text ? text : "curl failed");
}
