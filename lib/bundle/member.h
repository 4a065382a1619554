/* Reading the files of a version folder. Private to lib/bundle. */
#ifndef BUNDLE_MEMBER_H
#define BUNDLE_MEMBER_H

#include "bundle/bundle.h"

/* What a folder may hold: path, what it may weigh, and whether its bytes are kept. */
struct member_kind {
	const char *path;
	uint64_t limit; /* 0: bundle_options.max_bytes */
	bool keep;
	bool required; /* of a folder with artifacts/ */
};
/* A kind for any path, known or not. */
const struct member_kind *member_kind_of(struct str path);
/* Known kinds one by one; NULL ends. */
const struct member_kind *member_kind_at(size_t i);

/* A folder being read. */
struct member_reader {
	int dir; /* the version folder */
	const struct bundle_options *options;
	struct arena *arena;
	struct bundle *bundle; /* members has room for BUNDLE_MAX_MEMBERS */
};

/* "model.ubj" or "artifacts/golden.csv": one or two plain names. */
bool member_path_is_valid(struct str path);
bool member_exists(const struct member_reader *r, const char *path);
/* Appends the member to the bundle. The path is borrowed. */
int member_read(struct member_reader *r, struct str path, struct errbuf *err);

/* Digest of exactly `size` bytes from the descriptor's position to the end of the file; keep (or
 * NULL) gets the bytes. -EBADMSG if there are more or fewer. */
int bundle_digest_stream(int fd, char *keep, uint64_t size, uint8_t ret[BUNDLE_SHA256_SIZE]);

#endif
