"""fraudctl demo --follow: new transactions that happen now, into tables that have rows."""

import signal

import pytest
from scheduling import ROWS, Database, start_ctl


@pytest.fixture
def database(postgres, bin_dir, request):
    with Database(postgres, bin_dir, request.node.name) as one:
        yield one


def test_rows_happen_now(make_suite, database):
    suite = make_suite({"database": {"url": database.url}})
    database.execute("update fraud_labels set source = 'first'")
    done = suite.ctl("demo", "--follow", "--rows", "2500", "--rate", "1000", "--seed", "9")
    assert done.returncode == 0, done.stderr
    assert "2500 rows from" in done.stdout
    [(rows, numbers, late, early, future)] = database.rows(
        f"select count(*), count(distinct transaction_seq) filter (where transaction_seq > {ROWS}),"
        " count(*) filter (where create_dt > now()),"
        " count(*) filter (where create_dt < now() - interval '2 minutes'),"
        " count(*) filter (where register_date > create_dt and register_date < '9000-01-01')"
        f" from transactions where transaction_seq > {ROWS}"
    )
    assert (rows, numbers, late, early, future) == (2500, 2500, 0, 0, 0)
    # what is fraud is found out later, but soon enough to watch
    assert database.one("select count(*) from fraud_labels where source <> 'first'") > 0
    assert database.one("select min(known_at - create_dt) > '0 s' and max(known_at - create_dt)"
                        " between '10 s' and '2 min' from fraud_labels join transactions"
                        " using (transaction_seq) where fraud_labels.source <> 'first'")  # fmt: skip
    assert database.one("select count(*) from fraud_labels l left join transactions t"
                        " using (transaction_seq) where t.transaction_seq is null") == 0  # fmt: skip


def test_ends_by_a_signal(make_suite, database):
    suite = make_suite({"database": {"url": database.url}})
    process = start_ctl(suite, "demo", "--follow", "--rate", "7")
    suite.wait(lambda: database.count("transactions") > ROWS, "the first rows")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    added = database.count("transactions") - ROWS
    assert added % 7 == 0 and f"{added} rows from" in out


@pytest.mark.parametrize("words, said", [
    (("--follow", "--csv", "x.csv"), "--csv and --follow exclude each other"),
    (("--follow", "--until", "2026-01-01"), "--until and --follow exclude each other"),
    (("--follow", "--rate", "0"), "--rate must be 1 to 1000"),
])  # fmt: skip
def test_words_that_cannot_be_used(shared_suite, words, said):
    done = shared_suite.ctl("demo", *words)
    assert done.returncode == 2 and said in done.stderr


def test_the_database_goes(make_suite, database):
    suite = make_suite({"database": {"url": database.url}})
    process = start_ctl(suite, "demo", "--follow", "--rate", "5")
    suite.wait(lambda: database.count("transactions") > ROWS, "the first rows")
    database.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                     " where datname = current_database() and pid <> pg_backend_pid()")  # fmt: skip
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "fraudctl demo: " in err
