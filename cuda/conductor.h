/* SPDX-License-Identifier: Apache-2.0 */
/* The backend's one thread: forms batches, sees how far the device is, hands results over. */
#ifndef SP_CUDA_CONDUCTOR_H
#define SP_CUDA_CONDUCTOR_H

struct sp_thread;

enum {
	/* A batch takes some milliseconds; what is not there after this never comes. */
	SP_HANG_MS = 2000,
};

/* thread->arg: the backend. Ends when asked to, after what the device has been given. */
void sp_conductor_run(struct sp_thread *thread);

#endif
