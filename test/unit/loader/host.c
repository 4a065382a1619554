/* Starting a loader and talking to it. Everything that can fail fails the test at once. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/settings.h"
#include "daemon/environment.h"
#include "daemon/scoreboard.h"
#include "daemon/sealed_settings.h"
#include "daemon/spawn.h"
#include "score/score.h"

#define SMALL_VERSION "20260101-000000"
#define MAX_OVERRIDES 16

void host_init(struct host *h)
{
	*h = (struct host){ .dir = "/tmp/test_loader.XXXXXX", .fd = -1, .model_fd = -1 };
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(chdir(h->dir), 0);
}

void host_done(struct host *h)
{
	if (h->pid > 0)
		host_hang_up(h);
	close_p(&h->model_fd);
	file_remove_tree(h->dir);
}

/* The text, with another version in the place of the small one's; lengths are equal. */
static void rename_version(struct small_version *v, unsigned member, const char *version)
{
	char *at = v->text[member].p;

	while ((at = strstr(at, SMALL_VERSION)))
		memcpy(at, version, strlen(SMALL_VERSION));
}

static void write_version(struct small_version *v, const char *version)
{
	struct errbuf err;

	assert_int_equal(strlen(version), strlen(SMALL_VERSION));
	json_setup();
	small_fill(v);
	rename_version(v, SMALL_THRESHOLDS, version);
	small_sign(v);
	rename_version(v, SMALL_MANIFEST, version);
	if (bundle_write("models/fraud", version, v->files, SMALL_MAX, &err) < 0)
		fail_msg("%s", err.text);
}

void host_make_version(const char *version)
{
	struct small_version v = { .text = { { .p = NULL } } };

	write_version(&v, version);
	small_done(&v);
}

void host_make_bad_version(const char *version)
{
	CLEANUP(close_p) int fd = -1;
	char path[128];

	host_make_version(version);
	snprintf(path, sizeof(path), "models/fraud/%s/model.ubj", version);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "!", 1, 100), 1);
}

void host_set_alias(const char *alias, const char *version)
{
	char path[128], text[80];

	assert_int_equal(file_make_dirs("models/fraud/aliases", 0755), 0);
	snprintf(path, sizeof(path), "models/fraud/aliases/%s", alias);
	snprintf(text, sizeof(text), "%s\n", version);
	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0644), 0);
}

static void on_error(void *unused, const char *text)
{
	(void)unused;
	print_error("%s\n", text);
}

static int make_settings(const struct host *h, const char *const *overrides, uint64_t *ret_size)
{
	char models[128], state[128];
	const char *words[MAX_OVERRIDES] = { models, state, "registry.poll_seconds=0" };
	struct settings_sources from = { .overrides = words, .override_count = 3 };
	struct settings *s;
	int fd;

	snprintf(models, sizeof(models), "models.dir=%s/models", h->dir);
	snprintf(state, sizeof(state), "state_dir=%s/state", h->dir);
	for (; overrides && *overrides; overrides++)
		words[from.override_count++] = *overrides;
	assert_int_equal(settings_load(&from, on_error, NULL, &s), 0);
	assert_int_equal(sealed_settings_write(s, AUDIENCE_LOADER, &fd, ret_size), 0);
	settings_free(s);
	return fd;
}

static void introduce(struct host *h, const char *const *overrides, const struct msg_model *served,
                      int served_fd)
{
	struct msg_settings settings = { .instances = 1 };
	struct msg_scoreboard board = { .size = scoreboard_size(1) };
	CLEANUP(close_p) int settings_fd = make_settings(h, overrides, &settings.size);
	CLEANUP(close_p) int board_fd = -1;

	assert_int_equal(scoreboard_create(1, &board_fd), 0);
	assert_int_equal(
	        channel_send_blocking(h->fd, MSG_SETTINGS, 0, &settings, settings_fd, HOST_WAIT_MS),
	        0);
	assert_int_equal(
	        channel_send_blocking(h->fd, MSG_SCOREBOARD, 0, &board, board_fd, HOST_WAIT_MS), 0);
	if (served)
		assert_int_equal(channel_send_blocking(h->fd, MSG_MODEL_USE, 0, served, served_fd,
		                                       HOST_WAIT_MS),
		                 0);
}

