/* The loader as a process: what it publishes, what it refuses, what it remembers. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "host.h"

#define V1 "20260101-000001"
#define V2 "20260101-000002"
#define V3 "20260101-000003"

static struct host h;

static int setup(void **unused)
{
	(void)unused;
	host_init(&h);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	host_done(&h);
	return 0;
}

static void start(void)
{
	host_start(&h, NULL, NULL, -1);
}

static void expect_live(const char *version, uint64_t generation, enum model_origin origin)
{
	assert_string_equal(h.model.name, "fraud");
	assert_string_equal(h.model.version, version);
	assert_string_equal(h.model.registry_version, "");
	assert_int_equal(h.model.generation, generation);
	assert_int_equal(h.model.origin, origin);
	assert_int_equal(h.model.verified, MODEL_VERIFIED_SELF);
	host_check_model(&h);
}

static void expect_done(struct msg_reload_done done, enum reload_outcome outcome,
                        uint64_t generation, const char *words)
{
	if (done.outcome != (uint32_t)outcome || done.generation != generation ||
	    (words && strcmp(done.words, words) != 0))
		fail_msg("outcome %u, generation %llu: \"%s\"", done.outcome,
		         (unsigned long long)done.generation, done.words);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void start_with(const char *version)
{
	host_make_version(version);
	host_set_alias("production", version);
	start();
	HOST_WAIT(&h, h.published > 0);
}

/* A drain waits until the copy is made. */
static void stop(void)
{
	assert_int_equal(host_stop(&h), 0);
}

static void ready_without_a_model(void **unused)
{
	(void)unused;
	start();
	HOST_WAIT(&h, h.ready && h.states > 0);
	assert_int_equal(h.published, 0);
	assert_string_equal(h.state.kind, "local");
	assert_string_equal(h.state.alias, "production");
	assert_string_equal(h.state.alias_version, "");
	assert_string_equal(
	        h.state.last_error,
	        "could not open the model folder \"models\": No such file or directory; "
	        "set models.dir or train a version");
	host_make_version(V1);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_REFUSED, 0,
	            "no alias \"production\" of model \"fraud\" in \"models\": train a version or "
	            "set the alias");
	host_set_alias("production", V1);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 1, "");
	expect_live(V1, 1, MODEL_FROM_REGISTRY);
	assert_string_equal(h.state.last_error, "");
	assert_string_equal(h.state.alias_version, V1);
	stop();
}

static void reload_says_what_it_did(void **unused)
{
	struct msg_reload_done done;

	(void)unused;
	start_with(V1);
	expect_live(V1, 1, MODEL_FROM_REGISTRY);
	done = host_reload(&h, RELOAD_ALIAS, 0, "");
	expect_done(done, RELOAD_DONE_UNCHANGED, 1, "");
	assert_string_equal(done.version, V1);
	expect_done(host_reload(&h, RELOAD_ALIAS, RELOAD_DRY_RUN, ""), RELOAD_DONE_VERIFIED, 1,
	            "all 4 trees");
	assert_int_equal(h.published, 1);
	expect_done(host_reload(&h, RELOAD_ALIAS, RELOAD_FORCE, ""), RELOAD_DONE_RELOADED, 2, "");
	expect_live(V1, 2, MODEL_FROM_REGISTRY);
	host_make_version(V2);
	host_set_alias("production", V2);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 3, "");
	expect_live(V2, 3, MODEL_FROM_REGISTRY);
	stop();
}

/* Touched files are read again, and found to be the same. */
static void same_bytes_are_no_new_generation(void **unused)
{
	(void)unused;
	start_with(V1);
	assert_int_equal(utimensat(AT_FDCWD, "models/fraud/" V1 "/model.ubj", NULL, 0), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 1, "");
	assert_int_equal(h.published, 1);
	stop();
}

