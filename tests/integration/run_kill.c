/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_kill SALLYPORT CONFIG SOCKET JOURNAL ROUNDS SEED: starts the appliance, makes it record
 * encounters by triggering and closing them through the control socket, reads acknowledged ids from
 * its pipe, kills it with SIGKILL at a random moment. After each kill the journal must verify and
 * hold every acknowledged id. This shows process death, not power loss.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/control_socket.h"
#include "app/recall.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/random.h"
#include "journal/journal.h"
#include "lane/encounter.h"

enum { IDS_MAX = 1 << 20, START_LIMIT_S = 30 };

static char (*acknowledged)[SP_ENCOUNTER_ID_TEXT];
static size_t acknowledged_n;
static uint64_t random_state;

static pid_t start(char **argv, int *ret_pipe)
{
	char fd[16];
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		snprintf(fd, sizeof(fd), "%d", ends[1]);
		execl(argv[1], argv[1], "run", "-c", argv[2], "--quiet", "--ack-fd", fd,
		      (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ret_pipe = ends[0];
	return pid;
}

/* Takes whole lines; a line is written in one piece, so none is cut. */
static void read_ids(int fd)
{
	static char text[1 << 16];
	ssize_t n;

	while ((n = read(fd, text, SP_ENCOUNTER_ID_TEXT * 1000)) > 0)
		for (char *line = text;
		     line + SP_ENCOUNTER_ID_TEXT <= text + n && acknowledged_n < IDS_MAX;
		     line += SP_ENCOUNTER_ID_TEXT) {
			memcpy(acknowledged[acknowledged_n], line, SP_ENCOUNTER_ID_TEXT - 1);
			acknowledged_n++;
		}
}

static int ask(const char *socket, const char *command)
{
	json_t *request = json_pack("{s:s, s:s}", "command", command, "lane", "lane-1"),
	       *answer = NULL;
	int status = sp_control_call(socket, request, &answer, NULL);

	json_decref(request);
	json_decref(answer);
	return status;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static size_t found;

static int look_up(void *arg, const struct sp_encounter *encounter)
{
	char id[SP_ENCOUNTER_ID_TEXT];

	(void)arg;
	sp_encounter_id_format(&encounter->id, id);
	found += bsearch(id, acknowledged, acknowledged_n, sizeof(acknowledged[0]), by_text) !=
		 NULL;
	return 0;
}

static int check(const char *journal, struct sp_err *err)
{
	const struct sp_recall_filter all = { 0 };
	struct sp_journal_report report;
	int status = sp_journal_verify(journal, &report, NULL, NULL, err);

	if (status)
		return status;
	qsort(acknowledged, acknowledged_n, sizeof(acknowledged[0]), by_text);
	found = 0;
	status = sp_recall_each(journal, &all, look_up, NULL, err);
	if (!status && found != acknowledged_n)
		return sp_err_set(err, -EBADMSG, "%zu of %zu acknowledged encounters are there",
				  found, acknowledged_n);
	return status;
}

/* One life of the appliance, ended by SIGKILL some time after its first acknowledgement. */
static int live_and_die(char **argv, struct sp_err *err)
{
	uint64_t limit = sp_clock_now() + START_LIMIT_S * SP_NS_PER_S, end = 0;
	size_t before = acknowledged_n;
	pid_t pid;
	int fd;

	pid = start(argv, &fd);
	if (pid < 0)
		return sp_err_set(err, -errno, "cannot start: %s", strerror(errno));
	while (!end || sp_clock_now() < end) {
		if (ask(argv[3], "trigger") || ask(argv[3], "close"))
			sp_clock_sleep_until(sp_clock_now() + 5 * SP_NS_PER_MS);
		read_ids(fd);
		if (!end && acknowledged_n > before)
			end = sp_clock_now() + sp_random_next(&random_state) % (200 * SP_NS_PER_MS);
		if (!end && (sp_clock_now() > limit || waitpid(pid, NULL, WNOHANG) == pid)) {
			kill(pid, SIGKILL);
			return sp_err_set(err, -ETIMEDOUT, "the appliance acknowledged nothing");
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	read_ids(fd);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct sp_err err = { "" };
	int rounds, status = 0;

	if (argc != 7) {
		fprintf(stderr, "usage: run_kill SALLYPORT CONFIG SOCKET JOURNAL ROUNDS SEED\n");
		return 2;
	}
	rounds = atoi(argv[5]);
	random_state = strtoull(argv[6], NULL, 0);
	acknowledged = calloc(IDS_MAX, sizeof(acknowledged[0]));
	for (int i = 0; acknowledged && i < rounds && !status; i++) {
		status = live_and_die(argv, &err) ?: check(argv[4], &err);
		if (status)
			printf("not ok run_kill: round %d of seed %s: %s\n", i + 1, argv[6],
			       err.text);
	}
	if (!status)
		printf("ok run_kill (%d kills, %zu acknowledged encounters are all there, seed %s)\n",
		       rounds, acknowledged_n, argv[6]);
	free(acknowledged);
	return status ? 1 : 0;
}
