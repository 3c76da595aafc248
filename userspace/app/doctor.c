/* SPDX-License-Identifier: Apache-2.0 */
#include "app/doctor.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/config.h"
#include "base/thread.h"

/* What EAL takes beside our regions: mbufs, rings, devices. */
#define EAL_BYTES (256ull << 20)

void sp_doctor_init(struct sp_doctor *d, const struct sp_config *config,
		    const struct sp_config_plan *plan)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	memset(d, 0, sizeof(*d));
	d->config = config;
	d->plan = plan;
	d->root = "";
	getrlimit(RLIMIT_MEMLOCK, &limit);
	d->memlock = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
	d->privileged = !geteuid();
}

/* What was cut within a character ends before it: JSON takes whole ones only. */
static void end_whole(char *text)
{
	size_t n = strlen(text), tail = 0, whole;
	uint8_t lead;

	while (tail < n && ((uint8_t)text[n - 1 - tail] & 0xC0) == 0x80)
		tail++;
	if (tail == n)
		return;
	lead = (uint8_t)text[n - 1 - tail];
	whole = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
	if (tail < whole)
		text[n - 1 - tail] = '\0';
}

void sp_doctor_find(struct sp_doctor *d, enum sp_doctor_level level, const char *subject,
		    const char *fmt, ...)
{
	struct sp_finding *finding = &d->findings[d->findings_n];
	va_list args;

	if (d->findings_n == SP_DOCTOR_FINDINGS_MAX)
		return;
	finding->level = level;
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	end_whole(finding->subject);
	va_start(args, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	va_end(args);
	end_whole(finding->text);
	d->findings_n++;
}

static FILE *open_file(const struct sp_doctor *d, const char *path)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", d->root, path);
	return fopen(whole, "r");
}

uint64_t sp_doctor_read(const struct sp_doctor *d, const char *path, uint64_t otherwise)
{
	FILE *file = open_file(d, path);
	uint64_t value = otherwise;

	if (!file)
		return otherwise;
	if (fscanf(file, "%" SCNu64, &value) != 1)
		value = otherwise;
	fclose(file);
	return value;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* A line of /proc/meminfo, in its own unit; 0 if it is not there. */
static uint64_t meminfo(const struct sp_doctor *d, const char *name)
{
	FILE *file = open_file(d, "/proc/meminfo");
	char line[128];
	uint64_t value = 0;
	size_t n = strlen(name);

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, n) && line[n] == ':')
			value = strtoull(line + n + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static bool has_argument(const struct sp_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->capture.dpdk.eal_count; i++)
		if (!strcmp(config->capture.dpdk.eal[i], name))
			return true;
	return false;
}

static void look_hugepages(struct sp_doctor *d)
{
	bool dpdk = d->config->capture.source == SP_SOURCE_DPDK;
	bool eal = dpdk && !has_argument(d->config, "--no-huge");
	uint64_t page = (meminfo(d, "Hugepagesize") ?: 2048) << 10;
	uint64_t want = d->plan->region_bytes + (eal ? EAL_BYTES : 0);
	uint64_t have = meminfo(d, "HugePages_Free") * page, pages = (want + page - 1) / page;

	if (have >= want)
		sp_doctor_find(d, SP_DOCTOR_GOOD, "hugepages",
			       "%" PRIu64 " MiB free, %" PRIu64 " MiB wanted", have >> 20,
			       want >> 20);
	else if (eal && !meminfo(d, "HugePages_Total"))
		sp_doctor_find(d, SP_DOCTOR_FAULT, "hugepages",
			       "there are none, and DPDK will not start without; sysctl "
			       "vm.nr_hugepages=%" PRIu64 ", or add the EAL argument --no-huge",
			       pages);
	else
		sp_doctor_find(d, SP_DOCTOR_ADVICE, "hugepages",
			       "%" PRIu64 " MiB free where %" PRIu64
			       " MiB would be used; sysctl vm.nr_hugepages=%" PRIu64 " spares the "
			       "CPU address look-ups",
			       have >> 20, want >> 20, pages);
}

void sp_doctor_look_memory(struct sp_doctor *d)
{
	uint64_t region = d->plan->region_bytes, free_bytes = meminfo(d, "MemAvailable") << 10;

	if (free_bytes && region > free_bytes)
		sp_doctor_find(d, SP_DOCTOR_FAULT, "memory",
			       "%" PRIu64 " MiB of packet memory are needed "
			       "and %" PRIu64 " MiB are available; give fewer capture.frames, or the "
			       "machine more memory",
			       region >> 20, free_bytes >> 20);
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, "memory",
			       "%" PRIu64 " MiB of packet memory are needed, "
			       "%" PRIu64 " MiB are available",
			       region >> 20, free_bytes >> 20);
	look_hugepages(d);
	if (d->privileged || d->memlock >= region)
		sp_doctor_find(d, SP_DOCTOR_GOOD, "pinned memory",
			       "RLIMIT_MEMLOCK allows what is needed");
	else
		sp_doctor_find(d, SP_DOCTOR_ADVICE, "pinned memory",
			       "RLIMIT_MEMLOCK is %" PRIu64 " MiB, %" PRIu64
			       " MiB would be pinned; ulimit -l unlimited, or "
			       "LimitMEMLOCK=infinity in the unit",
			       d->memlock >> 20, region >> 20);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

