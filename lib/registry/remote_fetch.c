/*
 * A version's files: from the cache if its index and all its blobs are there, which asks nobody;
 * else the server is asked where they lie (location.c), they are listed, judged by their names and
 * sizes, and downloaded, the manifest first, for it tells the digests of the others. Called through
 * the table in remote.c, for the loader and for tools.
 *
 * Invariant: the deadline ends what is being transferred; questions have one of their own
 * (remote.c). After call_end() nothing of the fetch runs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"
#include "daemon/loop.h"
#include "registry/download.h"
#include "registry/location.h"
#include "registry/remote.h"
#include "json/value.h"

#define MANIFEST_BYTES (4 << 20)
#define DIGITS "0123456789"

struct fetching {
	struct registry_call *call;
	const char *number;
	char key[CACHE_KEY];
	struct loop_timer *deadline, *empty;
	struct location location;
	struct artifacts *artifacts;
	/* what is downloaded: the manifest, if there is one, is the first */
	struct arena arena;
	struct cache_file *files;
	size_t count;
	bool has_manifest;
	struct download *download;
	struct registry_folder folder;
};

/* --- ends --- */

static void fetching_free(void *state)
{
	struct fetching *f = state;

	loop_timer_free(f->empty);
	loop_timer_free(f->deadline);
	location_done(&f->location);
	artifacts_free(f->artifacts);
	download_free(f->download);
	registry_folder_done(&f->folder);
	arena_done(&f->arena);
	free(f);
}

/* The words that are in the result, or NULL for those in err; before them, what was fetched. */
static void refuse(struct fetching *f, int result, const struct errbuf *err)
{
	struct registry_call *c = f->call;

	loop_timer_disarm(f->deadline);
	if (err)
		c->result.err = *err;
	call_end(c, errbuf_prefix(&c->result.err, result,
	                          "could not fetch version %s of model \"%s\" from %s", f->number,
	                          c->registry->name, mlflow_registry_host(remote_of(c)->mlflow)));
}

static void refuse_memory(struct fetching *f)
{
	refuse(f, -ENOMEM, &(struct errbuf){ "out of memory" });
}

static void on_late(void *self)
{
	struct fetching *f = self;
	struct errbuf err;

	errbuf_set(&err, -ETIMEDOUT, "not done in %" PRIu32 " s (registry.transfer_seconds)",
	           remote_of(f->call)->transfer_seconds);
	refuse(f, -ETIMEDOUT, &err);
}

static void succeed(struct fetching *f)
{
	struct registry_call *c = f->call;

	loop_timer_disarm(f->deadline);
	c->result.folder = f->folder;
	f->folder = (struct registry_folder){ .fd = -1 };
	call_end(c, 0);
}

/* --- downloading --- */

static int start_download(struct fetching *f, size_t from, size_t count, download_fn *on_end)
{
	struct remote *m = remote_of(f->call);
	const struct download_request q = {
		.base = m->base,
		.cache = &m->cache,
		.artifacts = f->artifacts,
		.folder = &f->folder,
		.files = f->files + from,
		.count = count,
		.limit = m->file_bytes,
		.on_progress = f->call->q.on_progress,
		.progress_self = f->call->q.progress_self,
	};

	/* The one before has told its end. */
	download_free(f->download);
	f->download = NULL;
	return download_start(&q, on_end, f, &f->download);
}

static void on_downloaded(void *self, int result, const struct errbuf *err)
{
	struct fetching *f = self;
	struct remote *m = remote_of(f->call);

	if (result < 0) {
		refuse(f, result, err);
		return;
	}
	/* Without an index the version is served all the same, and fetched again some day. */
	(void)cache_write_index(&m->cache, f->key, f->files, f->count);
	cache_trim(&m->cache, f->key);
	succeed(f);
}

static struct cache_file *find_file(const struct fetching *f, struct str path)
{
	for (size_t i = 0; i < f->count; i++)
		if (str_is(path, f->files[i].path))
			return &f->files[i];
	return NULL;
}

/* "digests": {"model.ubj": "<sha256>", …} */
static int take_digests(struct fetching *f, const struct cJSON *digests, struct errbuf *err)
{
	uint8_t binary[(CACHE_SHA256 - 1) / 2];

	for (const struct cJSON *v = json_first(digests); v; v = json_next(v)) {
		struct cache_file *file = find_file(f, json_name(v));

		if (hex_decode(json_text(v), binary, sizeof(binary)) < 0)
			return errbuf_set(err, -EBADMSG,
			                  REMOTE_MANIFEST ": digest of %.*s is no sha256",
			                  STR_ARGS(json_name(v)));
		if (!file)
			return errbuf_set(err, -ENOENT,
			                  "%.*s is missing: " REMOTE_MANIFEST " lists it, %s has "
			                  "it not",
			                  STR_ARGS(json_name(v)), f->location.uri);
		hex_encode(binary, sizeof(binary), file->sha256);
	}
	return 0;
}

