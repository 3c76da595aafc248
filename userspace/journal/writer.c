/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends go into a batch in memory; poll hands full or waiting batches to the disk, at most
 * `in_flight` at a time, and acknowledges their records in the order of the appends, whatever the
 * order of completions. Batches form a ring:
 *
 *	oldest ──▶ … ──▶ flying ──▶ … ──▶ filling
 *	 durable, not       on their       takes
 *	 yet delivered      way            appends
 *
 * What append accepts has its place reserved, in the current segment or in the spare: a full disk
 * refuses the next record and breaks nothing.
 */
#include "journal/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "journal/batch.h"
#include "journal/directory.h"
#include "journal/disk.h"
#include "journal/recover.h"
#include "journal/spare.h"

enum {
	IN_FLIGHT_MAX = 4,
	SEGMENT_DEFAULT = 64 << 20,
	BATCH_DEFAULT = 2 << 20,
	BATCH_MIN = 2 * SP_BLOCK,
	BATCHES_MAX = IN_FLIGHT_MAX + 1, /* one is being filled */
};

#define WAIT_NS SP_NS_PER_S /* one look at the disk where nothing else is to be done */

enum batch_state { FREE, FILLING, FLYING, WRITTEN, DURABLE };

struct batch {
	enum batch_state state;
	struct sp_batch_builder builder;
	uint64_t *cookies; /* [SP_BATCH_RECORDS_MAX] */
	uint64_t segment, first_index; /* known from FLYING on */
	uint64_t bytes;	    /* of payload */
	uint32_t delivered; /* acknowledgements */
};

struct sp_journal_writer {
	struct sp_journal_config config;
	char *path;
	int directory, lock;
	struct sp_disk *disk;
	struct sp_spare spare;
	uint8_t *memory; /* of all buffers, and its size in bytes */
	size_t memory_size;
	uint64_t *cookies;

	/* The current segment. */
	struct sp_segment_header header;
	uint32_t seed;
	uint64_t offset;  /* bytes; where the next batch goes */
	uint64_t batches; /* submitted */
	uint64_t records; /* submitted */
	uint64_t durable; /* records, in prefix order */

	struct batch batches_ring[BATCHES_MAX];
	unsigned int batches_n, oldest, flying, filling;
	unsigned int in_flight;
	uint8_t *block; /* for header and seal; buffer number batches_n */

	bool open;    /* a segment is */
	bool starved; /* the last append had to wait for the spare */
	bool broken;
	struct sp_err why;
	struct sp_journal_counters counters;
};

const struct sp_counter sp_journal_counter_table[] = {
	SP_COUNTER(struct sp_journal_counters, records, "Records that are durable"),
	SP_COUNTER(struct sp_journal_counters, bytes, "Bytes of payload that are durable"),
	SP_COUNTER(struct sp_journal_counters, commits, "Writes with their flush"),
	SP_COUNTER(struct sp_journal_counters, refused, "Appends turned away: full or broken"),
	SP_COUNTER(struct sp_journal_counters, segments, "Segments opened"),
	SP_COUNTER(struct sp_journal_counters, recovered_records, "Records found intact at open"),
	SP_COUNTER(struct sp_journal_counters, torn_bytes, "Bytes of torn tails found at open"),
	SP_COUNTER(struct sp_journal_counters, corrupt_segments, "Damaged segments found at open"),
};

const size_t sp_journal_counter_table_n =
	sizeof(sp_journal_counter_table) / sizeof(sp_journal_counter_table[0]);

static unsigned int next_batch(const struct sp_journal_writer *writer, unsigned int i)
{
	return i + 1 == writer->batches_n ? 0 : i + 1;
}

/* For good: what the kernel still holds of our data is unknown from here on. Returns -EIO. */
static int break_writer(struct sp_journal_writer *writer, const char *what, int code)
{
	if (!writer->broken) {
		writer->broken = true;
		sp_err_set(&writer->why, -EIO, "%s: %s: %s; the journal has stopped: see the disk, "
			   "then restart", writer->path, what, strerror(-code));
		sp_log(SP_LOG_ERROR, "%s", writer->why.text);
	}
	return -EIO;
}

