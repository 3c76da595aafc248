/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "lanesim/crew.h"

static int open_files(struct lanesim_tensor *tensor, const char *prefix, uint32_t side,
		      struct sp_err *err)
{
	int res = lanesim_output_open_prefix(&tensor->output, prefix, err);

	if (res)
		return res;
	tensor->picture_bytes = (size_t)side * side * 3;
	/* It fits: the name of the lines is longer. */
	snprintf(tensor->path, sizeof(tensor->path), "%s.u8", prefix);
	tensor->pixels = fopen(tensor->path, "wbe");
	if (tensor->pixels)
		return 0;
	res = sp_err_set(err, -errno, "%s: %s", tensor->path, strerror(errno));
	(void)lanesim_output_close(&tensor->output, NULL);
	return res;
}

static int close_files(struct lanesim_tensor *tensor, struct sp_err *err)
{
	int res = lanesim_output_close(&tensor->output, err);
	bool failed = ferror(tensor->pixels);

	failed |= fclose(tensor->pixels) != 0;
	if (failed && !res)
		res = sp_err_set(err, -EIO, "%s: cannot be written; is the disk full?",
				 tensor->path);
	return res;
}

int lanesim_tensor_write(struct lanesim_tensor *tensor, const char *prefix, uint32_t side,
			 const struct lanesim_crew *crew, struct sp_err *err)
{
	int res = open_files(tensor, prefix, side, err), closed;

	if (res)
		return res;
	res = lanesim_crew_run(crew, err);
	/* The first failure is the one to tell. */
	closed = close_files(tensor, res ? NULL : err);
	return res ? res : closed;
}

int lanesim_batch_init(struct lanesim_batch *batch, const struct lanesim_tensor *tensor, uint32_t n,
		       struct sp_err *err)
{
	batch->pixels = calloc(n, tensor->picture_bytes);
	batch->lines = json_array();
	if (batch->pixels && batch->lines)
		return 0;
	lanesim_tensor_drop(NULL, batch);
	return sp_err_set(err, -ENOMEM, "no memory for %u pictures", n);
}

int lanesim_tensor_take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct lanesim_tensor *tensor = arg;
	struct lanesim_batch *batch = result;
	size_t n = json_array_size(batch->lines), k;
	json_t *line;
	int res = 0;

	(void)i;
	if (fwrite(batch->pixels, tensor->picture_bytes, n, tensor->pixels) != n)
		res = sp_err_set(err, -EIO, "%s: cannot be written; is the disk full?",
				 tensor->path);
	json_array_foreach(batch->lines, k, line)
	{
		if (!res)
			res = lanesim_output_line(&tensor->output, json_incref(line), err);
	}
	lanesim_tensor_drop(arg, batch);
	return res;
}

void lanesim_tensor_drop(void *arg, void *result)
{
	struct lanesim_batch *batch = result;

	(void)arg;
	free(batch->pixels);
	json_decref(batch->lines);
	*batch = (struct lanesim_batch){ 0 };
}
