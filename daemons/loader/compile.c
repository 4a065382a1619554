/*
 * The compile child: a version's files in, a proven image out. Everything that comes from outside
 * is looked at here, in a process that has no network, little memory and little time, and that may
 * crash without harm: whatever happens to it, the parent refuses the version and the old one serves
 * on. Started by compiler.c, or by hand with --bundle.
 *
 * Invariant: the result is written last, so a result that says 0 stands beside a whole image.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/option.h"
#include "child.h"
#include "registry/registry.h"
#include "json/value.h"

struct compile {
	const char *bundle; /* by hand: a folder; else CHILD_FOLDER_FD */
	const char *image;  /* by hand: a file; else CHILD_IMAGE_FD */
	const char *name, *version, *trees, *low, *high, *unless;
	unsigned long long max_bytes;
};

static int parse_threshold(const char *option, const char *text, float *ret, struct errbuf *err)
{
	char *end;
	float v;

	if (!text)
		return 0;
	v = strtof(text, &end);
	if (end == text || *end || !(v >= 0.0f && v <= 1.0f))
		return errbuf_set(err, -EINVAL, "--%s \"%s\" is no number from 0 to 1", option,
		                  text);
	*ret = v;
	return 0;
}

static int bundle_options_of(const struct compile *c, struct bundle_options *ret,
                             struct errbuf *err)
{
	struct bundle_options o = {
		.max_bytes = c->max_bytes,
		.name = str_of(c->name ? c->name : "model"),
		.version = str_of(c->version ? c->version : "unknown"),
		.default_threshold_low = 0.5f,
		.default_threshold_high = 0.9f,
	};
	int r = parse_threshold("threshold-low", c->low, &o.default_threshold_low, err);

	if (r == 0)
		r = parse_threshold("threshold-high", c->high, &o.default_threshold_high, err);
	if (r == 0)
		*ret = o;
	return r;
}

static int keep_name(const char *what, struct str s, char ret[MESSAGE_NAME], struct errbuf *err)
{
	char text[MESSAGE_NAME] = "";

	if (s.n < sizeof(text))
		memcpy(text, s.p, s.n);
	if (!registry_name_is_valid(text) || strlen(text) != s.n)
		return errbuf_set(err, -EBADMSG,
		                  "%s \"%.*s\" must be 1 to 63 of letters, digits, \"._-\" and not "
		                  "begin with a dot",
		                  what, STR_ARGS(s));
	memcpy(ret, text, sizeof(text));
	return 0;
}

/* Reads the folder, checks its digests and names. */
static int take_in(const struct compile *c, struct arena *a, struct bundle **ret,
                   struct child_result *result)
{
	struct errbuf *err = &result->words;
	struct bundle_options o;
	struct bundle *b;
	int r = bundle_options_of(c, &o, err);

	if (r == 0)
		r = bundle_read(c->bundle ? AT_FDCWD : CHILD_FOLDER_FD, c->bundle ? c->bundle : ".",
		                &o, a, &b, err);
	if (r < 0)
		return r;
	r = keep_name("name of the model", b->name, result->name, err);
	if (r == 0)
		r = keep_name("name of the version", b->version, result->version, err);
	if (r == 0)
		r = bundle_digest(b, result->digest);
	if (r == 0)
		*ret = b;
	return r;
}

static int write_image(const struct compile *c, const void *image, size_t size, struct errbuf *err)
{
	struct str content = { image, size };
	int r;

	if (c->image)
		r = file_write(AT_FDCWD, c->image, content, 0644);
	else if (!c->bundle)
		r = file_write_all(CHILD_IMAGE_FD, image, size);
	else
		r = 0;
	return r < 0 ? errbuf_set(err, r, "could not write the image: %s", strerror(-r)) : 0;
}

