/*
 * The last known good version: the files and the image of what was published last, so that a host
 * serves after a restart without its registry.
 *
 *   <state_dir>/last-known-good/ record image bundle/<the version's files>
 *
 * The folder is replaced whole.
 */
#ifndef LOADER_KEPT_H
#define LOADER_KEPT_H

#include "base/errbuf.h"
#include "record.h"

/*
 * The kept image in a sealed memfd: whole, and of this build's layout. Blocks for a copy of the
 * image: before READY. -ENOENT: nothing is kept. Any other failure with ret->version set: the image
 * is of no use (broken, of another layout), but the files can be compiled again; else ret->version
 * is "".
 */
int kept_open(const char *state_dir, struct record *ret, int *ret_fd, struct errbuf *err);
/* The kept version's folder; 0 or -errno. */
int kept_open_bundle(const char *state_dir, int *ret_fd);

/*
 * Copies the version (folder_fd) and its image and swaps the copy in, unless what is kept is of a
 * newer generation. options: as it was compiled. Blocks long: for a child.
 */
int kept_write(const char *state_dir, const struct record *record, int folder_fd, int image_fd,
               const struct bundle_options *options, struct errbuf *err);

#endif
