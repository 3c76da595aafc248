/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farm: receives from N cameras of gvcam through one packet source and checks all of it: each
 * payload lies in the source's region, each byte is the one that this camera drew, each ledger adds
 * up, no memory is taken once all cameras stream. Prints what it saw as one JSON object; exit status
 * 1 with the reason on stderr where something is wrong. Run by many_cameras.sh, dpdk_guest.sh,
 * dpdk_veth.sh, dpdk_exception.sh, spoof.sh and loss_sweep.sh.
 *
 * Camera i has its own width, so that the pattern of one is not the pattern of another: in
 * t = x + y + 3 × block a byte at the same place of the same block is another pixel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/ether.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocations.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/event.h"
#include "base/opt.h"
#include "base/region.h"
#include "capture/packet_source.h"
#include "control/resend.h"
#include "control/supervisor.h"
#include "frame/assembler.h"
#include "frame/frame_source.h"
#include "gvcam/pattern.h"
#include "process.h"
#include "wire/pfnc.h"

enum {
	CAMERAS_MAX = 64,
	WIDTH_STEP = 4,
	WARM_UP = 3, /* frames of each camera before memory counts */
	LINE_MAX = 1 << 14,
};

enum { RETENTION_MAX_MS = 600 };

/* Longer than the assembler holds a block open. */
#define QUIET_NS (900 * SP_NS_PER_MS)

struct options {
	const char *address, *source, *host_address, *port, *exception, *drop;
	struct sp_opt_list eal;
	uint32_t cameras, width, height, packet_size, frames, credit, tries, every;
	uint32_t gap_us, retention_ms;
	const char *mac;
	uint32_t vlan, first_port, rcvbuf;
	double fps, patience;
	bool protect, no_uring, lossy, hostile, source_ports;
};

struct camera {
	uint32_t ip, width;
	int fd;
	uint16_t port;
	uint16_t source_port; /* that it says it sends from; 0: any */
	uint64_t frames, incomplete, last_block;
	uint64_t payload_bytes; /* of pixels that were compared */
};

struct farm {
	struct options options;
	struct sp_packet_source *packets;
	struct sp_frame_source *source;
	struct sp_resend *resend;
	struct sp_supervisor *supervisor;
	struct sp_event frames, resends;
	struct camera cameras[CAMERAS_MAX];
	uint64_t last_ns; /* when frames came */
	uint64_t payloads; /* packets whose address was looked at */
	uint64_t received_then; /* datagrams when counting began */
	uint64_t cpu_then_ns, cpu_ns, counted;
	uint64_t resident_then, resident; /* bytes */
};

/* ---- the payloads' memory, for reading only ---- */

static sigjmp_buf refused;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(refused, 1);
}

/*
 * From here on no CPU can write where the payloads are: what appears there was put there by the
 * device. Tries it.
 */
static int protect(struct farm *farm, struct sp_err *err)
{
	const struct sp_region *region = farm->packets->region;
	struct sigaction action = { .sa_handler = on_fault }, old;
	volatile uint8_t *first = region->base;

	if (mprotect(region->base, region->size, PROT_READ))
		return sp_err_set(err, -errno, "mprotect: %s", strerror(errno));
	sigaction(SIGSEGV, &action, &old);
	if (!sigsetjmp(refused, 1)) {
		*first = *first;
		sigaction(SIGSEGV, &old, NULL);
		return sp_err_set(err, -EFAULT, "the CPU could write to a region that it may read");
	}
	sigaction(SIGSEGV, &old, NULL);
	return 0;
}

/* ---- frames ---- */

static int check_addresses(struct farm *farm, const struct sp_frame *frame, struct sp_err *err)
{
	const struct sp_frame_part *part = &frame->parts[0];

	if (part->region != farm->packets->region)
		return sp_err_set(err, -EFAULT, "block %" PRIu64 " is in another region",
				  frame->block_id);
	for (uint32_t i = 0; i < frame->packets; i++) {
		uint64_t from = (uint64_t)i * part->stride;
		uint64_t bytes = part->bytes - from < part->stride ? part->bytes - from
								   : part->stride;

		if (sp_frame_packet_missing(frame, i))
			continue;
		if (!sp_region_holds(part->region, frame->offset[i], bytes))
			return sp_err_set(err, -EFAULT, "block %" PRIu64 ", packet %u: outside",
					  frame->block_id, i);
		farm->payloads++;
	}
	return 0;
}

