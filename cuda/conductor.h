/* SPDX-License-Identifier: Apache-2.0 */
/* The backend's one thread: forms batches, sees how far the device is, hands results over. */
#ifndef SP_CUDA_CONDUCTOR_H
#define SP_CUDA_CONDUCTOR_H

struct sp_thread;

/* A batch takes some milliseconds; what is not there after this never comes. */
#ifdef SP_CUDA_EMULATED
enum { SP_HANG_MS = 120000 }; /* on a CPU, and a busy one */
#else
enum { SP_HANG_MS = 2000 };
#endif

/* thread->arg: the backend. Ends when asked to, after what the device has been given. */
void sp_conductor_run(struct sp_thread *thread);

#endif