static void bad_version_is_refused(void **unused)
{
	static const char words[] =
	        "version \"" V2 "\" was refused: artifacts/manifest.json: sha256 "
	        "of model.ubj differs";

	(void)unused;
	start_with(V1);
	host_make_bad_version(V2);
	host_set_alias("production", V2);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_REFUSED, 1, words);
	assert_string_equal(h.state.last_error, words);
	assert_string_equal(h.state.alias_version, V2);
	assert_int_equal(h.published, 1);
	/* what somebody asks for once does not become the host's error, nor its pin */
	host_set_alias("production", V1);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 1, "");
	assert_string_equal(h.state.last_error, "");
	expect_done(host_reload(&h, RELOAD_VERSION, 0, V2), RELOAD_DONE_REFUSED, 1, words);
	expect_done(host_reload(&h, RELOAD_VERSION, 0, V3), RELOAD_DONE_REFUSED, 1,
	            "no version \"" V3 "\" of model \"fraud\" in \"models\"");
	expect_done(host_reload(&h, RELOAD_VERSION, 0, "../" V1), RELOAD_DONE_REFUSED, 1, NULL);
	assert_string_equal(h.state.last_error, "");
	assert_string_equal(h.state.pinned, "");
	assert_false(exists("state/pin"));
	stop();
}

static void folder_of_another_version_is_refused(void **unused)
{
	(void)unused;
	host_make_version(V1);
	assert_int_equal(rename("models/fraud/" V1, "models/fraud/" V2), 0);
	host_set_alias("production", V2);
	start();
	HOST_WAIT(&h, h.states > 0);
	assert_string_equal(h.state.last_error, "version \"" V2 "\" was refused: the folder holds "
	                                        "version \"" V1 "\"");
	assert_int_equal(h.published, 0);
	stop();
}

static void poll_follows_the_alias(void **unused)
{
	static const char *const often[] = { "registry.poll_seconds=1", NULL };
	unsigned states;

	(void)unused;
	host_make_version(V1);
	host_make_version(V2);
	host_set_alias("production", V1);
	host_start(&h, often, NULL, -1);
	HOST_WAIT(&h, h.published == 1);
	host_set_alias("production", V2);
	HOST_WAIT(&h, h.published == 2);
	expect_live(V2, 2, MODEL_FROM_REGISTRY);
	/* refused once, not once a second */
	host_make_bad_version(V3);
	host_set_alias("production", V3);
	HOST_WAIT(&h, *h.state.last_error);
	states = h.states;
	HOST_WAIT(&h, h.states > states + 1);
	assert_non_null(strstr(h.state.last_error, "sha256"));
	assert_int_equal(h.published, 2);
	host_set_alias("production", V1);
	HOST_WAIT(&h, h.published == 3 && !*h.state.last_error);
	stop();
}

static void pin_holds(void **unused)
{
	static const char words[] = "pinned to \"" V1 "\"; alias \"production\" names \"" V2 "\"";

	(void)unused;
	start_with(V1);
	host_make_version(V2);
	expect_done(host_reload(&h, RELOAD_VERSION, RELOAD_DRY_RUN, V2), RELOAD_DONE_VERIFIED, 1,
	            NULL);
	assert_string_equal(h.state.pinned, "");
	expect_done(host_reload(&h, RELOAD_VERSION, 0, V1), RELOAD_DONE_UNCHANGED, 1, "");
	assert_string_equal(h.state.pinned, V1);
	host_set_alias("production", V2);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 1, words);
	assert_string_equal(h.state.alias_version, V2);
	expect_done(host_reload(&h, RELOAD_ALIAS, RELOAD_FORCE, ""), RELOAD_DONE_RELOADED, 2,
	            words);
	expect_live(V1, 2, MODEL_FROM_REGISTRY);
	stop();
	start();
	HOST_WAIT(&h, h.published == 3);
	expect_live(V1, 3, MODEL_FROM_REGISTRY);
	expect_done(host_reload(&h, RELOAD_UNPIN, RELOAD_DRY_RUN, ""), RELOAD_DONE_VERIFIED, 3,
	            NULL);
	assert_true(exists("state/pin"));
	assert_string_equal(h.state.pinned, V1);
	expect_done(host_reload(&h, RELOAD_UNPIN, 0, ""), RELOAD_DONE_RELOADED, 4, "");
	expect_live(V2, 4, MODEL_FROM_REGISTRY);
	assert_string_equal(h.state.pinned, "");
	assert_false(exists("state/pin"));
	stop();
}