static int check_pixels(struct camera *camera, const struct sp_frame *frame, uint32_t height,
			struct sp_err *err)
{
	uint8_t got[LINE_MAX], want[LINE_MAX];

	if (frame->width != camera->width || frame->height != height ||
	    frame->pixel_format != SP_PFNC_MONO8)
		return sp_err_set(err, -EBADMSG, "block %" PRIu64 " is %ux%u, not %ux%u",
				  frame->block_id, frame->width, frame->height, camera->width,
				  height);
	for (uint32_t y = 0; y < height; y++) {
		int missing = sp_frame_read_row(frame, y, 0, camera->width, got);

		if (missing)
			return sp_err_set(err, -EBADMSG, "block %" PRIu64 ", line %u: %d",
					  frame->block_id, y, missing);
		gvcam_pattern_fill(SP_PFNC_MONO8, camera->width, height, frame->block_id,
				   (uint64_t)y * camera->width, want, camera->width);
		for (uint32_t x = 0; x < camera->width; x++)
			if (got[x] != want[x])
				return sp_err_set(err, -EBADMSG,
						  "block %" PRIu64 ": pixel %u, %u is %u, not %u",
						  frame->block_id, x, y, got[x], want[x]);
		camera->payload_bytes += camera->width;
	}
	return 0;
}

static int check_frame(struct farm *farm, const struct sp_frame *frame, struct sp_err *err)
{
	struct camera *camera = &farm->cameras[frame->stream];
	int error = check_addresses(farm, frame, err);

	if (error || frame->flags & SP_FRAME_INCOMPLETE) {
		camera->incomplete++;
		return error;
	}
	if (camera->frames % farm->options.every == 0)
		error = check_pixels(camera, frame, farm->options.height, err);
	if (error)
		return sp_err_prefix(err, error, "camera %u", frame->stream);
	if (frame->block_id == camera->last_block)
		return sp_err_set(err, -EBADMSG, "camera %u: block %" PRIu64 " twice",
				  frame->stream, frame->block_id);
	camera->last_block = frame->block_id;
	camera->frames++;
	return 0;
}

/* Takes what is there; waits up to @wait_ns for it. */
static int take(struct farm *farm, uint64_t wait_ns, struct sp_err *err)
{
	struct sp_frame *frames[32];
	unsigned int n = farm->source->ops->get(farm->source, frames, 32);
	int error = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!error)
			error = check_frame(farm, frames[i], err);
		farm->source->ops->put(farm->source, frames[i]);
	}
	if (n)
		farm->last_ns = sp_clock_now();
	if (n || !wait_ns)
		return error;
	sp_event_arm(&farm->frames);
	sp_event_wait(&farm->frames, wait_ns);
	sp_event_disarm(&farm->frames);
	return sp_gvsp_source_failed(farm->source);
}

/* Whether every camera has sent @frames. */
static bool have_all(const struct farm *farm, uint64_t frames)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++)
		if (farm->cameras[i].frames +
			    (farm->options.lossy ? farm->cameras[i].incomplete : 0) <
		    frames)
			return false;
	return true;
}

/* Of a lossy wire's frames, some may have left no packet: then the end is that no more come. */
static bool is_over(const struct farm *farm)
{
	return farm->options.lossy && farm->last_ns && sp_clock_now() > farm->last_ns + QUIET_NS;
}

