/*
 * The services table. The workers are N instances of one row, not children of another parent, so
 * there is one fork and restart loop in the whole suite (child.c). To add a daemon: a row here, its
 * kind in service.h, its handlers in router.c.
 */
#include "service.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/str.h"
#include "daemon/scoreboard.h"
#include "daemon/spawn.h"

static uint32_t one(const struct settings *s)
{
	(void)s;
	return 1;
}

/* The cores that this process may use, which in a container are fewer than the machine has. */
static uint32_t workers(const struct settings *s)
{
	cpu_set_t set;
	int n = s->front.workers ? (int)s->front.workers : 1;

	if (s->front.workers == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n < SCOREBOARD_MAX_SLOTS ? (uint32_t)n : SCOREBOARD_MAX_SLOTS;
}

/* clang-format off */
const struct service services[SERVICE_MAX] = {
	[SERVICE_FRONT] = {
		.name = "front",     .program = "fraud-front",     .audience = AUDIENCE_FRONT,
		.instances = workers, .listeners = true, .model = true, .registry_state = true },
	[SERVICE_LOADER] = {
		.name = "loader",    .program = "fraud-loader",    .audience = AUDIENCE_LOADER,
		.instances = one, .model = true },
	[SERVICE_SCHEDULER] = {
		.name = "scheduler", .program = "fraud-scheduler", .audience = AUDIENCE_SCHEDULER,
		.instances = one,     .model = true },
};
/* clang-format on */

static int select_one(struct str name, bool ret[SERVICE_MAX], struct errbuf *err)
{
	char path[4096];
	int r;

	for (unsigned i = 0; i < SERVICE_MAX; i++) {
		if (!str_is(name, services[i].name))
			continue;
		if (ret[i])
			return errbuf_set(err, -EINVAL, "services: \"%s\" is named twice",
			                  services[i].name);
		r = spawn_path(services[i].program, path, sizeof(path));
		if (r < 0)
			return errbuf_set(
			        err, -ENOENT,
			        "services: \"%s\" needs the program \"%s\" beside fraudd: %s",
			        services[i].name, services[i].program, strerror(-r));
		ret[i] = true;
		return 0;
	}
	return errbuf_set(err, -EINVAL, "services: \"%.*s\" is none of front, loader, scheduler",
	                  STR_ARGS(name));
}

int service_select(const char *text, bool ret[SERVICE_MAX], struct errbuf *err)
{
	bool chosen[SERVICE_MAX] = { false };
	int r;

	for (const char *p = text;;) {
		size_t n = strcspn(p, ",");

		r = select_one(str_trim((struct str){ p, n }), chosen, err);
		if (r < 0)
			return r;
		if (!p[n])
			break;
		p += n + 1;
	}
	memcpy(ret, chosen, sizeof(chosen));
	return 0;
}
