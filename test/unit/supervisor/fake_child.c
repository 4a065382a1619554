/*
 * A worker and a loader that do nothing but speak: the real supervisor is run against copies of
 * this program. Which of the two it is its own name says; what it answers, the settings and the
 * version that a reload wishes: models.name = "unwanted"   refuses the settings models.alias =
 * "unusable"  a worker cannot use any model version "bad"              the loader refuses it;
 * "never": it does not answer
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/daemon.h"
#include "daemon/scoreboard.h"

static struct daemon self;
static uint64_t generation;

static int publish(const char *version)
{
	struct msg_model m = { .generation = ++generation, .size = 6, .name = "fraud" };
	CLEANUP(close_p) int fd = -1;

	if (memfd_new("fake-model", &fd) < 0 || file_write_all(fd, "model\n", 6) < 0 ||
	    memfd_seal(fd) < 0)
		return -errno;
	snprintf(m.version, sizeof(m.version), "%s", version);
	return channel_send(self.channel, MSG_MODEL_PUBLISH, 0, &m, fd);
}

static void on_load(void *unused, struct message *m)
{
	const struct msg_reload *wish = m->payload;
	struct msg_reload_done done = { .outcome = RELOAD_DONE_RELOADED };

	(void)unused;
	if (strcmp(wish->version, "never") == 0)
		return;
	if (strcmp(wish->version, "bad") == 0) {
		done.outcome = RELOAD_DONE_REFUSED;
		snprintf(done.words, sizeof(done.words), "version \"bad\" is bad");
	} else if (wish->flags & RELOAD_DRY_RUN) {
		done.outcome = RELOAD_DONE_VERIFIED;
	} else {
		publish(wish->version[0] ? wish->version : "alias");
	}
	done.generation = generation;
	snprintf(done.version, sizeof(done.version), "%s", wish->version);
	channel_send(self.channel, MSG_RELOAD_LOADED, m->id, &done, -1);
}

static void on_use(void *unused, struct message *m)
{
	const struct msg_model *model = m->payload;
	struct msg_model_in_use used = { .generation = model->generation };
	char text[6];

	(void)unused;
	if (strcmp(self.settings->models.alias, "unusable") == 0)
		used.result = -ENOMEM;
	else if (pread(m->fd, text, sizeof(text), 0) != 6 || !memfd_is_sealed(m->fd))
		used.result = -EBADMSG;
	channel_send(self.channel, MSG_MODEL_IN_USE, 0, &used, -1);
}

static void on_news(void *unused, struct message *m)
{
	(void)unused;
	(void)m;
}

static int check(struct daemon *d, const struct settings *next, struct errbuf *err)
{
	(void)d;
	if (strcmp(next->models.name, "unwanted") == 0)
		return errbuf_set(err, -EINVAL, "this name is unwanted");
	return 0;
}

static int start(struct daemon *d)
{
	struct msg_registry_state state = { .asked_at_us = 1, .kind = "local" };

	if (strcmp(d->name, "loader") == 0) {
		channel_send(d->channel, MSG_REGISTRY_STATE, 0, &state, -1);
		generation = (uint64_t)getpid() * 1000;
		return publish("first");
	}
	if (d->listener_count == 0 || d->listeners[0] < 0)
		return -ENOTSOCK;
	scoreboard_take_slot(&d->scoreboard->slots[d->instance]);
	return 0;
}

static const struct channel_handler front_handlers[] = {
	{ MSG_MODEL_USE, on_use },
	{ MSG_MODEL_LIVE, on_news },
	{ MSG_REGISTRY_STATE, on_news },
	{ .handler = NULL },
};
static const struct channel_handler loader_handlers[] = {
	{ MSG_RELOAD_LOAD, on_load },
	{ MSG_MODEL_USE, on_news },
	{ .handler = NULL },
};

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int loader = strcmp(slash ? slash + 1 : argv[0], "fraud-loader") == 0;

	self = (struct daemon){
		.name = loader ? "loader" : "front",
		.handlers = loader ? loader_handlers : front_handlers,
		.start = start,
		.check = check,
	};
	return daemon_run(&self, argc, argv);
}
