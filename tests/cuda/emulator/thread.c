/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"

struct sp_block sp_block;
struct sp_emulator_place sp_emulator_place;

void sp_emulator_fault(const char *format, ...)
{
	const struct sp_emulator_launch *launch = sp_block.launch;
	const struct sp_emulator_place *place = &sp_emulator_place;
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "emulator: ");
	if (launch)
		fprintf(stderr, "%s (launched at %s:%d), block (%u, %u, %u), thread (%u, %u, %u): ",
			launch->name, launch->file, launch->line, place->block.x, place->block.y,
			place->block.z, place->thread.x, place->thread.y, place->thread.z);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, " (seed %llu)\n", (unsigned long long)sp_chance_first());
	abort();
}

/* ---- turns ---- */

void sp_thread_ready(struct sp_thread *thread)
{
	thread->state = SP_THREAD_READY;
	sp_block.ready[sp_block.ready_n++] = (uint16_t)thread->number;
}

static void describe(const struct sp_thread *thread, char text[64])
{
	if (thread->state == SP_THREAD_AT_BARRIER)
		snprintf(text, 64, "waits at __syncthreads");
	else if (thread->state == SP_THREAD_IN_WARP)
		snprintf(text, 64, "waits for its warp with mask %08x", thread->part->mask);
	else
		snprintf(text, 64, "has returned");
}

/* Nobody can go on: say who waits for whom. */
__attribute__((noreturn)) static void stuck(void)
{
	const struct sp_thread *waits = NULL, *other = NULL;
	uint32_t counts[SP_THREAD_STATES] = { 0 };
	char what[2][64] = { "", "" };

	for (uint32_t i = 0; i < sp_block.threads_n; i++) {
		const struct sp_thread *thread = sp_block.threads[i];

		counts[thread->state]++;
		if (!waits && thread->state != SP_THREAD_RETURNED)
			waits = thread;
	}
	describe(waits, what[0]);
	sp_emulator_place.thread = waits->index;
	for (uint32_t i = 0; i < sp_block.threads_n && !other; i++)
		if (sp_block.threads[i]->state != waits->state)
			other = sp_block.threads[i];
	if (!other)
		sp_emulator_fault("deadlock: this thread %s, as all do in theirs", what[0]);
	describe(other, what[1]);
	sp_emulator_fault(
		"deadlock: this thread %s (%u such), and those that it waits for never come: "
		"thread (%u, %u, %u) %s (%u such)",
		what[0], counts[waits->state], other->index.x, other->index.y, other->index.z,
		what[1], counts[other->state]);
}

static struct sp_thread *next(void)
{
	uint32_t i;

	if (!sp_block.ready_n)
		stuck();
	i = sp_chance(sp_block.ready_n);
	struct sp_thread *thread = sp_block.threads[sp_block.ready[i]];

	sp_block.ready[i] = sp_block.ready[--sp_block.ready_n];
	return thread;
}

void sp_thread_wait(void)
{
	struct sp_thread *self = sp_block.running, *then;

	if (sp_block.returned_n == sp_block.threads_n) {
		sp_fiber_change(&self->fiber, &sp_block.host);
		return;
	}
	then = next();
	if (then == self)
		return;
	sp_block.running = then;
	sp_emulator_place.thread = then->index;
	sp_fiber_change(&self->fiber, &then->fiber);
}

/* A fiber runs the threads of its number of all blocks. */
static void run_threads(void)
{
	for (;;) {
		sp_block.launch->run(sp_block.launch->arguments);
		sp_block.running->state = SP_THREAD_RETURNED;
		sp_block.returned_n++;
		sp_block.returned[sp_block.running->number / SP_WARP] |=
			1u << sp_block.running->number % SP_WARP;
		sp_thread_wait();
	}
}

