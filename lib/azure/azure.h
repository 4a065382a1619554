/*
 * Azure Blob Storage over REST: put by blocks, get by ranges, head, list, delete. On the loop in
 * daemons, blocking in tools (it stands on fetch/fetch.h, which retries). Every byte is checked:
 * each block and range by MD5, the whole by size and by SHA-256, which is kept with the blob as its
 * metadata "sha256".
 */
#ifndef AZURE_AZURE_H
#define AZURE_AZURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "azure/blob_address.h"
#include "azure/credentials.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "base/strbuf.h"

#define AZURE_SHA256_BYTES 65 /* hex, with the terminator */

struct azure;
struct fetch;
struct retry_policy;

struct azure_options {
	unsigned parallel;    /* blocks or ranges of one file under way; 0 = 4 */
	uint64_t block_bytes; /* of an upload; 0 = 8 MiB, more for files beyond 50,000 blocks */
	const struct retry_policy *retry; /* of each request; NULL = retry_default; copied */
	uint32_t stall_seconds;           /* see fetch_request; 0 = 30 */
};

/* fetch and credentials must outlive it. */
int azure_new(struct fetch *f, const struct credentials *c, const struct azure_options *o,
              struct azure **ret);
/* What is under way ends without a callback. Not from a callback. Before fetch_free(). */
void azure_free(struct azure *a);

enum azure_verb {
	AZURE_PUT,      /* content */
	AZURE_PUT_FILE, /* size bytes of fd from its start */
	AZURE_GET,      /* into memory, at most limit bytes */
	AZURE_GET_FILE, /* into fd, in order, and the file ends where the blob does. If it fails,
	                   the file's length is an offset to go on from. */
	AZURE_HEAD,
	AZURE_DELETE,
	AZURE_LIST, /* what lies below at.path, without names of further folders if !deep */
	AZURE_MAKE_CONTAINER, /* one that is there is fine */
	AZURE_VERB_MAX
};

typedef void azure_progress_fn(void *self, uint64_t done, uint64_t total);

/* What the verb does not name is not looked at. Texts are copied, content and fd are borrowed until
 * the end. */
struct azure_request {
	enum azure_verb verb;
	struct blob_address at;
	struct str content;
	const char *content_type; /* NULL = application/octet-stream */
	bool only_new;            /* put: -EEXIST if there is one */
	int fd;
	uint64_t size;
	uint64_t offset;    /* get file: bytes of fd that are there already and are kept, as far as
	                       ranges of 4 MiB are whole; the digest covers them, and all comes anew
	                       if it differs. Without a digest the caller has to compare. */
	uint64_t limit;     /* get: 0 = 1 MiB; get file: 0 = 16 GiB; list: entries, 0 = 10000 */
	const char *sha256; /* get: what it must be; NULL = what its metadata says, if they do */
	bool deep;
	azure_progress_fn *on_progress; /* put file, get file: bytes that are safe */
	void *self;                     /* of on_progress */
};

struct azure_entry {
	char *name; /* from the container on, decoded; of a folder with '/' at its end */
	uint64_t size;
	bool is_folder;
};

struct azure_result {
	/* As fetch_result.result, with words; -EBADMSG: bytes differ from their digest. */
	int result;
	struct errbuf err;
	uint64_t size;                   /* head, get, put */
	char sha256[AZURE_SHA256_BYTES]; /* put, get: of the bytes; head: what metadata say, or ""
	                                  */
	char etag[96];                   /* head, get */
	struct strbuf body;              /* get */
	struct azure_entry *entries;     /* list: in the order of their names */
	size_t count;
	struct arena names; /* of the entries */
};
void azure_result_done(struct azure_result *r);

/* on_done comes once, from the loop, never before this returns. What it does not take is freed
 * behind it. Negative with words: it does not come. With an offset fetch_wait() may return before:
 * between two calls a timer hashes. */
typedef void azure_fn(void *self, struct azure_result *r);
int azure_start(struct azure *a, const struct azure_request *q, azure_fn *on_done, void *self,
                struct errbuf *err);
/* Ends without a callback what was started with this self. Not from a callback. */
void azure_cancel(struct azure *a, const void *self);

/* Blocking, if the client of fetch has a loop of its own. Returns ret->result; the caller calls
 * azure_result_done() in any case. */
int azure_call(struct azure *a, const struct azure_request *q, struct azure_result *ret);

#endif
