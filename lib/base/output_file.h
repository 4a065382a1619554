/* A file that appears whole or not at all: written beside its name, then renamed. */
#ifndef BASE_OUTPUT_FILE_H
#define BASE_OUTPUT_FILE_H

#include <sys/types.h>

#include "base/errbuf.h"
#include "base/str.h"

struct output_file;

/* path "-": standard output, as it comes. mode: less what umask takes. */
int output_file_open(const char *path, mode_t mode, struct output_file **ret, struct errbuf *err);
int output_file_write(struct output_file *f, struct str bytes);
/* Both free. finish: fsync, rename. */
int output_file_finish(struct output_file *f, struct errbuf *err);
void output_file_abort(struct output_file *f);

#endif
