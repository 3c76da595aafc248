/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one ring kind: single producer, single consumer, of pointers.
 *
 * Free-running u32 indices, so full and empty differ without a spare slot. Producer and consumer
 * indices live on cache lines of their own, and each side keeps a cached copy of the other's index
 * so that an uncontended push or pop touches no shared line.
 *
 * A ring that hands objects over is sized to hold every object that exists: then it never fills,
 * and a refused push is a programming error, not load.
 */
#ifndef SP_BASE_RING_H
#define SP_BASE_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define SP_CACHE_LINE 64

struct sp_ring {
	/* Read-only after init. */
	void **slots;
	uint32_t mask;
	/* Producer's line. */
	_Alignas(SP_CACHE_LINE) _Atomic uint32_t head;
	uint32_t tail_seen;
	/* Consumer's line. */
	_Alignas(SP_CACHE_LINE) _Atomic uint32_t tail;
	uint32_t head_seen;
};

/* Room for at least @capacity pointers (rounded up to a power of two). 0 or -ENOMEM, -EINVAL. */
int sp_ring_init(struct sp_ring *ring, uint32_t capacity);
void sp_ring_uninit(struct sp_ring *ring);

/* Single producer. Returns how many of @n went in: [0, n]. */
static inline uint32_t sp_ring_push(struct sp_ring *ring, void *const *items, uint32_t n)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t room = ring->mask + 1 - (head - ring->tail_seen);

	if (room < n) {
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		room = ring->mask + 1 - (head - ring->tail_seen);
	}
	if (n > room)
		n = room;
	for (uint32_t i = 0; i < n; i++)
		ring->slots[(head + i) & ring->mask] = items[i];
	atomic_store_explicit(&ring->head, head + n, memory_order_release);
	return n;
}

/* Single consumer. Returns how many came out: [0, max]. */
static inline uint32_t sp_ring_pop(struct sp_ring *ring, void **items, uint32_t max)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint32_t have = ring->head_seen - tail;

	if (have < max) {
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		have = ring->head_seen - tail;
	}
	if (max > have)
		max = have;
	for (uint32_t i = 0; i < max; i++)
		items[i] = ring->slots[(tail + i) & ring->mask];
	atomic_store_explicit(&ring->tail, tail + max, memory_order_release);
	return max;
}

/* Either side; a snapshot that the other side may already have changed. */
static inline uint32_t sp_ring_count(const struct sp_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}

#endif
