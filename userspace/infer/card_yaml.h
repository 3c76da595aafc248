/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of small YAML mappings: every field is one that a table names, there once, of the
 * type that is wanted. What is wrong is said with file, line and field.
 */
#ifndef SP_INFER_CARD_YAML_H
#define SP_INFER_CARD_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yaml.h>

struct sp_err;

/* The first error stays in @error and makes the rest harmless. */
struct sp_card_yaml {
	yaml_document_t *document;
	const char *name; /* of the file */
	void *arg; /* what is filled */
	struct sp_err *err;
	int error;
};

struct sp_card_field {
	const char *name;
	/* Reads @node; @field is its whole name, for messages. NULL: anything, and not looked at. */
	void (*read)(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field);
	unsigned int roles; /* a bit for each that has it */
};

__attribute__((format(printf, 4, 5))) void sp_card_fail(struct sp_card_yaml *yaml,
							const yaml_node_t *node, const char *field,
							const char *fmt, ...);

/*
 * Reads the mapping @node by @fields, which end with a NULL name; those without a bit of @roles are
 * refused as belonging elsewhere. @prefix: "" or "input.".
 */
void sp_card_mapping(struct sp_card_yaml *yaml, yaml_node_t *node, const char *prefix,
		     const struct sp_card_field *fields, unsigned int roles);

/* The value of @key in a mapping, or NULL. */
yaml_node_t *sp_card_value(struct sp_card_yaml *yaml, yaml_node_t *mapping, const char *key);

/* How many items a sequence has; a scalar counts as one, anything else is an error. */
unsigned int sp_card_items(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
			   unsigned int min, unsigned int max);
/* Item @i; of a scalar itself. */
yaml_node_t *sp_card_item(struct sp_card_yaml *yaml, yaml_node_t *node, unsigned int i);

/* Text of at most @size - 1 bytes without control characters. */
void sp_card_text(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field, char *text,
		  size_t size);
/* A number within [@low, @high]; 0 after an error. */
float sp_card_number(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field, double low,
		     double high);
uint32_t sp_card_whole(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
		       uint32_t low, uint32_t high);
/* true or false. */
bool sp_card_flag(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field);
/* The place of the text among @choices, which end with NULL; 0 after an error. */
unsigned int sp_card_choice(struct sp_card_yaml *yaml, yaml_node_t *node, const char *field,
			    const char *const *choices);

#endif
