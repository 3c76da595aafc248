/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the kernel drop the streams' packets where they come in: a packet tap (AF_PACKET, AF_XDP) has
 * its copy by then, and the kernel is spared its own work on them. An nftables table of our own on
 * the interface's ingress hook, nothing else is touched; control traffic passes.
 */
#ifndef SP_CAPTURE_INGRESS_H
#define SP_CAPTURE_INGRESS_H

#include <stdint.h>

struct sp_err;
struct sp_ingress;

/*
 * @interface as `ip link` names it; UDP packets to @ports[@n] are dropped. A table that a killed
 * instance left for the interface is replaced. 0, or -errno with @err filled (-EPERM: needs
 * CAP_NET_ADMIN; -ENOSYS: built without libnftables).
 */
int sp_ingress_drop(const char *interface, const uint16_t *ports, unsigned int n,
		    struct sp_ingress **ret_ingress, struct sp_err *err);

/* The kernel gets everything again. NULL is fine. */
void sp_ingress_undo(struct sp_ingress *ingress);

#endif
