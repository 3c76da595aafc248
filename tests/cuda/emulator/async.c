/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies into shared memory. A card may carry one out at any time from its issue to the wait for
 * its group: most blocks have all of them as late as that, so that a missing wait or barrier shows,
 * the others at once, so that one which overwrites what is still read does.
 */
#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum { COPY_BYTES = 16 };

static void carry_out(const struct sp_async_copy *copy)
{
	if (copy->valid)
		memcpy(copy->to, copy->from, COPY_BYTES);
	else
		memset(copy->to, 0, COPY_BYTES);
}

void sp_emulator_async_copy(void *to, const void *from, bool valid)
{
	struct sp_thread *self = sp_block.running;
	struct sp_async_copy copy = { to, from, valid, self->group };

	if ((uintptr_t)to % COPY_BYTES || (valid && (uintptr_t)from % COPY_BYTES))
		sp_emulator_fault("an asynchronous copy is not aligned to 16 bytes: from %p to %p",
				  from, to);
	if (sp_block.async_early) {
		carry_out(&copy);
		return;
	}
	sp_block.async_used = true;
	if (self->copies_n == self->copies_max) {
		self->copies_max = self->copies_max ? 2 * self->copies_max : 16;
		self->copies = realloc(self->copies, self->copies_max * sizeof(*self->copies));
		if (!self->copies)
			sp_emulator_fault("no memory for an asynchronous copy");
	}
	self->copies[self->copies_n++] = copy;
}

void sp_emulator_async_commit(void)
{
	sp_block.async_used = true;
	sp_block.running->group++;
}

void sp_emulator_async_wait(unsigned int groups)
{
	struct sp_thread *self = sp_block.running;
	uint32_t done = 0;

	/* Groups [0, self->group) are committed, the copies in their order. */
	while (done < self->copies_n && self->copies[done].group + groups < self->group)
		carry_out(&self->copies[done++]);
	if (!done)
		return;
	self->copies_n -= done;
	memmove(self->copies, self->copies + done, self->copies_n * sizeof(*self->copies));
}
