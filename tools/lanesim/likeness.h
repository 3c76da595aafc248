/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How alike a network finds people: it embeds the photographs in their documents. A second opinion
 * for apart.h; take another network than the one that is to be tested.
 */
#ifndef LANESIM_LIKENESS_H
#define LANESIM_LIKENESS_H

#include <stdint.h>

#include "lanesim/apart.h"

struct lanesim_likeness;
struct sp_err;

/* @path: an embedder (ONNX, fed as infer/align.h does). Up to @people, no two above @cosine. */
int lanesim_likeness_create(const char *path, uint32_t people, float cosine,
			    struct lanesim_likeness **ret_likeness, struct sp_err *err);
void lanesim_likeness_destroy(struct lanesim_likeness *likeness);

/* Its arg is @likeness. */
struct lanesim_apart_judge lanesim_likeness_judge(struct lanesim_likeness *likeness);

#endif
