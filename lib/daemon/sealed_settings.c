/*
 * Only the supervisor reads files and the environment; a child gets what it may see as text in a
 * memfd. Sealed, so that what was checked is what is read. Written by the supervisor (and by the
 * scheduler for its jobs), read by daemon.c and by jobs.
 */
#include "daemon/sealed_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"

/* The table has about a hundred keys; sixteen listeners and long texts still stay far below. */
#define TEXT_MAX_BYTES ((uint64_t)1024 * 1024)

int sealed_settings_write(const struct settings *s, unsigned audience, int *ret_fd,
                          uint64_t *ret_size)
{
	struct strbuf text = { .limit = TEXT_MAX_BYTES };
	CLEANUP(close_p) int fd = -1;
	int r = settings_write(s, audience, &text);

	if (r == 0)
		r = strbuf_error(&text);
	if (r == 0)
		r = memfd_new("fraudd-settings", &fd);
	if (r == 0)
		r = file_write_all(fd, text.p, text.n);
	if (r == 0)
		r = memfd_seal(fd);
	if (r == 0) {
		*ret_fd = take_fd(&fd);
		*ret_size = text.n;
	}
	strbuf_done(&text);
	return r;
}

static int read_text(int fd, uint64_t size, char **ret)
{
	CLEANUP(free_p) char *text = NULL;
	struct stat st;
	ssize_t n;

	if (!memfd_is_sealed(fd))
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (size > TEXT_MAX_BYTES || st.st_size < 0 || (uint64_t)st.st_size != size)
		return -EBADMSG;
	text = malloc((size_t)size + 1);
	if (!text)
		return -ENOMEM;
	/* pread: the descriptor's position is shared with whoever else got the memfd. */
	n = pread(fd, text, (size_t)size, 0);
	if (n != (ssize_t)size)
		return n < 0 ? -errno : -EBADMSG;
	text[size] = '\0';
	*ret = take_ptr(&text);
	return 0;
}

int sealed_settings_read(int fd, uint64_t size, struct settings **ret, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	int r = read_text(fd, size, &text);

	if (r < 0)
		return errbuf_set(err, r, "could not read the sealed settings");
	return settings_read((struct str){ text, (size_t)size }, ret, err);
}
