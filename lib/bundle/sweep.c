/*
 * What killed processes left beside the versions: folders ".new-<version>-<pid>" of writers and
 * ".old-<version>-<pid>" of who removed one. A folder is gone only if it is surely nobody's: its
 * process is not there any more and nothing in it has begun for an hour, so that a writer on
 * another host that shares the folder is left alone.
 *
 * Called by bundle_write() before it writes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "bundle/bundle.h"

#define LEFT_OVER_SECONDS 3600

static void closedir_p(DIR *const *d)
{
	if (*d)
		closedir(*d);
}

/* The number behind the last dash; 0 if there is none. */
static pid_t writer_of(const char *name)
{
	const char *dash = strrchr(name, '-');
	unsigned long long pid;

	return str_to_u64(str_of(dash + 1), &pid) == 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

static bool is_left_over(int dir, const char *name)
{
	struct stat st;
	pid_t pid;

	if (strncmp(name, ".new-", 5) != 0 && strncmp(name, ".old-", 5) != 0)
		return false;
	pid = writer_of(name);
	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_mtime < time(NULL) - LEFT_OVER_SECONDS;
}

void bundle_sweep(const char *parent)
{
	CLEANUP(closedir_p) DIR *d = opendir(parent);
	const struct dirent *e;
	char path[PATH_MAX];

	while (d && (e = readdir(d))) {
		if (!is_left_over(dirfd(d), e->d_name))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", parent, e->d_name) < sizeof(path))
			(void)file_remove_tree(path);
	}
}
