/*
 * Whole files. Writing is all or nothing: temporary name in the same folder, fsync, rename, fsync
 * of the folder; a reader sees the old content or the new one.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/* The content, terminated by an extra NUL, heap memory of the caller. -EFBIG beyond limit;
 * -EISDIR, -EINVAL for what is no regular file. dir_fd as for openat (AT_FDCWD). */
int file_read(int dir_fd, const char *path, size_t limit, char **ret, size_t *ret_size);

/* Creates or replaces the file with this mode (umask does not apply). */
int file_write(int dir_fd, const char *path, struct str content, mode_t mode);

/* All n bytes at the descriptor's position; 0 or -errno (EINTR is retried, a short write goes on).
 */
int file_write_all(int fd, const void *p, size_t n);
/* Exactly n bytes; -ENODATA if the file ends before. */
int file_read_all(int fd, void *p, size_t n);

/* mkdir -p. */
int file_make_dirs(const char *path, mode_t mode);
/* rm -r below a folder that this program made; symbolic links are removed, not followed. */
int file_remove_tree(const char *path);
/* fsync of the folder that holds path. */
int file_sync_parent(const char *path);

/* A memory file, close-on-exec, that can be sealed; and the four seals that make it a constant. */
int memfd_new(const char *name, int *ret_fd);
int memfd_seal(int fd);
/* True if all of F_SEAL_WRITE, SHRINK, GROW and SEAL are set. */
bool memfd_is_sealed(int fd);

#endif
