/* Results of an upload on disk: a client such as Python's requests reads nothing before it has sent
 * everything, so they must wait somewhere that is not memory. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

int spool_open(struct spool *s, const char *folder, uint64_t limit)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	*s = (struct spool){ .fd = fd, .limit = limit };
	return 0;
}

int spool_write(struct spool *s, struct str bytes)
{
	int r;

	if (bytes.n > s->limit - s->size)
		return -EFBIG;
	r = file_write_all(s->fd, bytes.p, bytes.n);
	if (r == 0)
		s->size += bytes.n;
	return r;
}

void spool_close(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
