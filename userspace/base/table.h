/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their content, UTF-8 aware. */
#ifndef SP_BASE_TABLE_H
#define SP_BASE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum { SP_TABLE_COLUMNS_MAX = 16 };

struct sp_table {
	unsigned int columns;
	bool right[SP_TABLE_COLUMNS_MAX]; /* align right: numbers */
	char **cells;			  /* rows × columns, the heading first */
	unsigned int rows, capacity;
};

/* @headings: "name|>count|text", a '>' before a right-aligned column. */
int sp_table_init(struct sp_table *table, const char *headings);
void sp_table_uninit(struct sp_table *table);

/* One row; its cells are separated by '|' in the formatted text. 0 or -ENOMEM. */
int sp_table_row(struct sp_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The heading is bold on a terminal, unless NO_COLOR is set. */
void sp_table_print(const struct sp_table *table, FILE *out);

#endif
