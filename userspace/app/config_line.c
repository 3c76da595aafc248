/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The value of @key, @n bytes; *ret_line is where the key stands. */
static yaml_node_t *value_of(yaml_document_t *document, yaml_node_t *mapping, const char *key,
			     size_t n, unsigned int *ret_line)
{
	if (mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(document, pair->key);

		if (!name || name->type != YAML_SCALAR_NODE || name->data.scalar.length != n ||
		    memcmp(name->data.scalar.value, key, n))
			continue;
		*ret_line = (unsigned int)name->start_mark.line + 1;
		return yaml_document_get_node(document, pair->value);
	}
	return NULL;
}

static yaml_node_t *item_of(yaml_document_t *document, yaml_node_t *sequence, unsigned long i,
			    unsigned int *ret_line)
{
	yaml_node_t *item;

	if (sequence->type != YAML_SEQUENCE_NODE ||
	    i >= (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start))
		return NULL;
	item = yaml_document_get_node(document, sequence->data.sequence.items.start[i]);
	if (item)
		*ret_line = (unsigned int)item->start_mark.line + 1;
	return item;
}

/* Step by step along the path, as far as the document goes. */
static unsigned int walk(yaml_document_t *document, const char *field)
{
	yaml_node_t *node = yaml_document_get_root_node(document);
	unsigned int line = 0;

	while (node && *field) {
		size_t n = strcspn(field, ".[");

		if (n) {
			node = value_of(document, node, field, n, &line);
			field += n;
		} else if (*field == '[') {
			char *end;
			unsigned long i = strtoul(field + 1, &end, 10);

			node = item_of(document, node, i, &line);
			field = end + (*end == ']');
		} else {
			field++;
		}
	}
	return line;
}

unsigned int sp_config_line(const char *path, const char *field)
{
	yaml_document_t document;
	unsigned int line = 0;
	yaml_parser_t parser;
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_input_file(&parser, file);
		if (yaml_parser_load(&parser, &document)) {
			line = walk(&document, field);
			yaml_document_delete(&document);
		}
		yaml_parser_delete(&parser);
	}
	fclose(file);
	return line;
}
