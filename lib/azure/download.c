/*
 * Getting a blob: small ones in one call, files by ranges that come several at a time. The storage
 * tells an MD5 of each range, so a byte that was damaged on the way costs one range more and not
 * the file; the whole is checked by size and SHA-256. All ranges are of one state of the blob
 * (If-Match).
 *
 * Invariant: the SHA-256 goes over the file in order, as far as all ranges before are written, so
 * no step takes longer than a range. Called by client.c.
 */
#include "azure/download.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "azure/blob_call.h"
#include "azure/hash.h"
#include "azure/operation.h"

/* The most for which Azure tells an MD5. */
#define RANGE_BYTES (UINT64_C(4) << 20)
#define FILE_BYTES (UINT64_C(16) << 30)
#define CONTENT_BYTES (UINT64_C(1) << 20)

struct download;

struct range {
	struct download *download;
	uint32_t index;
	unsigned tries;
	bool busy;
};

struct download {
	struct operation *op;
	struct hash *sha256;
	char wanted[AZURE_SHA256_BYTES]; /* "" = nobody knows */
	uint32_t count, next, hashed;
	unsigned char *written; /* one a range */
	char *buffer;           /* to hash a range */
	uint64_t safe;
	unsigned busy, tries;
	int failed; /* the first failure; its words are in op->result.err */
	struct range ranges[AZURE_PARALLEL];
};

static void download_free(void *self)
{
	struct download *d = self;

	hash_free(d->sha256);
	free(d->written);
	free(d->buffer);
	free(d);
}

static int download_new(struct operation *op, struct download **ret)
{
	struct download *d = calloc(1, sizeof(*d));

	if (!d)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	d->op = op;
	op->state = d;
	op->state_free = download_free;
	*ret = d;
	return 0;
}

static void copy_text(struct str s, char *ret, size_t room)
{
	size_t n = s.p && s.n < room ? s.n : 0;

	memcpy(ret, n ? s.p : "", n);
	ret[n] = '\0';
}

int download_take_head(struct operation *op, const struct fetch_result *r)
{
	struct str length = fetch_result_header(r, "Content-Length");
	unsigned long long size;

	if (!length.p || str_to_u64(length, &size) < 0)
		return errbuf_set(&op->result.err, -EBADMSG, "\"%s/%s\": answer tells no size",
		                  op->q.at.container, op->q.at.path);
	op->result.size = size;
	copy_text(fetch_result_header(r, "ETag"), op->result.etag, sizeof(op->result.etag));
	copy_text(fetch_result_header(r, "x-ms-meta-sha256"), op->result.sha256,
	          sizeof(op->result.sha256));
	return 0;
}

/* What the caller says comes before what the blob says. */
static void set_wanted(struct download *d)
{
	struct operation *op = d->op;
	const char *said = op->q.sha256 ? op->q.sha256 : op->result.sha256;

	copy_text(str_of(said), d->wanted, sizeof(d->wanted));
}

static bool is_md5_right(const struct fetch_result *r)
{
	struct str said = fetch_result_header(r, "Content-MD5");
	char md5[HASH_MD5_BYTES];

	return !said.p || (hash_md5(strbuf_str(&r->body), md5) == 0 && str_is(said, md5));
}

static int tell_damaged(struct operation *op, const char *what)
{
	return errbuf_set(&op->result.err, -EBADMSG, "\"%s/%s\": bytes differ from their %s",
	                  op->q.at.container, op->q.at.path, what);
}

/* The SHA-256 in op->result is that of the bytes. */
static int check_whole(struct download *d)
{
	if (d->wanted[0] && strcasecmp(d->wanted, d->op->result.sha256) != 0)
		return tell_damaged(d->op, "SHA-256");
	return 0;
}

static void on_content(void *self, struct fetch_result *r);

static int get_content(struct download *d)
{
	struct operation *op = d->op;
	const struct blob_call_request q = {
		.method = "GET",
		.at = &op->q.at,
		.limit = op->q.limit ? op->q.limit : CONTENT_BYTES,
	};

	return blob_call_start(op->azure, &q, on_content, d, &op->result.err);
}

static int take_content(struct download *d, struct fetch_result *r)
{
	struct operation *op = d->op;
	struct str s = strbuf_str(&r->body);
	int result = download_take_head(op, r);

	if (result < 0)
		return result;
	set_wanted(d);
	if (!is_md5_right(r))
		return tell_damaged(op, "MD5");
	result = hash_sha256(s, op->result.sha256);
	if (result < 0)
		return errbuf_set(&op->result.err, result, "digest: %s", strerror(-result));
	op->result.size = s.n;
	result = check_whole(d);
	if (result == 0) {
		op->result.body = r->body;
		r->body = (struct strbuf){ 0 };
	}
	return result;
}

static void on_content(void *self, struct fetch_result *r)
{
	struct download *d = self;
	int result;

	if (r->result < 0) {
		operation_fail(d->op, r);
		return;
	}
	result = take_content(d, r);
	if (result == -EBADMSG && ++d->tries < BLOB_CALL_TRIES) {
		result = get_content(d);
		if (result == 0)
			return;
	}
	operation_end(d->op, result);
}

int download_start_content(struct operation *op)
{
	struct download *d;
	int r = download_new(op, &d);

	return r < 0 ? r : get_content(d);
}

static size_t range_size(const struct download *d, uint32_t index)
{
	uint64_t left = d->op->result.size - index * RANGE_BYTES;

	return (size_t)(left < RANGE_BYTES ? left : RANGE_BYTES);
}

static void on_range(void *self, struct fetch_result *r);

