/* SPDX-License-Identifier: Apache-2.0 */
/* By libnftables, as nft(8) would: a text in, one transaction of the kernel. */
#include "capture/ingress.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <nftables/libnftables.h>

#include "base/diag.h"

enum {
	PORTS = 65536,
	/* Before other tables' chains: what is dropped need not pass them. */
	PRIORITY = -500,
	TABLE_MAX = sizeof("sallyport_") + 3 * IF_NAMESIZE,
};

struct sp_ingress {
	char interface[IF_NAMESIZE];
	char table[TABLE_MAX];
};

/* A name with quotes or wildcards would be another rule than the one that is meant. */
static int check(const char *interface, unsigned int n, struct sp_err *err)
{
	for (const char *c = interface; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-@+", *c))
			return sp_err_set(err, -EINVAL,
					  "%s: not a name that an ingress rule can have; rename "
					  "the interface: ip link set … name eth1", interface);
	}
	if (!if_nametoindex(interface))
		return sp_err_set(err, -ENODEV,
				  "%s: no such interface here; ip link lists them", interface);
	if (!n)
		return sp_err_set(err, -EINVAL, "%s: no port to drop; give those of the streams",
				  interface);
	return 0;
}

/* What tables cannot be named after goes as "/" and its code: no interface has a "/". */
static void name_table(struct sp_ingress *ingress)
{
	char *at = ingress->table + sprintf(ingress->table, "sallyport_");

	for (const char *c = ingress->interface; *c; c++)
		at += sprintf(at, isalnum((unsigned char)*c) || strchr("._-", *c) ? "%c" : "/%02x",
			      *c);
}

/* nft's reason is its first line, behind where in the text it was. */
static int explain(const char *interface, const char *why, struct sp_err *err)
{
	const char *reason = strstr(why, "Error: ");
	int length;

	reason = reason ? reason + strlen("Error: ") : why;
	length = (int)strcspn(reason, "\n");
	if (strstr(why, strerror(EPERM)))
		return sp_err_set(err, -EPERM,
				  "%s: ingress rule: %.*s; run as root or with CAP_NET_ADMIN, or "
				  "have the kernel drop nothing", interface, length, reason);
	if (strstr(why, strerror(ENOENT)) || strstr(why, strerror(EOPNOTSUPP)))
		return sp_err_set(err, -EOPNOTSUPP,
				  "%s: ingress rule: %.*s; the kernel needs "
				  "CONFIG_NF_TABLES_NETDEV and CONFIG_NETFILTER_INGRESS: modprobe "
				  "nf_tables, or have it drop nothing", interface, length, reason);
	return sp_err_set(err, -EIO,
			  "%s: ingress rule: %.*s; look at nft list ruleset, or have the kernel "
			  "drop nothing", interface, length, reason);
}

static int run(const char *interface, const char *commands, struct sp_err *err)
{
	/* libnftables ends the process if it gets none. */
	int probe = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct nft_ctx *nft;
	int error = 0;

	if (probe < 0)
		return explain(interface, strerror(errno == EPROTONOSUPPORT ? EOPNOTSUPP : errno),
			       err);
	close(probe);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return sp_err_set(err, -ENOMEM, "%s: no memory for nftables; close other programs",
				  interface);
	if (nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft))
		error = sp_err_set(err, -ENOMEM,
				   "%s: no memory for nftables; close other programs", interface);
	else if (nft_run_cmd_from_buffer(nft, commands))
		error = explain(interface, nft_ctx_get_error_buffer(nft), err);
	nft_ctx_free(nft);
	return error;
}

/* The commands; the caller frees them. An added table may be there; then it can be deleted. */
static char *write_commands(const struct sp_ingress *ingress, const uint16_t *ports, unsigned int n)
{
	unsigned char *wanted = calloc(PORTS, 1);
	const char *between = "";
	char *text = NULL;
	size_t size;
	FILE *out = wanted ? open_memstream(&text, &size) : NULL;

	if (!out) {
		free(wanted);
		return NULL;
	}
	for (unsigned int i = 0; i < n; i++)
		wanted[ports[i]] = 1;
	fprintf(out, "add table netdev %s\ndelete table netdev %s\n"
		     "table netdev %s {\n\tset ports {\n\t\ttype inet_service\n\t\telements = { ",
		ingress->table, ingress->table, ingress->table);
	for (unsigned int port = 0; port < PORTS; port++) {
		if (!wanted[port])
			continue;
		fprintf(out, "%s%u", between, port);
		between = ", ";
	}
	fprintf(out, " }\n\t}\n\tchain ingress {\n"
		     "\t\ttype filter hook ingress device \"%s\" priority %d; policy accept;\n"
		     "\t\tudp dport @ports counter drop\n\t}\n}\n", ingress->interface, PRIORITY);
	free(wanted);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int sp_ingress_drop(const char *interface, const uint16_t *ports, unsigned int n,
		    struct sp_ingress **ret_ingress, struct sp_err *err)
{
	struct sp_ingress *ingress;
	char *commands;
	int error = check(interface, n, err);

	if (error)
		return error;
	ingress = calloc(1, sizeof(*ingress));
	if (!ingress)
		return sp_err_set(err, -ENOMEM, "%s: no memory; close other programs", interface);
	strcpy(ingress->interface, interface); /* the kernel knows it: it is short enough */
	name_table(ingress);
	commands = write_commands(ingress, ports, n);
	error = commands ? run(interface, commands, err) :
			   sp_err_set(err, -ENOMEM, "%s: no memory; close other programs",
				      interface);
	free(commands);
	if (error) {
		free(ingress);
		return error;
	}
	*ret_ingress = ingress;
	return 0;
}

void sp_ingress_undo(struct sp_ingress *ingress)
{
	char command[64 + TABLE_MAX];
	struct sp_err err;

	if (!ingress)
		return;
	snprintf(command, sizeof(command), "delete table netdev %s", ingress->table);
	if (run(ingress->interface, command, &err))
		sp_log(SP_LOG_WARNING, "%s; to undo it by hand: nft %s", err.text, command);
	free(ingress);
}
