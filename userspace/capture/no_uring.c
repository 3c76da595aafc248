/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for udp_uring.c in a build without liburing: the Makefile takes one of the two. */
#include "capture/udp.h"

#include <errno.h>

#include "base/diag.h"

int sp_udp_open_uring(const struct sp_udp_config *config, struct sp_packet_source **ret_source,
		      struct sp_err *err)
{
	(void)config;
	(void)ret_source;
	return sp_err_set(err, -ENOSYS, "udp: built without liburing; run tools/setup and make");
}
