/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 against a journal's writer, again and again.
 *
 *	journal_kill run DIRECTORY SEED ROUNDS COMMAND…
 *		Starts COMMAND, reads from its standard output the ids of the encounters that it has
 *		acknowledged (one a line), kills it at a random time; then the journal in DIRECTORY must
 *		verify and hold every id that any round acknowledged. ROUNDS times.
 *	journal_kill write DIRECTORY
 *		A COMMAND for it: appends encounters without end.
 *
 * This shows what process death does, not power loss: for that see tests/unit/journal/test_crash.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "journal/journal.h"
#include "lane/encounter.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- the victim ---------------------------------------------------------------------------- */

enum { WAITING = 4096, RECORD = 64 << 10 };

struct victim {
	struct sp_journal_writer *writer;
	struct sp_encounter_id waiting[WAITING]; /* by cookie */
	uint64_t next;
	uint64_t random;
};

static int append_one(struct victim *victim)
{
	static uint8_t bytes[RECORD], jpeg[RECORD / 2];
	static struct sp_encounter e;
	uint8_t random[10];
	int64_t n;
	int ret;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	memset(&e, 0, sizeof(e));
	snprintf(e.lane, sizeof(e.lane), "kill");
	e.begin_utc_ns = e.end_utc_ns = sp_clock_utc();
	e.id = sp_encounter_id_make(e.begin_utc_ns, random);
	e.occupants_n = 1;
	e.occupants[0].jpeg = jpeg;
	e.occupants[0].jpeg_size = 1 + (uint32_t)(next_random(&victim->random) % sizeof(jpeg));
	n = sp_record_encode_encounter(&e, bytes, sizeof(bytes), NULL);
	if (n < 0)
		return (int)n;
	ret = sp_journal_append(victim->writer, SP_RECORD_ENCOUNTER, bytes, (size_t)n,
				e.begin_utc_ns, victim->next % WAITING);
	if (!ret)
		victim->waiting[victim->next++ % WAITING] = e.id;
	return ret;
}

/* A line goes into the pipe whole or not at all. */
static int tell(const struct sp_encounter_id *id)
{
	char text[SP_ENCOUNTER_ID_TEXT];

	sp_encounter_id_format(id, text);
	text[SP_ENCOUNTER_ID_TEXT - 1] = '\n';
	return write(STDOUT_FILENO, text, sizeof(text)) == sizeof(text) ? 0 : -EPIPE;
}

static int write_on(const char *directory)
{
	const struct sp_journal_config config = {
		.directory = directory, .segment_size = 1 << 20, .batch_size = 128 << 10,
	};
	static struct victim victim;
	struct sp_journal_ack acks[64];
	struct sp_err err;
	uint64_t told = 0;
	int ret, n;

	if (sp_journal_writer_open(&config, &victim.writer, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	victim.random = sp_clock_now() | 1;
	for (;;) {
		ret = victim.next - told < WAITING ? append_one(&victim) : -EAGAIN;
		if (ret && ret != -EAGAIN)
			return 1;
		if (!ret && next_random(&victim.random) % 4)
			continue;
		n = sp_journal_poll(victim.writer, acks, 64, SP_NS_PER_S, &err);
		for (int i = 0; i < n; i++, told++)
			if (tell(&victim.waiting[acks[i].cookie]))
				return 1;
		if (n < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
	}
}

/* ---- the killer ---------------------------------------------------------------------------- */

struct ids {
	struct sp_encounter_id *list;
	size_t n, room;
};

static void add_id(struct ids *ids, struct sp_encounter_id id)
{
	if (ids->n == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 1024;
		ids->list = realloc(ids->list, ids->room * sizeof(id));
		if (!ids->list)
			abort();
	}
	ids->list[ids->n++] = id;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sp_encounter_id));
}

struct lines {
	char text[4096];
	size_t n;
};

/* Takes what is in the pipe. False at its end, or when it says something else than ids. */
static bool take_lines(int fd, struct lines *lines, struct ids *ids)
{
	ssize_t got = read(fd, lines->text + lines->n, sizeof(lines->text) - 1 - lines->n);
	struct sp_encounter_id id;
	char *line = lines->text, *end;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	lines->n += (size_t)got;
	lines->text[lines->n] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		if (sp_encounter_id_parse(line, &id)) {
			fprintf(stderr, "not an id: \"%s\"\n", line);
			return false;
		}
		add_id(ids, id);
		line = end + 1;
	}
	lines->n -= (size_t)(line - lines->text);
	memmove(lines->text, line, lines->n);
	return true;
}