void sp_doctor_look_cpus(struct sp_doctor *d)
{
	const struct sp_config_capture *c = &d->config->capture;
	unsigned int cpus = sp_thread_cpus();
	char path[64];

	for (uint32_t i = 0; i < c->cpus_count; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/core_id",
			 c->cpus[i]);
		if (sp_doctor_read(d, path, UINT64_MAX) == UINT64_MAX)
			sp_doctor_find(d, SP_DOCTOR_FAULT, "capture.cpus",
				       "there is no CPU %u, or it is "
				       "off; name another",
				       c->cpus[i]);
	}
	if (c->source == SP_SOURCE_DPDK && c->queues >= cpus)
		sp_doctor_find(d, SP_DOCTOR_ADVICE, "CPUs",
			       "%u polling threads on %u CPUs leave none to "
			       "look at frames; give fewer capture.queues",
			       c->queues, cpus);
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, "CPUs", "%u, of which %u capture", cpus,
			       c->queues);
}

/* ---- cards on the PCI bus -------------------------------------------------------------------- */

/* The value of the EAL argument @i if it allows a device, and *@ret_next the argument after it. */
static const char *allowed(const struct sp_config_dpdk *dpdk, uint32_t i, uint32_t *ret_next)
{
	const char *argument = dpdk->eal[i];

	*ret_next = i + 1;
	if (!strncmp(argument, "--allow=", 8))
		return argument + 8;
	if (!strncmp(argument, "-a", 2) && argument[2])
		return argument + 2;
	if ((strcmp(argument, "-a") && strcmp(argument, "--allow")) || i + 1 == dpdk->eal_count)
		return NULL;
	*ret_next = i + 2;
	return dpdk->eal[i + 1];
}

/* As the kernel names it. DPDK takes 3b:00.0 as well, and pci: before either. */
static void card_address(const char *device, char address[64])
{
	int n;

	if (!strncmp(device, "pci:", 4))
		device += 4;
	n = (int)strcspn(device, ","); /* device arguments follow */
	snprintf(address, 64, "%s%.*s",
		 strchr(device, ':') == memrchr(device, ':', (size_t)n) ? "0000:" : "", n, device);
}

/* The last part of what @path links to. */
static bool link_name(const struct sp_doctor *d, const char *path, char name[64])
{
	char whole[512], target[512];
	const char *slash;
	ssize_t n;

	snprintf(whole, sizeof(whole), "%s%s", d->root, path);
	n = readlink(whole, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, 64, "%.63s", slash ? slash + 1 : target);
	return true;
}

static bool has_iommu(const struct sp_doctor *d)
{
	char path[512];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/sys/kernel/iommu_groups", d->root);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory)))
		found = entry->d_name[0] != '.';
	if (directory)
		closedir(directory);
	return found;
}

static void look_card(struct sp_doctor *d, const char *address)
{
	char path[256], driver[64], subject[64];
	uint64_t node;

	snprintf(subject, sizeof(subject), "card %.40s", address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/numa_node", address);
	node = sp_doctor_read(d, path, UINT64_MAX);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/driver", address);
	if (!link_name(d, path, driver)) {
		sp_doctor_find(d, SP_DOCTOR_FAULT, subject,
			       "is not there, or no driver has it; "
			       "`dpdk-devbind.py --status` lists cards, -b vfio-pci binds one");
		return;
	}
	if (!strcmp(driver, "mlx5_core"))
		sp_doctor_find(d, SP_DOCTOR_GOOD, subject,
			       "mlx5_core shares it between the kernel and us");
	else if (strcmp(driver, "vfio-pci"))
		sp_doctor_find(d, SP_DOCTOR_FAULT, subject,
			       "is the kernel's (%s); dpdk-devbind.py -b "
			       "vfio-pci %.40s",
			       driver, address);
	else if (!has_iommu(d))
		sp_doctor_find(d, SP_DOCTOR_FAULT, subject,
			       "vfio-pci has it, and there is no IOMMU; switch VT-d or AMD-Vi on "
			       "in the firmware, and boot with intel_iommu=on iommu=pt");
	else if (!d->config->capture.dpdk.exception)
		sp_doctor_find(d, SP_DOCTOR_FAULT, subject,
			       "vfio-pci has it, so the kernel cannot reach the "
			       "cameras through it; set capture.dpdk.exception");
	else
		sp_doctor_find(d, SP_DOCTOR_GOOD, subject,
			       "vfio-pci has it, there is an IOMMU and an "
			       "exception path%s",
			       node != UINT64_MAX && node != 0
				       ? "; keep capture.cpus on its memory node"
				       : "");
}

void sp_doctor_look_cards(struct sp_doctor *d)
{
	const struct sp_config_dpdk *dpdk = &d->config->capture.dpdk;
	char address[64];

	if (d->config->capture.source != SP_SOURCE_DPDK || has_argument(d->config, "--no-pci"))
		return;
	for (uint32_t i = 0, next; i < dpdk->eal_count; i = next) {
		const char *device = allowed(dpdk, i, &next);

		if (!device)
			continue;
		card_address(device, address);
		look_card(d, address);
	}
}
