"""The scheduler in a real suite with a real database: batches when they are due, when rows are
announced and when somebody asks; what is written about them; what happens when things die."""

import json
import os
import re
import signal
import time

import models
import psycopg
import pytest
from scheduling import Database, jobs_suite, start_ctl

ONCE = {"batch": {"interval_seconds": 3600}, "retrain": {"every_n_batches": 0}}
OFTEN = {"batch": {"interval_seconds": 1}, "retrain": {"every_n_batches": 0}}


@pytest.fixture
def database(postgres, bin_dir, request):
    with Database(postgres, bin_dir, request.node.name) as one:
        yield one


@pytest.fixture
def jobs(make_suite, trained, database):
    """jobs(settings): a suite with a scheduler on the database, not started."""
    return lambda settings=None, **more: jobs_suite(make_suite, trained[0], database, settings, **more)


def test_scores_what_is_new(jobs, database):
    suite = jobs(OFTEN).start()
    database.wait_scored(suite)
    database.add_rows(20)
    database.wait_scored(suite)
    rows = database.rows("select status, scored, generation from job_runs where kind = 'batch'")
    assert {row[0] for row in rows} <= {"succeeded", "running"}
    assert sum(row[1] for row in rows) == database.count("transactions")
    assert suite.log_contains("this host leads partition 0 of 1")


def test_says_who_leads_and_what_is_next(jobs, database):
    suite = jobs(ONCE | {"host_name": "alpha"}).start()
    database.wait_scored(suite)
    suite.wait(lambda: database.one("select running = '{}' from scheduler_state"), "an idle state")
    [row] = database.rows(
        "select host, extract(epoch from next_batch_at - now()), planned_at is not null, batches"
        " from scheduler_state"
    )
    assert row[0] == "alpha" and 3500 < row[1] <= 3600 and row[2] and row[3] == 1
    assert database.rows("select host from scheduler_hosts") == [("alpha",)]
    assert database.column("select partition from scheduler_leads") == [0]
    assert set(database.column("select distinct host from job_runs")) == {"alpha"}


def test_follow(jobs, database):
    """The interval is an hour: nothing but the announcement can start these batches."""
    suite = jobs({"batch": {"interval_seconds": 3600, "follow": True}}).start()
    database.wait_scored(suite)
    for _ in range(3):
        database.add_rows(5)
        database.wait_scored(suite)


def test_insert_to_scored(make_suite, trained, database, release_dir):
    """From the commit of a new row until its score can be read: a second at most, each time."""
    settings = {"batch": {"interval_seconds": 3600, "follow": True}}
    suite = jobs_suite(make_suite, trained[0], database, settings, bin_dir=release_dir).start()
    database.wait_scored(suite)
    taken = []
    for rows in (1, 1, 1, 1, 1, 10, 100, 1, 1, 1):
        suite.wait(lambda: database.one("select running = '{}' from scheduler_state"), "an idle state")
        database.add_rows(rows)
        begin = time.monotonic()
        database.wait_scored(suite)
        taken.append(time.monotonic() - begin)
    taken.sort()
    print(f"insert to scored: median {taken[5]:.3f} s, {taken[0]:.3f} to {taken[-1]:.3f} s")
    assert taken[-1] <= 1


def test_rows_that_come_while_a_batch_runs(make_suite, trained, database, release_dir):
    """A row each 50 ms for five seconds: each is scored a second after its commit at most, whatever
    ran when it came (the server's clock alone counts)."""
    settings = {"batch": {"interval_seconds": 3600, "follow": True}}
    suite = jobs_suite(make_suite, trained[0], database, settings, bin_dir=release_dir).start()
    database.wait_scored(suite)
    committed = {}
    for _ in range(100):
        [(seq,)] = database.rows(f"insert into transactions ({database.columns}) select"
                                 f" {database.columns} from transactions limit 1"
                                 " returning transaction_seq")  # fmt: skip
        committed[seq] = database.one("select clock_timestamp()")
        time.sleep(0.05)  # the load itself
    database.wait_scored(suite)
    scored = dict(database.rows("select transaction_seq, scored_at from fraud_scores"))
    taken = sorted((scored[seq] - at).total_seconds() for seq, at in committed.items())
    print(f"commit to scored_at: median {taken[50]:.3f} s, at most {taken[-1]:.3f} s, in"
          f" {database.count('job_runs') - 1} batches")  # fmt: skip
    assert taken[-1] <= 1


