/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands write: pictures, a line of JSON for each, and how fast it went. */
#ifndef LANESIM_OUTPUT_H
#define LANESIM_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct sp_err;
struct sp_image;

struct lanesim_output {
	FILE *lines;
	uint64_t pictures, began_ns;
	char path[4096]; /* of the lines */
};

/* Makes @directory, if need be, and the file @name in it. 0 or -errno with @err filled. */
int lanesim_output_open(struct lanesim_output *output, const char *directory, const char *name,
			struct sp_err *err);
/* Lines into PREFIX.jsonl. */
int lanesim_output_open_prefix(struct lanesim_output *output, const char *prefix,
			       struct sp_err *err);

/* One picture's line; takes the reference, of which NULL is -ENOMEM. */
int lanesim_output_line(struct lanesim_output *output, json_t *line, struct sp_err *err);

/*
 * For crews (crew.h) whose arg begins with a struct lanesim_output and whose results are these: the
 * lines of the item's pictures, an array.
 */
struct lanesim_lines {
	json_t *array; /* NULL: none yet */
};

/* One more line; takes the reference, of which NULL is -ENOMEM. */
int lanesim_lines_add(struct lanesim_lines *lines, json_t *line, struct sp_err *err);

int lanesim_output_take(void *arg, uint32_t i, void *result, struct sp_err *err);
void lanesim_output_drop(void *arg, void *result);

/* Closes the file: 0, or what kept it from being written. */
int lanesim_output_close(struct lanesim_output *output, struct sp_err *err);

/* "@where: N pictures in …", or the same as JSON, to stdout. Returns an exit code. */
int lanesim_output_report(const struct lanesim_output *output, const char *where, bool json);

/* DIRECTORY/NAME as PNG. */
int lanesim_output_picture(const char *directory, const char *name, const struct sp_image *image,
			   struct sp_err *err);

#endif
