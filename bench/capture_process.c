/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define POLL_NS (5 * SP_NS_PER_MS)

enum { FILE_BYTES_MAX = 1 << 20 };

void bench_command_add(struct bench_command *command, const char *argument)
{
	if (command->n + 1 < BENCH_ARGUMENTS_MAX)
		command->arguments[command->n++] = argument;
}

void bench_command_add_text(struct bench_command *command, const char *format, ...)
{
	char *text = command->text + command->text_n;
	size_t room = sizeof(command->text) - command->text_n;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text, room, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= room)
		return;
	command->text_n += (unsigned int)n + 1;
	bench_command_add(command, text);
}

/* In the child; says on stderr why it did not become the program. */
static void become(const struct bench_command *command, int input)
{
	int network = command->network ? open(command->network, O_RDONLY | O_CLOEXEC) : -1;
	int output = open(command->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int log = command->log ? open(command->log, O_WRONLY | O_CREAT | O_TRUNC, 0600) : output;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(command->cpu < 0 ? 0 : (unsigned int)command->cpu, &cpus);
	if (command->cpu >= 0)
		sched_setaffinity(0, sizeof(cpus), &cpus);
	if (command->network && (network < 0 || setns(network, CLONE_NEWNET)))
		perror(command->network);
	else if (output < 0 || log < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 ||
		 dup2(log, 2) < 0)
		perror(command->output);
	else
		execvp(command->arguments[0], (char *const *)command->arguments);
	perror(command->arguments[0]);
	_exit(127);
}

int bench_process_start(struct bench_process *process, const struct bench_command *command)
{
	int input[2];

	*process = (struct bench_process){ 0 };
	if (pipe2(input, O_CLOEXEC))
		return -errno;
	process->pid = fork();
	if (process->pid < 0) {
		int error = -errno;

		perror("fork");
		close(input[0]);
		close(input[1]);
		process->pid = 0;
		return error;
	}
	if (!process->pid)
		become(command, input[0]);
	close(input[0]);
	process->input = input[1];
	return 0;
}

static bool file_has(const char *file, const char *text)
{
	char *bytes = calloc(1, FILE_BYTES_MAX + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool has = bytes && fd >= 0 && read(fd, bytes, FILE_BYTES_MAX) > 0 && strstr(bytes, text);

	if (fd >= 0)
		close(fd);
	free(bytes);
	return has;
}

/* 1: still runs; 0: ended well; -EPROTO: did not. */
static int look(struct bench_process *process)
{
	struct rusage usage;
	pid_t pid;
	int status;

	if (!process->pid)
		return -ECHILD;
	pid = wait4(process->pid, &status, WNOHANG, &usage);
	if (!pid || (pid < 0 && errno == EINTR))
		return 1;
	close(process->input);
	process->pid = 0;
	process->cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SP_NS_PER_S +
			  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
				  SP_NS_PER_US;
	return pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

int bench_process_wait_text(struct bench_process *process, const char *file, const char *text,
			    uint64_t timeout_ns)
{
	uint64_t until_ns = sp_clock_now() + timeout_ns;

	while (!file_has(file, text)) {
		if (look(process) != 1)
			return -ECHILD;
		if (sp_clock_now() > until_ns)
			return -ETIMEDOUT;
		sp_clock_sleep_until(sp_clock_now() + POLL_NS);
	}
	return 0;
}

int bench_process_wait(struct bench_process *process, uint64_t timeout_ns)
{
	uint64_t until_ns = sp_clock_now() + timeout_ns;
	int res;

	while ((res = look(process)) == 1) {
		if (sp_clock_now() > until_ns) {
			kill(process->pid, SIGKILL);
			while (look(process) == 1)
				sp_clock_sleep_until(sp_clock_now() + POLL_NS);
			return -ETIMEDOUT;
		}
		sp_clock_sleep_until(sp_clock_now() + POLL_NS);
	}
	return res;
}

int bench_process_end(struct bench_process *process, uint64_t timeout_ns)
{
	if (process->pid)
		kill(process->pid, SIGTERM);
	return bench_process_wait(process, timeout_ns);
}

void bench_read_line(const char *file, char *line, unsigned int size)
{
	FILE *in = fopen(file, "r");

	if (!in || !fgets(line, (int)size, in))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (in)
		fclose(in);
}
