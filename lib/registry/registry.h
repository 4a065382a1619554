/*
 * One interface over the places that model versions come from. A source has names, a name has
 * versions, and an alias of a name ("production", "previous") points at one of them.
 *
 * A request is a struct, so that a back end is one table of functions and the asynchronous and the
 * blocking form are one function each. The local folder (kind "local") is:
 *
 *   <models.dir>/<name>/<version>/        a bundle (bundle/bundle.h), whole or absent
 *   <models.dir>/<name>/aliases/<alias>   a file with the version's name and a newline
 *   <models.dir>/<name>/tags/<version>/<key>   a small text
 *
 * With mlflow.tracking_uri the source is that MLflow server (kind "mlflow"). A version has two
 * names there: the server's number, and the one that its tag "fraudd.version" tells (else the
 * number, too). Files are downloaded into a cache (registry/cache.h), so what was once here costs
 * no second download.
 *
 * Names of models, versions, aliases and tags are 1 to 63 of [A-Za-z0-9._-] without a leading dot,
 * and no version is called "aliases" or "tags". Below models.dir no symbolic link is followed.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "base/str.h"

#define REGISTRY_TEXT 64        /* room for a name with its terminator */
#define REGISTRY_TAG_BYTES 5000 /* of a tag's value */
#define REGISTRY_PREVIOUS "previous"

struct event_base;
struct settings;
struct registry;

struct registry_version {
	char version[REGISTRY_TEXT];          /* "20250131-120000": the model version */
	char registry_version[REGISTRY_TEXT]; /* the source's own number of it; "" if it has none */
	/* Equal stamps of one version: the same bytes. It may change without them (a copy, a
	 * touch). 0: the source cannot say without reading everything. */
	uint64_t stamp;
};

struct registry_entry {
	struct registry_version version;
	int64_t created_at_us;
	char aliases[3 * REGISTRY_TEXT]; /* "previous, production"; "" if none; cut when many */
};

/* A version's files on this host. */
struct registry_folder {
	int fd;          /* O_DIRECTORY; -1: none */
	char *temporary; /* heap: downloaded there, removed by registry_folder_done(); NULL: not
	                    ours */
};
/* Closes, and removes what was downloaded. May block: folders of MLflow only. */
void registry_folder_done(struct registry_folder *f);

enum registry_verb {
	REGISTRY_RESOLVE,   /* alias -> version */
	REGISTRY_FIND,      /* version as a person says it (its name or the source's number) */
	REGISTRY_LIST,      /* newest first, at most `limit` */
	REGISTRY_FETCH,     /* found (as resolve or find gave it) -> folder */
	REGISTRY_SET_ALIAS, /* alias, version. Atomic. */
	REGISTRY_GET_TAG,   /* version, key -> text; -ENOENT */
	REGISTRY_SET_TAG,   /* version, key, text */
	/* Before a training: could its version be published? Makes the experiment, decides the
	 * credentials of the storage. -> text for the log: where it will go, and as whom.
	 * -ENOKEY: the list of what is missing. The local folder says where it is. */
	REGISTRY_PREPARE,
	/* folder_fd, version, run -> version with the source's number. Blocking only. A folder that
	 * is in the local source already is just told. */
	REGISTRY_PUBLISH,
	REGISTRY_VERB_MAX
};

/* What is told about a training beside its files; all borrowed until the call ends. */
struct registry_fact {
	const char *key;
	const char *value;
};
struct registry_metric {
	const char *key;
	double value;
	int64_t step;  /* of boosting; 0 of what has none */
	int64_t at_ms; /* since 1970 */
};
struct registry_run {
	int64_t started_ms, ended_ms;
	const struct registry_fact *params, *tags; /* of the run */
	size_t param_count, tag_count;
	const struct registry_metric *metrics;
	size_t metric_count;
	const char *data_name, *data_digest, *data_source; /* the data set; NULL name = none */
	uint64_t data_rows;
};

/* What the verb does not name is not looked at. Everything but `run` is copied. */
struct registry_request {
	enum registry_verb verb;
	const char *alias;
	const char *version;
	const struct registry_version *found;
	const char *key;
	struct str text;
	size_t limit;       /* 0 = 1000 */
	bool keep_previous; /* set alias: what it named before goes under "previous" first, unless
	                       it is the same version */
	int folder_fd;      /* publish: a whole version on disk (bundle/bundle.h), borrowed */
	const struct registry_run *run; /* publish: NULL = nothing is known of it */
	/* publish, fetch of tools: done and total bytes, on a terminal; NULL = quiet */
	void (*on_progress)(void *self, uint64_t done, uint64_t total);
	void *progress_self;
};

struct registry_result {
	int result; /* 0 or -errno */
	/* why, what with, and what to do: 'no alias "production" of model "fraud" in "/srv/models":
	 * train a version or set the alias'. -ENOENT: no such alias, version or tag; -EHOSTUNREACH:
	 * the source does not answer. */
	struct errbuf err;
	/* resolve, find; also of a resolve that failed because the version is not there */
	struct registry_version version;
	struct registry_entry *entries; /* list: heap */
	size_t count;
	struct registry_folder folder; /* fetch */
	char *text;                    /* tag: heap, terminated */
};
void registry_result_done(struct registry_result *r);

/*
 * The source that the settings choose; what is needed of them is copied. base NULL: for tools, with
 * registry_call() only. Does not touch the source: a folder that is missing is told by requests.
 * -EINVAL: models.name or models.dir cannot be a name or folder.
 */
int registry_new(struct event_base *base, const struct settings *s, struct registry **ret,
                 struct errbuf *err);
/* Requests under way end without a callback. */
void registry_free(struct registry *r);

const char *registry_kind(const struct registry *r); /* "local", "mlflow" */
/* As whom Azure is asked for files, for the log: "account key of AZURE_STORAGE_CONNECTION_STRING".
 * NULL: it was not needed so far. */
const char *registry_storage(const struct registry *r);

/*
 * Asynchronous: on_result comes once, from the loop, never before this returns. What it does not
 * take out of the result (by take_ptr, take_fd) is freed behind it. Several requests may be under
 * way; they end in any order. The local folder does its few small calls at once (no file of a
 * version is read) and calls back in the next turn. 0, or -ENOMEM: then nothing comes. A name that
 * cannot be one is a result, too (-EINVAL).
 */
typedef void registry_fn(void *self, struct registry_result *r);
int registry_start(struct registry *r, const struct registry_request *q, registry_fn *on_result,
                   void *self);

/* Blocking, for tools: returns ret->result; the caller calls registry_result_done(), whatever it
 * is. */
int registry_call(struct registry *r, const struct registry_request *q,
                  struct registry_result *ret);

/* 1 to 63 of [A-Za-z0-9._-], no leading dot. */
bool registry_name_is_valid(const char *text);

#endif
