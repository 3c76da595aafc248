/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file from the network, through the curl program. sallyport itself speaks to cameras only: with
 * a program of its own for the one download that a person may ask for, the appliance links neither
 * TLS nor HTTP, and an air-gapped machine needs neither.
 */
#ifndef SP_TOOLS_FETCH_H
#define SP_TOOLS_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sp_err;

struct sp_fetch {
	int fd; /* read the file here */
	int complaints; /* what curl writes to its stderr */
	pid_t pid;
};

/*
 * Starts to fetch @url, of at most @bytes_max. Only over https, unless a @mirror that someone named
 * has it: its content is checked all the same. 0 or -errno with @err filled.
 */
int sp_fetch_open(const char *url, bool mirror, uint64_t bytes_max, struct sp_fetch *ret_fetch,
		  struct sp_err *err);

/* Ends it. 0 if the whole file came, else -EIO with curl's reason in @err. */
int sp_fetch_close(struct sp_fetch *fetch, struct sp_err *err);

#endif
