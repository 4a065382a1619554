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

int publish_number(const struct loader *l, struct record *record, struct errbuf *err)
{
	uint64_t floor = l->live.generation > l->floor ? l->live.generation : l->floor;

	return state_next_generation(l->daemon->settings->state_dir, floor, &record->generation,
	                             err);
}

int publish(struct loader *l, const struct record *record, int *fd, enum model_origin origin,
            struct errbuf *err)
{
	int r = send_model(l, record, *fd, origin);

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

/* Once more what is there, under a new number. */
static int publish_again(struct loader *l, struct record record, int *fd, enum model_origin origin)
{
	struct errbuf err = { "" };
	int r = publish_number(l, &record, &err);

	if (r == 0)
		r = publish(l, &record, fd, origin, &err);
	if (r < 0)
		log_error(0, "could not publish version \"%s\": %s", record.version, err.text);
	else
		log_info("version \"%s\", %s, is generation %" PRIu64, record.version,
		         origin == MODEL_FROM_REGISTRY ? "kept here and confirmed by the registry"
		                                       : "kept here",
		         record.generation);
	return r;
}

void publish_kept(struct loader *l, enum model_origin origin)
{
	if (l->kept_fd < 0)
		return;
	publish_again(l, l->kept, &l->kept_fd, origin);
	close_p(&l->kept_fd);
	l->kept_fd = -1;
}

void publish_origin(struct loader *l)
{
	int fd = l->live_fd;

	if (l->live_origin != MODEL_FROM_REGISTRY && fd >= 0)
		publish_again(l, l->live, &fd, MODEL_FROM_REGISTRY);
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
	l->kept_due = false;
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