static int await(struct farm *farm, uint64_t frames, struct sp_err *err)
{
	uint64_t until = sp_clock_now() + (uint64_t)(farm->options.patience * 1e9);

	while (!have_all(farm, frames)) {
		int error = take(farm, 10 * SP_NS_PER_MS, err);

		if (error || is_over(farm))
			return error;
		if (sp_clock_now() < until)
			continue;
		for (uint32_t i = 0; i < farm->options.cameras; i++) {
			struct sp_camera_status status = { 0 };

			if (farm->cameras[i].frames >= frames)
				continue;
			sp_supervisor_status(farm->supervisor, i, &status);
			return sp_err_set(err, -ETIMEDOUT,
					  "camera %u: %" PRIu64 " frames, %" PRIu64
					  " incomplete; %s: %s",
					  i, farm->cameras[i].frames, farm->cameras[i].incomplete,
					  sp_camera_state_name(status.state), status.error);
		}
	}
	return 0;
}

/* ---- set up ---- */

/* Asks the camera which port its stream comes from. */
static int find_source_port(struct camera *camera, struct sp_err *err)
{
	struct in_addr ip = { htonl(camera->ip) };
	char address[INET_ADDRSTRLEN], text[16];
	struct sp_camera *control;
	int error;

	inet_ntop(AF_INET, &ip, address, sizeof(address));
	error = sp_camera_aravis.open(address, &control, err);
	if (error)
		return error;
	error = sp_camera_aravis.get(control, "GevSCSP", text, sizeof(text), err);
	sp_camera_aravis.close(control);
	camera->source_port = error ? 0 : (uint16_t)strtoul(text, NULL, 10);
	return error;
}

static int parse_ip(const char *text, uint32_t *ret, struct sp_err *err)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return sp_err_set(err, -EINVAL, "'%s' is no IPv4 address", text);
	*ret = ntohl(address.s_addr);
	return 0;
}

static void stream_config(const struct farm *farm, const struct camera *camera, uint32_t host_ip,
			  struct sp_stream_config *ret)
{
	const struct options *options = &farm->options;

	*ret = (struct sp_stream_config){
		.camera_ip = camera->ip,
		.camera_port = camera->source_port,
		.vlan = (uint16_t)options->vlan,
		.host_ip = host_ip,
		.host_port = camera->port,
		.fd = camera->fd,
		.packet_payload = options->packet_size - 36,
		.pixel_format = SP_PFNC_MONO8,
		.width = camera->width,
		.height = options->height,
		.frames = options->credit,
		.gap_ns = options->gap_us * SP_NS_PER_US,
		.packet_timeout_ns = 20 * SP_NS_PER_MS,
		.retention_ns = options->retention_ms * SP_NS_PER_MS,
		.resend_tries = options->tries,
	};
	if (options->mac)
		ether_aton_r(options->mac, (struct ether_addr *)ret->camera_mac);
}

/* Packets that all frames of all cameras can hold, and some on their way. */
static unsigned int buffers(const struct farm *farm)
{
	unsigned int sum = 1024;

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct sp_stream_config config;

		stream_config(farm, &farm->cameras[i], 0, &config);
		sum += config.frames * sp_assembler_block_packets(&config);
	}
	return sum;
}

static int open_packets(struct farm *farm, struct sp_err *err)
{
	const struct options *options = &farm->options;
	const struct sp_udp_config udp = {
		.buffers = buffers(farm),
		.buffer_size = options->packet_size - 28,
		.no_uring = options->no_uring,
	};
	const struct sp_dpdk_config dpdk = {
		.eal = options->eal.items,
		.eal_n = options->eal.n,
		.port = options->port,
		.exception = options->exception,
		.drop_interface = options->drop,
		.queues = 1,
		.buffers = buffers(farm),
		.buffer_size = options->packet_size - 28,
		.nap_max_ns = 200 * SP_NS_PER_US,
	};

	if (!strcmp(options->source, "udp"))
		return sp_udp_open(&udp, &farm->packets, err);
	if (!strcmp(options->source, "dpdk"))
		return sp_dpdk_open(&dpdk, &farm->packets, err);
	return sp_err_set(err, -EINVAL, "--source: '%s' is neither udp nor dpdk", options->source);
}

