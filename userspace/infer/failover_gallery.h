/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Galleries that outlive the backend that searches them: on the one that serves, which is asked to get
 * ready at the first search after it came, else on the CPU, row by row. Any thread.
 */
#ifndef SP_INFER_FAILOVER_GALLERY_H
#define SP_INFER_FAILOVER_GALLERY_H

#include <pthread.h>
#include <stdint.h>

struct sp_compute;
struct sp_err;
struct sp_gallery;
struct sp_hit;
struct sp_failover_gallery;

struct sp_failover_galleries {
	/* Searches share it; who opens, closes or changes takes it alone. */
	pthread_rwlock_t lock;
	struct sp_compute *serving; /* NULL: none, the CPU searches */
	struct sp_failover_gallery *first; /* a list of all */
};

void sp_failover_galleries_init(struct sp_failover_galleries *galleries,
				struct sp_compute *serving);
/* Closes what is still open. */
void sp_failover_galleries_uninit(struct sp_failover_galleries *galleries);

/* From here on @compute searches. */
void sp_failover_galleries_serve(struct sp_failover_galleries *galleries,
				 struct sp_compute *compute);
/* @compute is about to go: its galleries are closed, searches are the CPU's. Waits for those inside. */
void sp_failover_galleries_leave(struct sp_failover_galleries *galleries,
				 struct sp_compute *compute);

/* As the port has them (infer/compute.h). */
int sp_failover_gallery_open(struct sp_failover_galleries *galleries, const float *rows,
			     uint32_t rows_n, uint32_t size, struct sp_gallery **ret_gallery,
			     struct sp_err *err);
void sp_failover_gallery_close(struct sp_failover_galleries *galleries, struct sp_gallery *gallery);
int sp_failover_gallery_search(struct sp_failover_galleries *galleries,
			       const struct sp_gallery *gallery, const float *queries,
			       uint32_t queries_n, uint32_t k, struct sp_hit *hits);

#endif