static int get_range(struct range *g)
{
	struct download *d = g->download;
	struct operation *op = d->op;
	struct blob_call_request q = { .method = "GET", .at = &op->q.at };
	uint64_t first = g->index * RANGE_BYTES;
	char bytes[64];
	int r;

	snprintf(bytes, sizeof(bytes), "bytes=%llu-%llu", (unsigned long long)first,
	         (unsigned long long)(first + range_size(d, g->index) - 1));
	q.headers[0] = (struct signature_pair){ "x-ms-range", bytes };
	q.headers[1] = (struct signature_pair){ "x-ms-range-get-content-md5", "true" };
	q.if_match = op->result.etag[0] ? op->result.etag : NULL;
	q.limit = range_size(d, g->index);
	r = blob_call_start(op->azure, &q, on_range, g, &op->result.err);
	if (r < 0)
		return r;
	g->busy = true;
	d->busy++;
	return 0;
}

static int read_back(struct download *d, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = pread(d->op->q.fd, d->buffer + got, n - got,
		                  (off_t)(d->hashed * RANGE_BYTES + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -ENODATA;
		got += (size_t)k;
	}
	return hash_add(d->sha256, d->buffer, n);
}

static int write_range(struct download *d, uint32_t index, struct str s)
{
	uint64_t offset = index * RANGE_BYTES;
	int r = 0;

	while (s.n > 0) {
		ssize_t k = pwrite(d->op->q.fd, s.p, s.n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		s.p += k;
		s.n -= (size_t)k;
		offset += (uint64_t)k;
	}
	d->written[index] = 1;
	while (r == 0 && d->hashed < d->count && d->written[d->hashed]) {
		r = read_back(d, range_size(d, d->hashed));
		d->hashed++;
	}
	return r;
}

static int end_file(struct download *d)
{
	struct operation *op = d->op;
	int r = hash_end(d->sha256, op->result.sha256);

	if (r < 0)
		return errbuf_set(&op->result.err, r, "digest: %s", strerror(-r));
	return check_whole(d);
}

static struct range *free_range(struct download *d)
{
	for (unsigned i = 0; i < d->op->azure->options.parallel; i++) {
		if (!d->ranges[i].busy)
			return &d->ranges[i];
	}
	return NULL;
}

/* Asks for what can be asked for; tells the end when nothing is under way any more. */
static void advance(struct download *d)
{
	struct range *g;

	while (!d->failed && d->next < d->count && (g = free_range(d))) {
		*g = (struct range){ .download = d, .index = d->next++ };
		d->failed = get_range(g);
	}
	if (d->busy == 0)
		operation_end(d->op, d->failed ? d->failed : end_file(d));
}

static void take_range(struct range *g, struct fetch_result *r)
{
	struct download *d = g->download;
	struct operation *op = d->op;
	struct str s = strbuf_str(&r->body);
	int result;

	if (s.n != range_size(d, g->index) || !is_md5_right(r)) {
		if (++g->tries < BLOB_CALL_TRIES)
			d->failed = get_range(g);
		else
			d->failed = tell_damaged(op, "MD5");
		return;
	}
	result = write_range(d, g->index, s);
	if (result < 0) {
		d->failed = errbuf_set(&op->result.err, result,
		                       "could not write what came from \"%s/%s\": %s",
		                       op->q.at.container, op->q.at.path, strerror(-result));
		return;
	}
	d->safe += s.n;
	if (op->q.on_progress)
		op->q.on_progress(op->q.self, d->safe, op->result.size);
}

static void on_range(void *self, struct fetch_result *r)
{
	struct range *g = self;
	struct download *d = g->download;

	g->busy = false;
	d->busy--;
	if (!d->failed && r->result < 0) {
		d->op->result.err = r->err;
		d->failed = r->result;
	} else if (!d->failed) {
		take_range(g, r);
	}
	advance(d);
}

static int begin_file(struct download *d)
{
	struct operation *op = d->op;
	uint64_t limit = op->q.limit ? op->q.limit : FILE_BYTES;
	uint64_t size = op->result.size;
	int r;

	if (size > limit || size / RANGE_BYTES >= UINT32_MAX)
		return errbuf_set(&op->result.err, -EFBIG,
		                  "\"%s/%s\" has %llu bytes, more than %llu", op->q.at.container,
		                  op->q.at.path, (unsigned long long)size,
		                  (unsigned long long)limit);
	d->count = (uint32_t)((size + RANGE_BYTES - 1) / RANGE_BYTES);
	d->written = calloc((size_t)d->count + 1, 1);
	d->buffer = malloc(RANGE_BYTES);
	r = hash_new(&d->sha256);
	if (!d->written || !d->buffer || r < 0)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	if (ftruncate(op->q.fd, (off_t)size) < 0)
		return errbuf_set(&op->result.err, -errno, "could not make room for \"%s/%s\": %s",
		                  op->q.at.container, op->q.at.path, strerror(errno));
	return 0;
}

static void on_head(void *self, struct fetch_result *r)
{
	struct download *d = self;
	int result;

	if (r->result < 0) {
		operation_fail(d->op, r);
		return;
	}
	result = download_take_head(d->op, r);
	set_wanted(d);
	if (result == 0)
		result = begin_file(d);
	if (result < 0)
		operation_end(d->op, result);
	else
		advance(d);
}

int download_start_file(struct operation *op)
{
	const struct blob_call_request q = { .method = "HEAD", .at = &op->q.at };
	struct download *d;
	int r = download_new(op, &d);

	return r < 0 ? r : blob_call_start(op->azure, &q, on_head, d, &op->result.err);
}