/*
 * Lives until @kill_ns, which counts from the first acknowledgement (or from the start if @early).
 */
static bool one_life(char **command, bool early, uint64_t kill_ns, struct ids *ids)
{
	uint64_t limit_ns = sp_clock_now() + (early ? kill_ns : 30 * SP_NS_PER_S);
	struct lines lines = { .n = 0 };
	size_t before = ids->n;
	bool open = true, started = early;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds))
		return false;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(command[0], command);
		_exit(127);
	}
	close(fds[1]);
	while (open && sp_clock_now() < limit_ns) {
		struct pollfd in = { .fd = fds[0], .events = POLLIN };

		if (poll(&in, 1, 1) > 0)
			open = take_lines(fds[0], &lines, ids);
		if (!started && ids->n > before) {
			started = true;
			limit_ns = sp_clock_now() + kill_ns;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	while (open)
		open = take_lines(fds[0], &lines, ids);
	close(fds[0]);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		fprintf(stderr, "the command ended by itself (status %d)\n", status);
		return false;
	}
	return started;
}

/* Every acknowledged id is in the journal, which verifies. */
static bool check(const char *directory, struct ids *acked)
{
	struct sp_journal_report report;
	struct sp_journal_reader *reader;
	struct sp_record_view view;
	struct sp_encounter e;
	struct ids there = { 0 };
	struct sp_err err;
	size_t missing = 0;
	int ret;

	ret = sp_journal_verify(directory, &report, NULL, NULL, &err);
	if (ret == -ENOENT && !acked->n)
		return true; /* killed before there was a journal */
	if (!ret)
		ret = sp_journal_reader_open(directory, &reader, &err);
	if (ret) {
		fprintf(stderr, "%s\n", err.text);
		return false;
	}
	while ((ret = sp_journal_reader_next(reader, &view, &err)) > 0) {
		ret = sp_record_decode_encounter(view.bytes, view.size, &e, &err);
		if (ret)
			break;
		add_id(&there, e.id);
		sp_encounter_clear(&e);
	}
	sp_journal_reader_close(reader);
	if (ret)
		fprintf(stderr, "%s\n", err.text);
	qsort(there.list, there.n, sizeof(*there.list), by_bytes);
	for (size_t i = 0; i < acked->n; i++)
		missing += !bsearch(&acked->list[i], there.list, there.n, sizeof(*there.list),
				    by_bytes);
	if (missing)
		fprintf(stderr, "%zu of %zu acknowledged records are missing\n", missing, acked->n);
	if (there.n != report.records)
		fprintf(stderr, "read %zu records, verified %" PRIu64 "\n", there.n,
			report.records);
	free(there.list);
	return !ret && !missing && there.n == report.records;
}

static int run(const char *directory, uint64_t seed, unsigned int rounds, char **command)
{
	uint64_t random = seed * 0x9E3779B97F4A7C15ull + 1;
	struct sp_journal_report report = { 0 };
	struct ids acked = { 0 };

	for (unsigned int round = 0; round < rounds; round++) {
		bool early = next_random(&random) % 5 == 0;
		uint64_t kill_ns = next_random(&random) % ((early ? 30 : 100) * SP_NS_PER_MS);

		if (!one_life(command, early, kill_ns, &acked) || !check(directory, &acked)) {
			fprintf(stderr, "round %u of seed %" PRIu64 "\n", round, seed);
			free(acked.list);
			return 1;
		}
	}
	sp_journal_verify(directory, &report, NULL, NULL, NULL);
	printf("# %u kills, seed %" PRIu64 ": %zu acknowledged, %" PRIu64 " there, in %" PRIu64
	       " segments, %" PRIu64 " with a torn tail\n", rounds, seed, acked.n, report.records,
	       report.segments, report.torn_segments);
	free(acked.list);
	return acked.n ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_on(argv[2]);
	if (argc > 5 && !strcmp(argv[1], "run"))
		return run(argv[2], strtoull(argv[3], NULL, 0), (unsigned)atoi(argv[4]), argv + 5);
	fprintf(stderr,
		"usage: journal_kill run DIRECTORY SEED ROUNDS COMMAND… | write DIRECTORY\n");
	return 2;
}
