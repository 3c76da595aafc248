/* SPDX-License-Identifier: Apache-2.0 */
#include "base/region.h"

#include <errno.h>
#include <linux/mman.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"

#define HUGE_PAGE (2ul << 20)

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

int sp_region_init(struct sp_region *region, size_t size, struct sp_err *err)
{
	static _Atomic bool warned;
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *base;

	memset(region, 0, sizeof(*region));
	if (!size || size > SIZE_MAX - HUGE_PAGE)
		return sp_err_set(err, -EINVAL, "region: a size of %zu bytes cannot be mapped",
				  size);
	region->size = round_up(size, HUGE_PAGE);
	/* MAP_POPULATE: hugepages that are reserved but gone fail here, not with SIGBUS later. */
	base = mmap(NULL, region->size, prot,
		    flags | MAP_HUGETLB | MAP_HUGE_2MB | MAP_POPULATE, -1, 0);
	region->huge = base != MAP_FAILED;
	region->page_size = region->huge ? HUGE_PAGE : (size_t)sysconf(_SC_PAGESIZE);
	if (!region->huge) {
		region->size = round_up(size, region->page_size);
		base = mmap(NULL, region->size, prot, flags, -1, 0);
	}
	if (base == MAP_FAILED)
		return sp_err_set(err, -errno,
				  "region: cannot map %zu MiB: %s; lower the buffer sizes",
				  region->size >> 20, strerror(errno));
	region->base = base;
	madvise(base, region->size, MADV_DONTDUMP);
	region->locked = mlock(base, region->size) == 0;
	if (!region->locked) {
		/* Touch the pages now: a page fault in the capture thread costs packets. */
		madvise(base, region->size, MADV_POPULATE_WRITE);
		if (!atomic_exchange(&warned, true))
			sp_log(SP_LOG_INFO,
			       "region: %zu MiB not locked in memory (%s); raise RLIMIT_MEMLOCK",
			       region->size >> 20, strerror(errno));
	}
	return 0;
}

void sp_region_uninit(struct sp_region *region)
{
	if (region->base)
		munmap(region->base, region->size);
	memset(region, 0, sizeof(*region));
}
