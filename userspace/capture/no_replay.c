/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for replay.c in a build without libpcap: the Makefile takes one of the two. */
#include "capture/packet_source.h"

#include <errno.h>

#include "base/diag.h"

int sp_replay_open(const struct sp_replay_config *config, struct sp_packet_source **ret_source,
		   struct sp_err *err)
{
	(void)ret_source;
	return sp_err_set(err, -ENOSYS, "%s: built without libpcap; run tools/setup and make",
			  config->path);
}
