/*
 * A model version on disk: what it consists of, whether it is whole, and the image made of it.
 *
 *   <models.dir>/<name>/<version>/
 *     MLmodel model.ubj requirements.txt python_env.yaml conda.yaml
 *     artifacts/ features.yaml encoders.json medians.json thresholds.yaml manifest.json
 *                model_holdout.ubj holdout_raw.csv golden.csv reference.json reasons.yaml
 *
 * manifest.json lists the SHA-256 of every other file. A folder that Python logged has no
 * artifacts/; it is served too: inputs = features = the booster's feature names, thresholds from
 * settings.
 *
 * Everything here blocks on the disk; it is for the compile child and for tools, never for a loop.
 * json_setup() must have run in the process. Messages name the member: "artifacts/manifest.json:
 * sha256 of model.ubj differs".
 */
#ifndef BUNDLE_BUNDLE_H
#define BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "forest/build.h"
#include "score/score.h"

#define BUNDLE_SHA256_SIZE 32
#define BUNDLE_MAX_MEMBERS 64

/* One file of the folder that belongs to the version. */
struct bundle_member {
	struct str path; /* "model.ubj", "artifacts/golden.csv" */
	uint64_t size;
	uint8_t sha256[BUNDLE_SHA256_SIZE]; /* of the bytes that were read */
	struct str content; /* empty where only the digest was taken (holdout_raw.csv, …) */
};

struct bundle {
	struct str name, version; /* manifest.json, else as given to bundle_read() */
	bool plain;               /* logged from Python: no artifacts/ */
	float threshold_low, threshold_high;
	uint32_t feature_count;        /* as the manifest says; 0: nobody says */
	struct bundle_member *members; /* sorted by path; manifest.json is one of them */
	size_t member_count;
	const struct bundle_member *model; /* model.ubj, or what MLmodel's xgboost flavour names */
};

struct bundle_options {
	uint64_t max_bytes; /* of the model and of the holdout; 0 = 1 GiB. Texts have limits of
	                       their own. */
	/* For a folder without artifacts/ (and name: where the manifest does not say). */
	struct str name, version;
	float default_threshold_low, default_threshold_high;
	bool holdout; /* keep the content of model_holdout.ubj, too */
};

/*
 * Reads and checks the folder `path` (relative to dir_fd, as for openat). Members are opened
 * without following symbolic links; sizes are limited before they are read. Everything is in the
 * arena. -ENOENT (no such folder, member missing), -EBADMSG (broken, digest differs), -ELOOP (a
 * symbolic link), -EFBIG, -ENOMEM.
 */
int bundle_read(int dir_fd, const char *path, const struct bundle_options *options, struct arena *a,
                struct bundle **ret, struct errbuf *err);

/* The member of that path, or NULL. */
const struct bundle_member *bundle_member(const struct bundle *b, const char *path);

/* One value for all members: SHA-256 over "<hex>  <path>\n" of each, sorted by path. Two folders
 * of the same digest give the same image. */
int bundle_digest(const struct bundle *b, uint8_t ret[BUNDLE_SHA256_SIZE]); /* or -ENOMEM */

enum bundle_model { BUNDLE_MODEL, BUNDLE_MODEL_HOLDOUT };

struct bundle_image {
	void *bytes; /* heap memory, 64-byte aligned, owned by who asked (free) */
	size_t size;
	struct errbuf note; /* which trees are served, for the log: "all 500 trees" */
};

/* Imports the model, compiles the feature program and puts the image together (score/build.h). */
int bundle_build_image(const struct bundle *b, enum bundle_model which, enum forest_trees trees,
                       struct bundle_image *ret, struct errbuf *err);

/*
 * Scores golden.csv with the image (margins bit for bit, SHAP within 1e-5 * max(1, |margin|)), or,
 * without golden rows, compares the forest with its float64 reference on rows drawn from the
 * thresholds. Writes what was proven into the image (score_image_set_verified) and *ret. -EBADMSG
 * with the row and feature that differ.
 */
int bundle_verify(const struct bundle *b, void *image, size_t size, enum score_verified *ret,
                  struct errbuf *err);

/* A file to be written: content, or (fd >= 0; so it is -1 otherwise) the whole
 * file behind a readable descriptor. */
struct bundle_file {
	const char *path;
	struct str content;
	int fd;
};

struct json_writer;
/* The object {"<path>": "<sha256 hex>", …} for manifest.json; -errno of a descriptor. */
int bundle_write_digests(struct json_writer *w, const struct bundle_file *files, size_t count);

/*
 * Makes <parent>/<version> whole or not at all: written to a folder ".new-<version>-<pid>" beside
 * it, fsync of every file and folder, rename. parent is made if absent. -EEXIST if the version is
 * there. What a crash leaves begins with ".new-": readers of the parent skip names with a dot, and
 * the next write sweeps it.
 */
int bundle_write(const char *parent, const char *version, const struct bundle_file *files,
                 size_t count, struct errbuf *err);

/* Removes folders ".new-<version>-<pid>" and ".old-<version>-<pid>" that are older than an hour and
 * whose process is gone. What cannot be removed stays. */
void bundle_sweep(const char *parent);

/* SHA-256 of bytes (fails with -ENOMEM only); of a file from its start (the position moves). */
int bundle_sha256(struct str bytes, uint8_t ret[BUNDLE_SHA256_SIZE]);
int bundle_sha256_fd(int fd, uint8_t ret[BUNDLE_SHA256_SIZE]);

#endif
