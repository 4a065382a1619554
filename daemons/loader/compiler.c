/*
 * Starts the compile child and does not believe it: its result counts only if it ended well, wrote
 * a whole one, and the image has the size that it says and that is allowed. Then the image is
 * sealed, so that what the workers check is what they map. Called by load.c.
 *
 * Invariant: whatever the child does, on_end comes once, at the latest two seconds after
 * loader.compile_seconds.
 */
#include "compiler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "config/settings.h"
#include "daemon/job.h"
#include "registry/registry.h"

#define MIB (UINT64_C(1024) * 1024)
/* A node takes more room in the image than in the densest document, but not twice; the rest of a
 * version is texts. */
#define IMAGE_SLACK (64 * MIB)
#define CPU_SLACK_SECONDS 2

struct compiler {
	struct job *job;
	compiler_fn *on_end;
	void *self;
	int image_fd, result_fd;
	uint64_t max_image;
	uint32_t seconds, memory_mib;
	char line[256]; /* the first that the child said */
};

static void compiler_free(struct compiler *c)
{
	close_p(&c->image_fd);
	close_p(&c->result_fd);
	free(c);
}

static void on_line(void *self, const char *line)
{
	struct compiler *c = self;

	log_warning(0, "compile: %s", line);
	if (!*c->line)
		snprintf(c->line, sizeof(c->line), "%s", line);
}

/* How a child ended that brought no result. */
static int judge_end(const struct compiler *c, int status, bool timed_out, struct errbuf *err)
{
	if (timed_out)
		return errbuf_set(err, -ETIMEDOUT,
		                  "compiling took longer than loader.compile_seconds (%u)",
		                  c->seconds);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
		return errbuf_set(err, -EFBIG, "the image has more than %llu bytes",
		                  (unsigned long long)c->max_image);
	if (WIFSIGNALED(status))
		return errbuf_set(err, -ECHILD, "the compile child was ended by signal %d (%s)",
		                  WTERMSIG(status), strsignal(WTERMSIG(status)));
	return errbuf_set(err, -ECHILD, "the compile child ended with status %d%s%s",
	                  WEXITSTATUS(status), *c->line ? ": " : "", c->line);
}

static int read_result(const struct compiler *c, struct child_result *ret)
{
	struct child_result r;

	if (pread(c->result_fd, &r, sizeof(r), 0) != (ssize_t)sizeof(r) || r.magic != CHILD_MAGIC)
		return -EBADMSG;
	if (!message_text(r.words.text, sizeof(r.words.text)) ||
	    !message_text(r.note.text, sizeof(r.note.text)))
		return -EBADMSG;
	if (r.result == 0 &&
	    (!registry_name_is_valid(r.name) || !registry_name_is_valid(r.version) ||
	     r.verified > MODEL_VERIFIED_GOLDEN))
		return -EBADMSG;
	*ret = r;
	return 0;
}

static int seal_image(struct compiler *c, uint64_t size, int *ret, struct errbuf *err)
{
	struct stat st;
	int r;

	if (fstat(c->image_fd, &st) < 0 || (uint64_t)st.st_size != size || size == 0 ||
	    size > c->max_image)
		return errbuf_set(err, -EBADMSG, "the compile child left no image of its size");
	r = memfd_seal(c->image_fd);
	if (r < 0)
		return errbuf_set(err, r, "could not seal the image: %s", strerror(-r));
	*ret = take_fd(&c->image_fd);
	return 0;
}

/* Memory may be there the next time, broken files stay broken. */
static void refuse(const struct compiler *c, struct compiler_outcome *o)
{
	o->result = o->child.result;
	o->err = o->child.words;
	o->of_the_files = o->result != -ENOMEM && o->result != -ENOSPC && o->result != -EIO &&
	                  o->result != -EMFILE && o->result != -ENFILE;
	if (o->result == -ENOMEM)
		errbuf_set(&o->err, o->result, "%s (loader.compile_memory_mib is %u)",
		           o->child.words.text, c->memory_mib);
}

