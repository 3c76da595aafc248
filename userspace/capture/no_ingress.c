/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for ingress.c in a build without libnftables: the Makefile takes one of the two. */
#include "capture/ingress.h"

#include <errno.h>

#include "base/diag.h"

int sp_ingress_drop(const char *interface, const uint16_t *ports, unsigned int n,
		    struct sp_ingress **ret_ingress, struct sp_err *err)
{
	(void)ports;
	(void)n;
	(void)ret_ingress;
	return sp_err_set(err, -ENOSYS, "%s: built without libnftables; run tools/setup and make",
			  interface);
}

void sp_ingress_undo(struct sp_ingress *ingress)
{
	(void)ingress;
}
