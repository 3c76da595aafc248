/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor on machines that are made of files: each lacks one thing. */
#include "app/doctor.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "infer/cpu/kernel.h"
#include "records.h"

static struct sp_doctor doctor;
static struct sp_config config;
static struct sp_config_plan plan;

static void put_file(const char *path, const char *text)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", directory, path);
	for (char *slash = whole + strlen(directory) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	store(whole, (const uint8_t *)text, strlen(text));
}

static void put_driver(const char *card, const char *driver)
{
	char path[512], target[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", card);
	put_file(path, "1\n");
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", directory, card);
	snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
	CHECK_EQ(symlink(target, path), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	return where->level ? remove(path) : 0;
}

/* What fresh_directory and its end remove is flat. */
static void remove_tree(void)
{
	if (*directory)
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(uint64_t region_mib)
{
	static bool registered;

	remove_tree();
	fresh_directory();
	/* After fresh_directory's own, so before it. */
	if (!registered)
		atexit(remove_tree);
	registered = true;
	memset(&config, 0, sizeof(config));
	config.capture.queues = 1;
	plan = (struct sp_config_plan){ .region_bytes = region_mib << 20 };
	sp_doctor_init(&doctor, &config, &plan);
	doctor.root = directory;
	doctor.privileged = false;
	doctor.memlock = UINT64_MAX;
}

/* The finding about @subject; fails the test if there is none. */
static const struct sp_finding *finding(const char *subject)
{
	for (unsigned int i = 0; i < doctor.findings_n; i++)
		if (!strcmp(doctor.findings[i].subject, subject))
			return &doctor.findings[i];
	FAIL("nothing is said about %s", subject);
}

static void expect(const char *subject, enum sp_doctor_level level, const char *remedy)
{
	const struct sp_finding *f = finding(subject);

	if (f->level != level || !strstr(f->text, remedy))
		FAIL("%s: level %d, '%s'; wanted %d, '%s'", subject, f->level, f->text, level,
		     remedy);
}

#define MEMINFO(available, total, free)                                                            \
	"MemTotal: 9999999 kB\nMemAvailable: " available " kB\nHugePages_Total: " total            \
	"\nHugePages_Free: " free "\nHugepagesize: 2048 kB\n"

TEST(doctor_weighs_memory)
{
	begin(100);
	put_file("/proc/meminfo", MEMINFO("1000000", "64", "64"));
	doctor.memlock = 8 << 20;
	sp_doctor_look_memory(&doctor);
	expect("memory", SP_DOCTOR_GOOD, "100 MiB");
	expect("hugepages", SP_DOCTOR_GOOD, "128 MiB free");
	expect("pinned memory", SP_DOCTOR_ADVICE, "ulimit -l");

	begin(4000);
	put_file("/proc/meminfo", MEMINFO("1000000", "64", "64"));
	sp_doctor_look_memory(&doctor);
	expect("memory", SP_DOCTOR_FAULT, "capture.frames");
	expect("hugepages", SP_DOCTOR_ADVICE, "vm.nr_hugepages=2000");
	expect("pinned memory", SP_DOCTOR_GOOD, "");
}

TEST(doctor_wants_hugepages_for_eal_unless_told_not_to)
{
	char no_huge[] = "--no-huge", *eal[] = { no_huge };

	begin(100);
	put_file("/proc/meminfo", MEMINFO("1000000", "0", "0"));
	config.capture.source = SP_SOURCE_DPDK;
	sp_doctor_look_memory(&doctor);
	/* 100 MiB and 256 for EAL. */
	expect("hugepages", SP_DOCTOR_FAULT, "vm.nr_hugepages=178");

	doctor.findings_n = 0;
	config.capture.dpdk.eal = eal;
	config.capture.dpdk.eal_count = 1;
	sp_doctor_look_memory(&doctor);
	expect("hugepages", SP_DOCTOR_ADVICE, "vm.nr_hugepages=50");
}

TEST(doctor_looks_at_cards)
{
	char allow[] = "-a", one[] = "0000:3b:00.0,rx_vec_en=1", two[] = "--allow=0000:3b:00.1",
	     three[] = "-a0000:5e:00.0", four[] = "-a0000:99:00.0",
	     *eal[] = { allow, one, two, three, four };

	begin(1);
	config.capture.source = SP_SOURCE_DPDK;
	config.capture.dpdk.eal = eal;
	config.capture.dpdk.eal_count = 5;
	put_driver("0000:3b:00.0", "vfio-pci");
	put_driver("0000:3b:00.1", "ice");
	put_driver("0000:5e:00.0", "mlx5_core");
	sp_doctor_look_cards(&doctor);
	CHECK_EQ(doctor.findings_n, 4);
	expect("card 0000:3b:00.0", SP_DOCTOR_FAULT, "intel_iommu=on");
	expect("card 0000:3b:00.1", SP_DOCTOR_FAULT, "dpdk-devbind.py -b vfio-pci 0000:3b:00.1");
	expect("card 0000:5e:00.0", SP_DOCTOR_GOOD, "shares");
	expect("card 0000:99:00.0", SP_DOCTOR_FAULT, "--status");

	put_file("/sys/kernel/iommu_groups/7/type", "DMA\n");
	doctor.findings_n = 0;
	sp_doctor_look_cards(&doctor);
	expect("card 0000:3b:00.0", SP_DOCTOR_FAULT, "capture.dpdk.exception");

	config.capture.dpdk.exception = allow;
	doctor.findings_n = 0;
	sp_doctor_look_cards(&doctor);
	expect("card 0000:3b:00.0", SP_DOCTOR_GOOD, "memory node");
}

/* As DPDK takes them: without the domain, with the bus, as an argument of its own. */
TEST(doctor_knows_short_names_of_cards)
{
	char allow[] = "--allow", one[] = "3b:00.0,rx_vec_en=1:2", two[] = "-apci:0000:3b:00.1",
	     three[] = "--allow=pci:5e:00.0", last[] = "-a", *eal[] = { allow, one, two, three, last };

	begin(1);
	config.capture.source = SP_SOURCE_DPDK;
	config.capture.dpdk.eal = eal;
	config.capture.dpdk.eal_count = 5;
	put_driver("0000:3b:00.0", "mlx5_core");
	put_driver("0000:3b:00.1", "mlx5_core");
	put_driver("0000:5e:00.0", "mlx5_core");
	sp_doctor_look_cards(&doctor);
	CHECK_EQ(doctor.findings_n, 3);
	expect("card 0000:3b:00.0", SP_DOCTOR_GOOD, "shares");
	expect("card 0000:3b:00.1", SP_DOCTOR_GOOD, "shares");
	expect("card 0000:5e:00.0", SP_DOCTOR_GOOD, "shares");
}

TEST(doctor_misses_cpus)
{
	uint32_t cpus[] = { 0, 5 };

	begin(1);
	config.capture.cpus = cpus;
	config.capture.cpus_count = 2;
	config.capture.queues = 2;
	put_file("/sys/devices/system/cpu/cpu0/topology/core_id", "0\n");
	sp_doctor_look_cpus(&doctor);
	expect("capture.cpus", SP_DOCTOR_FAULT, "no CPU 5");
	CHECK(!strstr(finding("capture.cpus")->text, "no CPU 0"));
}

TEST(doctor_names_what_computes)
{
	begin(1);
	config.compute.backend = (char *)"none";
	sp_doctor_look_compute(&doctor);
	CHECK_EQ(doctor.findings_n, 0);
	config.compute.backend = (char *)"cpu";
	config.compute.workers = 3;
	sp_doctor_look_compute(&doctor);
	CHECK_EQ(doctor.findings_n, 1);
	CHECK_EQ(doctor.findings[0].level, SP_DOCTOR_GOOD);
	CHECK(strstr(doctor.findings[0].text, "3 workers"));
	/* Whichever is not the faster one here brings advice. */
	for (int p = SP_PRECISION_F32; p < SP_PRECISIONS; p++) {
		config.compute.precision = (enum sp_precision)p;
		sp_doctor_look_compute(&doctor);
	}
	CHECK_EQ(doctor.findings_n, 3);
	CHECK_EQ((doctor.findings[1].level == SP_DOCTOR_ADVICE) +
			 (doctor.findings[2].level == SP_DOCTOR_ADVICE),
		 sp_kernels_best(SP_PRECISION_BF16)->cell == SP_CELL_BF16);
	config.compute = (struct sp_config_compute){ 0 };
}

TEST(doctor_measures_the_way_to_a_camera)
{
	char name[] = "one", address[] = "127.0.0.2", lane_name[] = "lane";
	struct sp_config_camera camera = { .name = name, .address = address, .packet_size = 1500 };
	struct sp_config_lane lane = { .name = lane_name, .cameras = &camera, .cameras_count = 1 };

	begin(1);
	config.lanes = &lane;
	config.lanes_count = 1;
	config.capture.source = SP_SOURCE_UDP;
	put_file("/proc/sys/net/core/rmem_max", "212992\n");
	sp_doctor_look_network(&doctor);
	expect("socket buffers", SP_DOCTOR_ADVICE, "net.core.rmem_max=8388608");
	if (doctor.findings_n < 2)
		SKIP("loopback is down here");
	expect("camera one", SP_DOCTOR_GOOD, "");
	doctor.findings_n = 0;
	camera.packet_size = 100000;
	sp_doctor_look_network(&doctor);
	expect("camera one", SP_DOCTOR_FAULT, "ip link set lo mtu 100000");
}

TEST(doctor_cuts_between_characters)
{
	begin(1);
	for (int i = 0; i < 4; i++)
		sp_doctor_find(&doctor, SP_DOCTOR_GOOD, "s", "%*s%s", SP_DOCTOR_TEXT_MAX - 1 - i,
			       "", "\xF0\x9F\x98\x80");
	/* A character of four bytes has room for none of them, or up to three. */
	for (int i = 0; i < 4; i++)
		CHECK_EQ(strlen(doctor.findings[i].text), SP_DOCTOR_TEXT_MAX - 1 - i);
	sp_doctor_find(&doctor, SP_DOCTOR_GOOD, "gr\xC3\xBC\xC3\x9F", "%s", "");
	CHECK_STR(doctor.findings[4].subject, "gr\xC3\xBC\xC3\x9F");
	CHECK_STR(doctor.findings[4].text, "");
}

TEST(doctor_drops_what_has_no_room)
{
	begin(1);
	for (int i = 0; i < SP_DOCTOR_FINDINGS_MAX + 10; i++)
		sp_doctor_find(&doctor, SP_DOCTOR_GOOD, "x", "%d", i);
	CHECK_EQ(doctor.findings_n, SP_DOCTOR_FINDINGS_MAX);
}

TEST_MAIN()
