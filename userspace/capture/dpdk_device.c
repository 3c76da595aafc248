/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices: added when a source asks for them and let go when it closes, since EAL itself lives as
 * long as the process.
 */
#include "capture/dpdk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>

#include "base/diag.h"

/* A device among EAL's arguments: "NAME" or "NAME,KEY=VALUE,…". */
struct device {
	const char *bus;
	char name[RTE_ETH_NAME_MAX_LEN];
	const char *arguments; /* after the name's comma, or "" */
};

/* If argument @i names a device, its text, and *i moves on to its last word. */
static const char *text_of(const struct sp_dpdk_config *config, unsigned int *i, const char **bus)
{
	static const struct {
		const char *option, *bus;
	} options[] = { { "--vdev", "vdev" }, { "--allow", "pci" }, { "-a", "pci" } };
	const char *argument = config->eal[*i];

	for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
		size_t n = strlen(options[k].option);

		if (strncmp(argument, options[k].option, n))
			continue;
		*bus = options[k].bus;
		if (argument[n] == '=')
			return argument + n + 1;
		if (argument[n])
			return argument[1] == '-' ? NULL : argument + n;
		return ++*i < config->eal_n ? config->eal[*i] : NULL;
	}
	return NULL;
}

static void read_device(const char *text, const char *bus, struct device *ret)
{
	const char *comma = strchr(text, ',');
	int n = comma ? (int)(comma - text) : (int)strlen(text);
	/* A PCI address may come without its domain; ports have it always. */
	const char *domain = !strcmp(bus, "pci") && n == 7 ? "0000:" : "";

	ret->bus = bus;
	snprintf(ret->name, sizeof(ret->name), "%s%.*s", domain, n, text);
	ret->arguments = comma ? comma + 1 : "";
}

/* The device @name, or with NULL the only one that is not the exception path. Returns how many. */
static unsigned int find(const struct sp_dpdk_config *config, const char *name, struct device *ret)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < config->eal_n; i++) {
		struct device device;
		const char *bus = NULL, *text = text_of(config, &i, &bus);

		if (!text)
			continue;
		read_device(text, bus, &device);
		if (name ? strcmp(device.name, name) != 0
			 : config->exception && !strcmp(device.name, config->exception))
			continue;
		*ret = device;
		found++;
	}
	return found;
}

bool sp_dpdk_device_argument(const struct sp_dpdk_config *config, const char *port_name,
			     const char *key, char *text, size_t size)
{
	struct device device;
	size_t n = strlen(key);

	if (find(config, port_name, &device) != 1)
		return false;
	for (const char *at = device.arguments; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, key, n) || at[n] != '=')
			continue;
		snprintf(text, size, "%.*s", (int)strcspn(at + n + 1, ","), at + n + 1);
		return true;
	}
	return false;
}

/* So that nobody else in the process takes it, and nobody takes it twice. */
static int own(uint16_t port, const char *name, struct sp_err *err)
{
	struct rte_eth_dev_owner owner;

	if (rte_eth_dev_owner_get(port, &owner) || owner.id != RTE_ETH_DEV_NO_OWNER)
		return sp_err_set(err, -EBUSY, "dpdk: %s is open already; open a port once", name);
	owner = (struct rte_eth_dev_owner){ .name = "sallyport" };
	if (rte_eth_dev_owner_new(&owner.id) || rte_eth_dev_owner_set(port, &owner))
		return sp_err_set(err, -EBUSY, "dpdk: %s: another part of the program takes it",
				  name);
	return 0;
}

static int add(const struct device *device, const char *arguments, uint16_t *ret_port,
	       struct sp_err *err)
{
	char text[256];
	int error;

	/* There already: EAL's at its start, or made by whoever embeds us. */
	if (!rte_eth_dev_get_port_by_name(device->name, ret_port))
		return own(*ret_port, device->name, err);
	if (!device->bus)
		return sp_err_set(err, -ENODEV, "dpdk: no device %s; name one of the EAL arguments",
				  device->name);
	sp_dpdk_complaint_clear();
	error = rte_eal_hotplug_add(device->bus, device->name, arguments);
	if (error)
		return sp_err_set(
			err, error,
			"dpdk: %s: cannot be added (%s): %s; check its arguments, its driver "
			"and the rights that it needs",
			device->name, strerror(-error), sp_dpdk_complaint(text, sizeof(text)));
	if (rte_eth_dev_get_port_by_name(device->name, ret_port)) {
		rte_eal_hotplug_remove(device->bus, device->name);
		return sp_err_set(err, -ENODEV, "dpdk: %s is no network device; name another",
				  device->name);
	}
	error = own(*ret_port, device->name, err);
	if (error)
		rte_eal_hotplug_remove(device->bus, device->name);
	return error;
}

/* The only port that exists and is nobody's: whoever embeds us made it. */
static int only_port(const struct sp_dpdk_config *config, uint16_t *ret_port, struct sp_err *err)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	unsigned int found = 0;
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port)
	{
		if (rte_eth_dev_get_name_by_port(port, name) ||
		    (config->exception && !strcmp(name, config->exception)))
			continue;
		*ret_port = port;
		found++;
	}
	if (found != 1)
		return sp_err_set(
			err, found ? -EINVAL : -ENODEV,
			"dpdk: %u ports; give one in the EAL arguments, as in "
			"--vdev=net_af_packet0,iface=eth1 or -a 0000:01:00.0, and name it",
			found);
	return own(*ret_port, "the port", err);
}

int sp_dpdk_device_add(const struct sp_dpdk_config *config, uint16_t *ret_port, struct sp_err *err)
{
	struct device device = { 0 };
	unsigned int found = find(config, config->port, &device);

	if (found > 1)
		return sp_err_set(
			err, -EINVAL,
			"dpdk: %u devices in the EAL arguments; name the port that is meant",
			found);
	if (!found && !config->port)
		return only_port(config, ret_port, err);
	if (!found)
		snprintf(device.name, sizeof(device.name), "%s", config->port);
	return add(&device, found ? device.arguments : "", ret_port, err);
}

int sp_dpdk_device_add_exception(const struct sp_dpdk_config *config,
				 const struct rte_ether_addr *mac, uint16_t *ret_port,
				 struct sp_err *err)
{
	struct device device = { 0 };
	char arguments[512];

	if (find(config, config->exception, &device) != 1)
		snprintf(device.name, sizeof(device.name), "%s", config->exception);
	snprintf(arguments, sizeof(arguments), "%s", device.bus ? device.arguments : "");
	/* The kernel's end has the card's address: virtio_user sets it at its start alone. */
	if (!strncmp(device.name, "virtio_user", 11) && !strstr(arguments, "mac=")) {
		size_t n = strlen(arguments);

		snprintf(arguments + n, sizeof(arguments) - n, "%smac=" RTE_ETHER_ADDR_PRT_FMT,
			 n ? "," : "", RTE_ETHER_ADDR_BYTES(mac));
	}
	return add(&device, arguments, ret_port, err);
}

void sp_dpdk_device_close(uint16_t port)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

void sp_dpdk_device_remove(struct rte_device *device)
{
	if (device)
		rte_dev_remove(device);
}
