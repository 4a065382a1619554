/*
 * Reads the answers that list a folder. Paths come from outside and name files on our disk in the
 * end: one that leaves its folder, or cannot be a path at all, makes the whole answer bad.
 * Called by walk.c and file_put.c.
 */
#include "mlflow/file_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlflow/place.h"
#include "mlflow/url.h"
#include "json/value.h"

#define ROOM 32
#define PATH_BYTES 1100

static int grow(void **rows, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? *room * 2 : ROOM;
	void *p;

	if (count < *room)
		return 0;
	p = reallocarray(*rows, more, size);
	if (!p)
		return -ENOMEM;
	*rows = p;
	*room = more;
	return 0;
}

int file_list_add(struct file_list *l, struct str path, uint64_t size)
{
	struct artifact_entry entry = { .size = size };
	int r;

	if (!url_is_file_path(path))
		return -EBADMSG;
	if (l->count >= l->limit)
		return -E2BIG;
	r = grow((void **)&l->entries, &l->room, l->count, sizeof(*l->entries));
	if (r < 0)
		return r;
	entry.path = arena_strndup(&l->arena, path);
	if (!entry.path)
		return -ENOMEM;
	l->entries[l->count++] = entry;
	return 0;
}

static int add_folder(struct file_list *l, struct str path)
{
	const char *text;
	int r;

	if (!url_is_file_path(path))
		return -EBADMSG;
	if (l->folder_count >= l->limit)
		return -E2BIG;
	r = grow((void **)&l->folders, &l->folder_room, l->folder_count, sizeof(*l->folders));
	if (r < 0)
		return r;
	text = arena_strndup(&l->arena, path);
	if (!text)
		return -ENOMEM;
	l->folders[l->folder_count++] = text;
	return 0;
}

int file_list_explain(const struct file_list *l, int r, struct str path, struct errbuf *err)
{
	if (r == -EBADMSG)
		return errbuf_set(err, r,
		                  "list of files has a name that no file there can have: "
		                  "\"%.*s\"",
		                  STR_ARGS(path));
	if (r == -E2BIG)
		return errbuf_set(err, r, "there are more than %zu files or folders", l->limit);
	return errbuf_set(err, r, "out of memory");
}

static struct str text_of(const struct cJSON *v)
{
	return v ? json_text(v) : STR("");
}

/* A number, or text, as 64 bits are written by the rules of protobuf. */
static uint64_t size_of(const struct cJSON *file)
{
	long long told;

	if (str_to_i64(text_of(json_member(file, "file_size")), &told) < 0 || told < 0)
		return UINT64_MAX;
	return (uint64_t)told;
}

static int take_one(struct file_list *l, const struct cJSON *file, struct str folder,
                    struct str told)
{
	const struct cJSON *is_dir = json_member(file, "is_dir");
	struct str name = place_below(text_of(json_member(file, "path")), told);
	char full[PATH_BYTES];
	int n;

	if (!name.p || name.n == 0 || memchr(name.p, '/', name.n))
		return -EBADMSG;
	n = snprintf(full, sizeof(full), "%.*s%s%.*s", STR_ARGS(folder), folder.n ? "/" : "",
	             STR_ARGS(name));
	if (n < 0 || (size_t)n >= sizeof(full))
		return -EBADMSG;
	if (is_dir && json_bool(is_dir))
		return add_folder(l, (struct str){ full, (size_t)n });
	return file_list_add(l, (struct str){ full, (size_t)n }, size_of(file));
}

static int parse(struct str answer, struct arena *a, const struct cJSON **ret, struct errbuf *err)
{
	struct json_fault fault;
	int r = json_parse(answer, a, ret, &fault);

	if (r == 0 && json_type(*ret) != JSON_TYPE_OBJECT)
		r = -EBADMSG;
	if (r == -ENOMEM)
		return errbuf_set(err, r, "out of memory");
	return r < 0 ? errbuf_set(err, r, "answer is no list of files") : 0;
}

int file_list_take(struct file_list *l, struct str answer, struct str folder, struct str told,
                   struct errbuf *err)
{
	struct arena a = { 0 };
	const struct cJSON *json, *files;
	int r = parse(answer, &a, &json, err);

	files = r == 0 ? json_member(json, "files") : NULL;
	if (files && json_type(files) != JSON_TYPE_ARRAY)
		r = errbuf_set(err, -EBADMSG, "answer is no list of files");
	for (const struct cJSON *f = r == 0 && files ? json_first(files) : NULL; f && r == 0;
	     f = json_next(f)) {
		r = take_one(l, f, folder, told);
		if (r < 0)
			file_list_explain(l, r, text_of(json_member(f, "path")), err);
	}
	arena_done(&a);
	return r;
}

struct str file_list_root(struct str answer, struct arena *a)
{
	const struct cJSON *json;

	if (parse(answer, a, &json, NULL) < 0)
		return STR("");
	return text_of(json_member(json, "root_uri"));
}

static int compare(const void *a, const void *b)
{
	const struct artifact_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void file_list_sort(struct file_list *l)
{
	if (l->count > 1)
		qsort(l->entries, l->count, sizeof(*l->entries), compare);
}

const struct artifact_entry *file_list_find(const struct file_list *l, const char *path)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->entries[i].path, path) == 0)
			return &l->entries[i];
	}
	return NULL;
}

void file_list_done(struct file_list *l)
{
	free(l->entries);
	free(l->folders);
	arena_done(&l->arena);
	*l = (struct file_list){ 0 };
}
