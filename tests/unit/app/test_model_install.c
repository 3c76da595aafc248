/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned file gets its name whole or not at all. */
#include "app/model_install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/known_models.h"
#include "base/diag.h"
#include "temporary.h"
#include "test.h"

/* printf 'sallyport' | sha256sum */
static const struct sp_known_model model = {
	.file = "model.onnx",
	.sha256 = "2f675b92d33b90aedfa99682cfe287d98c407f73437853c844828e5d2aeaa4a5",
	.bytes = 9,
};

static const char *directory;

static void fresh_directory(void)
{
	directory = temporary_directory();
}

static int put(const char *bytes, struct sp_err *err)
{
	int ends[2], status;

	CHECK(!pipe(ends));
	CHECK_EQ(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
	close(ends[1]);
	status = sp_model_put(&model, ends[0], directory, NULL, NULL, err);
	close(ends[0]);
	return status;
}

static const char *path_of(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, model.file);
	return path;
}

static unsigned int files(void)
{
	DIR *dir = opendir(directory);
	unsigned int n = 0;

	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return n;
}

TEST(install_of_the_pinned_bytes)
{
	struct sp_err err = { "" };
	struct stat st;

	fresh_directory();
	umask(0077);
	CHECK_EQ(sp_model_verify(&model, path_of(), &err), -ENOENT);
	if (put("sallyport", &err))
		FAIL("%s", err.text);
	CHECK(!stat(path_of(), &st));
	CHECK_EQ(st.st_mode & 07777, 0644);
	CHECK_EQ(sp_model_verify(&model, path_of(), &err), 0);
	CHECK_EQ(files(), 1);
}

TEST(install_makes_the_directory)
{
	struct sp_err err = { "" };

	fresh_directory();
	CHECK(!rmdir(directory));
	CHECK_EQ(put("sallyport", &err), 0);
	CHECK_EQ(files(), 1);
}

TEST(install_keeps_nothing_else)
{
	static const struct {
		const char *bytes, *word;
		int code;
	} cases[] = {
		{ "sallyporT", "another file", -EBADMSG },
		{ "sallypor", "cut short: 8 of 9", -EBADMSG },
		{ "", "cut short: 0 of 9", -EBADMSG },
		{ "sallyport and more", "more than the 9 bytes", -EFBIG },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_err err = { "" };

		fresh_directory();
		CHECK_EQ(put(cases[i].bytes, &err), cases[i].code);
		if (!strstr(err.text, cases[i].word))
			FAIL("'%s' is not in: %s", cases[i].word, err.text);
		CHECK_EQ(files(), 0);
	}
}

TEST(install_leaves_the_old_file_when_it_fails)
{
	struct sp_err err = { "" };

	fresh_directory();
	CHECK_EQ(put("sallyport", &err), 0);
	CHECK_EQ(put("sallyporT", &err), -EBADMSG);
	CHECK_EQ(sp_model_verify(&model, path_of(), &err), 0);
	CHECK_EQ(files(), 1);
}

TEST(install_tells_another_content_apart)
{
	struct sp_err err = { "" };
	FILE *f;

	fresh_directory();
	f = fopen(path_of(), "w");
	CHECK(f && fputs("sallyporT", f) >= 0 && !fclose(f));
	CHECK_EQ(sp_model_verify(&model, path_of(), &err), -EEXIST);
	CHECK(strstr(err.text, path_of()));
	CHECK_EQ(put("sallyport", &err), 0);
	CHECK_EQ(sp_model_verify(&model, path_of(), &err), 0);
}

TEST_MAIN()
