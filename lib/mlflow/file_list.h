/* Lists of files as servers tell them. Private to lib/mlflow, but for its test and fuzzer. */
#ifndef MLFLOW_FILE_LIST_H
#define MLFLOW_FILE_LIST_H

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "mlflow/artifacts.h"

struct file_list {
	struct arena arena; /* of all paths */
	size_t limit;       /* of files, and of folders */
	struct artifact_entry *entries;
	size_t count, room;
	const char **folders; /* found and, in their order, to be asked for */
	size_t folder_count, folder_room;
};

/*
 * Takes the answer about one folder ("" for the place itself). told: the folder as the server calls
 * it; the proxy gives names alone (""), others paths from their own root on.
 *
 * -EBADMSG: no list, or a path that cannot be one of this folder; -E2BIG; -ENOMEM.
 */
int file_list_take(struct file_list *l, struct str answer, struct str folder, struct str told,
                   struct errbuf *err);
/* One file more; -EBADMSG, -E2BIG, -ENOMEM. */
int file_list_add(struct file_list *l, struct str path, uint64_t size);
/* Words for what file_list_add() returned; returns r. */
int file_list_explain(const struct file_list *l, int r, struct str path, struct errbuf *err);
/* The member root_uri of the same answer; empty if there is none. Text is the arena's. */
struct str file_list_root(struct str answer, struct arena *a);

/* By path. */
void file_list_sort(struct file_list *l);
const struct artifact_entry *file_list_find(const struct file_list *l, const char *path);
void file_list_done(struct file_list *l);

#endif
