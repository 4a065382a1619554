/*
 * The one way a model leaves the loader: a generation is taken from disk, the sealed image goes to
 * the supervisor, and what is live is remembered. Called by load.c and by the start.
 *
 * Invariant: l->live is what the supervisor was given last, and l->live_fd its image.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "loader.h"
#include "state.h"

static int send_model(struct loader *l, const struct record *record, int fd,
                      enum model_origin origin)
{
	struct msg_model m = {
		.generation = record->generation,
		.size = record->size,
		.verified = record->verified,
		.origin = origin,
	};

	memcpy(m.name, record->name, sizeof(m.name));
	memcpy(m.version, record->version, sizeof(m.version));
	memcpy(m.registry_version, record->registry_version, sizeof(m.registry_version));
	return channel_send(l->daemon->channel, MSG_MODEL_PUBLISH, 0, &m, fd);
}

int publish(struct loader *l, struct record *record, int *fd, enum model_origin origin,
            struct errbuf *err)
{
	uint64_t floor = l->live.generation > l->floor ? l->live.generation : l->floor;
	int r = state_next_generation(l->daemon->settings->state_dir, floor, &record->generation,
	                              err);

	if (r < 0)
		return r;
	r = send_model(l, record, *fd, origin);
	if (r < 0)
		return errbuf_set(err, r, "could not give the model to fraudd: %s", strerror(-r));
	l->live = *record;
	l->live_origin = origin;
	if (*fd != l->live_fd) {
		close_p(&l->live_fd);
		l->live_fd = take_fd(fd);
	}
	return 0;
}

void publish_kept(struct loader *l, enum model_origin origin)
{
	struct errbuf err = { "" };
	struct record record = l->kept;

	if (l->kept_fd < 0)
		return;
	if (publish(l, &record, &l->kept_fd, origin, &err) < 0) {
		log_error(0, "could not publish the kept version \"%s\": %s", record.version,
		          err.text);
		close_p(&l->kept_fd);
		l->kept_fd = -1;
		return;
	}
	log_info("version \"%s\" from the state folder is generation %" PRIu64, record.version,
	         record.generation);
}

void publish_origin(struct loader *l)
{
	struct errbuf err = { "" };
	struct record record = l->live;
	int fd = l->live_fd;

	if (l->live_origin == MODEL_FROM_REGISTRY || fd < 0)
		return;
	if (publish(l, &record, &fd, MODEL_FROM_REGISTRY, &err) < 0)
		log_error(0, "could not publish version \"%s\" again: %s", record.version,
		          err.text);
}

void publish_adopt(struct loader *l, const struct msg_model *m, int *fd)
{
	if (m->generation > l->floor)
		l->floor = m->generation;
	/* Our own, or one from before that came too late. */
	if (l->live.generation != 0 || m->generation == 0 || *fd < 0)
		return;
	if (l->kept.generation == m->generation)
		l->live = l->kept;
	else
		l->live = (struct record){ .size = m->size, .verified = m->verified };
	l->live.generation = m->generation;
	loader_text(l->live.name, sizeof(l->live.name), m->name);
	loader_text(l->live.version, sizeof(l->live.version), m->version);
	loader_text(l->live.registry_version, sizeof(l->live.registry_version),
	            m->registry_version);
	l->live_origin = (enum model_origin)m->origin;
	l->live_fd = take_fd(fd);
	close_p(&l->kept_fd);
	l->kept_fd = -1;
	log_info("version \"%s\", generation %" PRIu64 ", is served already", l->live.version,
	         l->live.generation);
}

void publish_state(struct loader *l)
{
	int r = channel_send(l->daemon->channel, MSG_REGISTRY_STATE, 0, &l->told, -1);

	if (r < 0)
		log_debug("could not tell fraudd of the registry: %s", strerror(-r));
}