static bool fits_segment(const struct sp_journal_writer *writer, size_t used)
{
	/* The seal's block is reserved. */
	return writer->offset + sp_batch_padded(used) + SP_BLOCK <= writer->config.segment_size;
}

static int open_segment(struct sp_journal_writer *writer)
{
	struct sp_segment_header *header = &writer->header;
	int ret;

	if (getrandom(header->uuid, sizeof(header->uuid), 0) != sizeof(header->uuid))
		return -EIO;
	header->size = writer->config.segment_size;
	header->created_utc_ns = sp_clock_utc();
	sp_segment_header_build(header, writer->block);
	ret = writer->disk->ops->publish(writer->disk, header->sequence, writer->block);
	if (ret)
		return ret;
	writer->seed = sp_segment_seed(header->uuid);
	writer->offset = SP_BLOCK;
	writer->batches = writer->records = writer->durable = 0;
	writer->open = true;
	sp_count(&writer->counters.segments, 1);
	sp_spare_taken(&writer->spare);
	return 0;
}

/* Takes completions. Returns how many, or -EIO with the writer broken. */
static int reap(struct sp_journal_writer *writer, uint64_t timeout_ns)
{
	struct sp_disk_completion done[SP_DISK_BUFFERS_MAX];
	int n = writer->disk->ops->reap(writer->disk, done, SP_DISK_BUFFERS_MAX, timeout_ns);

	if (n < 0)
		return break_writer(writer, "waiting for the disk", n);
	for (int i = 0; i < n; i++) {
		writer->in_flight--;
		if (done[i].result)
			return break_writer(writer, "write or flush", done[i].result);
		if (done[i].buffer < writer->batches_n)
			writer->batches_ring[done[i].buffer].state = WRITTEN;
	}
	while (writer->batches_ring[writer->flying].state == WRITTEN) {
		struct batch *batch = &writer->batches_ring[writer->flying];

		batch->state = DURABLE;
		writer->durable += batch->builder.records;
		sp_count(&writer->counters.records, batch->builder.records);
		sp_count(&writer->counters.bytes, batch->bytes);
		sp_count(&writer->counters.commits, 1);
		writer->flying = next_batch(writer, writer->flying);
	}
	return n;
}

/* Hands a finished batch of @n bytes to the disk. */
static int submit(struct sp_journal_writer *writer, unsigned int buffer, size_t n)
{
	int ret = writer->disk->ops->submit(writer->disk, buffer, writer->offset, n);

	if (ret)
		return break_writer(writer, "submitting a write", ret);
	writer->in_flight++;
	writer->offset += n;
	writer->batches++;
	return 0;
}

/* Nothing is on its way. Writes the seal, cuts the file behind it. Waits for the disk. */
static int seal_segment(struct sp_journal_writer *writer)
{
	struct sp_batch_builder builder;
	struct sp_batch batch = {
		.sequence = writer->batches,
		.first_index = writer->records,
		.acknowledged = writer->durable,
		.flags = SP_BATCH_SEAL,
	};
	int ret;

	sp_batch_begin(&builder, writer->block, SP_BLOCK);
	sp_batch_finish(&builder, writer->seed, &batch);
	ret = submit(writer, writer->batches_n, SP_BLOCK);
	while (!ret && writer->in_flight)
		ret = reap(writer, WAIT_NS) < 0 ? -EIO : 0;
	if (ret)
		return ret;
	writer->open = false;
	ret = writer->disk->ops->finish(writer->disk, writer->offset);
	return ret ? break_writer(writer, "closing a segment", ret) : 0;
}

static int rotate(struct sp_journal_writer *writer)
{
	struct sp_segment_header *header = &writer->header;
	int ret = seal_segment(writer);

	if (ret)
		return ret;
	memcpy(header->previous_uuid, header->uuid, sizeof(header->uuid));
	header->previous_records = writer->records;
	header->sequence++;
	ret = open_segment(writer);
	return ret ? break_writer(writer, "opening a segment", ret) : 0;
}

