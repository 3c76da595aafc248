/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/apart.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "lanesim/render/noise.h"

enum {
	PURPOSE = 0x61706172, /* of the series: not another's */
	TRIES = 200, /* draws in a row without success: there is no room left */
};

static bool is_apart(const struct lanesim_identity *identity, const struct lanesim_identity *before,
		     uint32_t n, float distance)
{
	for (uint32_t i = 0; i < n; i++)
		if (lanesim_identity_distance(identity, &before[i]) < distance)
			return false;
	return true;
}

int lanesim_apart_draw(const struct lanesim_apart *apart, uint64_t *seeds, uint64_t *ret_drawn,
		       struct sp_err *err)
{
	struct lanesim_identity *kept = calloc(apart->n ? apart->n : 1, sizeof(*kept));
	uint64_t series = draw_series(apart->seed, PURPOSE), drawn = 0;
	uint32_t n = 0, tries = 0;
	int res = 0;

	if (!kept)
		return sp_err_set(err, -ENOMEM, "no memory for %u identities", apart->n);
	while (n < apart->n && !res) {
		struct lanesim_identity *identity = &kept[n];
		bool differs;

		if (tries++ == TRIES) {
			res = sp_err_set(
				err, -ERANGE,
				"no more than %u identities are so far apart; ask for fewer, or "
				"less apart",
				n);
			break;
		}
		drawn++;
		lanesim_identity_draw(identity, sp_random_next(&series) % LANESIM_IDENTITY_SEEDS);
		differs = apart->distance <= 0 || is_apart(identity, kept, n, apart->distance);
		if (differs && apart->judge)
			res = apart->judge->admit(apart->judge->arg, identity, &differs, err);
		if (res || !differs)
			continue;
		seeds[n++] = identity->seed;
		tries = 0;
	}
	free(kept);
	if (!res && ret_drawn)
		*ret_drawn = drawn;
	return res;
}
