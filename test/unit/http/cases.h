/* Tables of cases in files: requests.txt, multipart.txt, talks.txt, each of which says its form. */
#ifndef TEST_HTTP_CASES_H
#define TEST_HTTP_CASES_H

#include "base/arena.h"
#include "base/str.h"

struct test_case {
	const char *name;
	struct str bytes; /* sent */
	struct str told;
};

struct test_cases {
	struct test_case *rows;
	size_t count;
	struct arena arena;
};

/* Fails the test if the file is missing or malformed. */
void cases_read(struct test_cases *t, const char *file);
void cases_done(struct test_cases *t);

#endif
