/*
 * What the loader does not do itself but has done by a child of its own program: `fraud-loader
 * --compile` (no network, limits; reads what came from outside) and `fraud-loader --keep` (copies
 * what was published). main() asks here before daemon_run().
 */
#ifndef LOADER_CHILD_H
#define LOADER_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "bundle/bundle.h"
#include "daemon/messages.h"

/* Descriptors of both children. */
enum {
	CHILD_FOLDER_FD = 3, /* the version's folder */
	CHILD_IMAGE_FD = 4,  /* memfd: written by --compile, read by --keep */
	CHILD_RESULT_FD = 5, /* memfd that gets the struct below */
};

#define CHILD_MAGIC 0x31646c6968436466u /* another value: nobody wrote a result */

struct child_result {
	uint64_t magic;
	int32_t result;     /* 0, or -errno of the refusal; then words say why */
	uint32_t verified;  /* enum model_verified */
	uint32_t unchanged; /* the digest was as --unless: no image was made */
	uint32_t spare;
	uint64_t size; /* of the image */
	uint8_t digest[BUNDLE_SHA256_SIZE];
	char name[MESSAGE_NAME], version[MESSAGE_NAME];
	struct errbuf note; /* which trees are served */
	struct errbuf words;
};

/* True if the command line is one of the two; *ret_status is then the exit status. */
bool child_run(int argc, char **argv, int *ret_status);

/* -errno or 0; called by child_run(). */
int compile_command(int argc, char **argv);
int keep_command(int argc, char **argv);

#endif
