/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

#define SPARE "spare.spj"
#define SPARE_MAKING "spare.tmp"

int sp_directory_open(const char *path, struct sp_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return sp_err_set(err, -errno, "%s: %s; give the journal's directory", path,
			  strerror(errno));
}

/* A new name is durable once the directory that holds it is. */
static int sync_parent(int directory)
{
	int fd = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

/* It is not changed here: the path may be a mistake for one that others need, such as /tmp. */
static int check_private(int directory, const char *path, struct sp_err *err)
{
	struct stat st;

	if (fstat(directory, &st))
		return sp_err_set(err, -errno, "%s: %s; see the disk", path, strerror(errno));
	if (st.st_mode & 077)
		return sp_err_set(err, -EACCES,
				  "%s: others may look into it (mode %03o), and people's "
				  "faces are kept there; chmod 700 it, or choose another",
				  path, (unsigned int)st.st_mode & 0777);
	return 0;
}

int sp_directory_make(const char *path, struct sp_err *err)
{
	bool made = !mkdir(path, 0700);
	int fd, ret;

	if (!made && errno != EEXIST)
		return sp_err_set(err, -errno, "%s: cannot make the directory: %s; make its "
				  "parent, or choose another", path, strerror(errno));
	fd = sp_directory_open(path, err);
	if (fd < 0)
		return fd;
	if (!made) {
		ret = check_private(fd, path, err);
		if (!ret)
			return fd;
		close(fd);
		return ret;
	}
	ret = sync_parent(fd);
	if (!ret)
		return fd;
	close(fd);
	return sp_err_set(err, ret, "%s: cannot make its name durable: %s; see the disk", path,
			  strerror(-ret));
}

int sp_directory_lock(int directory, const char *path, struct sp_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[32] = "";
	int ret, n;

	if (fd < 0)
		return sp_err_set(err, -errno, "%s/lock: %s; the journal must be writable", path,
				  strerror(errno));
	/* Of the open file, not of the process: a second writer in this process is refused too. */
	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		ret = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
		if (ret != -EBUSY) {
			sp_err_set(err, ret, "%s/lock: cannot lock: %s; use a local file system",
				   path, strerror(errno));
			goto err_close;
		}
		n = (int)pread(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = 0;
		text[strcspn(text, "\n")] = 0;
		sp_err_set(err, ret, "%s: in use by process %s; stop it first", path,
			   *text ? text : "(unknown)");
		goto err_close;
	}
	/* For people only: if it cannot be written, the lock holds all the same. */
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		sp_log(SP_LOG_WARNING, "%s/lock: cannot write the process id", path);
	return fd;

err_close:
	close(fd);
	return ret;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t sp_directory_list(int directory, uint64_t **ret_sequences)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t *list = NULL, *more, sequence;
	size_t n = 0, room = 0;
	struct dirent *entry;
	int64_t ret;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (errno = 0, (entry = readdir(dir))) {
		if (!sp_segment_name_parse(entry->d_name, &sequence))
			continue;
		if (n == room) {
			room = room ? 2 * room : 64;
			more = realloc(list, room * sizeof(*list));
			if (!more) {
				ret = -ENOMEM;
				goto err_free;
			}
			list = more;
		}
		list[n++] = sequence;
	}
	if (errno) {
		ret = -errno;
		goto err_free;
	}
	closedir(dir);
	if (n)
		qsort(list, n, sizeof(*list), by_value);
	*ret_sequences = list;
	return (int64_t)n;

err_free:
	free(list);
	closedir(dir);
	return ret;
}

static int write_zeros(int fd, uint64_t size)
{
	/* Not const: zeros of that size belong in .bss, not in the program's file. */
	static uint8_t zeros[1 << 20] __attribute__((aligned(SP_BLOCK)));
	uint64_t done = 0;

	while (done < size) {
		uint64_t part = size - done < sizeof(zeros) ? size - done : sizeof(zeros);
		ssize_t n = pwrite(fd, zeros, part, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (uint64_t)n;
	}
	return fdatasync(fd) ? -errno : 0;
}

int sp_directory_prepare(int directory, uint64_t size)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
	struct stat st;
	int fd, ret;

	if (!fstatat(directory, SPARE, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == size)
		return 0;
	/* Zeros are of no use in the page cache. */
	fd = openat(directory, SPARE_MAKING, flags | O_DIRECT, 0600);
	if (fd < 0)
		fd = openat(directory, SPARE_MAKING, flags, 0600);
	if (fd < 0)
		return -errno;
	ret = -posix_fallocate(fd, 0, (off_t)size);
	if (ret)
		goto err_unlink;
	/*
	 * Allocated is not enough: the first write to an allocated but unwritten extent changes the
	 * file system's metadata, which each commit would wait for.
	 */
	ret = write_zeros(fd, size);
	if (ret)
		goto err_unlink;
	close(fd);
	if (renameat(directory, SPARE_MAKING, directory, SPARE))
		return -errno;
	return 0;

err_unlink:
	close(fd);
	unlinkat(directory, SPARE_MAKING, 0);
	return ret;
}

int sp_directory_publish(int directory, uint64_t sequence, const uint8_t *block, int flags)
{
	char name[SP_SEGMENT_NAME_SIZE];
	int fd, ret;
	ssize_t n;

	fd = openat(directory, SPARE, O_WRONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	n = pwrite(fd, block, SP_BLOCK, 0);
	if (n != SP_BLOCK) {
		ret = n < 0 ? -errno : -EIO;
		goto err_close;
	}
	/* Header before name: a segment with a name has a header, whatever happens in between. */
	if (fdatasync(fd)) {
		ret = -errno;
		goto err_close;
	}
	if (renameat2(directory, SPARE, directory, sp_segment_name(sequence, name),
		      RENAME_NOREPLACE)) {
		ret = -errno;
		goto err_close;
	}
	if (fsync(directory)) {
		ret = -errno;
		goto err_close;
	}
	return fd;

err_close:
	close(fd);
	return ret;
}
