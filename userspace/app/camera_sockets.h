/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cameras' addresses and a socket for each stream. Cameras send to its port, and resend
 * requests leave from it; where packets come over another way than the kernel's, it takes none
 * itself.
 */
#ifndef SP_APP_CAMERA_SOCKETS_H
#define SP_APP_CAMERA_SOCKETS_H

struct sp_err;
struct sp_pipeline;

enum { SP_CAMERA_SOCKET_BUFFER = 8 << 20 }; /* bytes that a stream's socket asks for */

/* Fills in ip, host_ip, fd and port of each camera. 0 or -errno with @err filled. */
int sp_camera_sockets_open(struct sp_pipeline *pipeline, struct sp_err *err);
void sp_camera_sockets_close(struct sp_pipeline *pipeline);

#endif
