/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed set of equal objects, taken at start. For one thread; hand objects over through a ring.
 */
#ifndef SP_BASE_POOL_H
#define SP_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct sp_pool {
	uint8_t *objects;
	size_t size; /* bytes of one object, a multiple of the cache line */
	uint32_t total, free;
	uint32_t *stack; /* indices of the free objects */
};

/* @total objects of @size bytes, zeroed once. 0 or -ENOMEM, -EINVAL. */
int sp_pool_init(struct sp_pool *pool, size_t size, uint32_t total);
void sp_pool_uninit(struct sp_pool *pool);

/* An object with whatever its last user left in it, or NULL if all are taken. */
void *sp_pool_get(struct sp_pool *pool);
/* @object came from sp_pool_get of the same pool. */
void sp_pool_put(struct sp_pool *pool, void *object);

static inline uint32_t sp_pool_index(const struct sp_pool *pool, const void *object)
{
	return (uint32_t)((size_t)((const uint8_t *)object - pool->objects) / pool->size);
}

static inline void *sp_pool_at(const struct sp_pool *pool, uint32_t index)
{
	return pool->objects + (size_t)index * pool->size;
}

#endif
