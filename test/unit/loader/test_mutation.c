/*
 * 1,000 versions that somebody damaged, each through a real compile child: none may end it by a
 * signal, none may be taken with other bytes than the sound one, and each refusal has words.
 *
 * Half of the damage lies under a manifest that was made anew over it, as by somebody who may write
 * to the registry: then the digests hold and the parsers, the importer and the proof are on their
 * own. What they take may differ from the sound one (another threshold is another version), but it
 * must be an image that a worker can open.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/random.h"
#include "score/score.h"

#define VERSION "20260101-000000"
#define MUTATIONS 500 /* of each kind */

static char folder[64];
static struct strbuf sound_image;

static int setup(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/test_mutation.XXXXXX");
	json_setup();
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	strbuf_done(&sound_image);
	return file_remove_tree(folder);
}

/* The wait status of fraud-loader --compile over the folder "bad"; its stderr in err.txt. */
static int run_compile(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int err = open("err.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		int out = open("/dev/null", O_WRONLY);

		if (err < 0 || out < 0 || dup2(err, 2) < 0 || dup2(out, 1) < 0)
			_exit(100);
		execl(FRAUDD_BUILD_DIR "/bin/fraud-loader", "fraud-loader", "--compile", "--bundle",
		      "bad/" VERSION, "--image", "image", (char *)NULL);
		_exit(101);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void read_all(const char *path, struct strbuf *ret)
{
	CLEANUP(free_p) char *text = NULL;
	size_t n = 0;

	strbuf_reset(ret);
	if (file_read(AT_FDCWD, path, 1 << 24, &text, &n) == 0)
		strbuf_add(ret, text, n);
}

/* Absurd numbers where there were others. */
static void put_number(struct strbuf *b, struct random *r)
{
	static const char *const numbers[] = {
		"-1",  "4294967295", "99999999999999999999", "2147483647", "1e308",
		"NaN", "0",          "18446744073709551616", "65537",      "-0.5"
	};
	const char *number = numbers[random_below(r, sizeof(numbers) / sizeof(numbers[0]))];
	size_t from = (size_t)random_below(r, b->n), to;
	struct strbuf next = { .p = NULL };

	while (from < b->n && !strchr("0123456789", b->p[from]))
		from++;
	for (to = from; to < b->n && strchr("0123456789.", b->p[to]);)
		to++;
	strbuf_add(&next, b->p, from);
	strbuf_adds(&next, number);
	strbuf_add(&next, b->p + to, b->n - to);
	strbuf_done(b);
	*b = next;
}

static void cut_out(struct strbuf *b, struct random *r)
{
	size_t from = (size_t)random_below(r, b->n);
	size_t n = 1 + (size_t)random_below(r, b->n - from);

	memmove(b->p + from, b->p + from + n, b->n - from - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

static void repeat(struct strbuf *b, struct random *r)
{
	struct strbuf copy = { .p = NULL };
	size_t from = (size_t)random_below(r, b->n);

	strbuf_add(&copy, b->p + from, b->n - from);
	strbuf_add(b, copy.p, copy.n);
	strbuf_done(&copy);
}

static void mutate_text(struct strbuf *b, struct random *r)
{
	char *flip;

	switch (random_below(r, 6)) {
	case 0: /* truncated */
		b->n = (size_t)random_below(r, b->n);
		b->p[b->n] = '\0';
		break;
	case 1: /* one bit */
		flip = &b->p[random_below(r, b->n)];
		*flip = (char)((unsigned char)*flip ^ 1u << random_below(r, 8));
		break;
	case 2: /* some bytes */
		for (unsigned i = 0; i < 8; i++)
			b->p[random_below(r, b->n)] = (char)random_below(r, 256);
		break;
	case 3:
		put_number(b, r);
		break;
	case 4:
		cut_out(b, r);
		break;
	default:
		repeat(b, r);
		break;
	}
}

static unsigned member_of(struct random *r, bool with_manifest)
{
	/* the model most of all: the rest is small */
	if (random_below(r, 3) == 0)
		return SMALL_MODEL;
	return (unsigned)random_below(r, with_manifest ? SMALL_MAX : SMALL_MANIFEST);
}

static void mutate(struct small_version *v, struct random *r, bool with_manifest)
{
	unsigned a = member_of(r, with_manifest), b = member_of(r, with_manifest);
	struct strbuf swapped = v->text[a];

	if (random_below(r, 8) == 0) {
		v->text[a] = v->text[b];
		v->text[b] = swapped;
	} else if (v->text[a].n > 0) {
		mutate_text(&v->text[a], r);
	}
}

/* Everything as it is, the damage included; no sense is asked of it. */
static void write_bad(struct small_version *v)
{
	struct errbuf err;

	file_remove_tree("bad");
	unlink("image");
	small_list(v);
	if (bundle_write("bad", VERSION, v->files, SMALL_MAX, &err) < 0)
		fail_msg("%s", err.text);
}

static void make(struct small_version *v)
{
	small_fill(v);
	small_sign(v);
}

static bool opens(const struct strbuf *image)
{
	CLEANUP(free_p) void *aligned = aligned_alloc(64, (image->n + 63) / 64 * 64);
	struct score_model m;
	struct arena a = { 0 };
	struct errbuf err;
	int r;

	if (!aligned || image->n == 0)
		return false;
	memcpy(aligned, image->p, image->n);
	r = score_open(aligned, image->n, true, &a, &m, &err);
	arena_done(&a);
	return r == 0;
}

/* True if it was taken. */
static bool check(unsigned i, bool must_be_same)
{
	struct strbuf text = { .p = NULL };
	int status = run_compile();
	bool taken;

	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		read_all("err.txt", &text);
		fail_msg("mutation %u: status %x\n%s", i, (unsigned)status, text.p);
	}
	taken = WEXITSTATUS(status) == 0;
	read_all(taken ? "image" : "err.txt", &text);
	if (taken && must_be_same && !str_equal(strbuf_str(&text), strbuf_str(&sound_image)))
		fail_msg("mutation %u: taken with other bytes", i);
	if (taken && !opens(&text))
		fail_msg("mutation %u: the image cannot be opened", i);
	if (!taken && (text.n < 30 || strncmp(text.p, "fraud-loader: refused: ", 23) != 0))
		fail_msg("mutation %u: refused with \"%s\"", i, text.p);
	strbuf_done(&text);
	return taken;
}

static void sound_version_is_taken(void **unused)
{
	struct small_version v = { .text = { { .p = NULL } } };

	(void)unused;
	make(&v);
	write_bad(&v);
	assert_int_equal(run_compile(), 0);
	read_all("image", &sound_image);
	assert_true(opens(&sound_image));
	assert_true(check(0, true));
	small_done(&v);
}

static void damage_is_seen_by_the_digests(void **unused)
{
	struct random r;
	unsigned taken = 0;

	(void)unused;
	random_seed(&r, 20260101);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct small_version v = { .text = { { .p = NULL } } };

		make(&v);
		mutate(&v, &r, true);
		write_bad(&v);
		taken += check(i, true);
		small_done(&v);
	}
	print_message("%u of %d changed nothing that counts\n", taken, MUTATIONS);
	/* a change may change nothing (a digit for itself), but not often */
	assert_true(taken < MUTATIONS / 4);
}

static void damage_under_digests_is_survived(void **unused)
{
	struct random r;
	unsigned taken = 0;

	(void)unused;
	random_seed(&r, 20260102);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct small_version v = { .text = { { .p = NULL } } };

		small_fill(&v);
		mutate(&v, &r, false);
		small_sign(&v);
		write_bad(&v);
		taken += check(i, false);
		small_done(&v);
	}
	print_message("%u of %d are versions of their own\n", taken, MUTATIONS);
	assert_true(taken < MUTATIONS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_version_is_taken),
		cmocka_unit_test(damage_is_seen_by_the_digests),
		cmocka_unit_test(damage_under_digests_is_survived),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
