/* SPDX-License-Identifier: Apache-2.0 */
#include "app/model_install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/known_models.h"
#include "app/model_file.h"
#include "base/diag.h"

enum { CHUNK = 1 << 16, PATH_SIZE = 4096 };

struct copy {
	const struct sp_known_model *model;
	EVP_MD_CTX *digest;
	uint64_t bytes;
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
};

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Reads @from to its end, a byte beyond the pinned size at most; @to may be -1. 0 or -errno. */
static int copy_through(struct copy *copy, int from, int to)
{
	static uint8_t chunk[CHUNK];
	int status = 0;

	while (!status) {
		ssize_t n = read(from, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		copy->bytes += (uint64_t)n;
		if (copy->bytes > copy->model->bytes)
			return -EFBIG;
		if (EVP_DigestUpdate(copy->digest, chunk, (size_t)n) != 1)
			return -ENOMEM;
		status = to < 0 ? 0 : write_all(to, chunk, (size_t)n);
		if (copy->progress)
			copy->progress(copy->arg, copy->bytes);
	}
	return status;
}

/* 0, or -EBADMSG with @err saying what the bytes are. */
static int judge(struct copy *copy, struct sp_err *err)
{
	uint8_t sha256[EVP_MAX_MD_SIZE];
	char text[SP_SHA256_TEXT];

	if (copy->bytes < copy->model->bytes)
		return sp_err_set(err, -EBADMSG, "cut short: %llu of %llu bytes",
				  (unsigned long long)copy->bytes,
				  (unsigned long long)copy->model->bytes);
	if (EVP_DigestFinal_ex(copy->digest, sha256, NULL) != 1)
		return sp_err_set(err, -ENOMEM, "out of memory");
	if (strcmp(sp_sha256_text(sha256, text), copy->model->sha256))
		return sp_err_set(err, -EBADMSG,
				  "another file: its sha256 is %.16s…, that of %s %.16s…", text,
				  copy->model->file, copy->model->sha256);
	return 0;
}

static int copy_judged(struct copy *copy, int from, int to, struct sp_err *err)
{
	int status;

	copy->digest = EVP_MD_CTX_new();
	if (!copy->digest || EVP_DigestInit_ex(copy->digest, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(copy->digest);
		return sp_err_set(err, -ENOMEM, "out of memory");
	}
	status = copy_through(copy, from, to);
	if (status == -EFBIG)
		sp_err_set(err, status, "another file: it has more than the %llu bytes of %s",
			   (unsigned long long)copy->model->bytes, copy->model->file);
	else if (status)
		sp_err_set(err, status, "%s", strerror(-status));
	else
		status = judge(copy, err);
	EVP_MD_CTX_free(copy->digest);
	return status;
}

int sp_model_verify(const struct sp_known_model *model, const char *path, struct sp_err *err)
{
	struct copy copy = { .model = model };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;

	if (fd < 0)
		return sp_err_set(err, -errno, "%s: %s", path, strerror(errno));
	status = copy_judged(&copy, fd, -1, err);
	close(fd);
	if (!status)
		return 0;
	sp_err_prefix(err, status, "%s", path);
	return status == -EBADMSG || status == -EFBIG ? -EEXIST : status;
}

/* The directory's own entry must be on disk before the file's name counts. */
static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (fd < 0)
		return -errno;
	status = fsync(fd) ? -errno : 0;
	close(fd);
	return status;
}

/*
 * A file in @directory to write to, without a name if the file system can do that, so that whatever
 * ends the program leaves nothing behind; else under *@partial, which is "" otherwise. The
 * descriptor or -errno.
 */
static int open_partial(const struct sp_known_model *model, const char *directory,
			char partial[PATH_SIZE])
{
	int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	*partial = '\0';
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	snprintf(partial, PATH_SIZE, "%s/.%s.XXXXXX", directory, model->file);
	fd = mkostemp(partial, O_CLOEXEC);
	if (fd < 0)
		*partial = '\0';
	return fd < 0 ? -errno : fd;
}

/* The finished file at @fd gets the name @path, in place of what has it. 0 or -errno. */
static int give_name(int fd, const struct sp_known_model *model, const char *directory,
		     char partial[PATH_SIZE], const char *path)
{
	char source[40];

	if (fchmod(fd, 0644) || fsync(fd))
		return -errno;
	if (!*partial) {
		/* A link cannot replace a file; a name of its own for a moment can. */
		snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
		snprintf(partial, PATH_SIZE, "%s/.%s.%ld", directory, model->file, (long)getpid());
		unlink(partial);
		if (linkat(AT_FDCWD, source, AT_FDCWD, partial, AT_SYMLINK_FOLLOW)) {
			*partial = '\0';
			return -errno;
		}
	}
	return rename(partial, path) ? -errno : 0;
}

int sp_model_put(const struct sp_known_model *model, int fd, const char *directory,
		 void (*progress)(void *arg, uint64_t bytes), void *arg, struct sp_err *err)
{
	struct copy copy = { .model = model, .progress = progress, .arg = arg };
	char partial[PATH_SIZE], path[PATH_SIZE];
	int to, status;

	/* Room for the longest of the names beside the file's own. */
	if (snprintf(path, sizeof(path), "%s/.%s.0123456789", directory, model->file) >= PATH_SIZE)
		return sp_err_set(err, -ENAMETOOLONG, "%s: the path is too long", directory);
	snprintf(path, sizeof(path), "%s/%s", directory, model->file);
	if (mkdir(directory, 0755) && errno != EEXIST)
		return sp_err_set(err, -errno, "%s: %s", directory, strerror(errno));
	to = open_partial(model, directory, partial);
	if (to < 0)
		return sp_err_set(err, to, "%s: %s", directory, strerror(-to));
	status = copy_judged(&copy, fd, to, err);
	if (!status) {
		status = give_name(to, model, directory, partial, path);
		if (status)
			sp_err_set(err, status, "%s: %s", path, strerror(-status));
	}
	if (status && *partial)
		unlink(partial);
	if (!status) {
		status = sync_directory(directory);
		if (status)
			sp_err_set(err, status, "%s: %s", directory, strerror(-status));
	}
	close(to);
	return status;
}
