"""Two complete suites on one database: one leads, the other follows it within ten seconds, nothing
is scored twice or left out; with partitions both score."""

import os
import signal
import time

import models
import pytest
import suite as suites
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


def descendants(suite):
    """All of its processes, parents first."""
    pids = [suite.process.pid]
    for pid in pids:
        pids += suites.children(pid)
    return pids


def kill_host(suite):
    """Everything of it at once, as a power cut does."""
    for pid in descendants(suite):
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


def freeze(suite):
    """As a container is paused: nothing runs, but the kernel answers the server's keepalives."""
    suite.process.send_signal(signal.SIGSTOP)  # first: nobody replaces what stands still
    suite.pids.update(suite.child_pids())
    for pid in descendants(suite):
        os.kill(pid, signal.SIGSTOP)


def thaw(suite):
    for pid in reversed(descendants(suite)):
        os.kill(pid, signal.SIGCONT)


def kill_supervisor(suite):
    """Its children see the end of their channel and leave."""
    suite.process.kill()
    suite.process.wait()
    suite.process = None


def kill_scheduler_alone(suite):
    """Nobody replaces it."""
    suite.process.send_signal(signal.SIGSTOP)
    suite.pids.update(suite.child_pids())
    [scheduler] = [pid for pid in suite.child_pids()
                   if os.readlink(f"/proc/{pid}/exe").endswith("fraud-scheduler")]  # fmt: skip
    os.kill(scheduler, signal.SIGKILL)


WAYS = {
    "host": kill_host,
    "supervisor": kill_supervisor,
    "stop": lambda suite: suite.stop(),
    "lock": kill_scheduler_alone,
    "freeze": freeze,
}


@pytest.mark.parametrize("how", WAYS)
def test_fail_over(host, database, how):
    alpha = host("alpha")
    wait_leader(alpha, database, "alpha")
    beta = host("beta")
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    database.wait_scored(alpha)
    before = time.monotonic()
    WAYS[how](alpha)
    wait_leader(beta, database, "beta")
    taken = time.monotonic() - before
    database.add_rows(100)
    database.wait_scored(beta)
    if alpha.process:
        thaw(alpha)
    print(f"{how}: another host led after {taken:.2f} s")
    assert taken <= FAIL_OVER
    check_exactly_once(database)


SAME_HOST_MAY = {
    "scheduler killed": lambda suite, database: suite.kill("scheduler"),
    "scheduler hung": lambda suite, database: suite.kill("scheduler", number=signal.SIGSTOP),
    "connection lost": lambda suite, database: database.execute(
        f"select pg_terminate_backend({leading_session(database)})"),
}  # fmt: skip


@pytest.mark.parametrize("how", SAME_HOST_MAY)
def test_lead_goes_on(host, database, how):
    """The host lives: whoever is first has the lead then, but somebody has it. A hung scheduler is
    replaced after supervise.hang_seconds."""
    settings = {"supervise": {"hang_seconds": 5}}
    alpha = host("alpha", settings)
    wait_leader(alpha, database, "alpha")
    beta = host("beta", settings)
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    database.wait_scored(alpha)
    session = leading_session(database)
    before = time.monotonic()
    SAME_HOST_MAY[how](alpha, database)
    beta.wait(lambda: leading_session(database) not in (None, session), "another session to lead")
    taken = time.monotonic() - before
    database.add_rows(100)
    database.wait_scored(beta)
    print(f"{how}: another session led after {taken:.2f} s")
    assert taken <= FAIL_OVER
    check_exactly_once(database)


def test_freeze_amid_a_batch(host, database):
    """The batch that stands still holds the partition and a chunk: both are taken from it."""
    alpha = host("alpha")
    wait_leader(alpha, database, "alpha")
    beta = host("beta")
    beta.wait(lambda: database.count("scheduler_hosts") == 2, "both hosts to be seen")
    database.wait_scored(alpha)
    with database.stalled_batches() as stalled:
        database.add_rows(300)
        stalled.wait(alpha)
        freeze(alpha)
        before = time.monotonic()
    database.wait_scored(beta)
    taken = time.monotonic() - before
    assert set(database.column("select host from fraud_scores order by scored_at desc limit 300")) == {
        "beta"}  # fmt: skip
    thaw(alpha)
    print(f"the other host had scored all after {taken:.2f} s")
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
