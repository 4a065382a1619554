"""The storm of test_batch_job_storm.py over a whole suite: its scheduler starts the batches, and
batch and scheduler are killed at random while the server restarts. See storm.py for the size."""

import os
import random
import signal
import time

import batch_job
import postgres as clusters
import pytest
import storm
import suite as suites
from scheduling import jobs_suite
from storm import SIZE


@pytest.fixture
def cluster():
    cluster = clusters.Postgres().start()
    yield cluster
    cluster.stop()


def find(pid, program):
    """The child of a process that runs a program, or None."""
    for child in suites.children(pid):
        try:
            if os.readlink(f"/proc/{child}/exe").endswith("/" + program):
                return child
        except OSError:
            pass
    return None


class Victims:
    """Batch and scheduler of a suite, as the kernel knows them: nothing is asked that may be down."""

    def __init__(self, suite):
        self.suite = suite

    def scheduler(self):
        return find(self.suite.process.pid, "fraud-scheduler")

    def batch(self):
        scheduler = self.scheduler()
        try:
            return scheduler and find(scheduler, "fraud-batch")
        except OSError:  # it is gone
            return None

    def kill(self, kind, chance):
        """True if a process of that kind was there at a random moment of a batch's life."""
        suites.wait(self.batch, "a batch that runs", 120)
        time.sleep(0.15 * chance.random() ** 2)
        pid = self.scheduler() if kind == "scheduler" else self.batch()
        if not pid:
            return False
        os.kill(pid, signal.SIGKILL)
        suites.wait(lambda: not suites.is_alive(pid), "it to be gone")
        return True


def wake(batch, suite, wanted):
    """Work for several chunks, and a batch that does not wait for the back-off of a failed one."""
    if batch.unscored() < wanted:
        batch.insert(wanted)
    suites.wait(lambda: suite.ctl("job", "run", "batch", "--no-wait").returncode == 0,
                "somebody to lead")  # fmt: skip


def rage(batch, suite, cluster, writers, seed):
    chance = random.Random(seed)
    victims = Victims(suite)
    killed = {"batch": 0, "scheduler": 0}
    restarts, wanted = 0, SIZE["rows"] // SIZE["kills"] // 2
    while sum(killed.values()) < SIZE["kills"]:
        kills = sum(killed.values())
        suites.wait(lambda: writers.share() >= kills / SIZE["kills"] or not writers.active(),
                    "new rows", 600)  # fmt: skip
        wake(batch, suite, wanted)
        kind = chance.choice(list(killed))
        killed[kind] += victims.kill(kind, chance)
        if restarts < SIZE["restarts"] * sum(killed.values()) // SIZE["kills"]:
            wake(batch, suite, wanted)
            time.sleep(0.4 * chance.random())
            storm.restart(cluster, chance)
            restarts += 1
    suites.wait(lambda: not writers.active(), "the writers to end", 600)
    return killed, restarts


def test_each_row_once_whoever_dies(bin_dir, make_suite, cluster, trained):
    seed = storm.seed()
    batch = batch_job.Batch(bin_dir, cluster.url).migrate()
    suite = jobs_suite(make_suite, trained[0], batch, {
        "batch": {"interval_seconds": 1, "follow": True, "chunk_rows": 137},
        "retrain": {"every_n_batches": 0},
        "log": {"level": "debug"},
    }).start()  # fmt: skip
    with storm.Writers(batch, seed) as writers:
        killed, restarts = rage(batch, suite, cluster, writers, seed)
    assert writers.failed is None
    suites.wait(lambda: batch.unscored() == 0, "all rows to be scored", 120)
    suites.wait(lambda: batch.one("select count(*) from job_runs where finished_at is null") == 0,
                "no job to run", 120)  # fmt: skip
    suite.stop()
    rows = batch.one("select count(*) from transactions")
    halfway = batch.one("select count(*) from job_runs where kind = 'batch' and status = 'failed'"
                        " and message ~ 'signal 9|without a word'")  # fmt: skip
    print(f"{rows} rows, {writers.rolled_back} rolled back, longest transaction"
          f" {writers.longest:.1f} s, killed {killed} ({halfway} batches at work), {restarts} restarts,"
          f" {batch.one('select count(*) from job_runs')} batches")  # fmt: skip
    assert rows >= SIZE["rows"] and restarts == SIZE["restarts"] and all(killed.values())
    assert halfway >= SIZE["kills"] // 2
    batch_job.check_once(batch, rows)
