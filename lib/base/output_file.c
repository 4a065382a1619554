/*
 * Results of a tool must not be mistaken for complete when they are not: the bytes go to a file of
 * another name in the same folder, which gets its own name only at the end.
 *
 * Called by the tools that write CSV files.
 */
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

struct output_file {
	char *path, *temporary; /* NULL: standard output */
	int fd;
};

static void file_free(struct output_file *f)
{
	if (f->path && f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->temporary);
	free(f);
}

static int open_beside(struct output_file *f, const char *path, mode_t mode)
{
	f->fd = -1;
	f->path = strdup(path);
	if (!f->path || asprintf(&f->temporary, "%s.new-%d", path, (int)getpid()) < 0) {
		f->temporary = NULL;
		return -ENOMEM;
	}
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return f->fd < 0 ? -errno : 0;
}

int output_file_open(const char *path, mode_t mode, struct output_file **ret, struct errbuf *err)
{
	struct output_file *f = calloc(1, sizeof(*f));
	int r = f ? 0 : -ENOMEM;

	if (f) {
		f->fd = STDOUT_FILENO;
		if (strcmp(path, "-") != 0)
			r = open_beside(f, path, mode);
	}
	if (r < 0) {
		if (f)
			file_free(f);
		return errbuf_set(err, r, "could not create \"%s\": %s", path, strerror(-r));
	}
	*ret = f;
	return 0;
}

int output_file_write(struct output_file *f, struct str bytes)
{
	return bytes.n ? file_write_all(f->fd, bytes.p, bytes.n) : 0;
}

static int give_name(struct output_file *f)
{
	if (fsync(f->fd) < 0 || rename(f->temporary, f->path) < 0)
		return -errno;
	return file_sync_parent(f->path);
}

int output_file_finish(struct output_file *f, struct errbuf *err)
{
	int r = f->path ? give_name(f) : 0;

	if (r < 0) {
		errbuf_set(err, r, "could not finish \"%s\": %s", f->path, strerror(-r));
		unlink(f->temporary);
	}
	file_free(f);
	return r;
}

void output_file_abort(struct output_file *f)
{
	if (!f)
		return;
	if (f->path)
		unlink(f->temporary);
	file_free(f);
}
