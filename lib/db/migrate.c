/*
 * Migrations go forward only. The invariant: schema_migrations holds exactly the files that ran,
 * each with the checksum it had, because file and row are written in one transaction. One advisory
 * lock for the whole run makes two hosts that start together take turns; the second finds nothing
 * to do.
 *
 * Called by fraudctl migrate and demo, and by the tests' fixtures through fraudctl.
 */
#include "db/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "db/adopt.h"

#define LOCK_KEY "7165104412" /* any constant; the same in every version of the suite */

static const char lock_sql[] = "set lock_timeout = '60s'; select pg_advisory_lock(" LOCK_KEY ")";
static const char unlock_sql[] = "select pg_advisory_unlock(" LOCK_KEY "); reset lock_timeout";
static const char table_sql[] =
        "create table if not exists schema_migrations (number integer primary key, name text not "
        "null,"
        " sha256 text not null, applied_at timestamptz not null default now())";
static const char applied_sql[] =
        "select number, name, sha256 from schema_migrations order by number";
static const char insert_sql[] =
        "insert into schema_migrations (number, name, sha256) values ($1, $2, $3)";

/* "007_name.sql" -> 7; 0 for what is no migration's name. */
static unsigned file_number(const char *name)
{
	size_t digits = strspn(name, "0123456789"), n = strlen(name);

	if (digits != 3 || name[3] != '_' || n < 9 || strcmp(name + n - 4, ".sql") != 0)
		return 0;
	return (unsigned)strtoul(name, NULL, 10);
}

int migrate_check_files(const struct embedded_file *files, size_t count, struct errbuf *err)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (file_number(files[i].name) != i + 1)
			return errbuf_set(err, -EINVAL,
			                  "migration \"%s\" stands where number %zu is expected",
			                  files[i].name, i + 1);
		if (strlen(files[i].sha256) != 64)
			return errbuf_set(err, -EINVAL, "migration \"%s\" has no checksum",
			                  files[i].name);
		if (files[i].text.n == 0 || memchr(files[i].text.p, '\0', files[i].text.n))
			return errbuf_set(err, -EINVAL, "migration \"%s\" is empty or no text",
			                  files[i].name);
	}
	return 0;
}

static int check_applied_row(const struct migrate_options *o, const struct pg_result *applied,
                             size_t row, struct errbuf *err)
{
	int64_t number = db_integer(applied, row, 0);

	if (number > (int64_t)o->count)
		return errbuf_set(
		        err, -EPROTO,
		        "the database is newer than this program: it has migration \"%s\"",
		        db_text(applied, row, 1).p);
	if (number != (int64_t)row + 1)
		return errbuf_set(err, -EINVAL,
		                  "migration %zu is missing though later ones were applied",
		                  row + 1);
	if (!str_is(db_text(applied, row, 2), o->files[row].sha256))
		return errbuf_set(err, -EINVAL, "migration \"%s\" was changed after it was applied",
		                  o->files[row].name);
	return 0;
}

/* How many files the database has already, or negative. */
static int read_applied(struct db *db, const struct migrate_options *o, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *applied = NULL;
	size_t i;
	int r = db_query(db, applied_sql, NULL, 0, &applied, err);

	if (r < 0)
		return r;
	for (i = 0; i < db_rows(applied); i++) {
		r = check_applied_row(o, applied, i, err);
		if (r < 0)
			return r;
	}
	return (int)db_rows(applied);
}

static int apply_in_transaction(struct db *db, const struct embedded_file *file, size_t number,
                                struct errbuf *err)
{
	char digits[24];
	const struct db_param row[] = { DB_TEXT(digits), DB_TEXT(file->name),
		                        DB_TEXT(file->sha256) };
	int r;

	snprintf(digits, sizeof(digits), "%zu", number);
	r = db_exec(db, file->text.p, err);
	if (r < 0)
		return errbuf_prefix(err, r, "migration \"%s\"", file->name);
	return db_query(db, insert_sql, row, 3, NULL, err);
}

static int apply_file(struct db *db, const struct migrate_options *o, size_t index,
                      struct errbuf *err)
{
	char line[128];
	int r = db_begin(db, err);

	if (r == 0)
		r = apply_in_transaction(db, &o->files[index], index + 1, err);
	if (r == 0)
		r = db_commit(db, err);
	if (r < 0) {
		db_rollback(db);
		return r;
	}
	snprintf(line, sizeof(line), "applied %s", o->files[index].name);
	if (o->on_line)
		o->on_line(o->self, line);
	return 0;
}

static int run_locked(struct db *db, const struct migrate_options *o, struct errbuf *err)
{
	int applied, r = db_exec(db, table_sql, err);
	size_t i;

	if (r < 0)
		return r;
	applied = read_applied(db, o, err);
	if (applied < 0)
		return applied;
	r = adopt_check(db, (unsigned)applied, o->on_line, o->self, err);
	for (i = (size_t)applied; r == 0 && i < o->count; i++)
		r = apply_file(db, o, i, err);
	return r < 0 ? r : (int)o->count - applied;
}

int migrate_run(struct db *db, const struct migrate_options *o, struct errbuf *err)
{
	int r = migrate_check_files(o->files, o->count, err);

	if (r < 0)
		return r;
	r = db_exec(db, lock_sql, err);
	if (r == -EBUSY)
		return errbuf_set(err, r, "another migration of this database is running");
	if (r < 0)
		return r;
	r = run_locked(db, o, err);
	if (db_is_alive(db))
		(void)db_exec(db, unlock_sql, NULL);
	return r;
}

int migrate_pending(struct db *db, const struct migrate_options *o, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *found = NULL;
	int applied = 0, r = migrate_check_files(o->files, o->count, err);

	if (r == 0)
		r = db_query_row(db, "select to_regclass('schema_migrations')", NULL, 0, &found,
		                 err);
	if (r < 0)
		return r;
	if (!db_is_null(found, 0, 0))
		applied = read_applied(db, o, err);
	if (applied < 0)
		return applied;
	r = adopt_check(db, (unsigned)applied, o->on_line, o->self, err);
	return r < 0 ? r : (int)o->count - applied;
}
