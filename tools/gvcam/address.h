/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 addresses of this machine, and UDP sockets bound to them. Host order. */
#ifndef GVCAM_ADDRESS_H
#define GVCAM_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

const char *gvcam_address_text(uint32_t ip, char text[INET_ADDRSTRLEN]);

/* The netmask of the interface that has the address; 255.0.0.0 serves all of 127.0.0.0/8. */
uint32_t gvcam_address_mask(uint32_t ip);

/*
 * A UDP socket bound there; @port 0: any. @shared: others may bind the same. 0 with @ret_fd, or
 * -errno.
 */
int gvcam_address_open(uint32_t ip, uint16_t port, bool shared, int *ret_fd);

/* The port that a socket is bound to. */
uint16_t gvcam_address_port(int fd);

/* For sending a stream: a large buffer, fragments allowed, broadcasts too. */
void gvcam_address_use_to_stream(int fd);

#endif
