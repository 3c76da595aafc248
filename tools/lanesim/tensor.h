/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training sets in one flat file: PREFIX.u8 has picture after picture, each side × side × RGB
 * bytes, PREFIX.jsonl a line for each.
 */
#ifndef LANESIM_TENSOR_H
#define LANESIM_TENSOR_H

#include "lanesim/output.h"

struct lanesim_tensor {
	struct lanesim_output output; /* the lines */
	FILE *pixels;
	size_t picture_bytes;
	char path[4096];
};

/* What an item of a crew gives: some pictures and their lines. */
struct lanesim_batch {
	uint8_t *pixels; /* malloc'ed: picture_bytes a line */
	json_t *lines; /* an array */
};

struct lanesim_crew;

/*
 * Opens both files, lets @crew (whose take is lanesim_tensor_take) fill them and closes them. Pictures
 * are @side × @side. 0 or -errno with @err filled.
 */
int lanesim_tensor_write(struct lanesim_tensor *tensor, const char *prefix, uint32_t side,
			 const struct lanesim_crew *crew, struct sp_err *err);

/* @n pictures' memory and no lines yet; 0 or -ENOMEM with @err filled. */
int lanesim_batch_init(struct lanesim_batch *batch, const struct lanesim_tensor *tensor, uint32_t n,
		       struct sp_err *err);

/* For crews whose arg begins with a struct lanesim_tensor and whose results are batches. */
int lanesim_tensor_take(void *arg, uint32_t i, void *result, struct sp_err *err);
void lanesim_tensor_drop(void *arg, void *result);

#endif