def test_nobody_is_told_when_nobody_follows(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    with psycopg.connect(database.url, autocommit=True) as listener:
        listener.execute("listen fraudd_new")
        database.add_rows(1)
        database.execute("notify fraudd_new, 'the end'")
        [heard] = list(listener.notifies(timeout=30, stop_after=1))
        assert heard.payload == "the end"


def test_follow_by_reload(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    suite.write_settings(batch={"follow": True})
    assert suite.reload().returncode == 0
    suite.wait(lambda: database.one("select follow from scheduler_hosts"), "it to follow")
    database.add_rows(5)
    database.wait_scored(suite)


def test_reload_changes_the_interval(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    pid = suite.pid("scheduler")
    database.add_rows(5)
    suite.write_settings(batch={"interval_seconds": 1})
    assert suite.reload().returncode == 0
    database.wait_scored(suite)
    assert suite.pid("scheduler") == pid


def test_bad_times_are_refused(jobs, database):
    suite = jobs(ONCE).start()
    suite.write_settings(batch={"times": "25:00"})
    done = suite.reload()
    assert done.returncode == 1 and 'batch.times: "25:00" is no time of day' in done.stderr


def test_without_a_database(make_suite, trained):
    suite = make_suite({"services": "front, loader, scheduler"})
    models.install(suite, trained[0], "production")
    suite.start()
    suite.wait_log("scheduler.* without database.url nothing is scheduled")
    assert suite.children("scheduler")[0]["state"] == "up"
    assert suite.reload().returncode == 0
    assert len(re.findall("nothing is scheduled", suite.log())) == 1


def test_database_that_is_not_there(make_suite, trained):
    url = "postgresql://nobody@/none?host=/nonexistent"
    suite = make_suite({"services": "front, loader, scheduler", "database": {"url": url}})
    models.install(suite, trained[0], "production")
    suite.start()
    suite.wait_log("the database cannot be used, nothing is scheduled")
    assert suite.children("scheduler")[0]["state"] == "up"


def test_database_goes_and_comes(jobs, database):
    suite = jobs(OFTEN).start()
    database.wait_scored(suite)
    pid = suite.pid("scheduler")
    suite.write_settings(log={"level": "debug"})
    assert suite.reload().returncode == 0  # the settings that it began with are gone
    for _ in range(3):
        mark = suite.log_mark()
        database.end_sessions("fraud-scheduler")
        suite.wait_log("this host leads partition 0 no more", mark)
        suite.wait_log("this host leads partition 0 of 1", mark)
    database.add_rows(5)
    database.wait_scored(suite)
    assert suite.pid("scheduler") == pid


# --- jobs ---



def test_killed_batch_is_recorded_and_tried_again(jobs, database):
    suite = jobs(ONCE | {"host_name": "alpha"})
    with database.stalled_batches() as stalled:
        suite.start()
        pid = stalled.wait(suite)
        os.kill(pid, signal.SIGKILL)
        suite.wait_log(r"batch failed: it was ended by signal 9")
        stalled.end()
        database.wait_scored(suite)
    [first] = database.rows(
        "select status, message, host, pid, finished_at is not null from job_runs"
        " where status = 'failed'"
    )
    assert first[0] == "failed" and "signal 9" in first[1] and first[2:] == ("alpha", pid, True)


def test_batch_that_takes_too_long(jobs, database):
    suite = jobs({"batch": {"interval_seconds": 3600, "timeout_seconds": 2},
                  "stop": {"timeout_seconds": 4}})  # fmt: skip
    with database.stalled_batches() as stalled:
        suite.start()
        stalled.wait(suite)
        suite.wait_log("batch failed: it took too long and was ended")
        stalled.end()
        database.wait_scored(suite)
    [first] = database.rows("select status, message from job_runs where status = 'failed'")
    assert first[0] == "failed" and first[1].startswith("it took too long")


def test_no_second_batch_beside_a_slow_one(jobs, database):
    suite = jobs({"batch": {"interval_seconds": 1, "follow": True}})
    with database.stalled_batches() as stalled:
        suite.start()
        pid = stalled.wait(suite)
        for _ in range(3):
            database.add_rows(1)
        end = time.monotonic() + 3  # three ticks pass, to see that nothing else starts
        while time.monotonic() < end:
            assert stalled.pids() == [pid]
            time.sleep(0.05)
        stalled.end()
        database.wait_scored(suite)
    assert database.one("select count(*) from job_runs where status = 'failed'") == 0


def test_stop_while_a_batch_runs(jobs, database):
    suite = jobs(ONCE)
    with database.stalled_batches() as stalled:
        suite.start()
        pid = stalled.wait(suite)
        suite.process.send_signal(signal.SIGTERM)
        suite.wait_log(r"fraudd\[\d+\] stopping")
        stalled.end()
        assert suite.process.wait(60) == 0
    assert suite.log_contains("batch was stopped")
    assert database.column("select status from job_runs") == ["cancelled"]
    assert not os.path.exists(f"/proc/{pid}")


def test_words_of_a_job_are_in_the_log(jobs, database):
    database.execute("alter table fraud_scores rename to elsewhere")
    suite = jobs(ONCE).start()
    suite.wait_log(r"error scheduler\[\d+\] job=[0-9a-f-]{36} .*fraud_scores")
    database.execute("alter table elsewhere rename to fraud_scores")
    database.wait_scored(suite)


def test_what_died_with_its_host_is_closed(jobs, database):
    database.execute(
        "insert into job_runs (kind, status, host, created_at, started_at, heartbeat_at) values"
        " ('batch', 'running', 'gone', now() - interval '1 h', now() - interval '1 h',"
        "  now() - interval '10 minutes'),"
        " ('retrain', 'running', 'slow', now() - interval '1 h', now() - interval '1 h', now()),"
        " ('retrain', 'queued', 'gone', now() - interval '2 h', null, null),"
        " ('score', 'queued', 'other', now() - interval '2 h', null, null)"
    )
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    wanted = {("gone", "batch", "failed"), ("slow", "retrain", "running"),
              ("gone", "retrain", "cancelled"), ("other", "score", "queued")}  # fmt: skip
    suite.wait(
        lambda: wanted <= set(database.rows("select host, kind, status from job_runs")),
        "what is dead to be closed and the rest left alone",
    )


# --- by hand ---


def test_job_run(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    database.add_rows(7)
    done = suite.ctl("job", "run", "batch")
    assert done.returncode == 0, done.stderr
    assert "batch succeeded" in done.stdout and "7 scored" in done.stdout
    assert database.unscored() == 0


def test_job_run_json(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    done = suite.ctl("job", "run", "batch", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["status"]) == ("batch", "succeeded")
    assert database.one(f"select count(*) from job_runs where id = '{answer['id']}'") == 1


def test_job_run_while_one_runs(jobs, database):
    suite = jobs(ONCE)
    with database.stalled_batches() as stalled:
        suite.start()
        pid = stalled.wait(suite)
        first = start_ctl(suite, "job", "run", "batch")
        suite.wait(lambda: database.one("select count(*) from job_runs where status = 'queued'"),
                   "the wish")  # fmt: skip
        second = start_ctl(suite, "job", "run", "batch")
        suite.wait(lambda: database.one("select count(*) from job_runs where status = 'queued'") == 2,
                   "the second wish")  # fmt: skip
        assert stalled.pids() == [pid]
        stalled.end()
        for one in (first, second):
            out, err = one.communicate(timeout=60)
            assert one.returncode == 0, err
            assert "batch succeeded" in out
    assert database.one("select count(*) from job_runs where kind = 'batch'") == 3


def test_job_run_without_a_scheduler(make_suite, database):
    suite = make_suite({"database": {"url": database.url}})
    done = suite.ctl("job", "run", "batch")
    assert done.returncode == 1 and "no scheduler leads" in done.stderr
    assert database.count("job_runs") == 0


def test_job_run_that_fails(jobs, database):
    suite = jobs(ONCE).start()
    database.wait_scored(suite)
    database.execute("alter table fraud_scores rename to elsewhere")
    done = suite.ctl("job", "run", "batch")
    assert done.returncode == 1 and "batch failed" in done.stderr


def test_jobs_are_listed(jobs, database):
    suite = jobs(ONCE | {"host_name": "alpha"}).start()
    database.wait_scored(suite)
    suite.wait(lambda: database.one("select count(*) from job_runs where status = 'succeeded'"),
               "the end of the batch")  # fmt: skip
    done = suite.ctl("jobs")
    assert done.returncode == 0, done.stderr
    assert re.search(r"partition +0, led by alpha", done.stdout)
    assert re.search(r"batch +succeeded +alpha", done.stdout)
    answer = json.loads(suite.ctl("jobs", "--json").stdout)
    assert answer["jobs"][0]["status"] == "succeeded"
    assert answer["partitions"][0]["host"] == "alpha"
    assert [host["host"] for host in answer["hosts"]] == ["alpha"]


# --- retrain ---


def test_retrain_after_so_many_batches(jobs, database):
    suite = jobs({"batch": {"interval_seconds": 1}, "retrain": {"every_n_batches": 2}}).start()
    suite.wait_log(r"job=[0-9a-f-]{36} retrain starts \(count\)")
    suite.wait(lambda: database.one("select count(*) from job_runs where kind = 'retrain'"),
               "the retrain's row")  # fmt: skip
    assert database.one("select count(*) from job_runs where kind = 'batch'") >= 2


def test_intervals_by_environment(jobs, database):
    """As a container sets them: both win over the file."""
    suite = jobs(ONCE)
    suite.environment = {"BATCH_INTERVAL_SECONDS": "1", "RETRAIN_EVERY_N_BATCHES": "2"}
    suite.start()
    suite.wait_log(r"job=[0-9a-f-]{36} retrain starts \(count\)")
    assert database.one("select count(*) from job_runs where kind = 'batch'") >= 2


def test_promotion_is_followed(jobs, database, trained):
    """What fraud-train says after a promotion; the registry is not polled in these suites."""
    suite = jobs(ONCE).start()
    models.install(suite, trained[1])
    models.set_alias(suite, trained[1].name)
    database.execute("notify fraudd_model")
    suite.wait_model(trained[1].name)
