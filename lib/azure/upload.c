/*
 * Putting a blob: in one call if it fits one block, else by blocks that are sent several at a time,
 * each with its MD5, and a commit that makes all of them the blob at once, so that no reader sees a
 * part. At the end the storage is asked for size and SHA-256.
 *
 * Invariant: blocks are read in their order, each once, so the SHA-256 is that of the bytes that
 * were sent even if the file changes meanwhile. Called by client.c.
 */
#include "azure/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "azure/blob_call.h"
#include "azure/hash.h"
#include "azure/operation.h"
#include "base/encode.h"

#define MIB UINT64_C(1048576)
#define BLOCKS UINT64_C(50000)
#define BLOCK_BYTES_MAX (4000 * MIB)
#define ID_BYTES 13
#define ANY_TYPE "application/octet-stream"

struct upload;

struct block {
	struct upload *upload;
	char *buffer;
	size_t n;
	char id[ID_BYTES];
	char md5[HASH_MD5_BYTES];
	unsigned tries;
	bool busy;
};

struct upload {
	struct operation *op;
	struct hash *sha256;
	uint64_t block_bytes, read, safe;
	uint32_t next; /* number of the block to come */
	unsigned busy;
	int failed; /* the first failure; its words are in op->result.err */
	unsigned tries;
	struct strbuf list; /* of the commit */
	struct str content; /* of a single put */
	struct block blocks[AZURE_PARALLEL];
};

static void upload_free(void *self)
{
	struct upload *u = self;

	for (size_t i = 0; i < AZURE_PARALLEL; i++)
		free(u->blocks[i].buffer);
	hash_free(u->sha256);
	strbuf_done(&u->list);
	free(u);
}

static int upload_new(struct operation *op, struct upload **ret)
{
	struct upload *u = calloc(1, sizeof(*u));

	if (!u)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	u->op = op;
	op->state = u;
	op->state_free = upload_free;
	*ret = u;
	return 0;
}

static void on_verified(void *self, struct fetch_result *r)
{
	struct upload *u = self;
	struct operation *op = u->op;
	struct str length = fetch_result_header(r, "Content-Length");
	struct str sha256 = fetch_result_header(r, "x-ms-meta-sha256");
	unsigned long long size;

	if (r->result < 0) {
		operation_fail(op, r);
		return;
	}
	if (!length.p || str_to_u64(length, &size) < 0 || size != op->result.size)
		operation_end(op,
		              errbuf_set(&op->result.err, -EBADMSG,
		                         "\"%s/%s\" has %.*s bytes, not the %llu that were sent",
		                         op->q.at.container, op->q.at.path, STR_ARGS(length),
		                         (unsigned long long)op->result.size));
	else if (!sha256.p || !str_is(sha256, op->result.sha256))
		operation_end(op,
		              errbuf_set(&op->result.err, -EBADMSG,
		                         "\"%s/%s\" has not the SHA-256 that was sent: somebody "
		                         "else wrote it at the same time",
		                         op->q.at.container, op->q.at.path));
	else
		operation_end(op, 0);
}

static void verify(struct upload *u)
{
	struct operation *op = u->op;
	const struct blob_call_request q = { .method = "HEAD", .at = &op->q.at };
	int r = blob_call_start(op->azure, &q, on_verified, u, &op->result.err);

	if (r < 0)
		operation_end(op, r);
}

static void on_put(void *self, struct fetch_result *r);

static int put(struct upload *u)
{
	struct operation *op = u->op;
	struct blob_call_request q = { .method = "PUT", .at = &op->q.at, .body = u->content };
	char md5[HASH_MD5_BYTES];
	int r = hash_md5(u->content, md5);

	if (r == 0)
		r = hash_sha256(u->content, op->result.sha256);
	if (r < 0)
		return errbuf_set(&op->result.err, r, "digest: %s", strerror(-r));
	op->result.size = u->content.n;
	q.content_md5 = md5;
	q.content_type = op->q.content_type ? op->q.content_type : ANY_TYPE;
	q.headers[0] = (struct signature_pair){ "x-ms-blob-type", "BlockBlob" };
	q.headers[1] = (struct signature_pair){ "x-ms-meta-sha256", op->result.sha256 };
	q.if_none_match = op->q.only_new ? "*" : NULL;
	q.once = op->q.only_new;
	return blob_call_start(op->azure, &q, on_put, u, &op->result.err);
}

static void on_put(void *self, struct fetch_result *r)
{
	struct upload *u = self;
	struct operation *op = u->op;
	int result;

	if (r->result == 0) {
		if (op->q.verb == AZURE_PUT_FILE && op->q.on_progress)
			op->q.on_progress(op->q.self, op->q.size, op->q.size);
		verify(u);
		return;
	}
	if (!blob_call_was_damaged(r) || ++u->tries >= BLOB_CALL_TRIES) {
		operation_fail(op, r);
		return;
	}
	result = put(u);
	if (result < 0)
		operation_end(op, result);
}

int upload_start_content(struct operation *op)
{
	struct upload *u;
	int r = upload_new(op, &u);

	if (r < 0)
		return r;
	u->content = op->q.content;
	return put(u);
}

