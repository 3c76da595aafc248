/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/failover_gallery.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/diag.h"
#include "infer/compute.h"
#include "infer/search.h"

/* What the port's callers have as a struct sp_gallery. */
struct sp_failover_gallery {
	struct sp_failover_gallery *next;
	const float *rows;
	uint32_t rows_n, size;
	struct sp_gallery *plain; /* the CPU's */
	struct sp_gallery *served; /* of the one that serves; NULL: not yet, or it cannot */
	bool refused; /* it cannot: not asked again */
};

void sp_failover_galleries_init(struct sp_failover_galleries *galleries, struct sp_compute *serving)
{
	pthread_rwlock_init(&galleries->lock, NULL);
	galleries->serving = serving;
	galleries->first = NULL;
}

/* Under the lock. */
static void stop_serving(struct sp_failover_galleries *galleries)
{
	struct sp_compute *serving = galleries->serving;

	for (struct sp_failover_gallery *g = galleries->first; g; g = g->next) {
		if (g->served)
			serving->ops->gallery_close(serving, g->served);
		g->served = NULL;
		g->refused = false;
	}
	galleries->serving = NULL;
}

static void destroy(struct sp_failover_gallery *gallery)
{
	sp_search_gallery_destroy(gallery->plain);
	free(gallery);
}

void sp_failover_galleries_uninit(struct sp_failover_galleries *galleries)
{
	stop_serving(galleries);
	for (struct sp_failover_gallery *g = galleries->first, *next; g; g = next) {
		next = g->next;
		destroy(g);
	}
	galleries->first = NULL;
	pthread_rwlock_destroy(&galleries->lock);
}

void sp_failover_galleries_serve(struct sp_failover_galleries *galleries,
				 struct sp_compute *compute)
{
	pthread_rwlock_wrlock(&galleries->lock);
	galleries->serving = compute;
	pthread_rwlock_unlock(&galleries->lock);
}

void sp_failover_galleries_leave(struct sp_failover_galleries *galleries,
				 struct sp_compute *compute)
{
	pthread_rwlock_wrlock(&galleries->lock);
	if (galleries->serving == compute)
		stop_serving(galleries);
	pthread_rwlock_unlock(&galleries->lock);
}

int sp_failover_gallery_open(struct sp_failover_galleries *galleries, const float *rows,
			     uint32_t rows_n, uint32_t size, struct sp_gallery **ret_gallery,
			     struct sp_err *err)
{
	struct sp_failover_gallery *gallery = calloc(1, sizeof(*gallery));
	int rc;

	if (!gallery)
		return sp_err_set(err, -ENOMEM, "gallery: out of memory");
	rc = sp_search_gallery_create(rows, rows_n, size, &gallery->plain, err);
	if (rc) {
		free(gallery);
		return rc;
	}
	gallery->rows = rows;
	gallery->rows_n = rows_n;
	gallery->size = size;
	pthread_rwlock_wrlock(&galleries->lock);
	gallery->next = galleries->first;
	galleries->first = gallery;
	pthread_rwlock_unlock(&galleries->lock);
	*ret_gallery = (struct sp_gallery *)gallery;
	return 0;
}

void sp_failover_gallery_close(struct sp_failover_galleries *galleries, struct sp_gallery *closed)
{
	struct sp_failover_gallery *gallery = (struct sp_failover_gallery *)closed;
	struct sp_failover_gallery **at = &galleries->first;

	pthread_rwlock_wrlock(&galleries->lock);
	while (*at != gallery)
		at = &(*at)->next;
	*at = gallery->next;
	if (gallery->served)
		galleries->serving->ops->gallery_close(galleries->serving, gallery->served);
	pthread_rwlock_unlock(&galleries->lock);
	destroy(gallery);
}

/* Has the one that serves get ready for @gallery, once. */
static void make_ready(struct sp_failover_galleries *galleries, struct sp_failover_gallery *gallery)
{
	struct sp_compute *serving;
	struct sp_err err;

	pthread_rwlock_wrlock(&galleries->lock);
	serving = galleries->serving;
	if (serving && !gallery->served && !gallery->refused &&
	    serving->ops->gallery_open(serving, gallery->rows, gallery->rows_n, gallery->size,
				       &gallery->served, &err)) {
		gallery->served = NULL;
		gallery->refused = true;
		sp_log(SP_LOG_WARNING, "%s: the CPU searches", err.text);
	}
	pthread_rwlock_unlock(&galleries->lock);
}

int sp_failover_gallery_search(struct sp_failover_galleries *galleries,
			       const struct sp_gallery *searched, const float *queries,
			       uint32_t queries_n, uint32_t k, struct sp_hit *hits)
{
	struct sp_failover_gallery *gallery = (struct sp_failover_gallery *)searched;
	int rc = -ENODEV;
	bool ready;

	pthread_rwlock_rdlock(&galleries->lock);
	ready = !galleries->serving || gallery->served || gallery->refused;
	pthread_rwlock_unlock(&galleries->lock);
	if (!ready)
		make_ready(galleries, gallery);
	pthread_rwlock_rdlock(&galleries->lock);
	if (gallery->served)
		rc = galleries->serving->ops->search(galleries->serving, gallery->served, queries,
						     queries_n, k, hits);
	pthread_rwlock_unlock(&galleries->lock);
	/* A device that is lost, or full, is no reason to find nobody. */
	if (rc == -ENODEV || rc == -ENOMEM || rc == -EIO)
		rc = sp_search_gallery(gallery->plain, queries, queries_n, k, hits);
	return rc;
}
