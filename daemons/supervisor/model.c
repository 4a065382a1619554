/*
 * The supervisor's part in a model's life: it keeps one descriptor, the newest, gives it to every
 * worker, also to those that start later, and knows when all of them serve it. It never maps the
 * file: what it knows of it is what the loader said.
 *
 * The descriptor also goes to the service manager's store, with a second small file that holds what
 * was said, so that a restart of the whole suite serves at once, registry or not.
 */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/daemon.h"

#define STORE_PREFIX "model-"
#define STORE_WORDS "model-words-"

/* What the second file holds; another build may mean something else by it. */
struct stored_words {
	char build_id[MESSAGE_BUILD_ID];
	struct msg_model info;
};

static bool uses_model(const struct service *s)
{
	return s->model;
}

static bool serves(const struct service *s)
{
	return s->listeners;
}

static bool wants_registry(const struct service *s)
{
	return s->registry_state;
}

void model_init(struct model *m, struct children *children, const struct sdnotify *notify)
{
	*m = (struct model){ .children = children, .notify = notify, .fd = -1 };
}

void model_done(struct model *m)
{
	close_p(&m->fd);
	m->fd = -1;
}

static bool texts_hold(const struct msg_model *i)
{
	return message_text(i->name, sizeof(i->name)) &&
	       message_text(i->version, sizeof(i->version)) &&
	       message_text(i->registry_version, sizeof(i->registry_version));
}

static int check_file(int fd, uint64_t size)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -EBADF;
	if (!memfd_is_sealed(fd))
		return -EPERM;
	return st.st_size > 0 && (uint64_t)st.st_size == size ? 0 : -EBADMSG;
}

