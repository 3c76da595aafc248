/* SPDX-License-Identifier: Apache-2.0 */
/* Where an installation keeps its things: from its configuration, or straight from --data. */
#ifndef SP_TOOLS_PLACE_H
#define SP_TOOLS_PLACE_H

#include <stddef.h>

#include "base/opt.h"

struct sp_err;

struct sp_place_options {
	const char *config, *data;
};

#define SP_PLACE_OPTIONS(place)                                                                    \
	{ "config",                                                                                \
	  'c',                                                                                     \
	  SP_OPT_STRING,                                                                           \
	  &(place).config,                                                                         \
	  "FILE",                                                                                  \
	  "the instance's configuration (/etc/sallyport.yaml)",                                    \
	  0,                                                                                       \
	  0 },                                                                                     \
	{                                                                                          \
		"data", 'd', SP_OPT_STRING, &(place).data, "DIR",                                  \
			"its data directory, instead of -c", 0, 0                                  \
	}

/* 0, or -errno with @err filled. */
int sp_place_journal(const struct sp_place_options *options, char *path, size_t size,
		     struct sp_err *err);
int sp_place_socket(const struct sp_place_options *options, char *path, size_t size,
		    struct sp_err *err);

#endif