static int make_image(const struct compile *c, const struct bundle *b, struct child_result *result)
{
	enum forest_trees trees =
	        c->trees && strcmp(c->trees, "all") == 0 ? FOREST_TREES_ALL : FOREST_TREES_BEST;
	CLEANUP(free_p) void *image = NULL;
	enum score_verified verified;
	struct bundle_image made;
	int r = bundle_build_image(b, BUNDLE_MODEL, trees, &made, &result->words);

	if (r < 0)
		return r;
	image = made.bytes;
	result->note = made.note;
	r = bundle_verify(b, image, made.size, &verified, &result->words);
	if (r == 0)
		r = write_image(c, image, made.size, &result->words);
	if (r < 0)
		return r;
	result->size = made.size;
	result->verified =
	        verified == SCORE_VERIFIED_GOLDEN ? MODEL_VERIFIED_GOLDEN : MODEL_VERIFIED_SELF;
	return 0;
}

static bool is_unchanged(const struct compile *c, const struct child_result *result)
{
	uint8_t known[BUNDLE_SHA256_SIZE];

	return c->unless && hex_decode(str_of(c->unless), known, sizeof(known)) == 0 &&
	       memcmp(known, result->digest, sizeof(known)) == 0;
}

static int compile(const struct compile *c, struct child_result *result)
{
	struct arena a = { 0 };
	struct bundle *b = NULL;
	int r = take_in(c, &a, &b, result);

	if (r == 0 && is_unchanged(c, result))
		result->unchanged = 1;
	else if (r == 0)
		r = make_image(c, b, result);
	arena_done(&a);
	if (r < 0 && !*result->words.text)
		errbuf_set(&result->words, r, "%s", strerror(-r));
	return r;
}

static void print(const struct child_result *result)
{
	char hex[2 * BUNDLE_SHA256_SIZE + 1];

	hex_encode(result->digest, sizeof(result->digest), hex);
	printf("name %s\nversion %s\ndigest %s\n", result->name, result->version, hex);
	if (result->unchanged)
		printf("unchanged\n");
	else
		printf("verified %s\nbytes %llu\ntrees %s\n",
		       result->verified == MODEL_VERIFIED_GOLDEN ? "golden" : "self",
		       (unsigned long long)result->size, result->note.text);
}

/* By hand for a person, else for the parent. */
static int tell(const struct compile *c, const struct child_result *result)
{
	if (!c->bundle)
		return file_write_all(CHILD_RESULT_FD, result, sizeof(*result));
	if (result->result < 0)
		fprintf(stderr, "fraud-loader: refused: %s\n", result->words.text);
	else
		print(result);
	return 0;
}

int compile_command(int argc, char **argv)
{
	struct compile c = { 0 };
	const struct option_row rows[] = {
		{ .name = "bundle",
		  .argument = "DIR",
		  .help = "folder of the version (default: descriptor 3)",
		  .text = &c.bundle },
		{ .name = "image",
		  .argument = "FILE",
		  .help = "write the image there (default: descriptor 4)",
		  .text = &c.image },
		{ .name = "max-bytes",
		  .argument = "N",
		  .help = "size of one file (1 GiB)",
		  .number = &c.max_bytes },
		{ .name = "name",
		  .argument = "NAME",
		  .help = "of the model, where the folder does not say",
		  .text = &c.name },
		{ .name = "threshold-high",
		  .argument = "X",
		  .help = "where the folder does not say (0.9)",
		  .text = &c.high },
		{ .name = "threshold-low",
		  .argument = "X",
		  .help = "where the folder does not say (0.5)",
		  .text = &c.low },
		{ .name = "trees",
		  .argument = "best|all",
		  .help = "which trees are served (best)",
		  .text = &c.trees },
		{ .name = "unless",
		  .argument = "SHA256",
		  .help = "stop after the check if the digest of the version is this one",
		  .text = &c.unless },
		{ .name = "version",
		  .argument = "VERSION",
		  .help = "where the folder does not say",
		  .text = &c.version },
	};
	const struct option_command command = {
		.program = "fraud-loader --compile",
		.synopsis = "--bundle DIR [--image FILE] [options]",
		.about = "Checks a version and makes the image of it that the workers map.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};
	struct child_result result = { .magic = CHILD_MAGIC };
	int r = option_parse(&command, argc, argv);

	if (r < 0)
		return r == OPTION_ANSWERED ? EXIT_SUCCESS : 2;
	json_setup();
	result.result = compile(&c, &result);
	r = tell(&c, &result);
	return r < 0 || result.result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
