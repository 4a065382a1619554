"""Two complete suites on one database: one leads, the other follows it within ten seconds, nothing
is scored twice or left out; with partitions both score."""

import os
import signal
import time

import models
import pytest
from scheduling import Database, jobs_suite

FAIL_OVER = 10  # seconds


@pytest.fixture
def database(postgres, bin_dir, request):
    with Database(postgres, bin_dir, request.node.name, rows=1000) as one:
        yield one


@pytest.fixture
def host(make_suite, trained, database):
    """host(name, settings): a suite that is called so, started."""

    def make(name, settings=None):
        base = {"host_name": name, "batch": {"interval_seconds": 1, "chunk_rows": 50},
                "retrain": {"every_n_batches": 0}}  # fmt: skip
        suite = jobs_suite(make_suite, trained[0], database, base)
        suite.write_settings(**(settings or {}))
        return suite.start()

    return make


def leader(database):
    """Who holds the lock of partition 0, or None."""
    return database.one("select host from scheduler_state join scheduler_leads using (partition)"
                        " where partition = 0")  # fmt: skip


def leads(database):
    return dict(database.rows("select partition, host from scheduler_state"
                              " join scheduler_leads using (partition)"))  # fmt: skip


def leading_session(database):
    return database.one("select l.pid from pg_locks l join pg_stat_activity a using (pid)"
                        " where l.locktype = 'advisory' and a.datname = current_database()"
                        " and a.application_name = 'fraud-scheduler'")  # fmt: skip


def wait_leader(suite, database, name):
    suite.wait(lambda: leader(database) == name, f"{name} to lead")


def kill_host(suite):
    """Everything of it at once, as a power cut does."""
    pids = [suite.process.pid, *suite.child_pids()]
    for child in list(pids):
        path = f"/proc/{child}/task/{child}/children"
        pids += [int(pid) for pid in open(path).read().split() if int(pid) not in pids]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    suite.process.wait()
    suite.process = None


def check_exactly_once(database):
    """What the batches say that they scored is what is there: a row that was scored twice would be
    counted twice, for an insert that changes nothing is not counted."""
    assert database.unscored() == 0
    assert database.one("select sum(scored) from job_runs") == database.count("fraud_scores")
    assert database.count("fraud_scores") == database.count("transactions")
    assert database.one(
        "select count(*) from (select transaction_seq, rank from fraud_explanations"
        " group by 1, 2 having count(*) > 1) twice"
    ) == 0  # fmt: skip


def test_one_leads(host, database):
    alpha = host("alpha")
    wait_leader(alpha, database, "alpha")
    beta = host("beta")
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    mark = database.one("select now()")
    for _ in range(20):
        database.add_rows(10)
        time.sleep(0.1)  # the load itself: rows that come one after the other
    database.wait_scored(alpha)
    assert leader(database) == "alpha"
    started = database.column(f"select host from job_runs where created_at > '{mark}'")
    assert set(started) == {"alpha"}
    assert not beta.log_contains("this host leads")
    check_exactly_once(database)


@pytest.mark.parametrize("how", ["host", "suite", "lock"])
def test_fail_over(host, database, how):
    alpha = host("alpha")
    wait_leader(alpha, database, "alpha")
    beta = host("beta")
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    database.wait_scored(alpha)
    before = time.monotonic()
    if how == "host":
        kill_host(alpha)
    elif how == "suite":
        alpha.stop()
    else:
        alpha.process.send_signal(signal.SIGSTOP)  # nobody replaces what dies
        alpha.pids.update(alpha.child_pids())
        [scheduler] = [pid for pid in alpha.child_pids()
                       if os.readlink(f"/proc/{pid}/exe").endswith("fraud-scheduler")]  # fmt: skip
        os.kill(scheduler, signal.SIGKILL)
    wait_leader(beta, database, "beta")
    taken = time.monotonic() - before
    database.add_rows(100)
    database.wait_scored(beta)
    if how == "lock":
        alpha.process.send_signal(signal.SIGCONT)
    print(f"another host led after {taken:.2f} s")
    assert taken <= FAIL_OVER
    check_exactly_once(database)


