/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring into the journal: whole records by value in a memfd, so that the journal can become a
 * process of its own and a crash of either side leaves the other with whole records only.
 *
 * Single producer (the lane thread), single consumer (the journal thread). The pages are mapped
 * twice in a row, so a record never wraps.
 */
#ifndef SP_JOURNAL_INBOX_H
#define SP_JOURNAL_INBOX_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_inbox;

struct sp_inbox_record {
	uint32_t type;
	uint32_t size;	 /* payload bytes */
	uint64_t utc_ns;
	uint8_t id[16];	 /* what the acknowledgement will name */
};

/* Room for @size bytes of records and their headers, rounded up to a power of two of pages. */
int sp_inbox_create(size_t size, struct sp_inbox **ret_inbox, struct sp_err *err);
void sp_inbox_destroy(struct sp_inbox *inbox);

/*
 * Producer. Room for @size payload bytes, or NULL if there is none now. Reserving again replaces.
 */
uint8_t *sp_inbox_reserve(struct sp_inbox *inbox, size_t size);
/* Producer. Publishes the reserved room; @record->size may be less than what was reserved. */
void sp_inbox_commit(struct sp_inbox *inbox, const struct sp_inbox_record *record);

/* Consumer. The oldest record and its payload, which stay until release; NULL if there is none. */
const uint8_t *sp_inbox_peek(struct sp_inbox *inbox, struct sp_inbox_record *ret_record);
void sp_inbox_release(struct sp_inbox *inbox);

#endif
