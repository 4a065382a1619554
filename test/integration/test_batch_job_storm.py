"""Writers that hold transactions open and sometimes roll back, batches that are killed at random,
a server that restarts: in the end each row is scored exactly once.

FRAUDD_STORM sets the size: "rows=200000 writers=8 hold=60 kills=50 restarts=2" is the promise of
the design; the default takes half a minute."""

import os
import random
import re
import threading
import time

import batch_job
import postgres as clusters
import psycopg
import pytest
import suite as suites

SIZE = {"rows": 24000, "writers": 8, "hold": 4, "kills": 15, "restarts": 1}
SIZE |= {k: int(v) for k, v in (w.split("=") for w in os.environ.get("FRAUDD_STORM", "").split())}
BURST = 300


@pytest.fixture
def cluster():
    cluster = clusters.Postgres().start()
    yield cluster
    cluster.stop()


class Writers:
    """Threads that insert until `rows` are committed."""

    def __init__(self, batch, seed):
        self.batch = batch
        self.seed = seed
        self.left = SIZE["rows"]
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.failed = None
        self.longest = 0
        self.rolled_back = 0
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(SIZE["writers"])]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()

    def active(self):
        return any(thread.is_alive() for thread in self.threads)

    def _run(self, number):
        chance = random.Random(self.seed + number)
        try:
            while self.left > 0 and not self.stop.is_set():
                try:
                    with self.batch.connect() as connection:
                        while self.left > 0 and not self.stop.is_set():
                            self._transaction(connection, chance)
                except psycopg.OperationalError:
                    self.stop.wait(0.1)  # the server restarts: the transaction is gone
        except BaseException as error:  # the test must hear of it
            self.failed = error
            raise

    def _transaction(self, connection, chance):
        hold = SIZE["hold"] * chance.random() ** 4
        bursts = chance.randint(1, 4)
        rows = 0
        begin = time.monotonic()
        for _ in range(bursts):
            rows += len(self.batch.insert(chance.randint(1, BURST), connection))
            self.stop.wait(hold / bursts)
        if chance.random() < 0.1:
            connection.rollback()
            self.rolled_back += rows
            return
        connection.commit()
        with self.lock:
            self.left -= rows
            self.longest = max(self.longest, time.monotonic() - begin)


def restart(cluster, chance):
    """As a crash or as an operator does it."""
    how = chance.choice(("immediate", "fast"))
    cluster._shell('pg_as_owner "$(pg_bin)/pg_ctl" stop -w -s -D "$1/data" -m ' + how)
    cluster.start()


def scored(batch):
    return batch.one("select count(*) from fraud_scores")


def run_and_kill(batch, chance):
    """One batch, killed at a random moment, mostly when it has written something; False if it was
    done before."""
    before = scored(batch)
    process = batch.start()
    if chance.random() < 0.7:
        suites.wait(lambda: process.poll() is not None or scored(batch) > before, "a chunk")
    end = time.monotonic() + 0.1 * chance.random()
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    if process.poll() is None:
        batch.kill(process)
        return True
    batch.finish(process)
    return False


def wait_for_work(batch, writers):
    """Enough for several chunks; else most kills would come too late."""
    wanted = SIZE["rows"] // SIZE["kills"] // 2
    if writers.active():
        suites.wait(lambda: batch.unscored() >= wanted or not writers.active(), "new rows", 300)
    if batch.unscored() < wanted:
        batch.insert(wanted)


def run_and_restart(batch, cluster, chance):
    process = batch.start()
    time.sleep(0.4 * chance.random())
    restart(cluster, chance)
    assert batch.finish(process).status in (batch_job.DONE, batch_job.AGAIN)


def storm(batch, cluster, writers, seed):
    chance = random.Random(seed)
    kills = restarts = batches = 0
    while writers.active() or kills < SIZE["kills"]:
        batches += 1
        if kills == SIZE["kills"]:
            batch.run()
            continue
        wait_for_work(batch, writers)
        kills += run_and_kill(batch, chance)
        if restarts < SIZE["restarts"] * kills // SIZE["kills"]:
            wait_for_work(batch, writers)
            run_and_restart(batch, cluster, chance)
            restarts += 1
    return kills, restarts, batches


def test_each_row_once(bin_dir, cluster, trained):
    seed = int(os.environ.get("FRAUDD_STORM_SEED", time.time()))
    print("FRAUDD_STORM_SEED", seed)
    batch = batch_job.Batch(bin_dir, cluster.url, trained[0]).migrate()
    batch.set(batch={"chunk_rows": 137})
    writers = Writers(batch, seed)
    writers.start()
    try:
        kills, restarts, batches = storm(batch, cluster, writers, seed)
    finally:
        writers.stop.set()
        writers.join()
    assert writers.failed is None
    batch.run()
    assert batch.run().planned == 0
    rows = batch.one("select count(*) from transactions")
    halfway = batch.one("select count(*) from job_runs where message = 'it ended without a word'")
    print(f"{rows} rows, {writers.rolled_back} rolled back, longest transaction"
          f" {writers.longest:.1f} s, {batches} batches, {kills} kills ({halfway} at work), {restarts} restarts")  # fmt: skip
    assert halfway >= SIZE["kills"] // 2  # the others came too early or too late
    assert rows >= SIZE["rows"] and kills >= SIZE["kills"] and restarts == SIZE["restarts"]
    assert batch.unscored() == 0
    assert batch.one("select count(*) from fraud_scores") == rows
    assert batch.one(batch_job.DOUBLED) == 0
    # The records moved with the chunks: no row was written, or found written, a second time.
    assert batch.one(batch_job.COUNTED) == rows
    assert batch.one("select coalesce(sum(skipped + failed), 0) from job_runs") == 0
    assert batch.one(batch_job.EXPLAINED_WRONGLY) == 0
    assert re.fullmatch(r"\d+:\d+:", batch.one("select done::text from batch_cursor"))
