/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/precision.h"

#include <string.h>

static const char *const names[SP_PRECISIONS] = {
	[SP_PRECISION_AUTO] = "auto",
	[SP_PRECISION_F32] = "f32",
	[SP_PRECISION_BF16] = "bf16",
};

const char *sp_precision_name(enum sp_precision precision)
{
	return names[precision];
}

enum sp_precision sp_precision_named(const char *name)
{
	unsigned int i = 0;

	while (i < SP_PRECISIONS && strcmp(names[i], name))
		i++;
	return i;
}
