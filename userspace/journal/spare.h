/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the next segment ready: a thread writes its zeros while the current one is filled. */
#ifndef SP_JOURNAL_SPARE_H
#define SP_JOURNAL_SPARE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"

struct sp_disk;

struct sp_spare {
	struct sp_disk *disk;
	uint64_t size; /* bytes of a segment */
	struct sp_thread thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	bool wanted, stop;
	int state; /* 0: ready; -EAGAIN: being made; another -errno: the last attempt failed */
};

/*
 * Makes a first spare before it returns; its success is the result. @background: further ones are
 * made by a thread, else by sp_spare_taken and sp_spare_retry themselves.
 */
int sp_spare_init(struct sp_spare *spare, struct sp_disk *disk, uint64_t size, bool background);
void sp_spare_uninit(struct sp_spare *spare);

/* 0 if the spare is ready, -EAGAIN if it is being made, or why the last attempt failed. */
int sp_spare_state(struct sp_spare *spare);
/* Waits up to @timeout_ns while it is being made. */
void sp_spare_wait(struct sp_spare *spare, uint64_t timeout_ns);
/* The spare has become a segment: asks for the next. */
void sp_spare_taken(struct sp_spare *spare);
/* Asks for another attempt after a failure. */
void sp_spare_retry(struct sp_spare *spare);

#endif