/* The whole of a block at the file's offset u->read. */
static int read_block(struct upload *u, struct block *b, size_t n)
{
	struct operation *op = u->op;
	size_t got = 0;

	if (!b->buffer)
		b->buffer = malloc((size_t)u->block_bytes);
	if (!b->buffer)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	while (got < n) {
		ssize_t k = pread(op->q.fd, b->buffer + got, n - got, (off_t)(u->read + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errbuf_set(&op->result.err, -errno, "could not read the file: %s",
			                  strerror(errno));
		if (k == 0)
			return errbuf_set(&op->result.err, -ENODATA,
			                  "file became shorter while it was sent");
		got += (size_t)k;
	}
	b->n = n;
	u->read += n;
	return 0;
}

static void on_block(void *self, struct fetch_result *r);

static int send_block(struct block *b)
{
	struct upload *u = b->upload;
	struct operation *op = u->op;
	struct blob_call_request q = { .method = "PUT", .at = &op->q.at };
	int r;

	q.body = (struct str){ b->buffer, b->n };
	q.content_md5 = b->md5;
	q.content_type = ANY_TYPE;
	q.query[0] = (struct signature_pair){ "blockid", b->id };
	q.query[1] = (struct signature_pair){ "comp", "block" };
	r = blob_call_start(op->azure, &q, on_block, b, &op->result.err);
	if (r < 0)
		return r;
	b->busy = true;
	u->busy++;
	return 0;
}

static int begin_block(struct upload *u, struct block *b)
{
	uint64_t left = u->op->q.size - u->read;
	char number[9];
	int r;

	snprintf(number, sizeof(number), "%08u", u->next++ % 100000000);
	base64_encode(number, 8, 0, b->id);
	strbuf_addf(&u->list, "<Latest>%s</Latest>", b->id);
	r = read_block(u, b, (size_t)(left < u->block_bytes ? left : u->block_bytes));
	if (r < 0)
		return r;
	b->upload = u;
	b->tries = 0;
	r = hash_md5((struct str){ b->buffer, b->n }, b->md5);
	if (r == 0)
		r = hash_add(u->sha256, b->buffer, b->n);
	if (r < 0)
		return errbuf_set(&u->op->result.err, r, "digest: %s", strerror(-r));
	return send_block(b);
}

static void on_committed(void *self, struct fetch_result *r)
{
	struct upload *u = self;

	if (r->result < 0)
		operation_fail(u->op, r);
	else
		verify(u);
}

static int commit(struct upload *u)
{
	struct operation *op = u->op;
	struct blob_call_request q = { .method = "PUT", .at = &op->q.at };
	const char *type = op->q.content_type ? op->q.content_type : ANY_TYPE;
	char md5[HASH_MD5_BYTES];
	int r;

	strbuf_adds(&u->list, "</BlockList>");
	r = strbuf_error(&u->list);
	if (r == 0)
		r = hash_end(u->sha256, op->result.sha256);
	if (r == 0)
		r = hash_md5(strbuf_str(&u->list), md5);
	if (r < 0)
		return errbuf_set(&op->result.err, r, "commit: %s", strerror(-r));
	op->result.size = op->q.size;
	q.body = strbuf_str(&u->list);
	q.content_md5 = md5;
	q.content_type = "application/xml";
	q.query[0] = (struct signature_pair){ "comp", "blocklist" };
	q.headers[0] = (struct signature_pair){ "x-ms-blob-content-type", type };
	q.headers[1] = (struct signature_pair){ "x-ms-meta-sha256", op->result.sha256 };
	q.if_none_match = op->q.only_new ? "*" : NULL;
	q.once = op->q.only_new;
	return blob_call_start(op->azure, &q, on_committed, u, &op->result.err);
}

static struct block *free_block(struct upload *u)
{
	for (unsigned i = 0; i < u->op->azure->options.parallel; i++) {
		if (!u->blocks[i].busy)
			return &u->blocks[i];
	}
	return NULL;
}

/* Sends what can be sent; negative when it failed and nothing is under way any more. */
static int advance(struct upload *u)
{
	struct block *b;

	while (!u->failed && u->read < u->op->q.size && (b = free_block(u)))
		u->failed = begin_block(u, b);
	if (u->busy > 0)
		return 0;
	return u->failed ? u->failed : commit(u);
}

static void on_block(void *self, struct fetch_result *r)
{
	struct block *b = self;
	struct upload *u = b->upload;
	struct operation *op = u->op;
	int result = 0;

	b->busy = false;
	u->busy--;
	if (r->result == 0) {
		u->safe += b->n;
		if (op->q.on_progress)
			op->q.on_progress(op->q.self, u->safe, op->q.size);
	} else if (!u->failed && blob_call_was_damaged(r) && ++b->tries < BLOB_CALL_TRIES) {
		u->failed = send_block(b);
	} else if (!u->failed) {
		op->result.err = r->err;
		u->failed = r->result;
	}
	result = advance(u);
	if (result < 0)
		operation_end(op, result);
}

static int start_small(struct upload *u)
{
	struct block *b = &u->blocks[0];
	size_t n = (size_t)u->op->q.size;
	int r = read_block(u, b, n);

	if (r < 0)
		return r;
	u->content = (struct str){ b->buffer, n };
	return put(u);
}

int upload_start_file(struct operation *op)
{
	uint64_t size = op->q.size;
	struct upload *u;
	int r = upload_new(op, &u);

	if (r < 0)
		return r;
	u->block_bytes = op->azure->options.block_bytes;
	if (size / BLOCKS >= u->block_bytes)
		u->block_bytes = size / BLOCKS + 1;
	if (u->block_bytes > BLOCK_BYTES_MAX)
		return errbuf_set(&op->result.err, -EFBIG, "file is larger than a blob can be");
	if (size <= u->block_bytes)
		return start_small(u);
	strbuf_adds(&u->list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	r = hash_new(&u->sha256);
	if (r < 0)
		return errbuf_set(&op->result.err, r, "out of memory");
	return advance(u);
}