static int add_streams(struct farm *farm, uint32_t host_ip, struct sp_err *err)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct camera *camera = &farm->cameras[i];
		uint32_t wanted = farm->options.first_port ? farm->options.first_port + i : 0;
		struct sp_stream_config config;
		int index;

		camera->fd = sp_udp_socket(host_ip, (uint16_t)wanted, farm->options.rcvbuf,
					   &camera->port, err);
		if (camera->fd < 0)
			return camera->fd;
		stream_config(farm, camera, host_ip, &config);
		index = farm->source->ops->add_stream(farm->source, &config, err);
		if (index < 0)
			return index;
	}
	return 0;
}

static int start_resends(struct farm *farm, struct sp_err *err)
{
	const struct sp_resend_config config = {
		.source = farm->source,
		.wake = &farm->resends,
		.budget = { .rate = 100000, .burst = 10000 },
		.cpu = -1,
	};
	struct sp_resend_stream streams[CAMERAS_MAX];
	int error;

	for (uint32_t i = 0; i < farm->options.cameras; i++)
		streams[i] = (struct sp_resend_stream){
			.fd = farm->cameras[i].fd,
			.camera_ip = farm->cameras[i].ip,
			.budget = { .rate = 100000, .burst = 10000 },
		};
	error = sp_resend_create(&config, streams, farm->options.cameras, &farm->resend, err);
	return error ? error : sp_resend_start(farm->resend, err);
}

static int open_source(struct farm *farm, struct sp_err *err)
{
	struct sp_gvsp_source_config config = { .cpu = -1,
						.frames = &farm->frames,
						.resends = &farm->resends };
	uint32_t host_ip = 0, first;
	struct ether_addr mac;
	int error = parse_ip(farm->options.address, &first, err);

	if (farm->options.mac && !ether_aton_r(farm->options.mac, &mac))
		return sp_err_set(err, -EINVAL, "--mac: '%s' is none", farm->options.mac);
	if (!error && farm->options.host_address)
		error = parse_ip(farm->options.host_address, &host_ip, err);
	if (error)
		return error;
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		farm->cameras[i].ip = first + i;
		farm->cameras[i].width = farm->options.width - WIDTH_STEP * i;
		farm->cameras[i].fd = -1;
		if (!error && farm->options.source_ports)
			error = find_source_port(&farm->cameras[i], err);
	}
	if (error)
		return error;
	if (sp_event_init(&farm->frames) || sp_event_init(&farm->resends))
		return sp_err_set(err, -EMFILE, "eventfd: %s", strerror(errno));
	error = open_packets(farm, err);
	if (error)
		return error;
	config.packets = farm->packets;
	error = sp_gvsp_source_open(&config, &farm->source, err);
	if (!error)
		error = add_streams(farm, host_ip, err);
	if (!error)
		error = farm->source->ops->start(farm->source, err);
	if (!error && farm->options.tries)
		error = start_resends(farm, err);
	return error;
}

/* Lets the cameras stream once they answer, each by a worker of its own. */
static int start_cameras(struct farm *farm, struct sp_err *err)
{
	const struct sp_supervisor_config config = {
		.ops = &sp_camera_aravis,
		.link = sp_link_default,
		.seed = 1,
	};
	struct sp_supervised_camera cameras[CAMERAS_MAX] = { 0 };
	int error;

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		struct in_addr ip = { htonl(farm->cameras[i].ip) };

		inet_ntop(AF_INET, &ip, cameras[i].address, sizeof(cameras[i].address));
		cameras[i].stream = (struct sp_camera_stream){
			.host_port = farm->cameras[i].port,
			.packet_size = farm->options.packet_size,
			.width = farm->cameras[i].width,
			.height = farm->options.height,
			.pixel_format = SP_PFNC_MONO8,
			.fps = farm->options.fps,
		};
	}
	error = sp_supervisor_create(&config, cameras, farm->options.cameras, &farm->supervisor,
				     err);
	return error ? error : sp_supervisor_start(farm->supervisor, err);
}

/* ---- the run ---- */