static int read_manifest(struct fetching *f, struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	CLEANUP(arena_done) struct arena a = { 0 };
	const struct cJSON *root = NULL, *digests = NULL;
	struct json_fault fault;
	size_t n = 0;
	int r = file_read(f->folder.fd, REMOTE_MANIFEST, MANIFEST_BYTES, &text, &n);

	if (r == 0)
		r = json_parse((struct str){ text, n }, &a, &root, &fault);
	if (r < 0)
		return errbuf_set(err, r, REMOTE_MANIFEST " cannot be read: %s", strerror(-r));
	if (json_type(root) == JSON_TYPE_OBJECT)
		digests = json_member(root, "digests");
	if (!digests || json_type(digests) != JSON_TYPE_OBJECT)
		return errbuf_set(err, -EBADMSG, REMOTE_MANIFEST " lists no digests");
	return take_digests(f, digests, err);
}

static void download_rest(struct fetching *f)
{
	size_t from = f->has_manifest ? 1 : 0;

	if (start_download(f, from, f->count - from, on_downloaded) < 0)
		refuse_memory(f);
}

static void on_manifest(void *self, int result, const struct errbuf *err)
{
	struct fetching *f = self;
	struct errbuf words;

	if (result == 0) {
		result = read_manifest(f, &words);
		err = &words;
	}
	if (result < 0)
		refuse(f, result, err);
	else
		download_rest(f);
}

/* --- listing --- */

static int take_entry(struct fetching *f, const struct artifact_entry *e, struct errbuf *err)
{
	uint64_t limit = remote_of(f->call)->file_bytes;
	struct cache_file *file = &f->files[f->count];

	if (!cache_path_is_valid(e->path))
		return errbuf_set(err, -EINVAL, "it has a file whose name cannot be taken: \"%s\"",
		                  e->path);
	if (e->size != UINT64_MAX && e->size > limit)
		return errbuf_set(err, -EFBIG,
		                  "%s has %" PRIu64 " bytes, more than models.max_bytes (%" PRIu64
		                  ")",
		                  e->path, e->size, limit);
	*file = (struct cache_file){ .path = arena_strdup(&f->arena, e->path), .size = e->size };
	if (!file->path)
		return errbuf_set(err, -ENOMEM, "out of memory");
	f->count++;
	if (strcmp(e->path, REMOTE_MANIFEST) == 0) {
		struct cache_file first = f->files[0];

		memcpy(file->sha256, f->location.manifest, sizeof(file->sha256));
		f->files[0] = *file;
		if (f->count > 1)
			f->files[f->count - 1] = first;
		f->has_manifest = true;
	}
	return 0;
}

static int check_room(const struct fetching *f, struct errbuf *err)
{
	const struct remote *m = remote_of(f->call);
	uint64_t total = 0, room = cache_room(&m->cache);

	for (size_t i = 0; i < f->count; i++)
		if (f->files[i].size != UINT64_MAX)
			total += f->files[i].size;
	if (total > room)
		return errbuf_set(err, -ENOSPC,
		                  "it has %" PRIu64 " bytes, and \"%s\" has room for %" PRIu64,
		                  total, m->cache.dir, room);
	return 0;
}

static int take_entries(struct fetching *f, const struct artifacts_result *list, struct errbuf *err)
{
	int r = 0;

	f->files = arena_calloc(&f->arena, list->count, sizeof(*f->files));
	if (!f->files)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list->count && r == 0; i++)
		r = take_entry(f, &list->entries[i], err);
	return r < 0 ? r : check_room(f, err);
}

static void begin_download(struct fetching *f)
{
	struct errbuf err;
	int r = cache_open_folder(&remote_of(f->call)->cache, &f->folder);

	if (r < 0) {
		errbuf_set(&err, r, "could not make a folder in \"%s\": %s",
		           remote_of(f->call)->cache.dir, strerror(-r));
		refuse(f, r, &err);
	} else if (!f->has_manifest) {
		download_rest(f);
	} else if (start_download(f, 0, 1, on_manifest) < 0) {
		refuse_memory(f);
	}
}

