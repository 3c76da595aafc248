/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's environment: initialised once a process, never torn down; its log goes to ours. */
#include "capture/dpdk.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/diag.h"
#include "base/thread.h"

enum {
	ARGUMENTS_MAX = 64, /* of the configuration */
	OURS_MAX = 10,
	EAL_MIB = 64, /* that EAL wants beside mbufs: rings, devices */
};

/* Main's alone: sources are opened by main. */
static struct {
	bool tried;
	int error;
	char why[512];
	char *given[ARGUMENTS_MAX]; /* the configuration's, without devices; EAL keeps pointers */
	int given_n;
	char *argv[ARGUMENTS_MAX + OURS_MAX];
	char *permuted[ARGUMENTS_MAX + OURS_MAX]; /* the same; EAL changes their order */
	int argc;
} eal;

/* ---- log ---- */

static pthread_mutex_t complaint_lock = PTHREAD_MUTEX_INITIALIZER;
static char complaint[256];

static void log_line(const char *line, size_t size, int level)
{
	enum sp_log_level ours = SP_LOG_DEBUG;

	if (level <= (int)RTE_LOG_ERR) {
		pthread_mutex_lock(&complaint_lock);
		snprintf(complaint, sizeof(complaint), "%.*s", (int)size, line);
		pthread_mutex_unlock(&complaint_lock);
		ours = SP_LOG_WARNING;
	} else if (level <= (int)RTE_LOG_NOTICE) {
		ours = SP_LOG_INFO;
	}
	sp_log(ours, "dpdk: %.*s", (int)size, line);
}

/* DPDK flushes after each message, so whole lines come. */
static ssize_t log_write(void *cookie, const char *text, size_t size)
{
	int level = rte_log_cur_msg_loglevel();
	const char *end = text + size;

	(void)cookie;
	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		while (stop > line && isspace((unsigned char)stop[-1]))
			stop--;
		if (stop > line)
			log_line(line, (size_t)(stop - line), level);
		line = newline ? newline + 1 : end;
	}
	return (ssize_t)size;
}

const char *sp_dpdk_complaint(char *text, size_t size)
{
	pthread_mutex_lock(&complaint_lock);
	snprintf(text, size, "%s", complaint);
	pthread_mutex_unlock(&complaint_lock);
	return text;
}

void sp_dpdk_complaint_clear(void)
{
	pthread_mutex_lock(&complaint_lock);
	complaint[0] = 0;
	pthread_mutex_unlock(&complaint_lock);
}

static void redirect_log(void)
{
	const cookie_io_functions_t functions = { .write = log_write };
	static FILE *stream; /* DPDK's for good */

	if (stream)
		return;
	stream = fopencookie(NULL, "w", functions);
	if (stream)
		rte_openlog_stream(stream);
}

/* ---- arguments ---- */

static bool is_option(const char *argument, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(argument, name, n) && (!argument[n] || argument[n] == '=');
}

/* Whether any of the configuration's arguments is this option. */
static bool is_given(const struct sp_dpdk_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->eal_n; i++) {
		if (is_option(config->eal[i], name))
			return true;
	}
	return false;
}

/* A short option may have its value attached: "-l0". */
static bool is_given_short(const struct sp_dpdk_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->eal_n; i++) {
		if (!strncmp(config->eal[i], name, 2))
			return true;
	}
	return false;
}

/*
 * The arguments that EAL sees: all but --vdev, whose devices come and go with the sources. Those of
 * "-a" stay, since without one EAL would take every card that is bound to it.
 */
static int keep_arguments(const struct sp_dpdk_config *config, const char **kept)
{
	int n = 0;

	for (unsigned int i = 0; i < config->eal_n; i++) {
		if (!is_option(config->eal[i], "--vdev"))
			kept[n++] = config->eal[i];
		else if (!strchr(config->eal[i], '='))
			i++; /* its value */
	}
	return n;
}

/* Free bytes of hugepages of any size. */
static size_t free_hugepages(void)
{
	static const struct {
		const char *path;
		size_t size;
	} kinds[] = {
		{ "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", 2ul << 20 },
		{ "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", 1ul << 30 },
	};
	unsigned long pages;
	size_t bytes = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		FILE *file = fopen(kinds[i].path, "re");

		if (!file)
			continue;
		if (fscanf(file, "%lu", &pages) == 1)
			bytes += pages * kinds[i].size;
		fclose(file);
	}
	return bytes;
}

/* The first CPU that we may run on: EAL shall start no worker threads on the others. */
static int first_cpu(void)
{
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof(set), &set)) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, &set))
				return cpu;
		}
	}
	return 0;
}

__attribute__((format(printf, 1, 2))) static void add_argument(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&eal.argv[eal.argc], format, ap) >= 0)
		eal.argc++;
	va_end(ap);
}

