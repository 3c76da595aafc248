/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/salvo.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

/* The control message that has the kernel segment: the size of each segment, bytes. */
struct segment {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
};

struct salvo {
	struct mmsghdr messages[GVCAM_SALVO_MAX];
	struct segment segments[GVCAM_SALVO_MAX];
	struct iovec parts[2 * GVCAM_SALVO_MAX];
	uint32_t packets[GVCAM_SALVO_MAX]; /* of each message */
	uint32_t messages_n, parts_n;
};

int gvcam_gso_parse(const char *text, enum gvcam_gso *ret)
{
	static const char *const names[] = {
		[GVCAM_GSO_AUTO] = "auto",
		[GVCAM_GSO_ON] = "on",
		[GVCAM_GSO_OFF] = "off",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			*ret = (enum gvcam_gso)i;
			return 0;
		}
	return -EINVAL;
}

static uint32_t bytes_of(const struct gvcam_packet *packet)
{
	return packet->head_bytes + packet->data_bytes;
}

uint32_t gvcam_salvo_run(const struct gvcam_packet *packets, uint32_t n)
{
	uint32_t size = n ? bytes_of(&packets[0]) : 0, run = 0;

	while (run < n && run < GVCAM_RUN_MAX && (run + 1) * size <= GVCAM_RUN_BYTES) {
		uint32_t bytes = bytes_of(&packets[run]);

		if (bytes > size)
			break;
		run++;
		if (bytes < size)
			break;
	}
	/* One larger than any datagram is a run by itself, for the system to refuse. */
	return n && !run ? 1 : run;
}

static void write_segment(struct segment *segment, uint16_t size)
{
	struct cmsghdr *control = (struct cmsghdr *)segment->bytes;

	control->cmsg_level = IPPROTO_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(control), &size, sizeof(size));
}

/* Adds a message of the first of @packets; returns how many went in. */
static uint32_t add_message(struct salvo *salvo, const struct sockaddr_in *target,
			    const struct gvcam_packet *packets, uint32_t n, bool gso)
{
	uint32_t run = gso ? gvcam_salvo_run(packets, n) : 1;
	struct msghdr *header = &salvo->messages[salvo->messages_n].msg_hdr;
	struct segment *segment = &salvo->segments[salvo->messages_n];

	*header = (struct msghdr){
		.msg_name = (void *)target,
		.msg_namelen = sizeof(*target),
		.msg_iov = &salvo->parts[salvo->parts_n],
	};
	if (run > 1) {
		write_segment(segment, (uint16_t)bytes_of(&packets[0]));
		header->msg_control = segment->bytes;
		header->msg_controllen = sizeof(segment->bytes);
	}
	for (uint32_t i = 0; i < run; i++) {
		const struct gvcam_packet *packet = &packets[i];

		salvo->parts[salvo->parts_n++] = (struct iovec){ (void *)packet->head,
								 packet->head_bytes };
		if (packet->data_bytes)
			salvo->parts[salvo->parts_n++] = (struct iovec){ (void *)packet->data,
									 packet->data_bytes };
	}
	header->msg_iovlen = (size_t)(&salvo->parts[salvo->parts_n] - header->msg_iov);
	salvo->packets[salvo->messages_n++] = run;
	return run;
}

/*
 * Whether @error says that the kernel will not segment here: an old one, a packet larger than the
 * link (which is fragmented where it goes alone), a socket without checksums.
 */
static bool is_about_gso(int error)
{
	return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP ||
	       error == ENOPROTOOPT;
}

uint32_t gvcam_salvo_send(int fd, const struct sockaddr_in *target,
			  const struct gvcam_packet *packets, uint32_t n, bool *gso)
{
	uint32_t at = 0, failed = 0;
	struct salvo salvo;

	while (at < n) {
		uint32_t message = 0;

		salvo.messages_n = salvo.parts_n = 0;
		for (uint32_t i = at; i < n;)
			i += add_message(&salvo, target, &packets[i], n - i, *gso);
		while (message < salvo.messages_n) {
			int done = sendmmsg(fd, &salvo.messages[message],
					    salvo.messages_n - message, 0);

			if (done < 0 && errno == EINTR)
				continue;
			if (done < 0 && salvo.packets[message] > 1 && is_about_gso(errno)) {
				*gso = false;
				break;
			}
			/* The first of the rest cannot be sent: it is lost, others may pass. */
			if (done < 0) {
				failed += salvo.packets[message];
				done = 1;
			}
			for (; done; done--)
				at += salvo.packets[message++];
		}
	}
	return failed;
}
