/* The first byte chooses: a refusal (its status in the second), a list of files, an address of
 * files, an address of a server. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "mlflow/file_get.h"
#include "mlflow/file_list.h"
#include "mlflow/place.h"
#include "mlflow/refusal.h"
#include "json/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refuse(struct str text)
{
	static const unsigned statuses[] = { 400, 401, 403, 404, 405, 500, 501, 503 };
	struct refusal_answer answer = { .status = 500, .result = -EHOSTUNREACH };
	struct refusal got;

	if (text.n > 0) {
		answer.status = statuses[text.p[0] & 7];
		answer.is_file = text.p[0] & 8;
		answer.is_alias = text.p[0] & 16;
		answer.body = (struct str){ text.p + 1, text.n - 1 };
	}
	refusal_read(&answer, &got);
	if (got.result >= 0 || !got.words[0] || !str_is_utf8(str_of(got.words)))
		abort();
}

static void list(struct str text, struct arena *a)
{
	struct file_list l = { .limit = 100 };
	struct errbuf err;

	file_list_take(&l, text, STR("folder"), STR("told"), &err);
	file_list_take(&l, text, STR(""), STR(""), &err);
	for (size_t i = 0; i < l.count; i++) {
		if (!url_is_file_path(str_of(l.entries[i].path)))
			abort();
	}
	file_list_root(text, a);
	file_list_sort(&l);
	file_list_done(&l);
	file_get_range_start(text);
}

static void address(uint8_t which, const char *text, struct arena *a)
{
	static const struct server_address server = { "http://m:1/p", "http://m:1", "m:1" };
	struct server_address other;
	struct place place;
	struct errbuf err;

	if (which == 'p')
		place_parse(text, &server, a, &place, &err);
	else
		server_address_parse(text, a, &other, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data + 1, size ? size - 1 : 0 };
	struct arena a = { 0 };
	const char *copy = size ? arena_strndup(&a, text) : NULL;

	json_setup();
	if (copy && data[0] == 'r')
		refuse(text);
	else if (copy && data[0] == 'l')
		list(text, &a);
	else if (copy)
		address(data[0], copy, &a);
	arena_done(&a);
	return 0;
}
