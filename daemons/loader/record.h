/* What the loader knows of one published image, in memory and beside the kept copy on disk. */
#ifndef LOADER_RECORD_H
#define LOADER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "daemon/messages.h"

#define RECORD_MAX_BYTES 4096

struct settings;

struct record {
	char name[MESSAGE_NAME];
	char version[MESSAGE_NAME];
	char registry_version[MESSAGE_NAME];
	/* The settings that an image depends on beside its files: record_recipe(). */
	char recipe[MESSAGE_NAME];
	uint64_t generation;
	uint64_t stamp;    /* registry_version.stamp; 0: unknown */
	uint64_t size;     /* of the image */
	uint32_t verified; /* enum model_verified */
	uint8_t digest[BUNDLE_SHA256_SIZE];
};

/* "key=value" lines and back. -EBADMSG for anything that record_write() does not write. */
int record_write(const struct record *r, struct strbuf *out);
int record_read(struct str text, struct record *ret);

void record_recipe(const struct settings *s, char ret[MESSAGE_NAME]);

#endif