static int write_words(const struct msg_model *info, int *ret_fd)
{
	struct stored_words words = { .info = *info };
	CLEANUP(close_p) int fd = -1;
	int r;

	memcpy(words.build_id, daemon_build_id(), strlen(daemon_build_id()));
	r = memfd_new("fraudd-model-words", &fd);
	if (r == 0)
		r = file_write_all(fd, &words, sizeof(words));
	if (r == 0)
		r = memfd_seal(fd);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

static void store_name(const char *prefix, uint64_t generation, char ret[SDNOTIFY_NAME])
{
	snprintf(ret, SDNOTIFY_NAME, "%s%" PRIu64, prefix, generation);
}

/* The new pair first, then the old one away: a restart in between finds the newer of two. */
static void store(const struct model *m, uint64_t previous)
{
	CLEANUP(close_p) int words = -1;
	char name[SDNOTIFY_NAME];
	int r = 0;

	if (m->notify->fd < 0)
		return;
	r = write_words(&m->info, &words);
	store_name(STORE_PREFIX, m->info.generation, name);
	if (r == 0)
		r = sdnotify_store(m->notify, m->fd, name);
	store_name(STORE_WORDS, m->info.generation, name);
	if (r == 0)
		r = sdnotify_store(m->notify, words, name);
	if (r < 0)
		log_warning(r, "could not store the model with the service manager");
	if (previous == 0)
		return;
	store_name(STORE_PREFIX, previous, name);
	sdnotify_unstore(m->notify, name);
	store_name(STORE_WORDS, previous, name);
	sdnotify_unstore(m->notify, name);
}

int model_publish(struct model *m, struct message *message, struct errbuf *err)
{
	const struct msg_model *info = message->payload;
	uint64_t previous = m->info.generation;
	int r = check_file(message->fd, info->size);

	if (r < 0)
		return errbuf_set(err, r, "the model is no sealed file of the size that was said");
	if (!texts_hold(info))
		return errbuf_set(err, -EBADMSG, "the model's name or version is no text");
	if (info->generation <= previous)
		return errbuf_set(err, -ESTALE, "generation %" PRIu64 " is not newer than %" PRIu64,
		                  info->generation, previous);
	close_p(&m->fd);
	m->fd = take_fd(&message->fd);
	m->info = *info;
	m->live = false;
	log_info("model \"%s\" version \"%s\" is generation %" PRIu64, info->name, info->version,
	         info->generation);
	for (size_t i = 0; i < m->children->count; i++)
		m->children->list[i].model_result = 0;
	children_send(m->children, uses_model, MSG_MODEL_USE, &m->info, m->fd);
	store(m, previous);
	return 0;
}

int model_registry(struct model *m, const struct msg_registry_state *s)
{
	if (!message_text(s->kind, sizeof(s->kind)) || !message_text(s->alias, sizeof(s->alias)) ||
	    !message_text(s->alias_version, sizeof(s->alias_version)) ||
	    !message_text(s->alias_registry_version, sizeof(s->alias_registry_version)) ||
	    !message_text(s->pinned, sizeof(s->pinned)) ||
	    !message_text(s->last_error, sizeof(s->last_error)))
		return -EBADMSG;
	m->registry = *s;
	m->told = true;
	children_send(m->children, wants_registry, MSG_REGISTRY_STATE, s, -1);
	return 0;
}

void model_introduce(struct model *m, struct child *c)
{
	int r = 0;

	if (c->service->registry_state && m->told)
		r = channel_send(c->channel, MSG_REGISTRY_STATE, 0, &m->registry, -1);
	if (r == 0 && c->service->model && m->fd >= 0)
		r = channel_send(c->channel, MSG_MODEL_USE, 0, &m->info, m->fd);
	if (r == 0 && serves(c->service) && m->live)
		r = channel_send(c->channel, MSG_MODEL_LIVE, 0, &m->info, -1);
	if (r < 0)
		child_refuse(c, r, "could not be told of the model");
}

void model_used(struct model *m, struct child *c, const struct msg_model_in_use *used)
{
	/* An answer for an older one crosses its successor on the way. */
	if (used->generation != m->info.generation)
		return;
	c->model_result = used->result;
	if (used->result == 0)
		c->generation = used->generation;
	else
		log_error(used->result, "%s %u cannot use generation %" PRIu64, c->service->name,
		          c->instance, used->generation);
}

struct model_workers model_workers(const struct model *m)
{
	struct model_workers w = { 0 };

	for (size_t i = 0; i < m->children->count; i++) {
		const struct child *c = &m->children->list[i];

		if (!serves(c->service) || c->process.state != PROCESS_UP)
			continue;
		w.up++;
		if (m->fd >= 0 && c->generation == m->info.generation)
			w.current++;
		else if (c->model_result < 0 && !w.failed)
			w.failed = c;
	}
	return w;
}

bool model_settle(struct model *m)
{
	struct model_workers w = model_workers(m);

	if (m->live || m->fd < 0 || w.up == 0 || w.current < w.up)
		return false;
	m->live = true;
	log_info("generation %" PRIu64 " is live on %" PRIu32 " worker%s", m->info.generation, w.up,
	         w.up == 1 ? "" : "s");
	children_send(m->children, serves, MSG_MODEL_LIVE, &m->info, -1);
	return true;
}

static int read_words(int fd, struct msg_model *ret)
{
	struct stored_words words;
	struct stat st;

	if (!memfd_is_sealed(fd) || fstat(fd, &st) < 0 || st.st_size != sizeof(words))
		return -EBADMSG;
	if (pread(fd, &words, sizeof(words), 0) != (ssize_t)sizeof(words))
		return -EBADMSG;
	words.build_id[sizeof(words.build_id) - 1] = '\0';
	if (strcmp(words.build_id, daemon_build_id()) != 0 || !texts_hold(&words.info))
		return -ESTALE;
	*ret = words.info;
	return 0;
}

static struct sdnotify_fd *find(struct sdnotify_fd *given, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (given[i].fd >= 0 && strcmp(given[i].name, name) == 0)
			return &given[i];
	return NULL;
}

/* One pair of the store, if it is of this build and newer than what is there. */
static void restore_one(struct model *m, struct sdnotify_fd *words, struct sdnotify_fd *given,
                        size_t count)
{
	char name[SDNOTIFY_NAME];
	struct sdnotify_fd *model;
	struct msg_model info;

	if (read_words(words->fd, &info) < 0 || info.generation <= m->info.generation)
		return;
	store_name(STORE_PREFIX, info.generation, name);
	model = find(given, count, name);
	if (!model || check_file(model->fd, info.size) < 0)
		return;
	close_p(&m->fd);
	m->fd = take_fd(&model->fd);
	m->info = info;
}

void model_restore(struct model *m, struct sdnotify_fd *given, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (given[i].fd >= 0 &&
		    strncmp(given[i].name, STORE_WORDS, strlen(STORE_WORDS)) == 0)
			restore_one(m, &given[i], given, count);
	if (m->fd >= 0)
		log_info("model \"%s\" version \"%s\", generation %" PRIu64
		         ", comes from the service manager",
		         m->info.name, m->info.version, m->info.generation);
	for (size_t i = 0; i < count; i++) {
		if (strncmp(given[i].name, STORE_PREFIX, strlen(STORE_PREFIX)) != 0)
			continue;
		/* Words, and pairs that were not used: of no use later either. */
		close_p(&given[i].fd);
		given[i].fd = -1;
	}
}
