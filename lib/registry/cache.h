/*
 * Files of versions that were downloaded, by their content:
 *
 *   <cache>/blobs/<sha256>     one file, whole, read-only
 *   <cache>/versions/<key>     index of a version: "<sha256> <size> <path>" lines
 *   <cache>/partial/<sha256>   a download that goes on where it stopped
 *   <cache>/tmp/<…>/           a version's folder, hard links of blobs
 *
 * Several processes use it at once (loader, jobs, tools) and any may die at any instant: a blob and
 * an index appear by one rename, a partial file and a folder belong to whoever holds its lock, and
 * what a dead one left is removed by the next. A blob is named by what it holds, so whoever reads
 * one checks it, and one that is broken is as good as absent. Everything blocks for small calls to
 * a file system only. Private to lib/registry.
 */
#ifndef REGISTRY_CACHE_H
#define REGISTRY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "registry/registry.h"

#define CACHE_SHA256 65  /* hex, with the terminator */
#define CACHE_KEY 192    /* room for a version's key */
#define CACHE_FILES 1000 /* of one version */
#define CACHE_PATH 256   /* of a file of a version, with the terminator */
#define CACHE_FOLDERS 8  /* that a path may go through */

struct cache {
	int root, blobs, versions, partial, tmp; /* folders; -1 while it is closed */
	char *dir;
	uint64_t max_bytes;
	unsigned folders; /* given out, for their names */
};

/* What a server may call a file: relative, no "." and "..", printable ASCII without a backslash.
 * So it stays below whatever folder it is put in. */
bool cache_path_is_valid(const char *path);

/* Makes the folders (0750) if need be. */
int cache_open(struct cache *c, const char *dir, uint64_t max_bytes, struct errbuf *err);
/* Safe on one that was never opened, if its descriptors are -1. */
void cache_close(struct cache *c);

struct cache_file {
	const char *path;
	uint64_t size;
	char sha256[CACHE_SHA256];
};
/* -ENOENT: not here; -EBADMSG: nothing that cache_write_index() wrote. Reading counts as use. */
int cache_read_index(const struct cache *c, const char *key, struct arena *a,
                     struct cache_file **ret, size_t *ret_count);
int cache_write_index(const struct cache *c, const char *key, const struct cache_file *files,
                      size_t count);

/* For reading; -ENOENT if there is none of this size. */
int cache_open_blob(const struct cache *c, const struct cache_file *f, int *ret_fd);
/* It does not hold what its name says. */
void cache_drop_blob(const struct cache *c, const char *sha256);

struct cache_partial {
	int fd; /* read and write; -1: none */
	char name[CACHE_SHA256 + 24];
	uint64_t size; /* bytes that are there already */
};
/* sha256 "": it is not known, so nothing can go on from an earlier try. */
int cache_open_partial(const struct cache *c, const char *sha256, struct cache_partial *ret);
/* A blob from now on. */
int cache_commit(const struct cache *c, struct cache_partial *p, const char *sha256);
/* keep: for the next try, if its digest is known. */
void cache_close_partial(const struct cache *c, struct cache_partial *p, bool keep);

/* An empty folder; registry_folder_done() removes it. While it is open its blobs are not trimmed.
 */
int cache_open_folder(struct cache *c, struct registry_folder *ret);
int cache_link(const struct cache *c, const struct registry_folder *folder,
               const struct cache_file *f);

/* Bytes that can still be written there. */
uint64_t cache_room(const struct cache *c);

/* cache_trim.c: removes what killed processes left. */
void cache_clear(const struct cache *c);
/* The same, and what was used longest ago until the blobs fit; the version `keep` stays
 * (NULL: none does). Does nothing while another process trims. */
void cache_trim(const struct cache *c, const char *keep);

#endif
