/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for dpdk.c in a build without DPDK: the Makefile takes one of the two. */
#include "capture/packet_source.h"

#include <errno.h>

#include "base/diag.h"

int sp_dpdk_open(const struct sp_dpdk_config *config, struct sp_packet_source **ret_sources,
		 struct sp_err *err)
{
	(void)config;
	(void)ret_sources;
	return sp_err_set(err, -ENOSYS, "dpdk: built without DPDK; run tools/setup and make");
}

unsigned int sp_dpdk_queue(struct sp_packet_source *source, const struct sp_packet_stream *stream)
{
	(void)source;
	(void)stream;
	return 0;
}
