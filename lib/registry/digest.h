/* SHA-256 of a file, a few megabytes a turn of the loop. Private to lib/registry. */
#ifndef REGISTRY_DIGEST_H
#define REGISTRY_DIGEST_H

#include <stdint.h>

struct digest;
struct event_base;

/* result: 0 or -errno of a read; sha256: hex; size: of the file. From the loop; the digest is freed
 * before. */
typedef void digest_fn(void *self, int result, const char *sha256, uint64_t size);
/* The descriptor is borrowed, its position stays. */
int digest_start(struct event_base *base, int fd, digest_fn *on_end, void *self,
                 struct digest **ret);
/* Ends without a callback; safe on NULL. */
void digest_free(struct digest *d);

#endif
