/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "test.h"

TEST(table_aligns_by_characters_not_bytes)
{
	struct sp_table table;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK_EQ(sp_table_init(&table, "lane|>faces|note"), 0);
	CHECK_EQ(sp_table_row(&table, "%s|%d|%s", "größer", 7, "a"), 0);
	CHECK_EQ(sp_table_row(&table, "b|12345678|with | inside"), 0);
	CHECK_EQ(sp_table_row(&table, "short"), 0);
	sp_table_print(&table, out);
	fclose(out);
	CHECK_STR(text, "lane       faces  note\n"
			"größer         7  a\n"
			"b       12345678  with | inside\n"
			"short             \n");
	free(text);
	sp_table_uninit(&table);
}

/* Names come from cameras and files. */
TEST(table_lets_no_control_character_through)
{
	struct sp_table table;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK_EQ(sp_table_init(&table, "name"), 0);
	CHECK_EQ(sp_table_row(&table, "a\033[2Jb\r\n\177"), 0);
	sp_table_print(&table, out);
	fclose(out);
	CHECK_STR(text, "name\na?[2Jb???\n");
	free(text);
	sp_table_uninit(&table);
}

TEST_MAIN()
