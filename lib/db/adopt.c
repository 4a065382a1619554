/*
 * Adoption reads the catalogue before a migration touches a table that is there already. The older
 * service's migrations differed over time (integer and bigint keys, jti as uuid or text, times with
 * and without zone), so each column has a list of types that the suite's statements can live with;
 * anything else is told, all of it at once, and nothing is changed. A column that the suite does
 * not know may be there, if nobody has to fill it.
 *
 * Called by migrate.c.
 */
#include "db/adopt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define ANY_INTEGER "bigint|integer"
#define ANY_TEXT "text|character varying"
#define ANY_REAL "real|double precision|numeric"
#define ANY_TIME "timestamp with time zone|timestamp without time zone"

struct adopt_column {
	const char *table, *column, *types;
	unsigned migration; /* the file that makes the table */
	bool required;      /* false: the migration adds it */
};

static const struct adopt_column adopt_columns[] = {
	{ "fraud_scores", "transaction_seq", ANY_INTEGER, 3, true },
	{ "fraud_scores", "score", ANY_REAL, 3, true },
	{ "fraud_scores", "decision", ANY_TEXT, 3, true },
	{ "fraud_scores", "threshold_low", ANY_REAL, 3, false },
	{ "fraud_scores", "threshold_high", ANY_REAL, 3, false },
	{ "fraud_scores", "model_version", ANY_TEXT, 3, false },
	{ "fraud_scores", "scored_at", ANY_TIME, 3, false },
	{ "fraud_explanations", "transaction_seq", ANY_INTEGER, 3, true },
	{ "fraud_explanations", "rank", ANY_INTEGER "|smallint", 3, true },
	{ "fraud_explanations", "feature", ANY_TEXT, 3, true },
	{ "fraud_explanations", "value", ANY_TEXT, 3, true },
	{ "fraud_explanations", "delta_score", ANY_REAL, 3, false },
	{ "fraud_explanations", "direction", ANY_TEXT, 3, false },
	{ "fraud_explanations", "zscore", ANY_REAL, 3, false },
	{ "auth_users", "id", ANY_INTEGER, 4, true },
	{ "auth_users", "username", ANY_TEXT, 4, true },
	{ "auth_users", "password_hash", ANY_TEXT, 4, true },
	{ "auth_users", "is_active", "boolean", 4, true },
	{ "auth_users", "created_at", ANY_TIME, 4, true },
	{ "auth_users", "roles", "ARRAY", 4, false },
	{ "auth_tokens", "token_jti", ANY_TEXT "|uuid", 4, true },
	{ "auth_tokens", "user_id", ANY_INTEGER, 4, true },
	{ "auth_tokens", "issued_at", ANY_TIME, 4, true },
	{ "auth_tokens", "expires_at", ANY_TIME, 4, true },
	{ "auth_tokens", "revoked_at", ANY_TIME, 4, true },
};

/* to_regclass() finds the table as an unqualified name would. */
static const char catalogue_sql[] =
        "select c.column_name, c.data_type, c.is_nullable = 'NO' and c.column_default is null"
        " and c.is_identity = 'NO' from information_schema.columns c"
        " where format('%I.%I', c.table_schema, c.table_name)::regclass = to_regclass($1)";

struct adopt {
	void (*on_line)(void *self, const char *text);
	void *self;
	unsigned differences;
};

static bool is_listed(const char *types, struct str type)
{
	const char *p = types;
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, "|");
		if (str_equal((struct str){ p, n }, type))
			return true;
		if (!p[n])
			return false;
	}
}

static void tell(struct adopt *a, const char *text)
{
	if (a->on_line)
		a->on_line(a->self, text);
}

static void check_column(struct adopt *a, const struct adopt_column *c,
                         const struct pg_result *found)
{
	char line[256];
	size_t i;

	for (i = 0; i < db_rows(found) && !str_is(db_text(found, i, 0), c->column); i++)
		;
	if (i == db_rows(found)) {
		if (!c->required)
			return;
		snprintf(line, sizeof(line), "table \"%s\" lacks column \"%s\"", c->table,
		         c->column);
	} else {
		if (is_listed(c->types, db_text(found, i, 1)))
			return;
		snprintf(line, sizeof(line), "column \"%s.%s\" is %s, expected one of %s", c->table,
		         c->column, db_text(found, i, 1).p, c->types);
	}
	a->differences++;
	tell(a, line);
}

/* All rows of adopt_columns[] from `first` that are of the same table; returns behind the last. */
static size_t table_end(size_t first)
{
	size_t count = sizeof(adopt_columns) / sizeof(adopt_columns[0]), i = first;

	while (i < count && !strcmp(adopt_columns[i].table, adopt_columns[first].table))
		i++;
	return i;
}

/* A key that comes by itself, or a column of somebody else. */
static bool is_filled_by_us(size_t first, struct str name)
{
	if (str_is(name, "id"))
		return false;
	for (size_t i = first; i < table_end(first); i++) {
		if (str_is(name, adopt_columns[i].column))
			return true;
	}
	return false;
}

static void check_others(struct adopt *a, size_t first, const struct pg_result *found)
{
	char line[256];

	for (size_t i = 0; i < db_rows(found); i++) {
		if (!db_bool(found, i, 2) || is_filled_by_us(first, db_text(found, i, 0)))
			continue;
		snprintf(line, sizeof(line),
		         "column \"%s.%s\" is not null and has no default, so rows cannot be added",
		         adopt_columns[first].table, db_text(found, i, 0).p);
		a->differences++;
		tell(a, line);
	}
}

static int check_table(struct db *db, struct adopt *a, size_t first, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *found = NULL;
	const struct db_param name[] = { DB_TEXT(adopt_columns[first].table) };
	unsigned before = a->differences;
	char line[128];
	size_t i;
	int r = db_query(db, catalogue_sql, name, 1, &found, err);

	if (r < 0 || db_rows(found) == 0)
		return r;
	for (i = first; i < table_end(first); i++)
		check_column(a, &adopt_columns[i], found);
	check_others(a, first, found);
	if (a->differences == before) {
		snprintf(line, sizeof(line), "table \"%s\" is there already and is adopted",
		         adopt_columns[first].table);
		tell(a, line);
	}
	return 0;
}

int adopt_check(struct db *db, unsigned applied, void (*on_line)(void *self, const char *text),
                void *self, struct errbuf *err)
{
	struct adopt a = { on_line, self, 0 };
	size_t count = sizeof(adopt_columns) / sizeof(adopt_columns[0]), i;
	int r;

	for (i = 0; i < count; i = table_end(i)) {
		if (adopt_columns[i].migration <= applied)
			continue;
		r = check_table(db, &a, i, err);
		if (r < 0)
			return r;
	}
	if (a.differences)
		return errbuf_set(err, -EINVAL,
		                  "existing tables differ in %u places from what can be adopted; "
		                  "nothing was changed",
		                  a.differences);
	return 0;
}