/* 0 if the batch being filled went to the disk or was empty, -EAGAIN if it must wait, -EIO. */
static int submit_filling(struct sp_journal_writer *writer)
{
	struct batch *batch = &writer->batches_ring[writer->filling];
	struct sp_batch head;
	size_t n;
	int ret;

	if (batch->state != FILLING)
		return 0;
	if (writer->in_flight >= writer->config.in_flight)
		return -EAGAIN;
	if (!fits_segment(writer, batch->builder.used)) {
		if (writer->in_flight)
			return -EAGAIN;
		ret = rotate(writer);
		if (ret)
			return ret;
	}
	head = (struct sp_batch){
		.sequence = writer->batches,
		.first_index = writer->records,
		.acknowledged = writer->durable,
	};
	n = sp_batch_finish(&batch->builder, writer->seed, &head);
	batch->segment = writer->header.sequence;
	batch->first_index = writer->records;
	ret = submit(writer, writer->filling, n);
	if (ret)
		return ret;
	batch->state = FLYING;
	writer->records += batch->builder.records;
	writer->filling = next_batch(writer, writer->filling);
	return 0;
}

/* 0 if @used bytes of the batch have a place, -EAGAIN, -ENOSPC or -EIO. */
static int reserve(struct sp_journal_writer *writer, size_t used)
{
	int ret;

	if (fits_segment(writer, used))
		return 0;
	ret = sp_spare_state(&writer->spare);
	if (!ret || ret == -EAGAIN)
		return ret;
	if (ret != -ENOSPC && ret != -EDQUOT)
		return break_writer(writer, "preparing a segment", ret);
	sp_spare_retry(&writer->spare);
	return -ENOSPC;
}

static int append(struct sp_journal_writer *writer, enum sp_record_type type, const void *bytes,
		  size_t size, uint64_t utc_ns, uint64_t cookie)
{
	struct batch *batch = &writer->batches_ring[writer->filling];
	int ret;

	if (writer->broken)
		return -EIO;
	if (batch->state == FILLING && !sp_batch_fits(&batch->builder, size)) {
		ret = submit_filling(writer);
		if (ret)
			return ret;
		batch = &writer->batches_ring[writer->filling];
	}
	if (batch->state != FILLING && batch->state != FREE)
		return -EAGAIN;
	if (batch->state == FREE) {
		sp_batch_begin(&batch->builder, batch->builder.bytes, batch->builder.capacity);
		batch->bytes = 0;
		batch->delivered = 0;
	}
	ret = reserve(writer, batch->builder.used + sp_batch_record_bytes(size));
	writer->starved = ret == -EAGAIN;
	if (ret)
		return ret;
	batch->state = FILLING;
	batch->cookies[batch->builder.records] = cookie;
	batch->bytes += size;
	sp_batch_add(&batch->builder, type, bytes, size, utc_ns);
	return 0;
}

int sp_journal_append(struct sp_journal_writer *writer, enum sp_record_type type, const void *bytes,
		      size_t size, uint64_t utc_ns, uint64_t cookie)
{
	int ret;

	if (size > SP_RECORD_MAX ||
	    SP_BATCH_HEADER + sp_batch_record_bytes(size) > writer->config.batch_size)
		return -EMSGSIZE;
	ret = append(writer, type, bytes, size, utc_ns, cookie);
	if (ret)
		sp_count(&writer->counters.refused, 1);
	return ret;
}

static unsigned int deliver(struct sp_journal_writer *writer, struct sp_journal_ack *acks,
			    unsigned int max)
{
	unsigned int n = 0;

	while (n < max && writer->batches_ring[writer->oldest].state == DURABLE) {
		struct batch *batch = &writer->batches_ring[writer->oldest];

		while (n < max && batch->delivered < batch->builder.records) {
			acks[n++] = (struct sp_journal_ack){
				.cookie = batch->cookies[batch->delivered],
				.place = { batch->segment, batch->first_index + batch->delivered },
			};
			batch->delivered++;
		}
		if (batch->delivered < batch->builder.records)
			break;
		batch->state = FREE;
		writer->oldest = next_batch(writer, writer->oldest);
	}
	return n;
}

