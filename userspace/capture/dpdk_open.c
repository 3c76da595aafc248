/* SPDX-License-Identifier: Apache-2.0 */
/* A port and its queues, from open to close. */
#include "capture/dpdk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "capture/buffers.h"
#include "capture/ingress.h"

enum {
	/* Of net_af_packet, if its arguments do not say: frames, and bytes of one. */
	AF_PACKET_FRAMES = 512,
	AF_PACKET_FRAME = 2048,
};

static void close_queue_memory(struct sp_dpdk *queue)
{
	sp_dpdk_memory_uninit(&queue->memory);
	sp_allow_destroy(queue->allow);
	free(queue->streams);
	free(queue->rules);
}

void sp_dpdk_close(struct sp_packet_source *source)
{
	struct sp_dpdk *queue = (struct sp_dpdk *)source;
	struct sp_dpdk_port *port = queue->port;

	sp_dpdk_flow_remove(queue);
	/* The card writes to the memory of all queues until it stops. */
	if (--port->open_n)
		return;
	sp_ingress_undo(port->ingress);
	sp_dpdk_device_close(port->id);
	/* The card's transmit queue held packets of the exception path's pool until now. */
	if (port->exception.open)
		sp_dpdk_exception_close(&port->exception);
	for (unsigned int i = 0; i < port->queues_n; i++)
		close_queue_memory(&port->queues[i]);
	sp_dpdk_device_remove(port->info.device);
	free(port->drop_interface);
	free(port);
}

/* How many packets wait in the port while nobody polls. */
static uint32_t ring_of(const struct sp_dpdk_port *port, const struct sp_dpdk_config *config)
{
	if (!sp_dpdk_port_is_af_packet(port))
		return port->descriptors;
	return sp_dpdk_port_argument(port, config, "framecnt", AF_PACKET_FRAMES);
}

/* net_af_packet wants buffers that hold the kernel's frames, however short the packets are. */
static uint32_t room_of(const struct sp_dpdk_port *port, const struct sp_dpdk_config *config)
{
	if (!sp_dpdk_port_is_af_packet(port))
		return 0;
	return RTE_MIN(sp_dpdk_port_argument(port, config, "framesz", AF_PACKET_FRAME),
		       (uint32_t)SP_DPDK_PAYLOAD_MAX);
}

static int open_queue(struct sp_dpdk_port *port, unsigned int i,
		      const struct sp_dpdk_config *config, struct sp_err *err)
{
	const uint16_t gvsp = config->extended_ids ? SP_GVSP_HEADER_EXT_BYTES
						   : SP_GVSP_HEADER_BYTES;
	struct sp_dpdk_layout layout = {
		.buffers = config->buffers + port->descriptors + SP_DPDK_SPARE,
		.payload = config->buffer_size,
		.split = port->split,
		.room = room_of(port, config),
		.before_pixels = SP_DPDK_HEADERS + gvsp - port->split,
	};
	struct sp_dpdk *queue = &port->queues[i];
	char id[RTE_MEMPOOL_NAMESIZE];
	int error;

	queue->port = port;
	queue->queue = (uint16_t)i;
	queue->source.ops = &sp_dpdk_ops;
	queue->source.region = &queue->memory.region;
	queue->source.buffers = config->buffers;
	sp_nap_init(&queue->nap, config->nap_max_ns, ring_of(port, config));
	queue->streams = calloc(SP_ALLOW_STREAMS_MAX, sizeof(*queue->streams));
	queue->rules = calloc(SP_ALLOW_STREAMS_MAX, sizeof(struct rte_flow *));
	if (!queue->streams || !queue->rules)
		return sp_err_set(err, -ENOMEM, "dpdk: no memory; close other programs");
	error = sp_allow_create(&queue->allow, err);
	if (error)
		return error;
	snprintf(id, sizeof(id), "p%uq%u", port->id, i);
	error = sp_dpdk_memory_init(&queue->memory, id, port->info.device, &layout, err);
	return error ? sp_err_prefix(err, error, "dpdk: %s", port->name) : 0;
}

static int check(const struct sp_dpdk_config *config, struct sp_err *err)
{
	if (!config->queues || config->queues > SP_DPDK_QUEUES_MAX)
		return sp_err_set(err, -EINVAL, "dpdk: %u queues; 1 to %d are possible",
				  config->queues, SP_DPDK_QUEUES_MAX);
	if (!config->buffers || config->buffers > SP_PACKET_BUFFERS_MAX)
		return sp_err_set(err, -EINVAL, "dpdk: %u packet buffers; 1 to %d are possible",
				  config->buffers, SP_PACKET_BUFFERS_MAX);
	if (!config->buffer_size || config->buffer_size > SP_DPDK_PAYLOAD_MAX)
		return sp_err_set(err, -EINVAL,
				  "dpdk: packet buffers of %u bytes; 1 to %d are possible",
				  config->buffer_size, SP_DPDK_PAYLOAD_MAX);
	return 0;
}

static struct sp_dpdk_port *create_port(const struct sp_dpdk_config *config)
{
	size_t size = sizeof(struct sp_dpdk_port) + config->queues * sizeof(struct sp_dpdk);
	struct sp_dpdk_port *port = aligned_alloc(alignof(struct sp_dpdk_port),
						  RTE_ALIGN(size, alignof(struct sp_dpdk_port)));

	if (!port)
		return NULL;
	memset(port, 0, size);
	port->queues_n = port->open_n = config->queues;
	port->no_flow = config->no_flow;
	port->may_isolate = !config->no_flow && !config->exception;
	if (config->drop_interface) {
		port->drop_interface = strdup(config->drop_interface);
		if (!port->drop_interface) {
			free(port);
			return NULL;
		}
	}
	return port;
}

int sp_dpdk_open(const struct sp_dpdk_config *config, struct sp_packet_source **ret_sources,
		 struct sp_err *err)
{
	struct sp_dpdk_port *port;
	int error = check(config, err);

	if (error)
		return error;
	error = sp_dpdk_eal_start(
		config,
		config->queues *
			sp_dpdk_memory_need(config->buffers + SP_DPDK_DESCRIPTORS + SP_DPDK_SPARE),
		err);
	if (error)
		return error;
	port = create_port(config);
	if (!port)
		return sp_err_set(err, -ENOMEM, "dpdk: no memory; close other programs");
	error = sp_dpdk_device_add(config, &port->id, err);
	if (error)
		goto err_free;
	error = sp_dpdk_port_plan(port, config, err);
	for (unsigned int i = 0; i < config->queues && !error; i++)
		error = open_queue(port, i, config, err);
	if (!error)
		error = sp_dpdk_port_start(port, err);
	if (!error && config->exception)
		error = sp_dpdk_exception_open(port, config, err);
	if (error)
		goto err_close;
	for (unsigned int i = 0; i < config->queues; i++)
		ret_sources[i] = &port->queues[i].source;
	return 0;

err_close:
	sp_dpdk_device_close(port->id);
	for (unsigned int i = 0; i < config->queues; i++)
		close_queue_memory(&port->queues[i]);
	sp_dpdk_device_remove(port->info.device);
err_free:
	free(port->drop_interface);
	free(port);
	return error;
}
