/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/inbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/ring.h"

/* The first page: what both sides share beside the records. */
struct shared {
	_Alignas(SP_CACHE_LINE) _Atomic uint64_t head; /* bytes ever published */
	_Alignas(SP_CACHE_LINE) _Atomic uint64_t tail; /* bytes ever released */
};

struct sp_inbox {
	int fd;
	size_t page, size; /* of the first page; of the records' area, a power of two */
	struct shared *shared;
	uint8_t *records;  /* mapped twice: [0, size) and again [size, 2 size) */
	size_t reserved;   /* producer's */
};

static size_t whole(size_t payload)
{
	const size_t align = 16;

	return (sizeof(struct sp_inbox_record) + payload + align - 1) / align * align;
}

static int map(struct sp_inbox *inbox)
{
	const int prot = PROT_READ | PROT_WRITE;
	uint8_t *base;

	/* One reservation, so that the three mappings stand side by side. */
	base = mmap(NULL, inbox->page + 2 * inbox->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (base == MAP_FAILED)
		return -errno;
	if (mmap(base, inbox->page + inbox->size, prot, MAP_SHARED | MAP_FIXED, inbox->fd, 0) ==
		    MAP_FAILED ||
	    mmap(base + inbox->page + inbox->size, inbox->size, prot, MAP_SHARED | MAP_FIXED,
		 inbox->fd, (off_t)inbox->page) == MAP_FAILED) {
		int status = -errno;

		munmap(base, inbox->page + 2 * inbox->size);
		return status;
	}
	/* Records hold portraits: they stay out of core dumps. */
	madvise(base, inbox->page + 2 * inbox->size, MADV_DONTDUMP);
	inbox->shared = (struct shared *)base;
	inbox->records = base + inbox->page;
	return 0;
}

int sp_inbox_create(size_t size, struct sp_inbox **ret_inbox, struct sp_err *err)
{
	struct sp_inbox *inbox;
	int status;

	if (!size || size > SIZE_MAX / 8)
		return sp_err_set(err, -EINVAL,
				  "journal inbox: a size of %zu bytes is not possible", size);
	inbox = calloc(1, sizeof(*inbox));
	if (!inbox)
		return sp_err_set(err, -ENOMEM, "journal inbox: out of memory");
	inbox->page = (size_t)sysconf(_SC_PAGESIZE);
	inbox->size = inbox->page;
	while (inbox->size < size)
		inbox->size *= 2;
	inbox->fd = memfd_create("sallyport-journal-inbox", MFD_CLOEXEC);
	if (inbox->fd < 0) {
		status = -errno;
		goto err_free;
	}
	if (ftruncate(inbox->fd, (off_t)(inbox->page + inbox->size))) {
		status = -errno;
		goto err_close;
	}
	status = map(inbox);
	if (status)
		goto err_close;
	*ret_inbox = inbox;
	return 0;

err_close:
	close(inbox->fd);
err_free:
	free(inbox);
	return sp_err_set(err, status, "journal inbox of %zu bytes: %s", size, strerror(-status));
}

void sp_inbox_destroy(struct sp_inbox *inbox)
{
	if (!inbox)
		return;
	munmap(inbox->shared, inbox->page + 2 * inbox->size);
	close(inbox->fd);
	free(inbox);
}

uint8_t *sp_inbox_reserve(struct sp_inbox *inbox, size_t size)
{
	uint64_t head = atomic_load_explicit(&inbox->shared->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&inbox->shared->tail, memory_order_acquire);

	if (size > UINT32_MAX || whole(size) > inbox->size - (head - tail))
		return NULL;
	inbox->reserved = size;
	return inbox->records + head % inbox->size + sizeof(struct sp_inbox_record);
}

void sp_inbox_commit(struct sp_inbox *inbox, const struct sp_inbox_record *record)
{
	uint64_t head = atomic_load_explicit(&inbox->shared->head, memory_order_relaxed);

	if (record->size > inbox->reserved)
		abort(); /* the caller wrote past its reservation: memory is already damaged */
	memcpy(inbox->records + head % inbox->size, record, sizeof(*record));
	atomic_store_explicit(&inbox->shared->head, head + whole(record->size),
			      memory_order_release);
	inbox->reserved = 0;
}

const uint8_t *sp_inbox_peek(struct sp_inbox *inbox, struct sp_inbox_record *ret_record)
{
	uint64_t tail = atomic_load_explicit(&inbox->shared->tail, memory_order_relaxed);
	const uint8_t *at = inbox->records + tail % inbox->size;

	if (atomic_load_explicit(&inbox->shared->head, memory_order_acquire) == tail)
		return NULL;
	memcpy(ret_record, at, sizeof(*ret_record));
	return at + sizeof(*ret_record);
}

void sp_inbox_release(struct sp_inbox *inbox)
{
	uint64_t tail = atomic_load_explicit(&inbox->shared->tail, memory_order_relaxed);
	struct sp_inbox_record record;

	memcpy(&record, inbox->records + tail % inbox->size, sizeof(record));
	/* What was read is not left behind in memory. */
	memset(inbox->records + tail % inbox->size, 0, whole(record.size));
	atomic_store_explicit(&inbox->shared->tail, tail + whole(record.size),
			      memory_order_release);
}
