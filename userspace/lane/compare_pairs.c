/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>

#include "lane/compare.h"

static int better_first(const void *x, const void *y)
{
	const struct sp_pair *p = x, *q = y;

	if (p->similarity != q->similarity)
		return p->similarity > q->similarity ? -1 : 1;
	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return p->b < q->b ? -1 : p->b > q->b;
}

uint32_t sp_match_pairs(struct sp_pair *pairs, uint32_t n)
{
	uint32_t kept = 0;

	qsort(pairs, n, sizeof(*pairs), better_first);
	for (uint32_t i = 0; i < n; i++) {
		bool taken = false;

		for (uint32_t k = 0; k < kept && !taken; k++)
			taken = pairs[k].a == pairs[i].a || pairs[k].b == pairs[i].b;
		if (!taken)
			pairs[kept++] = pairs[i];
	}
	return kept;
}