int sp_journal_poll(struct sp_journal_writer *writer, struct sp_journal_ack *acks, unsigned int max,
		    uint64_t timeout_ns, struct sp_err *err)
{
	uint64_t end_ns = sp_clock_now() + timeout_ns, now_ns, wait_ns;
	unsigned int n = 0;

	do {
		submit_filling(writer);
		now_ns = sp_clock_now();
		wait_ns = now_ns < end_ns ? end_ns - now_ns : 0;
		if (writer->batches_ring[writer->oldest].state == DURABLE)
			wait_ns = 0;
		if (!writer->broken && writer->in_flight)
			reap(writer, wait_ns);
		/* A commit may have become free, or a rotation possible. */
		if (!writer->broken)
			submit_filling(writer);
		if (writer->broken)
			return sp_err_set(err, -EIO, "%s", writer->why.text);
		n = deliver(writer, acks, max);
	} while (!n && max && writer->in_flight && now_ns < end_ns);
	/* The caller waits for room: without this it would spin between append and poll. */
	if (!n && writer->starved && now_ns < end_ns)
		sp_spare_wait(&writer->spare, end_ns - now_ns);
	return (int)n;
}

const struct sp_journal_counters *sp_journal_writer_counters(const struct sp_journal_writer *writer)
{
	return &writer->counters;
}

static int check_config(struct sp_journal_config *config, struct sp_err *err)
{
	if (!config->segment_size)
		config->segment_size = SEGMENT_DEFAULT;
	if (!config->in_flight)
		config->in_flight = IN_FLIGHT_MAX;
	if (!config->batch_size)
		config->batch_size = BATCH_DEFAULT;
	if (config->in_flight > IN_FLIGHT_MAX)
		return sp_err_set(err, -EINVAL, "%s: in_flight %u; at most %d", config->directory,
				  config->in_flight, IN_FLIGHT_MAX);
	if (config->batch_size < BATCH_MIN || config->batch_size > SP_BATCH_MAX ||
	    config->batch_size % SP_BLOCK)
		return sp_err_set(err, -EINVAL, "%s: batch_size %zu; %d … %d in steps of %d",
				  config->directory, config->batch_size, BATCH_MIN, SP_BATCH_MAX,
				  SP_BLOCK);
	/* Header, a full batch, the seal. */
	if (config->segment_size < config->batch_size + 2 * SP_BLOCK ||
	    config->segment_size % SP_BLOCK || config->segment_size > INT64_MAX / 2)
		return sp_err_set(err, -EINVAL, "%s: segment_size %" PRIu64
				  "; at least batch_size + %d in steps of %d", config->directory,
				  config->segment_size, 2 * SP_BLOCK, SP_BLOCK);
	return 0;
}

/* Buffers, page by page, and what the disk must know of them. */
static int take_memory(struct sp_journal_writer *writer, struct sp_disk_config *disk)
{
	size_t size = writer->config.batch_size;
	unsigned int n = writer->config.in_flight + 1;

	writer->memory_size = n * size + SP_BLOCK;
	writer->memory = aligned_alloc(SP_BLOCK, writer->memory_size);
	writer->cookies = calloc((size_t)n * SP_BATCH_RECORDS_MAX, sizeof(*writer->cookies));
	if (!writer->memory || !writer->cookies)
		return -ENOMEM;
	/* Records hold portraits and templates: they stay out of core dumps. */
	madvise(writer->memory, writer->memory_size, MADV_DONTDUMP);
	/* The kernel's first touch costs; better now than in a commit. */
	memset(writer->memory, 0, writer->memory_size);
	for (unsigned int i = 0; i < n; i++) {
		struct batch *batch = &writer->batches_ring[i];

		sp_batch_begin(&batch->builder, writer->memory + i * size, size);
		batch->cookies = writer->cookies + (size_t)i * SP_BATCH_RECORDS_MAX;
		disk->buffers[i] = (struct sp_disk_buffer){ batch->builder.bytes, size };
	}
	writer->block = writer->memory + n * size;
	disk->buffers[n] = (struct sp_disk_buffer){ writer->block, SP_BLOCK };
	disk->buffers_n = n + 1;
	writer->batches_n = n;
	return 0;
}

static void give_memory_back(struct sp_journal_writer *writer)
{
	if (writer->memory) {
		/* Whoever gets these pages next inherits no people, and may be dumped again. */
		explicit_bzero(writer->memory, writer->memory_size);
		madvise(writer->memory, writer->memory_size, MADV_DODUMP);
	}
	free(writer->memory);
	free(writer->cookies);
}

