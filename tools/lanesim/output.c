/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/diag.h"
#include "command.h"
#include "image/image.h"

enum { REAL_DIGITS = 7 }; /* of numbers in lines */

static int too_long(const char *path, struct sp_err *err)
{
	return sp_err_set(err, -ENAMETOOLONG, "%.64s…: %s", path, strerror(ENAMETOOLONG));
}

/* The directory and those above it. */
static int make_directory(const char *directory, struct sp_err *err)
{
	char path[4096];
	size_t length = strlen(directory);

	if (!length)
		return sp_err_set(err, -ENOENT, "the directory has no name");
	if (length >= sizeof(path))
		return too_long(directory, err);
	memcpy(path, directory, length + 1);
	for (char *at = path + 1;; at++) {
		char here = *at;

		if (here && here != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
		*at = here;
		if (!here)
			return 0;
	}
}

static int open_lines(struct lanesim_output *output, struct sp_err *err)
{
	output->pictures = 0;
	output->began_ns = sp_clock_now();
	output->lines = fopen(output->path, "we");
	if (!output->lines)
		return sp_err_set(err, -errno, "%s: %s", output->path, strerror(errno));
	return 0;
}

int lanesim_output_open(struct lanesim_output *output, const char *directory, const char *name,
			struct sp_err *err)
{
	int res = make_directory(directory, err);

	if (res)
		return res;
	if (snprintf(output->path, sizeof(output->path), "%s/%s", directory, name) >=
	    (int)sizeof(output->path))
		return too_long(directory, err);
	return open_lines(output, err);
}

int lanesim_output_open_prefix(struct lanesim_output *output, const char *prefix,
			       struct sp_err *err)
{
	if (snprintf(output->path, sizeof(output->path), "%s.jsonl", prefix) >=
	    (int)sizeof(output->path))
		return too_long(prefix, err);
	return open_lines(output, err);
}

int lanesim_output_line(struct lanesim_output *output, json_t *line, struct sp_err *err)
{
	int res;

	if (!line)
		return sp_err_set(err, -ENOMEM, "out of memory");
	res = json_dumpf(line, output->lines, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(line);
	if (res || fputc('\n', output->lines) == EOF)
		return sp_err_set(err, -EIO, "%s: cannot be written; is the disk full?",
				  output->path);
	output->pictures++;
	return 0;
}

int lanesim_lines_add(struct lanesim_lines *lines, json_t *line, struct sp_err *err)
{
	if (!lines->array)
		lines->array = json_array();
	return json_array_append_new(lines->array, line) ? sp_err_set(err, -ENOMEM, "out of memory")
							 : 0;
}

int lanesim_output_take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct lanesim_output *output = arg;
	struct lanesim_lines *lines = result;
	json_t *line;
	size_t k;
	int res = 0;

	(void)i;
	json_array_foreach(lines->array, k, line)
	{
		if (!res)
			res = lanesim_output_line(output, json_incref(line), err);
	}
	json_decref(lines->array);
	return res;
}

void lanesim_output_drop(void *arg, void *result)
{
	struct lanesim_lines *lines = result;

	(void)arg;
	json_decref(lines->array);
}

int lanesim_output_close(struct lanesim_output *output, struct sp_err *err)
{
	bool failed = ferror(output->lines);

	failed |= fclose(output->lines) != 0;
	return failed ? sp_err_set(err, -EIO, "%s: cannot be written; is the disk full?",
				   output->path)
		      : 0;
}

int lanesim_output_report(const struct lanesim_output *output, const char *where, bool json)
{
	double seconds = (double)(sp_clock_now() - output->began_ns) / (double)SP_NS_PER_S;
	double rate = (double)output->pictures / (seconds > 1e-9 ? seconds : 1e-9);

	if (json)
		sp_command_print_json(json_pack("{s:s, s:I, s:f, s:f}", "output", where, "pictures",
						(json_int_t)output->pictures, "seconds", seconds,
						"pictures_per_second", rate));
	else
		printf("%s: %" PRIu64 " pictures in %.1f s (%.1f a second)\n", where,
		       output->pictures, seconds, rate);
	return SP_EXIT_OK;
}

int lanesim_output_picture(const char *directory, const char *name, const struct sp_image *image,
			   struct sp_err *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return too_long(directory, err);
	return sp_image_write_png(path, image, err);
}