static void rollback_pins_and_moves_the_alias(void **unused)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n;

	(void)unused;
	host_make_version(V2);
	start_with(V1);
	expect_done(host_reload(&h, RELOAD_ROLLBACK, 0, ""), RELOAD_DONE_REFUSED, 1,
	            "cannot roll back: no alias \"previous\" of model \"fraud\" in \"models\": "
	            "train a version or set "
	            "the alias");
	host_set_alias("previous", V1);
	host_set_alias("production", V2);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 2, "");
	expect_done(host_reload(&h, RELOAD_ROLLBACK, 0, ""), RELOAD_DONE_RELOADED, 3,
	            "pinned until \"fraudctl unpin\"; alias \"production\" names it for all hosts "
	            "now");
	expect_live(V1, 3, MODEL_FROM_REGISTRY);
	assert_string_equal(h.state.pinned, V1);
	assert_string_equal(h.state.alias_version, V1);
	assert_int_equal(file_read(AT_FDCWD, "models/fraud/aliases/production", 100, &text, &n), 0);
	assert_string_equal(text, V1 "\n");
	expect_done(host_reload(&h, RELOAD_ROLLBACK, 0, ""), RELOAD_DONE_UNCHANGED, 3, "");
	stop();
}

static void kept_version_serves_without_registry(void **unused)
{
	(void)unused;
	start_with(V1);
	stop();
	assert_true(exists("state/last-known-good/bundle/artifacts/manifest.json"));
	assert_int_equal(rename("models", "gone"), 0);
	start();
	HOST_WAIT(&h, h.published == 2 && h.states > 0);
	expect_live(V1, 2, MODEL_FROM_LAST_KNOWN_GOOD);
	assert_non_null(strstr(h.state.last_error, "could not open the model folder"));
	/* and is confirmed when the registry is back */
	assert_int_equal(rename("gone", "models"), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 3, "");
	expect_live(V1, 3, MODEL_FROM_REGISTRY);
	stop();
}

static void kept_version_is_confirmed_at_once(void **unused)
{
	(void)unused;
	start_with(V1);
	stop();
	start();
	HOST_WAIT(&h, h.published == 2 && h.states > 0);
	expect_live(V1, 2, MODEL_FROM_REGISTRY);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 2, "");
	stop();
	/* another version was promoted while this host was down */
	host_make_version(V2);
	host_set_alias("production", V2);
	start();
	HOST_WAIT(&h, h.published == 3);
	expect_live(V1, 3, MODEL_FROM_LAST_KNOWN_GOOD);
	HOST_WAIT(&h, h.published == 4);
	expect_live(V2, 4, MODEL_FROM_REGISTRY);
	stop();
}

static void damage(const char *path, off_t at)
{
	CLEANUP(close_p) int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xa5", 1, at), 1);
}

static void damaged_image_is_compiled_again(void **unused)
{
	(void)unused;
	start_with(V1);
	stop();
	damage("state/last-known-good/image", 1000);
	assert_int_equal(rename("models", "gone"), 0);
	start();
	HOST_WAIT(&h, h.published == 2);
	expect_live(V1, 2, MODEL_FROM_LAST_KNOWN_GOOD);
	stop();
	/* the good image has taken its place */
	start();
	HOST_WAIT(&h, h.published == 3);
	expect_live(V1, 3, MODEL_FROM_LAST_KNOWN_GOOD);
	stop();
	/* both damaged: nothing is published, and nothing dies */
	damage("state/last-known-good/image", 1000);
	damage("state/last-known-good/bundle/model.ubj", 100);
	start();
	HOST_WAIT(&h, h.ready && h.states > 1);
	assert_int_equal(h.published, 3);
	stop();
}

static void record_that_makes_no_sense_is_left_alone(void **unused)
{
	(void)unused;
	start_with(V1);
	stop();
	assert_int_equal(file_write(AT_FDCWD, "state/last-known-good/record", STR("x"), 0600), 0);
	start();
	HOST_WAIT(&h, h.published == 2);
	expect_live(V1, 2, MODEL_FROM_REGISTRY);
	stop();
}

static void generation_never_comes_again(void **unused)
{
	(void)unused;
	assert_int_equal(mkdir("state", 0755), 0);
	assert_int_equal(file_write(AT_FDCWD, "state/generation", STR("many\n"), 0600), 0);
	host_make_version(V1);
	host_set_alias("production", V1);
	start();
	HOST_WAIT(&h, *h.state.last_error);
	assert_non_null(strstr(h.state.last_error, "holds no generation"));
	assert_int_equal(h.published, 0);
	assert_int_equal(file_write(AT_FDCWD, "state/generation", STR("41\n"), 0600), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 42, "");
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	host_hang_up(&h);
	start();
	HOST_WAIT(&h, h.published == 2);
	expect_live(V1, 43, MODEL_FROM_REGISTRY);
	stop();
}

