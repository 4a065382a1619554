/*
 * Places that are folders of Azure Blob Storage: lib/azure does the work and checks every byte.
 * Called by verbs.c.
 */
#include "mlflow/blobs.h"

#include <errno.h>

#include "azure/azure.h"
#include "mlflow/file_get.h"
#include "mlflow/walk.h"

static const struct blob_address *root_of(const struct errand *e)
{
	return &e->artifacts->place.blob;
}

static int start(struct errand *e, const struct azure_request *q, azure_fn *on_done)
{
	struct errbuf err = { "" };
	int r = azure_start(e->artifacts->azure, q, on_done, e, &err);

	if (r < 0)
		return errand_end_later(e, r, &err);
	e->in_azure = true;
	return 0;
}

/* The file's address; .path NULL if memory is out. */
static struct blob_address address_of(struct errand *e)
{
	struct blob_address at = *root_of(e);

	at.path = arena_printf(&e->arena, "%s%s%s", at.path, *at.path ? "/" : "", e->path);
	return at;
}

static void end(struct errand *e, const struct azure_result *r)
{
	if (r->result < 0)
		errbuf_set(&e->result.err, 0, "\"%s\": %s",
		           *e->path ? e->path : e->artifacts->place.uri, r->err.text);
	errand_end(e, r->result);
}

static int take_entry(struct errand *e, const struct azure_entry *entry)
{
	struct str name = place_below(str_of(entry->name), str_of(root_of(e)->path));
	int r;

	/* Folders have entries of their own on some accounts. */
	if (entry->is_folder || !name.p || name.n == 0 || name.p[name.n - 1] == '/')
		return 0;
	r = file_list_add(&e->list, name, entry->size);
	return r < 0 ? file_list_explain(&e->list, r, str_of(entry->name), &e->result.err) : 0;
}

static void on_list(void *self, struct azure_result *r)
{
	struct errand *e = self;
	int result = 0;

	e->in_azure = false;
	if (r->result < 0) {
		end(e, r);
		return;
	}
	for (size_t i = 0; i < r->count && result == 0; i++)
		result = take_entry(e, &r->entries[i]);
	file_list_sort(&e->list);
	errand_end(e, result);
}

int blobs_start_list(struct errand *e)
{
	struct azure_request q = { .verb = AZURE_LIST, .at = *root_of(e), .deep = true };

	e->list.limit = e->limit ? (size_t)e->limit : WALK_FILES;
	q.limit = e->list.limit;
	return start(e, &q, on_list);
}

static void on_get(void *self, struct azure_result *r)
{
	struct errand *e = self;

	e->in_azure = false;
	e->result.size = r->size;
	if (r->result == 0 && e->size != UINT64_MAX && r->size != e->size)
		errand_end(e, errbuf_set(&e->result.err, -EIO,
		                         "\"%s\" has %llu bytes in \"%s\", not the %llu that are "
		                         "listed",
		                         e->path, (unsigned long long)r->size,
		                         e->artifacts->place.uri, (unsigned long long)e->size));
	else
		end(e, r);
}

int blobs_start_get(struct errand *e)
{
	struct azure_request q = {
		.verb = AZURE_GET_FILE,
		.at = address_of(e),
		.fd = e->fd,
		.offset = e->offset,
		.limit = e->limit ? e->limit : FILE_GET_BYTES,
		.on_progress = e->on_progress,
		.self = e->self,
	};

	return q.at.path ? start(e, &q, on_get) : -ENOMEM;
}

static void on_put(void *self, struct azure_result *r)
{
	struct errand *e = self;

	e->in_azure = false;
	e->result.size = r->size;
	end(e, r);
}

int blobs_start_put(struct errand *e)
{
	struct azure_request q = {
		.verb = e->fd >= 0 ? AZURE_PUT_FILE : AZURE_PUT,
		.at = address_of(e),
		.content = e->content,
		.fd = e->fd,
		.size = e->size,
		.on_progress = e->on_progress,
		.self = e->self,
	};

	return q.at.path ? start(e, &q, on_put) : -ENOMEM;
}
