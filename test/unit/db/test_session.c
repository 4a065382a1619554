/*
 * Session, copy and migrations against a server: FRAUDD_TEST_DATABASE_URL names a database that may
 * be written to (each test works in a schema of its own). Without it all are skipped; the
 * integration tests run this program with a private cluster.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/copy.h"
#include "db/db.h"
#include "db/migrate.h"

#define DAY_US (INT64_C(86400) * 1000000)

static int open_session(void **state)
{
	const struct db_options o = { .url = getenv("FRAUDD_TEST_DATABASE_URL"),
		                      .application = "test",
		                      .query_timeout_ms = 20000 };
	struct db *db = NULL;
	struct errbuf err;

	if (!o.url)
		return 0;
	if (db_open(&o, &db, &err) < 0 ||
	    db_exec(db,
	            "drop schema if exists fraudd_unit cascade; create schema fraudd_unit;"
	            " set search_path = fraudd_unit",
	            &err) < 0)
		fail_msg("%s", err.text);
	*state = db;
	return 0;
}

static int close_session(void **state)
{
	if (*state && db_is_alive(*state))
		(void)db_exec(*state, "drop schema if exists fraudd_unit cascade", NULL);
	db_close(*state);
	return 0;
}

static struct db *session(void **state)
{
	if (!*state) {
		print_message("FRAUDD_TEST_DATABASE_URL is not set\n");
		skip();
	}
	return *state;
}

static void must(int r, const struct errbuf *err)
{
	if (r < 0)
		fail_msg("%d: %s", r, err->text);
}

static void test_query(void **state)
{
	struct db *db = session(state);
	const unsigned char bytes[] = { 0, 1, 255 };
	const struct db_param params[] = { DB_TEXT("42"), DB_TEXT("d\xc3\xa9j\xc3\xa0"), DB_NULL,
		                           DB_BINARY(bytes, 3) };
	struct pg_result *found;
	struct errbuf err;

	must(db_query_row(db, "select $1::bigint + 1, $2::text, $3::text, length($4::bytea), true",
	                  params, 4, &found, &err),
	     &err);
	assert_int_equal(db_columns(found), 5);
	assert_int_equal(db_integer(found, 0, 0), 43);
	assert_string_equal(db_text(found, 0, 1).p, "d\xc3\xa9j\xc3\xa0");
	assert_true(db_is_null(found, 0, 2));
	assert_int_equal(db_integer(found, 0, 3), 3);
	assert_true(db_bool(found, 0, 4));
	db_result_free(found);
	must(db_query_row(db, "select current_setting('TimeZone')", NULL, 0, &found, &err), &err);
	assert_string_equal(db_text(found, 0, 0).p, "UTC");
	db_result_free(found);
}

static void test_failures(void **state)
{
	struct db *db = session(state);
	struct pg_result *found = NULL;
	struct errbuf err;

	must(db_exec(db, "create table k (a int primary key); insert into k values (1)", &err),
	     &err);
	assert_int_equal(db_exec(db, "insert into k values (1)", &err), -EEXIST);
	assert_null(strstr(err.text, "Key (a)"));
	assert_int_equal(db_exec(db, "select * from nowhere", &err), -ENOENT);
	assert_int_equal(db_exec(db, "select 'topsecret'::int", &err), -EINVAL);
	assert_null(strstr(err.text, "topsecret"));
	assert_int_equal(db_query_row(db, "select 1 where false", NULL, 0, &found, &err), -ENODATA);
	assert_int_equal(db_query_row(db, "values (1), (2)", NULL, 0, &found, &err), -EINVAL);
	must(db_begin(db, &err), &err);
	assert_int_equal(db_exec(db, "select 1 / 0", &err), -EINVAL);
	assert_int_equal(db_commit(db, &err), -EIO);
	db_rollback(db);
	must(db_exec(db, "select 1", &err), &err);
}

static void test_timeout(void **state)
{
	struct db *db = session(state);
	struct errbuf err;

	db_set_timeout(db, 50);
	assert_int_equal(db_exec(db, "select pg_sleep(60)", &err), -ETIMEDOUT);
	db_set_timeout(db, 20000);
	must(db_exec(db, "select 1", &err), &err);
}

static void write_rows(struct db *db, unsigned count)
{
	struct db_writer *w;
	struct errbuf err;
	uint64_t rows = 0;

	must(db_writer_open(db, "c (a, b, d, e, f, g, h)", 7, &w, &err), &err);
	for (unsigned i = 0; i < count; i++) {
		db_write_row(w);
		db_write_int8(w, i);
		db_write_text(w, STR("x\xc3\xa9"));
		db_write_date(w, 20000);
		db_write_timestamp(w, 20000 * DAY_US + 1);
		db_write_float8(w, 0.1);
		db_write_bool(w, i & 1);
		db_write_null(w);
	}
	must(db_writer_finish(w, &rows, &err), &err);
	assert_int_equal(rows, count);
}

static void test_copy(void **state)
{
	struct db *db = session(state);
	const struct db_column *columns;
	const struct str *fields;
	struct db_reader *reader;
	struct errbuf err;
	size_t count;
	unsigned rows = 0;
	int r;

	must(db_exec(db,
	             "create table c (a bigint, b text, d date, e timestamptz, f double precision,"
	             " g boolean, h numeric)",
	             &err),
	     &err);
	write_rows(db, 20000);
	must(db_reader_open(db, "select *, e::text from c order by a -- all\n;\n", &reader, &err),
	     &err);
	columns = db_reader_columns(reader, &count);
	assert_int_equal(count, 8);
	assert_true(str_is(columns[0].name, "a"));
	assert_int_equal(columns[0].type, COLUMN_INT8);
	assert_int_equal(columns[3].type, COLUMN_TIMESTAMPTZ);
	assert_int_equal(columns[6].type, COLUMN_NUMERIC);
	while ((r = db_reader_next(reader, &fields, &err)) > 0) {
		assert_int_equal(fields[0].n, 8);
		assert_int_equal((unsigned char)fields[0].p[7], rows & 255);
		assert_true(str_is(fields[1], "x\xc3\xa9"));
		assert_true(str_is(fields[7], "2024-10-04 00:00:00.000001+00"));
		assert_null(fields[6].p);
		rows++;
	}
	must(r, &err);
	assert_int_equal(rows, 20000);
	assert_int_equal(db_reader_next(reader, &fields, &err), 0);
	db_reader_close(reader);
	must(db_reader_open(db, "select 1 where false", &reader, &err), &err);
	assert_int_equal(db_reader_next(reader, &fields, &err), 0);
	db_reader_close(reader);
}

static void test_copy_ends_early(void **state)
{
	struct db *db = session(state);
	const struct str *fields;
	struct db_reader *reader;
	struct db_writer *w;
	struct errbuf err;
	struct pg_result *found;

	must(db_reader_open(db, "select generate_series(1, 100000000)", &reader, &err), &err);
	assert_int_equal(db_reader_next(reader, &fields, &err), 1);
	db_reader_close(reader);
	must(db_reader_open(db, "select 1 / (5 - x) from generate_series(1, 9) x", &reader, &err),
	     &err);
	int r;
	while ((r = db_reader_next(reader, &fields, &err)) > 0)
		;
	assert_int_equal(r, -EINVAL);
	db_reader_close(reader);
	assert_int_equal(db_reader_open(db, "select nothing", &reader, &err), -ENOENT);
	must(db_exec(db, "create table w (a int)", &err), &err);
	must(db_writer_open(db, "w", 1, &w, &err), &err);
	db_write_row(w);
	db_write_int4(w, 1);
	db_writer_abort(w);
	must(db_writer_open(db, "w", 1, &w, &err), &err);
	db_write_row(w);
	assert_int_equal(db_writer_finish(w, NULL, &err), -EINVAL);
	must(db_writer_open(db, "w", 1, &w, &err), &err);
	db_write_row(w);
	db_write_int8(w, 1);
	assert_int_equal(db_writer_finish(w, NULL, &err), -EINVAL);
	must(db_query_row(db, "select count(*) from w", NULL, 0, &found, &err), &err);
	assert_int_equal(db_integer(found, 0, 0), 0);
	db_result_free(found);
}

static void test_migrate(void **state)
{
	struct db *db = session(state);
	struct embedded_file changed[32];
	const struct migrate_options o = { .files = embedded_migrations,
		                           .count = embedded_migration_count };
	const struct migrate_options fewer = { .files = embedded_migrations,
		                               .count = embedded_migration_count - 1 };
	const struct migrate_options other = { .files = changed,
		                               .count = embedded_migration_count };
	struct errbuf err;
	int applied;

	must(db_exec(db,
	             "create table auth_users (id serial primary key, username varchar(150),"
	             " password_hash text, is_active boolean, created_at timestamp);"
	             " insert into auth_users values (1, 'old', 'x', true, now())",
	             &err),
	     &err);
	assert_int_equal(migrate_pending(db, &o, &err), (int)embedded_migration_count);
	applied = migrate_run(db, &o, &err);
	must(applied, &err);
	assert_int_equal(applied, (int)embedded_migration_count);
	assert_int_equal(migrate_run(db, &o, &err), 0);
	assert_int_equal(migrate_pending(db, &o, &err), 0);
	must(db_exec(db, "select roles from auth_users where id = 1", &err), &err);
	assert_int_equal(migrate_run(db, &fewer, &err), -EPROTO);
	memcpy(changed, embedded_migrations, embedded_migration_count * sizeof(changed[0]));
	changed[1].sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
	assert_int_equal(migrate_run(db, &other, &err), -EINVAL);
	assert_non_null(strstr(err.text, "was changed after it was applied"));
}

static void count_line(void *self, const char *text)
{
	(void)text;
	++*(unsigned *)self;
}

static void test_adoption_refused(void **state)
{
	struct db *db = session(state);
	unsigned lines = 0;
	const struct migrate_options o = { .files = embedded_migrations,
		                           .count = embedded_migration_count,
		                           .on_line = count_line,
		                           .self = &lines };
	struct errbuf err;

	must(db_exec(db,
	             "create table auth_users (id uuid, username text, is_active int, created_at "
	             "date)",
	             &err),
	     &err);
	assert_int_equal(migrate_run(db, &o, &err), -EINVAL);
	assert_int_equal(lines, 4); /* id, password_hash, is_active, created_at */
	/* A key that does not come by itself: no user could be added. */
	must(db_exec(db,
	             "drop table auth_users; create table auth_users (id integer primary key,"
	             " username text, password_hash text, is_active boolean, created_at timestamp)",
	             &err),
	     &err);
	assert_int_equal(migrate_run(db, &o, &err), -EINVAL);
	assert_int_equal(lines, 5);
	assert_int_equal(db_exec(db, "select 1 from transactions", &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_query, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_failures, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_timeout, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_copy, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_copy_ends_early, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_migrate, open_session, close_session),
		cmocka_unit_test_setup_teardown(test_adoption_refused, open_session, close_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
