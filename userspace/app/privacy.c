/* SPDX-License-Identifier: Apache-2.0 */
#include "app/privacy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "base/diag.h"

static bool is_loopback(const char *address)
{
	struct in_addr ip;

	return inet_pton(AF_INET, address, &ip) == 1 && ntohl(ip.s_addr) >> 24 == 127;
}

/* A network namespace holds interfaces back, not cards on the PCI bus. */
static bool reaches_cards(const struct sp_config *config)
{
	const struct sp_config_dpdk *dpdk = &config->capture.dpdk;

	if (config->capture.source != SP_SOURCE_DPDK)
		return false;
	for (uint32_t i = 0; i < dpdk->eal_count; i++)
		if (!strcmp(dpdk->eal[i], "--no-pci"))
			return false;
	return true;
}

int sp_privacy_check_cameras(const struct sp_config *config, bool own_namespace, struct sp_err *err)
{
	if (own_namespace && !reaches_cards(config))
		return 0;
	for (uint32_t i = 0; i < config->lanes_count; i++) {
		const struct sp_config_lane *lane = &config->lanes[i];

		for (uint32_t k = 0; k < lane->cameras_count; k++)
			if (!is_loopback(lane->cameras[k].address))
				return sp_err_set(
					err, -EPERM,
					"lane %s, camera %s (%s): records are not encrypted yet, so "
					"only cameras on loopback are taken; --allow-unencrypted "
					"overrules this",
					lane->name, lane->cameras[k].name,
					lane->cameras[k].address);
	}
	return 0;
}

bool sp_privacy_own_namespace(void)
{
	char own[64], init[64];
	ssize_t a = readlink("/proc/self/ns/net", own, sizeof(own));
	ssize_t b = readlink("/proc/1/ns/net", init, sizeof(init));

	/*
	 * Unreadable (an ordinary user may not look at process 1): assume the machine's own
	 * network.
	 */
	return a > 0 && b > 0 && (a != b || memcmp(own, init, (size_t)a));
}
