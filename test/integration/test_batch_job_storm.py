"""Writers that hold transactions open and sometimes roll back, batches that are killed at random,
a server that restarts: in the end each row is scored exactly once. See storm.py for the size."""

import random
import re
import time

import batch_job
import postgres as clusters
import pytest
import storm
import suite as suites
from storm import SIZE


@pytest.fixture
def cluster():
    cluster = clusters.Postgres().start()
    yield cluster
    cluster.stop()


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
    storm.restart(cluster, chance)
    assert batch.finish(process).status in (batch_job.DONE, batch_job.AGAIN)


def rage(batch, cluster, writers, seed):
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
    seed = storm.seed()
    batch = batch_job.Batch(bin_dir, cluster.url, trained[0]).migrate()
    batch.set(batch={"chunk_rows": 137})
    with storm.Writers(batch, seed) as writers:
        kills, restarts, batches = rage(batch, cluster, writers, seed)
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
    batch_job.check_once(batch, rows)
    assert re.fullmatch(r"\d+:\d+:", batch.one("select done::text from batch_cursor"))