/* Two suites of a host: one counter, one pin. */
static void two_suites_share_the_state(void **unused)
{
	static struct host other;

	(void)unused;
	start_with(V1);
	other = h;
	other.published = 0;
	other.states = 0;
	other.model = (struct msg_model){ .generation = 1 };
	other.model_fd = -1;
	host_start(&other, NULL, NULL, -1);
	HOST_WAIT(&other, other.published == 1);
	assert_int_equal(other.model.generation, 2);
	expect_done(host_reload(&h, RELOAD_ALIAS, RELOAD_FORCE, ""), RELOAD_DONE_RELOADED, 3, "");
	expect_done(host_reload(&h, RELOAD_VERSION, 0, V1), RELOAD_DONE_UNCHANGED, 3, "");
	host_reload(&other, RELOAD_ALIAS, 0, "");
	assert_string_equal(other.state.pinned, V1);
	assert_int_equal(host_stop(&other), 0);
	close_p(&other.model_fd);
	stop();
}

/* A loader that is replaced finds its model in use and leaves it so. */
static void served_model_is_adopted(void **unused)
{
	struct msg_model served;
	CLEANUP(close_p) int fd = -1;

	(void)unused;
	start_with(V1);
	served = h.model;
	fd = dup(h.model_fd);
	stop();
	host_start(&h, NULL, &served, fd);
	HOST_WAIT(&h, h.ready && h.states > 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_UNCHANGED, 1, "");
	assert_int_equal(h.published, 1);
	/* the number goes on above what is served, even if the counter was lost */
	assert_int_equal(unlink("state/generation"), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, RELOAD_FORCE, ""), RELOAD_DONE_RELOADED, 2, "");
	stop();
}

static void settings_change_the_registry(void **unused)
{
	static const char *const alias[] = { "models.alias=staging", NULL };
	static const char *const name[] = { "models.name=../fraud", NULL };
	static const char *const trees[] = { "models.alias=staging", "models.trees=all", NULL };

	(void)unused;
	start_with(V1);
	host_make_version(V2);
	host_set_alias("staging", V2);
	assert_int_equal(host_settings(&h, name), -EINVAL);
	assert_int_equal(host_settings(&h, alias), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 2, "");
	expect_live(V2, 2, MODEL_FROM_REGISTRY);
	assert_string_equal(h.state.alias, "staging");
	/* the image depends on it */
	assert_int_equal(host_settings(&h, trees), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 3, "");
	stop();
}

static void state_that_cannot_be_written_refuses(void **unused)
{
	(void)unused;
	host_make_version(V1);
	host_set_alias("production", V1);
	assert_int_equal(file_write(AT_FDCWD, "state", STR("in the way"), 0600), 0);
	start();
	HOST_WAIT(&h, h.ready && h.states > 0);
	assert_int_equal(h.published, 0);
	assert_string_equal(h.state.last_error, "could not read state_dir/pin: Not a directory");
	assert_int_equal(unlink("state"), 0);
	expect_done(host_reload(&h, RELOAD_ALIAS, 0, ""), RELOAD_DONE_RELOADED, 1, "");
	stop();
}

static void leaves_when_fraudd_is_gone(void **unused)
{
	(void)unused;
	start_with(V1);
	assert_int_equal(host_hang_up(&h), 0);
	assert_true(exists("state/last-known-good/record"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ready_without_a_model),
		TEST(reload_says_what_it_did),
		TEST(same_bytes_are_no_new_generation),
		TEST(bad_version_is_refused),
		TEST(folder_of_another_version_is_refused),
		TEST(poll_follows_the_alias),
		TEST(pin_holds),
		TEST(rollback_pins_and_moves_the_alias),
		TEST(kept_version_serves_without_registry),
		TEST(kept_version_is_confirmed_at_once),
		TEST(damaged_image_is_compiled_again),
		TEST(record_that_makes_no_sense_is_left_alone),
		TEST(generation_never_comes_again),
		TEST(two_suites_share_the_state),
		TEST(served_model_is_adopted),
		TEST(settings_change_the_registry),
		TEST(state_that_cannot_be_written_refuses),
		TEST(leaves_when_fraudd_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
