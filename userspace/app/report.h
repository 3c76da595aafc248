/* SPDX-License-Identifier: Apache-2.0 */
/* Faces and encounters as scripts and people read them. The shapes are those of docs/json.md. */
#ifndef SP_APP_REPORT_H
#define SP_APP_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_encounter;
struct sp_face;
struct sp_occupant;
struct sp_quality;

json_t *sp_report_quality(const struct sp_quality *quality);
/* ["too_small", …] */
json_t *sp_report_reasons(uint32_t reasons);
/* "valid", or the reasons with commas between. Returns @text. */
char *sp_report_validity(uint32_t reasons, char *text, size_t size);

/* @embedding_size: floats to print, 0: leave the embedding out. */
json_t *sp_report_face(const struct sp_face *face, uint32_t embedding_size);

const char *sp_report_decision(int decision);
json_t *sp_report_encounter(const struct sp_encounter *encounter, bool embeddings);

#endif
