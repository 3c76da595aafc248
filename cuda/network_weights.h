/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What steps read that never changes: packed weights, slopes, constants. Each is made on the host,
 * and the same bytes for the same node go up once, whichever networks use them: how weights are
 * packed may depend on the kernel and on sizes, and mostly does not.
 */
#ifndef SP_CUDA_NETWORK_WEIGHTS_H
#define SP_CUDA_NETWORK_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

struct sp_err;
struct sp_weights;

struct sp_weights *sp_weights_create(void);
void sp_weights_destroy(struct sp_weights *weights);

/* Room for @size bytes, zeroed, that goes to sp_weights_keep. NULL: no memory. */
void *sp_weights_room(size_t size);

/*
 * Takes @room, which is @size bytes of @node. 0 with a number for sp_weights_at, or -ENOMEM; @room
 * is taken in any case.
 */
int sp_weights_keep(struct sp_weights *weights, uint32_t node, void *room, size_t size,
		    uint32_t *ret_number);

/* Sends what is not on the device yet. 0 or -errno with @err filled. */
int sp_weights_upload(struct sp_weights *weights, struct sp_err *err);

/* Bytes as they were kept, on the host; and where they are on the device, 256-byte aligned. */
size_t sp_weights_size(const struct sp_weights *weights, uint32_t number);
const void *sp_weights_at(const struct sp_weights *weights, uint32_t number);

#endif
