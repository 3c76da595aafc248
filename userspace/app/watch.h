/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's alarms: every refusal counter of every queue and stream is watched, and logged. */
#ifndef SP_APP_WATCH_H
#define SP_APP_WATCH_H

#include <jansson.h>
#include <stdint.h>

struct sp_err;
struct sp_pipeline;
struct sp_watch;

/* Once capture has started. 0 or -errno with @err filled. */
int sp_watch_create(struct sp_pipeline *pipeline, struct sp_watch **ret_watch, struct sp_err *err);
void sp_watch_destroy(struct sp_watch *watch); /* NULL is fine */

/* Warns in the log of what grew. One thread. */
void sp_watch_look(struct sp_watch *watch, uint64_t now_ns);

/* Those that rang: [{"port" | "stream", "counter", "count", "since", "last"}]. Any thread. */
json_t *sp_watch_json(const struct sp_watch *watch);

#endif
