/*
 * The proof that a version gets before it is published: on this host, by the code that will serve
 * it. Golden rows where the bundle has them; else the forest against its float64 reference. Called
 * by the compile child and by fraud-train before it writes a version.
 */
#include <errno.h>

#include "bundle/bundle.h"
#include "bundle/golden.h"
#include "forest/check.h"
#include "score/build.h"

/* Number of golden rows that agreed, 0 if there are none, or negative. */
static int check_golden(const struct bundle *b, const struct score_model *m, struct errbuf *err)
{
	const struct bundle_member *golden = bundle_member(b, "artifacts/golden.csv");

	return golden && golden->content.n ? golden_check(golden->content, m, err) : 0;
}

int bundle_verify(const struct bundle *b, void *image, size_t size, enum score_verified *ret,
                  struct errbuf *err)
{
	struct arena a = { 0 };
	struct score_model m;
	enum score_verified verified = SCORE_VERIFIED_GOLDEN;
	int r;

	r = score_open(image, size, true, &a, &m, err);
	if (r == 0)
		r = check_golden(b, &m, err);
	if (r == 0) {
		verified = SCORE_VERIFIED_SELF;
		r = forest_self_check(&m.forest, &a, err);
	}
	arena_done(&a);
	if (r < 0)
		return r;
	score_image_set_verified(image, size, verified);
	*ret = verified;
	return 0;
}