void sp_threads_begin(struct sp_emulator_index threads)
{
	uint32_t n = 0;

	sp_block.ready_n = 0;
	sp_block.returned_n = 0;
	sp_block.at_barrier_n = 0;
	memset(sp_block.lanes, 0, sizeof(sp_block.lanes));
	memset(sp_block.returned, 0, sizeof(sp_block.returned));
	memset(sp_block.in_warp, 0, sizeof(sp_block.in_warp));
	for (uint32_t z = 0; z < threads.z; z++) {
		for (uint32_t y = 0; y < threads.y; y++) {
			for (uint32_t x = 0; x < threads.x; x++, n++) {
				if (!sp_block.threads[n]) {
					sp_block.threads[n] = calloc(1, sizeof(struct sp_thread));
					if (!sp_block.threads[n])
						sp_emulator_fault("no memory for a thread");
					sp_fiber_make(&sp_block.threads[n]->fiber, run_threads);
					sp_block.threads[n]->number = n;
				}
				sp_block.threads[n]->index = (struct sp_emulator_index){ x, y, z };
				sp_block.threads[n]->part = NULL;
				sp_block.lanes[n / SP_WARP] |= 1u << n % SP_WARP;
				sp_thread_ready(sp_block.threads[n]);
			}
		}
	}
	sp_block.threads_n = n;
}

void sp_threads_run(void)
{
	struct sp_thread *first = next();

	sp_block.host.bottom = NULL;
	sp_block.running = first;
	sp_emulator_place.thread = first->index;
	sp_fiber_change(&sp_block.host, &first->fiber);
	sp_block.running = NULL;
}

/* ---- meeting ---- */

int sp_emulator_barrier(enum sp_emulator_barrier kind, bool predicate)
{
	struct sp_thread *self = sp_block.running;
	uint32_t true_n = 0;

	self->barrier = kind;
	self->predicate = predicate;
	self->state = SP_THREAD_AT_BARRIER;
	if (++sp_block.at_barrier_n == sp_block.threads_n) {
		for (uint32_t i = 0; i < sp_block.threads_n; i++) {
			if (sp_block.threads[i]->barrier != kind)
				sp_emulator_fault("meets other threads at another kind of barrier");
			true_n += sp_block.threads[i]->predicate;
			sp_thread_ready(sp_block.threads[i]);
		}
		sp_block.at_barrier_n = 0;
		sp_block.barrier_result = kind == SP_BARRIER_OR	   ? true_n > 0
					  : kind == SP_BARRIER_AND ? true_n == sp_block.threads_n
								   : (int)true_n;
	}
	sp_thread_wait();
	/* Nobody passes the next barrier before all have left this one. */
	return sp_block.barrier_result;
}

unsigned int sp_emulator_lane(void)
{
	return sp_block.running->number % SP_WARP;
}

static void check_mask(uint32_t mask, uint32_t lane, uint32_t warp)
{
	if (!(mask >> lane & 1))
		sp_emulator_fault("lane %u is not in the mask %08x that it waits with", lane, mask);
	if (mask & ~sp_block.lanes[warp])
		sp_emulator_fault("mask %08x has lanes that the block has not: %08x", mask,
				  mask & ~sp_block.lanes[warp]);
	if (mask & sp_block.returned[warp])
		sp_emulator_fault("mask %08x has lanes that have returned: %08x", mask,
				  mask & sp_block.returned[warp]);
}

void sp_emulator_warp(struct sp_warp_part *part)
{
	struct sp_thread *self = sp_block.running;
	uint32_t lane = self->number % SP_WARP, warp = self->number / SP_WARP, there = 0;
	struct sp_thread **threads = sp_block.threads + warp * SP_WARP;
	struct sp_warp_part *parts[SP_WARP] = { NULL };

	check_mask(part->mask, lane, warp);
	self->part = part;
	self->state = SP_THREAD_IN_WARP;
	sp_block.in_warp[warp] |= 1u << lane;
	if ((sp_block.in_warp[warp] & part->mask) != part->mask) {
		sp_thread_wait();
		return;
	}
	for (uint32_t i = 0; i < SP_WARP; i++) {
		/* Some may have yet to come from an operation with another mask. */
		if (!(part->mask >> i & 1) || threads[i]->part->mask != part->mask ||
		    threads[i]->part->kind != part->kind)
			continue;
		parts[i] = threads[i]->part;
		there |= 1u << i;
	}
	if (there == part->mask) {
		sp_emulator_warp_complete(parts);
		sp_block.in_warp[warp] &= ~there;
		for (uint32_t i = 0; i < SP_WARP; i++)
			if (there >> i & 1)
				sp_thread_ready(threads[i]);
	}
	sp_thread_wait();
}

void sp_emulator_pause(void)
{
	if (!sp_chance(8)) {
		sp_thread_ready(sp_block.running);
		sp_thread_wait();
	}
}