/* Not from within artifacts, which are freed here. */
static void on_empty(void *self)
{
	struct fetching *f = self;
	struct errbuf err;

	loop_timer_disarm(f->deadline);
	artifacts_free(take_ptr(&f->artifacts));
	if (location_next(&f->location))
		return;
	errbuf_set(&err, -ENOENT, "there are no files in %s", f->location.uri);
	refuse(f, -ENOENT, &err);
}

static void on_listed(void *self, const struct artifacts_result *result)
{
	struct fetching *f = self;
	struct errbuf err = result->err;
	int r = result->result;

	if (r == -ENOENT || (r == 0 && result->count == 0)) {
		loop_timer_arm(f->empty, 0);
		return;
	}
	if (r == 0)
		r = take_entries(f, result, &err);
	if (r < 0)
		refuse(f, r, &err);
	else
		begin_download(f);
}

static int open_place(struct fetching *f, struct errbuf *err)
{
	struct registry_call *c = f->call;
	struct remote *m = remote_of(c);
	const struct artifacts_place place = {
		.uri = f->location.uri,
		.name = c->registry->name,
		.version = f->number,
		.run_id = f->location.run_id,
	};
	struct azure *azure = NULL;
	int r = 0;

	if (artifacts_kind(f->location.uri) == ARTIFACTS_AZURE)
		r = remote_azure(m, &azure, err);
	return r < 0 ? r : artifacts_new(m->transfers, azure, &place, &f->artifacts, err);
}

static void on_located(void *self, int result, const struct errbuf *words)
{
	struct fetching *f = self;
	struct remote *m = remote_of(f->call);
	struct errbuf err = { "" };
	int r = result;

	if (r < 0)
		err = *words;
	else
		r = open_place(f, &err);
	if (r == 0)
		r = artifacts_list(f->artifacts, CACHE_FILES, on_listed, f);
	if (r < 0 && !*err.text)
		errbuf_set(&err, r, "%s", strerror(-r));
	if (r < 0)
		refuse(f, r, &err);
	else
		loop_timer_arm(f->deadline, m->transfer_seconds * UINT64_C(1000));
}

/* --- from the cache --- */

static void on_cached(void *self, int result, const struct errbuf *err)
{
	struct fetching *f = self;

	(void)err;
	if (result == 0) {
		succeed(f);
		return;
	}
	/* Something was trimmed or is broken: as if it had never been here. */
	download_free(take_ptr(&f->download));
	registry_folder_done(&f->folder);
	f->files = NULL;
	f->count = 0;
	location_find(&f->location);
}

static bool begin_cached(struct fetching *f)
{
	struct cache *cache = &remote_of(f->call)->cache;

	if (cache_read_index(cache, f->key, &f->arena, &f->files, &f->count) == 0 &&
	    cache_open_folder(cache, &f->folder) == 0 &&
	    start_download(f, 0, f->count, on_cached) == 0)
		return true;
	registry_folder_done(&f->folder);
	f->files = NULL;
	f->count = 0;
	return false;
}

static struct fetching *fetching_new(struct registry_call *c)
{
	struct fetching *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->call = c;
	f->folder.fd = -1;
	f->number = c->q.found->registry_version;
	f->location = (struct location){
		.call = c, .number = f->number, .arena = &f->arena, .on_end = on_located, .self = f
	};
	snprintf(f->key, sizeof(f->key), "%s-%s-%016" PRIx64, c->registry->name, f->number,
	         c->q.found->stamp);
	c->state = f;
	c->state_free = fetching_free;
	if (loop_timer_new(remote_of(c)->base, on_late, f, &f->deadline) < 0 ||
	    loop_timer_new(remote_of(c)->base, on_empty, f, &f->empty) < 0)
		return NULL;
	return f;
}

void remote_start_fetch(struct registry_call *c)
{
	const char *number = c->q.found->registry_version;
	struct fetching *f;
	int r = remote_cache(remote_of(c), &c->result.err);

	if (r == 0 && (!*number || number[strspn(number, DIGITS)]))
		r = errbuf_set(&c->result.err, -EINVAL, "version \"%s\" has no number",
		               c->q.found->version);
	if (r < 0) {
		call_end(c, r);
		return;
	}
	f = fetching_new(c);
	if (!f)
		call_end(c, errbuf_set(&c->result.err, -ENOMEM, "out of memory"));
	else if (!begin_cached(f))
		location_find(&f->location);
}