void host_start(struct host *h, const char *const *overrides, const struct msg_model *served,
                int served_fd)
{
	static const char *const argv[] = { "fraud-loader", NULL };
	CLEANUP(free_p) char **env = NULL;
	CLEANUP(close_p) int theirs = -1;
	struct spawn_options o = { .path = FRAUDD_BUILD_DIR "/bin/fraud-loader",
		                   .argv = argv,
		                   .fd_count = 1,
		                   .stderr_fd = -1 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	h->fd = ends[0];
	theirs = ends[1];
	h->ready = false;
	h->states = 0;
	memset(&h->state, 0, sizeof(h->state));
	introduce(h, overrides, served, served_fd);
	assert_int_equal(environment_new(NULL, &env), 0);
	o.env = env;
	o.fds = &theirs;
	assert_int_equal(spawn(&o, &h->pid), 0);
}

static int wait_for_end(struct host *h)
{
	int status;

	close_p(&h->fd);
	h->fd = -1;
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	h->pid = 0;
	return status;
}

/* Reads until the end of the channel, so that nothing is lost and nobody waits for us. */
int host_stop(struct host *h)
{
	const struct msg_drain drain = { .seconds = 0 };
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	struct message m;

	assert_int_equal(channel_send_blocking(h->fd, MSG_DRAIN, 0, &drain, -1, HOST_WAIT_MS), 0);
	while (channel_recv_blocking(h->fd, HOST_WAIT_MS, buffer, &m) == 0)
		close_p(&m.fd);
	return wait_for_end(h);
}

int host_hang_up(struct host *h)
{
	return wait_for_end(h);
}

static void note(struct host *h, struct message *m)
{
	if (m->type == MSG_READY)
		h->ready = true;
	if (m->type == MSG_MODEL_PUBLISH) {
		const struct msg_model *model = m->payload;

		if (model->generation <= h->model.generation)
			fail_msg("generation %llu after %llu",
			         (unsigned long long)model->generation,
			         (unsigned long long)h->model.generation);
		h->model = *model;
		h->published++;
		close_p(&h->model_fd);
		h->model_fd = take_fd(&m->fd);
	}
	if (m->type == MSG_REGISTRY_STATE) {
		memcpy(&h->state, m->payload, sizeof(h->state));
		h->states++;
	}
}

static enum message_type take(struct host *h, const char *what, void *ret, size_t room)
{
	_Alignas(16) unsigned char buffer[CHANNEL_MAX_PAYLOAD];
	uint64_t until = clock_mono_ns() + HOST_WAIT_MS * UINT64_C(1000000);
	struct message m;
	int r = channel_recv_blocking(h->fd, HOST_WAIT_MS, buffer, &m);

	if (r < 0 || clock_mono_ns() > until)
		fail_msg("waited in vain for %s: %s", what, strerror(-r));
	note(h, &m);
	close_p(&m.fd);
	if (ret && message_size(m.type) <= room)
		memcpy(ret, m.payload, message_size(m.type));
	return m.type;
}

void host_step(struct host *h, const char *what)
{
	static uint64_t began;
	static const char *last;

	/* ticks come for ever */
	if (last != what)
		began = clock_mono_ns();
	last = what;
	if (clock_mono_ns() - began > HOST_WAIT_MS * UINT64_C(1000000))
		fail_msg("waited in vain for %s", what);
	take(h, what, NULL, 0);
}

void host_expect(struct host *h, enum message_type type, void *ret)
{
	_Alignas(16) unsigned char payload[CHANNEL_MAX_PAYLOAD];
	uint64_t until = clock_mono_ns() + HOST_WAIT_MS * UINT64_C(1000000);

	while (take(h, message_name(type), payload, sizeof(payload)) != type)
		if (clock_mono_ns() > until)
			fail_msg("waited in vain for %s", message_name(type));
	if (ret)
		memcpy(ret, payload, message_size(type));
}

struct msg_reload_done host_reload(struct host *h, enum reload_wish wish, uint32_t flags,
                                   const char *version)
{
	struct msg_reload m = { .wish = wish, .flags = flags };
	struct msg_reload_done done;

	snprintf(m.version, sizeof(m.version), "%s", version);
	assert_int_equal(channel_send_blocking(h->fd, MSG_RELOAD_LOAD, 7, &m, -1, HOST_WAIT_MS), 0);
	host_expect(h, MSG_RELOAD_LOADED, &done);
	return done;
}

int host_settings(struct host *h, const char *const *overrides)
{
	const struct msg_nothing nothing = { 0 };
	struct msg_settings m = { .instances = 1 };
	CLEANUP(close_p) int fd = make_settings(h, overrides, &m.size);
	struct msg_settings_checked checked;

	assert_int_equal(channel_send_blocking(h->fd, MSG_SETTINGS_CHECK, 3, &m, fd, HOST_WAIT_MS),
	                 0);
	host_expect(h, MSG_SETTINGS_CHECKED, &checked);
	if (checked.result == 0)
		assert_int_equal(channel_send_blocking(h->fd, MSG_SETTINGS_APPLY, 4, &nothing, -1,
		                                       HOST_WAIT_MS),
		                 0);
	return checked.result;
}

void host_check_model(const struct host *h)
{
	struct score_model m;
	struct arena a = { 0 };
	struct errbuf err;
	struct stat st;
	void *image;

	assert_true(memfd_is_sealed(h->model_fd));
	assert_int_equal(fstat(h->model_fd, &st), 0);
	assert_int_equal(st.st_size, h->model.size);
	image = mmap(NULL, h->model.size, PROT_READ, MAP_PRIVATE, h->model_fd, 0);
	assert_true(image != MAP_FAILED);
	if (score_open(image, h->model.size, true, &a, &m, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(str_is(m.version, h->model.version));
	arena_done(&a);
	munmap(image, h->model.size);
}
