/* A version's files into the cache and from there into its folder, several at once. Private to
 * lib/registry. */
#ifndef REGISTRY_DOWNLOAD_H
#define REGISTRY_DOWNLOAD_H

#include "base/errbuf.h"
#include "mlflow/artifacts.h"
#include "registry/cache.h"

struct download;
struct event_base;

struct download_request {
	struct event_base *base;
	struct cache *cache;
	struct artifacts *artifacts; /* NULL: what is not in the cache is -ENOENT */
	const struct registry_folder *folder;
	/* sha256 "": not known, size UINT64_MAX: not known; both are filled in. Must outlive it. */
	struct cache_file *files;
	size_t count;
	uint64_t limit; /* bytes of one file */
	void (*on_progress)(void *self, uint64_t done, uint64_t total);
	void *progress_self;
};
/* From the loop, once. 0, or -errno with the file's name and words: -EBADMSG: its digest differs,
 * also when it was fetched anew. */
typedef void download_fn(void *self, int result, const struct errbuf *err);
int download_start(const struct download_request *q, download_fn *on_end, void *self,
                   struct download **ret);
/* Ends without a callback; safe on NULL. After artifacts_free(): that writes to files of ours. */
void download_free(struct download *d);

#endif
