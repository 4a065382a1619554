/*
 * Getting a blob: small ones in one call, files by ranges that come several at a time. The storage
 * tells an MD5 of each range, so a byte that was damaged on the way costs one range more and not
 * the file; the whole is checked by size and SHA-256. All ranges are of one state of the blob
 * (If-Match).
 *
 * A range that comes before those in front of it waits in memory and keeps its place among those
 * under way. So the file is written in order and has no holes: however a download ends, by a kill
 * too, the file's length is the offset from which the next one can go on. Of what was there then
 * only the digest of the whole can tell whether it is of this blob; if it is not, all comes anew.
 *
 * Invariant: the SHA-256 goes over the file in order and has seen `written` ranges. What is there
 * already is hashed a range a turn of the loop. Called by client.c.
 */
#include "azure/download.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "azure/blob_call.h"
#include "azure/hash.h"
#include "azure/operation.h"
#include "daemon/loop.h"

/* The most for which Azure tells an MD5. */
#define RANGE_BYTES (UINT64_C(4) << 20)
#define FILE_BYTES (UINT64_C(16) << 30)
#define CONTENT_BYTES (UINT64_C(1) << 20)

struct download;

enum range_state { RANGE_FREE, RANGE_ASKED, RANGE_COME };

struct range {
	struct download *download;
	enum range_state state;
	uint32_t index;
	unsigned tries;
	struct strbuf body; /* of one that has come */
};

struct download {
	struct operation *op;
	struct hash *sha256;
	char wanted[AZURE_SHA256_BYTES]; /* "" = nobody knows */
	uint32_t count;                  /* of the file's ranges */
	uint32_t kept;                   /* were there already */
	uint32_t written, next;          /* to be asked for */
	struct loop_timer *timer;        /* while what was kept is hashed; NULL = nothing was */
	unsigned asked, tries;
	int failed; /* the first failure; its words are in op->result.err */
	struct range ranges[AZURE_PARALLEL];
};

static void download_free(void *self)
{
	struct download *d = self;

	for (unsigned i = 0; i < AZURE_PARALLEL; i++)
		strbuf_done(&d->ranges[i].body);
	loop_timer_free(d->timer);
	hash_free(d->sha256);
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
	g->state = RANGE_ASKED;
	d->asked++;
	return 0;
}

static int tell_unwritten(struct operation *op, int result)
{
	return errbuf_set(&op->result.err, result, "could not write what came from \"%s/%s\": %s",
	                  op->q.at.container, op->q.at.path, strerror(-result));
}

/* The file ends behind the first `kept` ranges, and the next is to be what follows. */
static int begin_ranges(struct download *d, uint32_t kept)
{
	int r;

	hash_free(d->sha256);
	d->sha256 = NULL;
	d->kept = kept;
	d->written = 0;
	d->next = kept;
	r = hash_new(&d->sha256);
	if (r == 0 && ftruncate(d->op->q.fd, (off_t)(kept * RANGE_BYTES)) < 0)
		r = -errno;
	return r < 0 ? tell_unwritten(d->op, r) : 0;
}

static void report(const struct download *d)
{
	const struct operation *op = d->op;
	uint64_t done = d->written * RANGE_BYTES;

	if (op->q.on_progress)
		op->q.on_progress(op->q.self, done < op->result.size ? done : op->result.size,
		                  op->result.size);
}

