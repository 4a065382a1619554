/* What servers of both lines say when they refuse, as they were seen to say it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mlflow/refusal.h"

#define HTML "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>"
#define ALIAS_GONE                                                                                 \
	"{\"error_code\": \"INVALID_PARAMETER_VALUE\", "                                           \
	"\"message\": \"Registered model alias nope not found.\", \"sqlstate\": \"KAM00\"}"
#define FILE_GONE                                                                                  \
	"{\"error_code\": \"INTERNAL_ERROR\", \"message\": \"The following failures occurred "     \
	"while downloading one or more artifacts from /tmp/a:\\n##### File x #####\\n"             \
	"[Errno 2] No such file or directory: '/tmp/a/x'\"}"
#define SQL                                                                                        \
	"{\"error_code\":\"BAD_REQUEST\",\"message\":\"(sqlite3.IntegrityError) UNIQUE "           \
	"constraint failed: runs.run_uuid [SQL: INSERT INTO runs VALUES (?)]\\n"                   \
	"[parameters: ('secret',)]\\n(Background on this error at: https://x)\"}"

static const struct refusal_case {
	unsigned status;
	int fetch; /* what fetch makes of the status */
	const char *body;
	bool is_alias, is_file;
	int result;
	const char *code, *words;
} cases[] = {
	{ 404, -ENOENT,
	  "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"Run 'x' not found\"}", false,
	  false, -ENOENT, "RESOURCE_DOES_NOT_EXIST", "Run 'x' not found" },
	{ 400, -EBADMSG, ALIAS_GONE, true, false, -ENOENT, "INVALID_PARAMETER_VALUE",
	  "alias nope not found" },
	{ 400, -EBADMSG, ALIAS_GONE, false, false, -EBADMSG, "INVALID_PARAMETER_VALUE",
	  "alias nope not found" },
	{ 400, -EBADMSG,
	  "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"Experiment taken\"}", false,
	  false, -EEXIST, "RESOURCE_ALREADY_EXISTS", "Experiment taken" },
	{ 409, -EEXIST, "{\"error_code\":\"RESOURCE_CONFLICT\",\"message\":\"conflict\"}", false,
	  false, -EBADMSG, "RESOURCE_CONFLICT", "conflict" },
	{ 404, -ENOENT, HTML, false, false, -ENOSYS, "", "older MLflow" },
	{ 404, -ENOENT, HTML, false, true, -ENOENT, "", "no such file" },
	{ 405, -EBADMSG, "", false, false, -ENOSYS, "", "older MLflow" },
	{ 501, -EHOSTUNREACH, "{\"error_code\":\"NOT_IMPLEMENTED\",\"message\":\"mpu\"}", false,
	  false, -ENOSYS, "NOT_IMPLEMENTED", "older MLflow" },
	{ 401, -EACCES, "You are not authenticated. Please see https://x", false, false, -EACCES,
	  "", "MLFLOW_TRACKING_USERNAME" },
	{ 403, -EACCES, "Permission denied", false, false, -EACCES, "", "Permission denied" },
	{ 403, -EACCES, "<html>no</html>", false, false, -EACCES, "", "not enough" },
	{ 403, -EACCES, "{\"error_code\":\"PERMISSION_DENIED\",\"message\":\"not yours\"}", false,
	  false, -EACCES, "PERMISSION_DENIED", "not yours" },
	{ 403, -EACCES, "Invalid Host header - possible DNS rebinding attack detected", false,
	  false, -EACCES, "", "--allowed-hosts" },
	{ 403, -EACCES, "Cross-origin request blocked", false, false, -EACCES, "", "Origin" },
	{ 500, -EHOSTUNREACH, HTML, false, false, -EHOSTUNREACH, "", "no words" },
	{ 500, -EHOSTUNREACH, FILE_GONE, false, true, -ENOENT, "INTERNAL_ERROR", "no such file" },
	{ 500, -EHOSTUNREACH, FILE_GONE, false, false, -EHOSTUNREACH, "INTERNAL_ERROR",
	  "The following failures" },
	{ 503, -EHOSTUNREACH, "{\"detail\":\"Artifact serving is disabled.\"}", false, true,
	  -EHOSTUNREACH, "", "Artifact serving is disabled." },
	{ 503, -EHOSTUNREACH,
	  "{\"error_code\":\"TEMPORARILY_UNAVAILABLE\",\"message\":\"database is locked\"}", false,
	  false, -EHOSTUNREACH, "TEMPORARILY_UNAVAILABLE", "database is locked" },
	{ 400, -EBADMSG, SQL, false, false, -EBADMSG, "BAD_REQUEST", "runs.run_uuid" },
	{ 429, -EHOSTUNREACH, "", false, false, -EHOSTUNREACH, "", "no words" },
	{ 400, -EBADMSG, "{\"error_code\": 7, \"message\": {\"message\": \"deep\"}}", false, false,
	  -EBADMSG, "", "no words" },
	{ 400, -EBADMSG, "{\"error_code\":\"un quoted\",\"message\":\"m\"}", false, false, -EBADMSG,
	  "", "m" },
	{ 400, -EBADMSG, "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",", false, false, -EBADMSG, "",
	  "no words" },
	{ 400, -EBADMSG, "\xff\xfe", false, false, -EBADMSG, "", "no words" },
	{ 400, -EBADMSG, "{\"message\":\"two\\nlines\"}", false, false, -EBADMSG, "", "two" },
};

static void said(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct refusal_case *c = &cases[i];
		const struct refusal_answer answer = {
			.status = c->status,
			.result = c->fetch,
			.body = str_of(c->body),
			.is_alias = c->is_alias,
			.is_file = c->is_file,
		};
		struct refusal got;

		refusal_read(&answer, &got);
		if (got.result != c->result || strcmp(got.code, c->code) != 0 ||
		    !strstr(got.words, c->words) || strpbrk(got.words, "\n\r"))
			fail_msg("case %zu: %d, \"%s\", \"%s\"", i, got.result, got.code,
			         got.words);
		if (strstr(got.words, "SQL") || strstr(got.words, "secret"))
			fail_msg("case %zu shows SQL: \"%s\"", i, got.words);
	}
}

static void who_was_refused(void **unused)
{
	static const char *const words[] = {
		[REFUSAL_SENT_NONE] = "set MLFLOW_TRACKING_USERNAME",
		[REFUSAL_SENT_BASIC] = "MLFLOW_TRACKING_PASSWORD was refused",
		[REFUSAL_SENT_TOKEN] = "MLFLOW_TRACKING_TOKEN was refused",
		[REFUSAL_SENT_WITHHELD] = "another host",
	};

	(void)unused;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct refusal_answer answer = { .status = 401, .result = -EACCES, .sent = i };
		struct refusal got;

		refusal_read(&answer, &got);
		if (got.result != -EACCES || !strstr(got.words, words[i]))
			fail_msg("case %u: \"%s\"", i, got.words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(said),
		cmocka_unit_test(who_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
