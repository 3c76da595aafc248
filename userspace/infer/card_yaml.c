/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/card_yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { FIELD_SIZE = 80 };

void sp_card_fail(struct sp_card_yaml *yaml, const yaml_node_t *node, const char *field,
		  const char *fmt, ...)
{
	va_list ap;
	char why[300];

	if (yaml->error)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	yaml->error = sp_err_set(yaml->err, -EINVAL, "%s: line %zu: %s%s%s", yaml->name,
				 node ? node->start_mark.line + 1 : 1, field, *field ? ": " : "",
				 why);
}

/* What a message may show of a text that anybody may have written. */
static const char *shown(const yaml_node_t *node, char text[40])
{
	const char *from = (const char *)node->data.scalar.value;
	size_t all = node->data.scalar.length, n = all < 32 ? all : 32;

	while (n && n < all && ((unsigned char)from[n] & 0xC0) == 0x80)
		n--; /* no half characters */
	snprintf(text, 40, "%.*s%s", (int)n, from, n < all ? "…" : "");
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
	return text;
}

/* The text of a scalar, or NULL with an error. */
static const char *scalar(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	if (yaml->error)
		return NULL;
	if (!node || node->type != YAML_SCALAR_NODE ||
	    strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
		sp_card_fail(yaml, node, field, "one value is expected, not a list or a mapping");
		return NULL;
	}
	return (const char *)node->data.scalar.value;
}

static bool is_key(const yaml_node_t *key, const char *name)
{
	return key && key->type == YAML_SCALAR_NODE && key->data.scalar.length == strlen(name) &&
	       !memcmp(key->data.scalar.value, name, key->data.scalar.length);
}

yaml_node_t *sp_card_value(struct sp_card_yaml *yaml, yaml_node_t *mapping, const char *key)
{
	if (!mapping || mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++)
		if (is_key(yaml_document_get_node(yaml->document, pair->key), key))
			return yaml_document_get_node(yaml->document, pair->value);
	return NULL;
}

/* "name, name, …" of the fields that @roles have. */
static void list_fields(const struct sp_card_field *fields, unsigned int roles, char *text,
			size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (const struct sp_card_field *f = fields; f->name; f++)
		if (f->roles & roles && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 f->name);
}

static void read_pair(struct sp_card_yaml *yaml, yaml_node_pair_t *pair, const char *prefix,
		      const struct sp_card_field *fields, unsigned int roles, uint32_t *seen)
{
	yaml_node_t *key = yaml_document_get_node(yaml->document, pair->key);
	yaml_node_t *value = yaml_document_get_node(yaml->document, pair->value);
	unsigned int i = 0;
	char name[FIELD_SIZE], text[256];

	while (fields[i].name && !is_key(key, fields[i].name))
		i++;
	if (!fields[i].name) {
		list_fields(fields, roles, text, sizeof(text));
		sp_card_fail(yaml, key, "",
			     "'%s%s' is no field of a card; there are %s (docs/models.md)", prefix,
			     key && key->type == YAML_SCALAR_NODE ? shown(key, name) : "?", text);
		return;
	}
	snprintf(name, sizeof(name), "%s%s", prefix, fields[i].name);
	if (*seen & 1u << i) {
		sp_card_fail(yaml, key, name, "it is there twice; remove one");
	} else if (!(fields[i].roles & roles)) {
		list_fields(fields, roles, text, sizeof(text));
		sp_card_fail(yaml, key, name, "a network of this kind has none; it has %s", text);
	} else {
		*seen |= 1u << i;
		if (fields[i].read)
			fields[i].read(yaml, value, name);
	}
}

void sp_card_mapping(struct sp_card_yaml *yaml, yaml_node_t *node, const char *prefix,
		     const struct sp_card_field *fields, unsigned int roles)
{
	uint32_t seen = 0; /* a bit for each of @fields: no table has 32 */
	char name[FIELD_SIZE];

	snprintf(name, sizeof(name), "%.*s", *prefix ? (int)strlen(prefix) - 1 : 0, prefix);
	if (!node || node->type != YAML_MAPPING_NODE) {
		sp_card_fail(yaml, node, name, "a mapping is expected: fields with values");
		return;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !yaml->error; pair++)
		read_pair(yaml, pair, prefix, fields, roles, &seen);
}

unsigned int sp_card_items(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
			   unsigned int min, unsigned int max)
{
	size_t n = 1;

	if (yaml->error)
		return 0;
	if (!node || node->type == YAML_MAPPING_NODE) {
		sp_card_fail(yaml, node, field, "a list is expected");
		return 0;
	}
	if (node->type == YAML_SEQUENCE_NODE)
		n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (n >= min && n <= max)
		return (unsigned int)n;
	if (min == max)
		sp_card_fail(yaml, node, field, "%zu values; it takes %u", n, min);
	else
		sp_card_fail(yaml, node, field, "%zu values; it takes %u to %u", n, min, max);
	return 0;
}

yaml_node_t *sp_card_item(struct sp_card_yaml *yaml, yaml_node_t *node, unsigned int i)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return node;
	return yaml_document_get_node(yaml->document, node->data.sequence.items.start[i]);
}

void sp_card_text(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field, char *text,
		  size_t size)
{
	const char *from = scalar(yaml, node, field);

	if (!from)
		return;
	if (!*from || strlen(from) >= size) {
		sp_card_fail(yaml, node, field, "%zu bytes; it takes 1 to %zu", strlen(from),
			     size - 1);
		return;
	}
	for (const char *c = from; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F) {
			sp_card_fail(yaml, node, field, "control characters are not allowed");
			return;
		}
	strcpy(text, from);
}

float sp_card_number(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field, double low,
		     double high)
{
	const char *from = scalar(yaml, node, field);
	char *end, text[40];
	double value;

	if (!from)
		return 0;
	value = strtod(from, &end);
	if (end == from || *end || !isfinite(value)) {
		sp_card_fail(yaml, node, field, "'%s' is no number", shown(node, text));
		return 0;
	}
	if (value < low || value > high) {
		sp_card_fail(yaml, node, field, "%g is out of range; it takes %g to %g", value, low,
			     high);
		return 0;
	}
	return (float)value;
}

uint32_t sp_card_whole(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
		       uint32_t low, uint32_t high)
{
	const char *from = scalar(yaml, node, field);
	unsigned long long value;
	char *end, text[40];

	if (!from)
		return 0;
	errno = 0;
	value = strtoull(from, &end, 10);
	if (*from < '0' || *from > '9' || *end) {
		sp_card_fail(yaml, node, field, "'%s' is no whole number", shown(node, text));
		return 0;
	}
	if (errno || value < low || value > high) {
		sp_card_fail(yaml, node, field, "%s is out of range; it takes %u to %u",
			     shown(node, text), low, high);
		return 0;
	}
	return (uint32_t)value;
}

bool sp_card_flag(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field)
{
	static const char *const words[] = { "false", "true", NULL };

	return sp_card_choice(yaml, node, field, words) == 1;
}

unsigned int sp_card_choice(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
			    const char *const *choices)
{
	const char *from = scalar(yaml, node, field);
	char text[40], all[160] = "";
	size_t used = 0;

	if (!from)
		return 0;
	for (unsigned int i = 0; choices[i]; i++) {
		if (!strcmp(from, choices[i]))
			return i;
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
					 choices[i]);
	}
	sp_card_fail(yaml, node, field, "'%s' is none of %s", shown(node, text), all);
	return 0;
}