static void judge(struct compiler *c, int status, bool timed_out, struct compiler_outcome *o)
{
	bool ended_well = WIFEXITED(status) && !timed_out;

	if (!ended_well || WEXITSTATUS(status) > EXIT_FAILURE || read_result(c, &o->child) < 0) {
		o->result = judge_end(c, status, timed_out, &o->err);
		return;
	}
	if (o->child.result < 0)
		refuse(c, o);
	else if (!o->child.unchanged)
		o->result = seal_image(c, o->child.size, &o->fd, &o->err);
}

static void on_end(void *self, int status, bool timed_out)
{
	struct compiler *c = self;
	struct compiler_outcome o = { .fd = -1 };

	judge(c, status, timed_out, &o);
	c->on_end(c->self, &o);
	close_p(&o.fd);
	compiler_free(c);
}

#define MAX_ARGUMENTS 20
struct command {
	const char *argv[MAX_ARGUMENTS];
	size_t count;
	char max_bytes[32], low[32], high[32], digest[2 * BUNDLE_SHA256_SIZE + 1];
};

static void add(struct command *c, const char *option, const char *value)
{
	c->argv[c->count++] = option;
	c->argv[c->count++] = value;
}

/* The texts live in *ret and in the request. */
static void make_command(const struct compiler_request *q, struct command *ret)
{
	const struct settings *s = q->settings;

	snprintf(ret->max_bytes, sizeof(ret->max_bytes), "%llu",
	         (unsigned long long)s->models.max_bytes);
	snprintf(ret->low, sizeof(ret->low), "%.17g", s->models.default_threshold_low);
	snprintf(ret->high, sizeof(ret->high), "%.17g", s->models.default_threshold_high);
	add(ret, "fraud-loader", "--compile");
	add(ret, "--max-bytes", ret->max_bytes);
	add(ret, "--name", s->models.name);
	add(ret, "--version", q->version);
	add(ret, "--threshold-low", ret->low);
	add(ret, "--threshold-high", ret->high);
	add(ret, "--trees", s->models.trees);
	if (q->unless) {
		hex_encode(q->unless, BUNDLE_SHA256_SIZE, ret->digest);
		add(ret, "--unless", ret->digest);
	}
}

static int start(struct compiler *c, const struct compiler_request *q)
{
	int fds[] = { q->folder_fd, c->image_fd, c->result_fd };
	struct command command = { .count = 0 };
	const struct job_options o = {
		.name = "compile",
		.argv = command.argv,
		.fds = fds,
		.fd_count = sizeof(fds) / sizeof(fds[0]),
		.limits = { .memory_bytes = c->memory_mib * MIB,
		            .file_bytes = c->max_image,
		            .cpu_seconds = c->seconds + CPU_SLACK_SECONDS,
		            .deadline_ms = c->seconds * 1000,
		            .no_network = true },
		.on_line = on_line,
		.on_end = on_end,
		.self = c,
	};

	make_command(q, &command);
	return job_start(q->base, &o, &c->job);
}

int compiler_start(const struct compiler_request *q, compiler_fn *fn, void *self,
                   struct compiler **ret)
{
	struct compiler *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct compiler){
		.on_end = fn,
		.self = self,
		.image_fd = -1,
		.result_fd = -1,
		.max_image = 2 * q->settings->models.max_bytes + IMAGE_SLACK,
		.seconds = q->settings->loader.compile_seconds,
		.memory_mib = q->settings->loader.compile_memory_mib,
	};
	r = memfd_new("fraudd-model", &c->image_fd);
	if (r == 0)
		r = memfd_new("fraudd-compile-result", &c->result_fd);
	if (r == 0)
		r = start(c, q);
	if (r < 0) {
		compiler_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void compiler_stop(struct compiler *c)
{
	job_stop(c->job);
}

void compiler_abandon(struct compiler *c)
{
	if (!c)
		return;
	job_abandon(c->job);
	compiler_free(c);
}
