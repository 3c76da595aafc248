/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ring.h"

int sp_pool_init(struct sp_pool *pool, size_t size, uint32_t total)
{
	size_t bytes;

	memset(pool, 0, sizeof(*pool));
	if (!size || !total || size > SIZE_MAX / 2)
		return -EINVAL;
	pool->size = (size + SP_CACHE_LINE - 1) / SP_CACHE_LINE * SP_CACHE_LINE;
	if (__builtin_mul_overflow(pool->size, (size_t)total, &bytes))
		return -EINVAL;
	pool->objects = aligned_alloc(SP_CACHE_LINE, bytes);
	pool->stack = malloc(total * sizeof(*pool->stack));
	if (!pool->objects || !pool->stack) {
		sp_pool_uninit(pool);
		return -ENOMEM;
	}
	memset(pool->objects, 0, bytes);
	pool->total = total;
	pool->free = total;
	/* Low indices leave first. */
	for (uint32_t i = 0; i < total; i++)
		pool->stack[i] = total - 1 - i;
	return 0;
}

void sp_pool_uninit(struct sp_pool *pool)
{
	free(pool->objects);
	free(pool->stack);
	memset(pool, 0, sizeof(*pool));
}

void *sp_pool_get(struct sp_pool *pool)
{
	if (!pool->free)
		return NULL;
	return sp_pool_at(pool, pool->stack[--pool->free]);
}

void sp_pool_put(struct sp_pool *pool, void *object)
{
	assert(pool->free < pool->total);
	pool->stack[pool->free++] = sp_pool_index(pool, object);
}