static void begin_to_count(struct farm *farm)
{
	farm->received_then = sp_counter_read(&farm->packets->counters.received);
	farm->cpu_then_ns = sp_thread_cpu_ns("capture");
	farm->resident_then = sp_resident_bytes();
	sp_allocations.threads[0] = "capture";
	sp_allocations.threads[1] = "resend";
	atomic_store(&sp_allocations.armed, true);
}

static void end_to_count(struct farm *farm)
{
	atomic_store(&sp_allocations.armed, false);
	farm->cpu_ns = sp_thread_cpu_ns("capture") - farm->cpu_then_ns;
	farm->counted = sp_counter_read(&farm->packets->counters.received) - farm->received_then;
	farm->resident = sp_resident_bytes();
}

static int stream(struct farm *farm, struct sp_err *err)
{
	int error = start_cameras(farm, err);

	if (!error)
		error = await(farm, WARM_UP, err);
	if (error)
		return error;
	begin_to_count(farm);
	error = await(farm, farm->options.frames, err);
	end_to_count(farm);
	return error;
}

static int stop(struct farm *farm, struct sp_err *err)
{
	int error = 0;

	sp_supervisor_destroy(farm->supervisor);
	farm->source->ops->stop(farm->source);
	for (uint32_t i = 0; i < farm->options.cameras * farm->options.credit && !error; i++)
		error = take(farm, 0, err);
	return error;
}

static int check_ledgers(struct farm *farm, struct sp_err *err)
{
	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		const struct sp_stream_counters *c = farm->source->ops->counters(farm->source, i);

		if (!sp_ledger_adds_up(c))
			return sp_err_set(err, -EBADMSG,
					  "camera %u: the ledger does not add up: expected %" PRIu64
					  ", delivered %" PRIu64 ", missing %" PRIu64,
					  i, c->expected, c->delivered, c->missing);
		if (c->frames_complete != farm->cameras[i].frames)
			return sp_err_set(err, -EBADMSG,
					  "camera %u: %" PRIu64 " frames counted, %" PRIu64 " seen",
					  i, c->frames_complete, farm->cameras[i].frames);
		if (!farm->options.hostile &&
		    c->foreign + c->malformed + c->bad_packet + c->block_discarded)
			return sp_err_set(err, -EBADMSG,
					  "camera %u: packets that are not its own: %" PRIu64
					  " foreign, %" PRIu64 " malformed, %" PRIu64 " bad",
					  i, c->foreign, c->malformed, c->bad_packet);
	}
	return 0;
}

static int check_memory(struct sp_err *err)
{
	if (atomic_load(&sp_allocations.n))
		return sp_err_set(err, -ENOMEM,
				  "%" PRIu64
				  " allocations while cameras stream, the first by thread "
				  "'%s' at %p",
				  atomic_load(&sp_allocations.n), sp_allocations.thread,
				  sp_allocations.caller);
	return 0;
}

/* ,"NAME":{…}: every counter of a table, by its name. */
static void print_counters(const char *name, const struct sp_counter *table, size_t n,
			   const void *base)
{
	printf(",\"%s\":{", name);
	for (size_t i = 0; i < n; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", table[i].name,
		       sp_counter_read((const uint64_t *)((const char *)base + table[i].offset)));
	printf("}");
}