static int recover(struct sp_journal_writer *writer, struct sp_err *err)
{
	struct sp_recovery recovery;
	int ret = sp_recover(writer->directory, writer->path, &recovery, err);

	if (ret)
		return ret;
	writer->header.sequence = recovery.next_sequence;
	memcpy(writer->header.previous_uuid, recovery.previous_uuid, 16);
	writer->header.previous_records = recovery.previous_records;
	writer->counters.recovered_records = recovery.records;
	writer->counters.torn_bytes = recovery.torn_bytes;
	writer->counters.corrupt_segments = recovery.corrupt_segments;
	return 0;
}

int sp_journal_writer_open_on(const struct sp_journal_config *config,
			      const struct sp_journal_backend *backend,
			      struct sp_journal_writer **ret_writer, struct sp_err *err)
{
	struct sp_journal_writer *writer = calloc(1, sizeof(*writer));
	struct sp_disk_config disk = { 0 };
	int ret = -ENOMEM;

	if (!writer)
		return sp_err_set(err, -ENOMEM, "%s: no memory", config->directory);
	writer->config = *config;
	ret = check_config(&writer->config, err);
	if (ret)
		goto err_free;
	writer->path = strdup(config->directory);
	if (!writer->path || take_memory(writer, &disk)) {
		ret = sp_err_set(err, -ENOMEM, "%s: no memory for the batches", config->directory);
		goto err_free;
	}
	writer->config.directory = writer->path;
	writer->directory = sp_directory_make(writer->path, err);
	if (writer->directory < 0) {
		ret = writer->directory;
		goto err_free;
	}
	writer->lock = sp_directory_lock(writer->directory, writer->path, err);
	if (writer->lock < 0) {
		ret = writer->lock;
		goto err_close_directory;
	}
	ret = recover(writer, err);
	if (ret)
		goto err_unlock;
	disk.directory = writer->directory;
	disk.path = writer->path;
	ret = sp_disk_open(backend->disks, &disk, &writer->disk, err);
	if (ret)
		goto err_unlock;
	ret = sp_spare_init(&writer->spare, writer->disk, writer->config.segment_size,
			    backend->background);
	if (ret) {
		sp_err_set(err, ret, "%s: cannot prepare a segment of %" PRIu64 " bytes: %s; "
			   "make room", writer->path, writer->config.segment_size, strerror(-ret));
		goto err_close_disk;
	}
	ret = open_segment(writer);
	if (ret) {
		sp_err_set(err, ret, "%s: cannot open a segment: %s; see the disk", writer->path,
			   strerror(-ret));
		goto err_uninit_spare;
	}
	*ret_writer = writer;
	return 0;

err_uninit_spare:
	sp_spare_uninit(&writer->spare);
err_close_disk:
	writer->disk->ops->close(writer->disk);
err_unlock:
	close(writer->lock);
err_close_directory:
	close(writer->directory);
err_free:
	give_memory_back(writer);
	free(writer->path);
	free(writer);
	return ret;
}

int sp_journal_writer_open(const struct sp_journal_config *config,
			   struct sp_journal_writer **ret_writer, struct sp_err *err)
{
	static const struct sp_disk_ops *const posix_only[] = { &sp_disk_posix, NULL };
	const struct sp_journal_backend backend = {
		.disks = config->no_uring ? posix_only : sp_disks,
		.background = true,
	};

	return sp_journal_writer_open_on(config, &backend, ret_writer, err);
}

void sp_journal_writer_close(struct sp_journal_writer *writer)
{
	if (!writer)
		return;
	while (!writer->broken) {
		int ret = submit_filling(writer);

		if (!writer->in_flight && ret != -EAGAIN)
			break;
		if (!writer->broken)
			reap(writer, WAIT_NS);
	}
	if (!writer->broken && writer->open)
		seal_segment(writer);
	sp_spare_uninit(&writer->spare);
	writer->disk->ops->close(writer->disk);
	close(writer->lock);
	close(writer->directory);
	give_memory_back(writer);
	free(writer->path);
	free(writer);
}
