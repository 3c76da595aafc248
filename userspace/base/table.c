/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Columns on a terminal: bytes that do not continue a UTF-8 sequence. */
static unsigned int width_of(const char *text)
{
	unsigned int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80;
	return width;
}

/* Names come from cameras and files: none may move the terminal's cursor. */
static void disarm(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7F)
			*text = '?';
}

/* Splits @text at '|' into the next row; missing cells are empty. */
static int add_row(struct sp_table *table, const char *text)
{
	char **row;

	if (table->rows == table->capacity) {
		unsigned int capacity = table->capacity ? 2 * table->capacity : 16;
		char **cells = realloc(table->cells,
				       (size_t)capacity * table->columns * sizeof(*cells));

		if (!cells)
			return -ENOMEM;
		table->cells = cells;
		table->capacity = capacity;
	}
	row = table->cells + (size_t)table->rows * table->columns;
	for (unsigned int i = 0; i < table->columns; i++) {
		size_t len = i + 1 < table->columns ? strcspn(text, "|") : strlen(text);

		row[i] = strndup(text, len);
		if (!row[i]) {
			while (i--)
				free(row[i]);
			return -ENOMEM;
		}
		disarm(row[i]);
		text += len + (text[len] == '|');
	}
	table->rows++;
	return 0;
}

int sp_table_init(struct sp_table *table, const char *headings)
{
	char heading[512];
	size_t n = 0;

	memset(table, 0, sizeof(*table));
	table->columns = 1;
	for (const char *c = headings; *c && n + 1 < sizeof(heading); c++) {
		if (*c == '>' && (c == headings || c[-1] == '|')) {
			table->right[table->columns - 1] = true;
			continue;
		}
		if (*c == '|' && ++table->columns > SP_TABLE_COLUMNS_MAX)
			return -EINVAL;
		heading[n++] = *c;
	}
	heading[n] = '\0';
	return add_row(table, heading);
}

void sp_table_uninit(struct sp_table *table)
{
	for (size_t i = 0; i < (size_t)table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}

int sp_table_row(struct sp_table *table, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return add_row(table, line);
}

void sp_table_print(const struct sp_table *table, FILE *out)
{
	bool bold = isatty(fileno(out)) && !getenv("NO_COLOR");
	unsigned int widths[SP_TABLE_COLUMNS_MAX] = { 0 };

	for (unsigned int r = 0; r < table->rows; r++)
		for (unsigned int c = 0; c < table->columns; c++) {
			unsigned int width = width_of(table->cells[r * table->columns + c]);

			if (width > widths[c])
				widths[c] = width;
		}
	for (unsigned int r = 0; r < table->rows; r++) {
		if (!r && bold)
			fputs("\033[1m", out);
		for (unsigned int c = 0; c < table->columns; c++) {
			const char *cell = table->cells[r * table->columns + c];
			int pad = (int)(widths[c] - width_of(cell));
			bool last = c + 1 == table->columns;

			if (table->right[c])
				fprintf(out, "%*s%s", pad, "", cell);
			else
				fprintf(out, "%s%*s", cell, last ? 0 : pad, "");
			fputs(last ? "" : "  ", out);
		}
		if (!r && bold)
			fputs("\033[0m", out);
		fputc('\n', out);
	}
}