static void print(const struct farm *farm)
{
	struct sp_stream_counters sum = { 0 };
	struct sp_resend_counters asked = { 0 };

	for (uint32_t i = 0; i < farm->options.cameras; i++) {
		const struct sp_stream_counters *c = farm->source->ops->counters(farm->source, i);
		const struct sp_resend_counters *r = farm->resend
							     ? sp_resend_counters(farm->resend, i)
							     : NULL;

		for (size_t k = 0; k < sp_stream_counter_table_n; k++) {
			size_t at = sp_stream_counter_table[k].offset;

			*(uint64_t *)((char *)&sum + at) +=
				*(const uint64_t *)((const char *)c + at);
		}
		if (r)
			asked.requests += r->requests, asked.packets += r->packets;
	}
	printf("{\"source\":\"%s\",\"cameras\":%u,\"frames_complete\":%" PRIu64
	       ",\"frames_incomplete\":%" PRIu64 ",\"blocks_skipped\":%" PRIu64
	       ",\"expected\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"missing\":%" PRIu64
	       ",\"late\":%" PRIu64 ",\"policy\":%" PRIu64 ",\"duplicate\":%" PRIu64
	       ",\"payloads_in_region\":%" PRIu64 ",\"received\":%" PRIu64
	       ",\"resend_requests\":%" PRIu64 ",\"resend_packets\":%" PRIu64
	       ",\"region_read_only\":%s,\"allocations\":%" PRId64 ",\"resident_growth\":%" PRId64
	       ",\"cpu_ns_per_packet\":%.1f",
	       farm->packets->ops->name, farm->options.cameras, sum.frames_complete,
	       sum.frames_incomplete, sum.blocks_skipped, sum.expected, sum.delivered, sum.missing,
	       sum.late, sum.policy, sum.duplicate, farm->payloads,
	       sp_counter_read(&farm->packets->counters.received), asked.requests, asked.packets,
	       farm->options.protect ? "true" : "false",
	       SP_ALLOCATIONS_COUNTED ? (int64_t)atomic_load(&sp_allocations.n) : -1,
	       (int64_t)(farm->resident - farm->resident_then),
	       farm->counted ? (double)farm->cpu_ns / (double)farm->counted : 0.0);
	print_counters("streams", sp_stream_counter_table, sp_stream_counter_table_n, &sum);
	print_counters("port", sp_packet_counter_table, sp_packet_counter_table_n,
		       &farm->packets->counters);
	printf("}\n");
	fflush(stdout);
}

static void close_all(struct farm *farm)
{
	sp_resend_destroy(farm->resend);
	if (farm->options.protect && farm->packets)
		mprotect(farm->packets->region->base, farm->packets->region->size,
			 PROT_READ | PROT_WRITE);
	if (farm->source)
		farm->source->ops->close(farm->source);
	else if (farm->packets)
		farm->packets->ops->close(farm->packets);
	for (uint32_t i = 0; i < farm->options.cameras; i++)
		if (farm->cameras[i].fd > 0)
			close(farm->cameras[i].fd);
}

static int run(struct farm *farm, struct sp_err *err)
{
	int error = open_source(farm, err);

	if (!error && farm->options.protect)
		error = protect(farm, err);
	if (!error)
		error = stream(farm, err);
	if (farm->source) {
		int stopped = stop(farm, error ? NULL : err);

		error = error ? error : stopped;
	}
	if (!error)
		error = check_ledgers(farm, err);
	if (!error)
		error = check_memory(err);
	if (farm->source && farm->source->ops->counters(farm->source, 0))
		print(farm);
	close_all(farm);
	return error;
}

