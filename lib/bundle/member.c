/*
 * The files of a version folder: which there are, what each may weigh, how one is opened. A folder
 * comes from a registry or from another account, so a name is one of two plain components, no link
 * is followed, nothing but regular files is read, and a size is checked before memory is taken.
 * Called by read.c only.
 */
#include "bundle/member.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define DEFAULT_MAX_BYTES (1024 * MIB)

static const struct member_kind kinds[] = {
	/* path                           limit      keep   required */
	{ "MLmodel", MIB, true, false },
	{ "artifacts/encoders.json", 64 * MIB, true, true },
	{ "artifacts/features.yaml", MIB, true, true },
	{ "artifacts/golden.csv", 64 * MIB, true, false },
	{ "artifacts/holdout_raw.csv", 0, false, false },
	{ "artifacts/manifest.json", MIB, true, true },
	{ "artifacts/medians.json", 64 * MIB, true, true },
	{ "artifacts/model_holdout.ubj", 0, false, false },
	{ "artifacts/reasons.yaml", MIB, true, false },
	{ "artifacts/reference.json", 64 * MIB, false, false },
	{ "artifacts/thresholds.yaml", 64 * KIB, true, true },
	{ "conda.yaml", MIB, false, false },
	{ "model.ubj", 0, true, true },
	{ "python_env.yaml", MIB, false, false },
	{ "requirements.txt", MIB, false, false },
	{ NULL, 0, false, false }, /* any other that is listed */
};

const struct member_kind *member_kind_of(struct str path)
{
	const struct member_kind *k = kinds;

	while (k->path && !str_is(path, k->path))
		k++;
	return k;
}

const struct member_kind *member_kind_at(size_t i)
{
	return kinds[i].path ? &kinds[i] : NULL;
}

static bool is_plain_name(struct str s)
{
	if (s.n == 0 || s.n > 128 || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '/' || (unsigned char)s.p[i] < 0x20)
			return false;
	}
	return true;
}

/* Splits at the first '/'; without one the folder is empty. */
static void split(struct str path, struct str *ret_folder, struct str *ret_name)
{
	const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
	size_t n = slash ? (size_t)(slash - path.p) : 0;

	*ret_folder = (struct str){ path.p, n };
	*ret_name = slash ? (struct str){ slash + 1, path.n - n - 1 } : path;
}

bool member_path_is_valid(struct str path)
{
	struct str folder, name;

	split(path, &folder, &name);
	if (name.p != path.p && !is_plain_name(folder))
		return false;
	return is_plain_name(name);
}

/* Component by component, so that no link on the way is followed either. */
static int open_member(int dir, struct str path)
{
	CLEANUP(close_p) int sub = -1;
	char text[160];
	struct str folder, name;
	int fd;

	split(path, &folder, &name);
	if (folder.n) {
		memcpy(text, folder.p, folder.n);
		text[folder.n] = '\0';
		sub = openat(dir, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			return errno == ENOTDIR ? -ELOOP : -errno;
	}
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	/* O_NONBLOCK: a FIFO must not hold us before fstat() refuses it */
	fd = openat(folder.n ? sub : dir, text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool member_exists(const struct member_reader *r, const char *path)
{
	struct stat st;

	return fstatat(r->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_error(int r, struct str path, struct errbuf *err)
{
	if (r == -ENOENT)
		return errbuf_set(err, r, "%.*s is missing", STR_ARGS(path));
	if (r == -ELOOP)
		return errbuf_set(err, r, "%.*s is a symbolic link, or its folder is",
		                  STR_ARGS(path));
	return errbuf_set(err, r, "could not open %.*s: %s", STR_ARGS(path), strerror(-r));
}

static int check_size(const struct member_reader *r, int fd, struct str path, uint64_t *ret,
                      struct errbuf *err)
{
	const struct member_kind *k = member_kind_of(path);
	uint64_t limit = k->limit;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errbuf_set(err, -errno, "could not look at %.*s", STR_ARGS(path));
	if (!S_ISREG(st.st_mode))
		return errbuf_set(err, -EINVAL, "%.*s is no regular file", STR_ARGS(path));
	if (limit == 0)
		limit = r->options->max_bytes ? r->options->max_bytes : DEFAULT_MAX_BYTES;
	if ((uint64_t)st.st_size > limit)
		return errbuf_set(err, -EFBIG, "%.*s has %lld bytes, more than %llu",
		                  STR_ARGS(path), (long long)st.st_size, (unsigned long long)limit);
	*ret = (uint64_t)st.st_size;
	return 0;
}

static bool is_kept(const struct member_reader *r, struct str path)
{
	if (r->bundle->plain || member_kind_of(path)->keep)
		return true;
	return r->options->holdout && str_is(path, "artifacts/model_holdout.ubj");
}

int member_read(struct member_reader *r, struct str path, struct errbuf *err)
{
	struct bundle_member m = { .path = path };
	CLEANUP(close_p) int fd = open_member(r->dir, path);
	char *keep = NULL;
	int error;

	if (fd < 0)
		return open_error(fd, path, err);
	error = check_size(r, fd, path, &m.size, err);
	if (error < 0)
		return error;
	if (r->bundle->member_count == BUNDLE_MAX_MEMBERS)
		return errbuf_set(err, -E2BIG, "more than %d files", BUNDLE_MAX_MEMBERS);
	if (is_kept(r, path)) {
		keep = arena_alloc(r->arena, (size_t)m.size + 1);
		if (!keep)
			return errbuf_set(err, -ENOMEM, "no memory for %.*s", STR_ARGS(path));
		keep[m.size] = '\0';
		m.content = (struct str){ keep, (size_t)m.size };
	}
	error = bundle_digest_stream(fd, keep, m.size, m.sha256);
	if (error < 0)
		return errbuf_set(err, error, "could not read %.*s: %s", STR_ARGS(path),
		                  error == -EBADMSG ? "it changed meanwhile" : strerror(-error));
	r->bundle->members[r->bundle->member_count++] = m;
	return 0;
}