static int write_range(struct download *d, struct str s)
{
	uint64_t offset = d->written * RANGE_BYTES;
	int r = hash_add(d->sha256, s.p, s.n);

	while (r == 0 && s.n > 0) {
		ssize_t k = pwrite(d->op->q.fd, s.p, s.n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		s.p += k;
		s.n -= (size_t)k;
		offset += (uint64_t)k;
	}
	return r;
}

static struct range *find_range(struct download *d, enum range_state state, uint32_t index)
{
	for (unsigned i = 0; i < d->op->azure->options.parallel; i++) {
		struct range *g = &d->ranges[i];

		if (g->state == state && (state == RANGE_FREE || g->index == index))
			return g;
	}
	return NULL;
}

/* Those that have come, as far as none is missing. */
static int write_ranges(struct download *d)
{
	struct range *g;
	int r = 0;

	while (r == 0 && (g = find_range(d, RANGE_COME, d->written))) {
		r = write_range(d, strbuf_str(&g->body));
		strbuf_done(&g->body);
		g->state = RANGE_FREE;
		if (r == 0) {
			d->written++;
			report(d);
		}
	}
	return r < 0 ? tell_unwritten(d->op, r) : 0;
}

static void advance(struct download *d);

/* Once more from the start if it may be what was kept that is wrong. */
static void end_file(struct download *d)
{
	struct operation *op = d->op;
	int r = hash_end(d->sha256, op->result.sha256);

	if (r < 0)
		r = errbuf_set(&op->result.err, r, "digest: %s", strerror(-r));
	else
		r = check_whole(d);
	if (r == -EBADMSG && d->kept > 0) {
		r = begin_ranges(d, 0);
		if (r == 0) {
			op->result.err.text[0] = '\0';
			advance(d);
			return;
		}
	}
	operation_end(op, r);
}

/* Asks for what can be asked for; tells the end when nothing is under way any more. */
static void advance(struct download *d)
{
	struct range *g;

	while (!d->failed && d->next < d->count && (g = find_range(d, RANGE_FREE, 0))) {
		*g = (struct range){ .download = d, .index = d->next++ };
		d->failed = get_range(g);
	}
	if (d->asked > 0)
		return;
	if (d->failed)
		operation_end(d->op, d->failed);
	else
		end_file(d);
}

static int take_range(struct range *g, struct fetch_result *r)
{
	struct download *d = g->download;

	if (r->body.n != range_size(d, g->index) || !is_md5_right(r))
		return !d->failed && ++g->tries < BLOB_CALL_TRIES ? get_range(g)
		                                                  : tell_damaged(d->op, "MD5");
	g->body = r->body;
	r->body = (struct strbuf){ 0 };
	g->state = RANGE_COME;
	return write_ranges(d);
}

/* Behind a failure, too: what still comes in order need not come the next time. */
static void on_range(void *self, struct fetch_result *r)
{
	struct range *g = self;
	struct download *d = g->download;
	struct errbuf *err = &d->op->result.err;
	const struct errbuf first = *err;
	int result = r->result;

	g->state = RANGE_FREE;
	d->asked--;
	if (result < 0)
		*err = r->err;
	else
		result = take_range(g, r);
	if (d->failed)
		*err = first;
	else
		d->failed = result;
	advance(d);
}

static int hash_kept(struct download *d)
{
	size_t n = range_size(d, d->written), got = 0;
	char *buffer = malloc(n);
	int r = buffer ? 0 : -ENOMEM;

	while (r == 0 && got < n) {
		ssize_t k = pread(d->op->q.fd, buffer + got, n - got,
		                  (off_t)(d->written * RANGE_BYTES + got));

		if (k > 0)
			got += (size_t)k;
		else if (k == 0 || errno != EINTR)
			r = k < 0 ? -errno : -ENODATA;
	}
	if (r == 0)
		r = hash_add(d->sha256, buffer, n);
	free(buffer);
	return r;
}

static void on_turn(void *self)
{
	struct download *d = self;
	int r = hash_kept(d);

	if (r < 0) {
		operation_end(d->op,
		              errbuf_set(&d->op->result.err, r,
		                         "could not read what is there of \"%s/%s\": %s",
		                         d->op->q.at.container, d->op->q.at.path, strerror(-r)));
		return;
	}
	d->written++;
	report(d);
	if (d->written < d->kept)
		loop_timer_arm(d->timer, 0);
	else
		advance(d);
}

/* Whole ranges that the caller's file has of the blob. */
static int count_kept(const struct download *d, uint32_t *ret)
{
	const struct operation *op = d->op;
	uint64_t offset = op->q.offset;
	struct stat st;

	if (fstat(op->q.fd, &st) < 0)
		return -errno;
	/* More than there is: of something else. */
	if (offset > op->result.size)
		offset = 0;
	if (offset > (uint64_t)st.st_size)
		offset = (uint64_t)st.st_size;
	*ret = (uint32_t)(offset / RANGE_BYTES);
	return 0;
}

static int begin_file(struct download *d)
{
	struct operation *op = d->op;
	uint64_t limit = op->q.limit ? op->q.limit : FILE_BYTES;
	uint64_t size = op->result.size;
	uint32_t kept = 0;
	int r;

	if (size > limit || size / RANGE_BYTES >= UINT32_MAX)
		return errbuf_set(&op->result.err, -EFBIG,
		                  "\"%s/%s\" has %llu bytes, more than %llu", op->q.at.container,
		                  op->q.at.path, (unsigned long long)size,
		                  (unsigned long long)limit);
	d->count = (uint32_t)((size + RANGE_BYTES - 1) / RANGE_BYTES);
	r = count_kept(d, &kept);
	if (r < 0)
		return tell_unwritten(op, r);
	r = begin_ranges(d, kept);
	if (r < 0 || kept == 0)
		return r;
	r = loop_timer_new(fetch_base(op->azure->fetch), on_turn, d, &d->timer);
	return r < 0 ? errbuf_set(&op->result.err, r, "out of memory") : 0;
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
	else if (d->kept > 0)
		loop_timer_arm(d->timer, 0);
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
