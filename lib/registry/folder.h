/* Small steps in a folder that others may write to: no symbolic link is followed, nothing but
 * regular files is read, every size has a limit. Private to lib/registry. */
#ifndef REGISTRY_FOLDER_H
#define REGISTRY_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* 0 or -errno; -ELOOP for a symbolic link, -ENOTDIR for a file. */
int folder_open(int parent, const char *name, int *ret_fd);
/* The same, made if absent (0755). */
int folder_make(int parent, const char *name, int *ret_fd);

/* The whole small file, terminated. -EFBIG if it has `room` bytes or more. */
int folder_read_text(int dir, const char *name, char *ret, size_t room);

struct folder_names {
	char **list; /* sorted, without "." and ".." */
	size_t count;
};
/* -E2BIG beyond limit names. */
int folder_list(int dir, size_t limit, struct folder_names *ret);
void folder_names_done(struct folder_names *n);

/* Over name, size, time and number of each file in the folder and in its sub-folders: equal stamps,
 * same bytes (unless somebody sets the clock of a file back). Not 0; 0 if it could not be read. */
uint64_t folder_stamp(int dir);

#endif