def test_hung_leader(host, database):
    """Its supervisor replaces it after supervise.hang_seconds; the lock is free then."""
    settings = {"supervise": {"hang_seconds": 5}}
    alpha = host("alpha", settings)
    wait_leader(alpha, database, "alpha")
    beta = host("beta", settings)
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    database.wait_scored(alpha)
    session = leading_session(database)
    before = time.monotonic()
    os.kill(alpha.pid("scheduler"), signal.SIGSTOP)
    beta.wait(lambda: leading_session(database) not in (None, session), "another session to lead")
    taken = time.monotonic() - before
    database.add_rows(100)
    database.wait_scored(beta)
    print(f"another session led after {taken:.2f} s")
    assert taken <= FAIL_OVER
    check_exactly_once(database)


def test_killed_again_and_again(host, database):
    """Schedulers and batches of both hosts die at random while rows come in."""
    both = [host("alpha"), host("beta")]
    for turn in range(10):
        database.add_rows(200)
        both[turn % 2].kill("scheduler")
        for suite in both:
            suite.wait(lambda one=suite: one.children("scheduler")[0]["state"] == "up", "it to be up")
    database.wait_scored(both[0])
    assert database.one("select count(*) from scheduler_leads") == 1
    both[0].wait(lambda: database.one("select count(*) from job_runs where status = 'running'") == 0,
                 "no batch to run")  # fmt: skip
    for suite in both:
        suite.stop()
    assert database.count("fraud_scores") == database.count("transactions")
    assert database.one("select sum(scored) from job_runs") == database.count("fraud_scores")


def test_partitions_are_shared(host, database):
    settings = {"batch": {"partitions": 4}}
    alpha = host("alpha", settings)
    alpha.wait(lambda: set(leads(database).values()) == {"alpha"} and len(leads(database)) == 4,
               "all four on one host")  # fmt: skip
    beta = host("beta", settings)
    for suite in (alpha, beta):
        suite.wait(lambda: sorted(leads(database).values()) == ["alpha"] * 2 + ["beta"] * 2,
                   "two on each host")  # fmt: skip
    assert leads(database)[0] == "alpha"  # the lead of the retrains stays where it was
    database.add_rows(1000)
    database.wait_scored(alpha)
    alpha.wait(lambda: set(database.column("select distinct host from fraud_scores")) ==
               {"alpha", "beta"}, "both to have scored")  # fmt: skip
    before = time.monotonic()
    kill_host(alpha)
    beta.wait(lambda: leads(database) == dict.fromkeys(range(4), "beta"), "all on the other host")
    assert time.monotonic() - before <= FAIL_OVER
    database.add_rows(100)
    database.wait_scored(beta)
    assert database.count("fraud_scores") == database.count("transactions")


def test_asked_on_any_host(host, database):
    """With partitions on two hosts a batch that is asked for runs on both."""
    quiet = {"batch": {"partitions": 2, "interval_seconds": 3600}}
    alpha, beta = host("alpha", quiet), host("beta", quiet)
    beta.wait(lambda: sorted(leads(database).values()) == ["alpha", "beta"], "one on each host")
    database.wait_scored(alpha)
    database.add_rows(500)
    done = beta.ctl("job", "run", "batch")
    assert done.returncode == 0, done.stderr
    database.wait_scored(alpha)
    check_exactly_once(database)


def test_promotion_reaches_all_hosts(host, database, trained):
    both = [host("alpha"), host("beta")]
    for suite in both:
        models.install(suite, trained[1])
        models.set_alias(suite, trained[1].name)
    database.execute("notify fraudd_model")
    for suite in both:
        suite.wait_model(trained[1].name)