/* Memory for EAL's own objects: hugepages if enough are free. Nothing is left behind in files. */
static void compose_memory(const struct sp_dpdk_config *config, size_t need)
{
	bool no_huge = is_given(config, "--no-huge");
	size_t mib = EAL_MIB + (need >> 20);

	if (!no_huge && free_hugepages() >= mib << 20) {
		if (!is_given(config, "--in-memory"))
			add_argument("--in-memory");
		return;
	}
	if (!no_huge)
		add_argument("--no-huge");
	/* --in-memory would mean the same, but EAL refuses both together. */
	if (!is_given(config, "--no-shconf"))
		add_argument("--no-shconf");
	if (!is_given_short(config, "-m") && !is_given(config, "--socket-mem"))
		add_argument("-m%zu", mib);
}

static bool has_cards(const struct sp_dpdk_config *config)
{
	return is_given_short(config, "-a") || is_given(config, "--allow") ||
	       is_given_short(config, "-b") || is_given(config, "--block");
}

static void compose(const struct sp_dpdk_config *config, size_t need)
{
	add_argument("sallyport");
	if (!is_given(config, "--no-telemetry") && !is_given(config, "--telemetry"))
		add_argument("--no-telemetry");
	if (!has_cards(config) && !is_given(config, "--no-pci"))
		add_argument("--no-pci");
	/* With cards EAL chooses by their drivers: physical addresses are then refused below. */
	if (!has_cards(config) && !is_given(config, "--iova-mode"))
		add_argument("--iova-mode=va");
	if (!is_given_short(config, "-l") && !is_given_short(config, "-c") &&
	    !is_given(config, "--lcores"))
		add_argument("--lcores=0@%d", first_cpu());
	compose_memory(config, need);
	for (int i = 0; i < eal.given_n; i++)
		eal.argv[eal.argc++] = eal.given[i];
}

/* ---- init ---- */

static void init_on_thread(struct sp_thread *thread)
{
	(void)thread;
	eal.error = 0;
	rte_errno = 0;
	/* It fails in some ways without saying why. */
	if (rte_eal_init(eal.argc, eal.permuted) < 0)
		eal.error = rte_errno ? -rte_errno : -EIO;
	/* Whoever embeds us may have initialised it: his arguments, and fine. */
	if (eal.error == -EALREADY)
		eal.error = 0;
}

/*
 * On a thread of its own: EAL pins the thread that calls it to a CPU for good, and its own threads
 * inherit the mask of signals, which are main's business.
 */
static int init(const struct sp_dpdk_config *config, size_t need)
{
	char text[sizeof(complaint)];
	struct sp_thread thread;
	struct sp_err why;
	int error;

	redirect_log();
	compose(config, need);
	memcpy(eal.permuted, eal.argv, sizeof(eal.permuted));
	sp_dpdk_complaint_clear();
	error = sp_thread_start(&thread, "eal", -1, init_on_thread, NULL, NULL);
	if (error) {
		eal.error = error;
		snprintf(eal.why, sizeof(eal.why),
			 "dpdk: no thread for EAL: %s; close other programs", strerror(-error));
		return error;
	}
	sp_thread_stop(&thread);
	if (eal.error) {
		sp_err_set(&why, eal.error,
			   "dpdk: EAL does not start: %s (%s); check the EAL arguments",
			   sp_dpdk_complaint(text, sizeof(text)), strerror(-eal.error));
		snprintf(eal.why, sizeof(eal.why), "%s", why.text);
	}
	return eal.error;
}

static int remember(const char *const *kept, int n, struct sp_err *err)
{
	for (int i = 0; i < n; i++) {
		eal.given[i] = strdup(kept[i]);
		if (eal.given[i])
			continue;
		while (i-- > 0)
			free(eal.given[i]);
		return sp_err_set(err, -ENOMEM, "dpdk: no memory; close other programs");
	}
	eal.given_n = n;
	return 0;
}

static bool is_same(const char *const *kept, int n)
{
	if (n != eal.given_n)
		return false;
	for (int i = 0; i < n; i++) {
		if (strcmp(kept[i], eal.given[i]))
			return false;
	}
	return true;
}

int sp_dpdk_eal_start(const struct sp_dpdk_config *config, size_t need, struct sp_err *err)
{
	const char *kept[ARGUMENTS_MAX];
	int n, error;

#ifdef __x86_64__
	if (!__builtin_cpu_supports("sse4.2"))
		return sp_err_set(err, -ENOTSUP,
				  "dpdk: this CPU has no SSE 4.2; use the udp source");
#endif
	if (config->eal_n > ARGUMENTS_MAX)
		return sp_err_set(err, -EINVAL, "dpdk: %u EAL arguments; %d are possible",
				  config->eal_n, ARGUMENTS_MAX);
	n = keep_arguments(config, kept);
	if (!eal.tried) {
		error = remember(kept, n, err);
		if (error)
			return error;
		eal.tried = true;
		init(config, need);
	} else if (!is_same(kept, n)) {
		return sp_err_set(err, -EBUSY,
				  "dpdk: EAL runs with other arguments in this process; give all "
				  "sources the same, only --vdev may differ");
	}
	if (eal.error)
		return sp_err_set(err, eal.error, "%s", eal.why);
	if (rte_eal_iova_mode() != RTE_IOVA_VA)
		return sp_err_set(
			err, -ENOTSUP,
			"dpdk: EAL uses physical addresses; bind the card to vfio-pci behind an "
			"IOMMU with 48 address bits");
	return 0;
}