int main(int argc, char **argv)
{
	static struct farm farm = {
		.options = { .address = "127.0.0.1",
			     .source = "udp",
			     .cameras = 1,
			     .width = 640,
			     .height = 480,
			     .packet_size = 1500,
			     .frames = 100,
			     .credit = 8,
			     .tries = 20,
			     .every = 1,
			     .gap_us = 2000,
			     .retention_ms = 500,
			     .rcvbuf = 4 << 20,
			     .fps = 10,
			     .patience = 60 },
	};
	struct options *o = &farm.options;
	const struct sp_opt table[] = {
		{ "address", 'a', SP_OPT_STRING, &o->address, "IP", "of the first camera", 0, 0 },
		{ "cameras", 'n', SP_OPT_U32, &o->cameras, "N", "addresses count on (1)", 1,
		  CAMERAS_MAX },
		{ "source", 's', SP_OPT_STRING, &o->source, "NAME", "udp or dpdk (udp)", 0, 0 },
		{ "no-uring", 0, SP_OPT_FLAG, &o->no_uring, NULL, "udp by recvmmsg", 0, 0 },
		{ "eal", 0, SP_OPT_LIST, &o->eal, "ARG", "for EAL; several times", 0, 0 },
		{ "port", 0, SP_OPT_STRING, &o->port, "DEVICE", "as EAL names it", 0, 0 },
		{ "exception", 0, SP_OPT_STRING, &o->exception, "DEVICE", "to the kernel", 0, 0 },
		{ "drop", 0, SP_OPT_STRING, &o->drop, "INTERFACE", "the kernel drops there", 0, 0 },
		{ "host-address", 0, SP_OPT_STRING, &o->host_address, "IP", "ours (any)", 0, 0 },
		{ "width", 0, SP_OPT_U32, &o->width, "PIXELS",
		  "of the first camera, 4 less each (640)", WIDTH_STEP * CAMERAS_MAX, LINE_MAX },
		{ "height", 0, SP_OPT_U32, &o->height, "PIXELS", "(480)", 2, LINE_MAX },
		{ "packet-size", 0, SP_OPT_U32, &o->packet_size, "BYTES", "(1500)", 220, 16384 },
		{ "fps", 0, SP_OPT_DOUBLE, &o->fps, "HZ", "of each (10)", 0.1, 1000 },
		{ "frames", 0, SP_OPT_U32, &o->frames, "N", "of each (100)", WARM_UP, 1 << 20 },
		{ "credit", 0, SP_OPT_U32, &o->credit, "N", "frames at once (8)", 2, 4096 },
		{ "every", 0, SP_OPT_U32, &o->every, "N", "compare the Nth frames' pixels (1)", 1,
		  1 << 20 },
		{ "gap-us", 0, SP_OPT_U32, &o->gap_us, "US",
		  "younger gaps may be reordering (2000)", 1, 20000 },
		{ "retention-ms", 0, SP_OPT_U32, &o->retention_ms, "MS",
		  "a silent block stays open (500)", 20, RETENTION_MAX_MS },
		{ "tries", 0, SP_OPT_U32, &o->tries, "N", "resends (20)", 0, 1000 },
		{ "lossy", 0, SP_OPT_FLAG, &o->lossy, NULL, "incomplete frames count too", 0, 0 },
		{ "patience", 0, SP_OPT_DOUBLE, &o->patience, "S", "for each step (60)", 1, 600 },
		{ "hostile", 0, SP_OPT_FLAG, &o->hostile, NULL, "others send, too", 0, 0 },
		{ "source-ports", 0, SP_OPT_FLAG, &o->source_ports, NULL,
		  "take only what comes from the port that a camera names", 0, 0 },
		{ "mac", 0, SP_OPT_STRING, &o->mac, "MAC", "of the cameras (any)", 0, 0 },
		{ "vlan", 0, SP_OPT_U32, &o->vlan, "ID", "theirs, 65535: untagged (any)", 0,
		  SP_VLAN_UNTAGGED },
		{ "first-port", 0, SP_OPT_U32, &o->first_port, "PORT",
		  "of the first camera's stream, others count on (any)", 1, 65535 - CAMERAS_MAX },
		{ "rcvbuf", 0, SP_OPT_U32, &o->rcvbuf, "BYTES", "of each socket (4194304)", 4096,
		  1 << 30 },
		{ "protect", 0, SP_OPT_FLAG, &o->protect, NULL, "the CPU may not write payloads", 0,
		  0 },
		{ 0 },
	};
	const struct sp_opt_usage usage = { "farm", "", "Receives from gvcam and checks it.",
					    NULL };
	struct sp_err err = { "" };
	int operands, parsed = sp_opt_parse(table, argc, argv, &operands, &err);

	if (parsed == SP_OPT_HELP) {
		sp_opt_help(table, &usage, stdout);
		return EXIT_SUCCESS;
	}
	if (!parsed && operands)
		parsed = sp_err_set(&err, -EINVAL, "farm: no operands");
	if (!parsed)
		parsed = run(&farm, &err);
	if (parsed)
		fprintf(stderr, "farm: %s\n", err.text[0] ? err.text : strerror(-parsed));
	return parsed ? EXIT_FAILURE : EXIT_SUCCESS;
}
