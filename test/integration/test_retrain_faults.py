"""What happens to a retrain from outside: it is killed, its disk is full, its database goes away.
Nothing half is left, nothing stays locked, and job_runs tells."""

import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import threading
import time

import pytest
import suite as suites
from retraining import DONE, END, FAILED, WEAK

OLD = "20261001-000000"
KILLS = 14


def wait(condition, what, process=None):
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)
    return found


def slow(trainer, *words, query=None):
    """A retrain that would train for hours."""
    more = ("--query", query) if query else ()
    return trainer.start("retrain", "--json", "--quiet", "--until", END, *more,
                         "--set", "train.rounds=100000", "--set", "train.early_stopping_rounds=0",
                         *words)  # fmt: skip


def is_training(trainer):
    return any(message and message.startswith("training") for _, message, _, _ in trainer.jobs())


def end_sessions(trainer, where=""):
    return trainer.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name ="
        f" 'fraud-train' and datname = current_database() {where}")  # fmt: skip


# --- kills ---


def is_over(process, seconds):
    """True if the process ends within that time."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_killed_at_any_point(make_trainer):
    """Every version that is there is whole, the aliases name such, and the next one can begin."""
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    generator = random.Random(20261122)
    begin = time.monotonic()
    trainer.retrain("--no-promote")
    whole = time.monotonic() - begin
    killed = ended = 0
    while killed < KILLS:
        begin = time.monotonic()
        process = trainer.start("retrain", "--json", "--quiet", "--until", END)
        # evenly over its life
        if is_over(process, whole * (killed + generator.random()) / KILLS):
            whole = min(whole, time.monotonic() - begin)  # it was measured on a busier machine
            ended += 1
            assert ended <= KILLS
            assert trainer.finish(process, DONE).status in ("promoted", "kept")
        else:
            trainer.kill(process)
            killed += 1
        for version in trainer.versions():
            is_whole, words = trainer.is_whole(version)
            assert is_whole, (version, words)
        assert trainer.alias() in trainer.versions()
        assert trainer.alias("previous") in (None, *trainer.versions())
    outcome = trainer.retrain()
    assert outcome.status in ("promoted", "kept")
    jobs = trainer.jobs()
    assert not [job for job in jobs if job[0] == "running"]
    lost = [message for status, message, _, _ in jobs if status == "failed"]
    assert lost and set(lost) == {"it ended without a word"}


def test_killed_while_it_promotes(make_trainer):
    """At each file that gets its name: the verdict, the tags, either alias."""
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    trainer.train("20261101-000000")
    syscalls = 0
    for at in range(1, 40):
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2",
             "-e", f"inject=rename,renameat,renameat2:signal=KILL:when={at}",
             *trainer.command("promote", "20261101-000000", "--json")],
            env=trainer.environment() | {"ASAN_OPTIONS": "detect_leaks=0"}, capture_output=True, text=True,
            timeout=120)  # fmt: skip
        if done.returncode == 0:
            break
        syscalls += 1
        assert trainer.alias() in (OLD, "20261101-000000"), done.stderr
        assert trainer.alias("previous") in (None, OLD)
        if trainer.alias() == "20261101-000000":
            assert trainer.alias("previous") == OLD
            assert trainer.verdict("20261101-000000")["verdict"] == "promoted"
            (trainer.models / "fraud" / "aliases" / "production").write_text(f"{OLD}\n")
    assert syscalls >= 6 and trainer.alias() == "20261101-000000"


# --- no room ---


def test_a_full_disk(make_trainer):
    """The first file that does not fit ends it; no version, no alias, the words name the file."""
    trainer = make_trainer()
    process = trainer.start(
        "retrain", "--quiet", "--until", END, "--set", "train.rounds=60",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )  # fmt: skip
    outcome = trainer.finish(process, FAILED)
    assert "could not write" in outcome.words and "File too large" in outcome.words
    assert trainer.versions() == [] and trainer.hidden() == [] and trainer.alias() is None
    [(status, message, version, _)] = trainer.jobs()
    assert (status, version) == ("failed", None) and "File too large" in message
    assert trainer.retrain().status == "promoted"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, three MiB large."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder],
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        pytest.skip("may not mount: " + done.stderr.strip())
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_file_system(make_trainer, small_disk):
    trainer = make_trainer()
    trainer.set(models={"dir": str(small_disk)})
    trainer.models = small_disk
    ballast = small_disk / "ballast"
    with open(ballast, "wb") as file:
        file.write(bytes(2_300_000))
    outcome = trainer.finish(trainer.start("retrain", "--quiet", "--until", END), FAILED)
    assert re.search(r"could not write .*: No space left on device", outcome.words)
    assert trainer.versions() == [] and trainer.hidden() == [] and trainer.alias() is None
    ballast.unlink()
    assert trainer.retrain().status == "promoted"


# --- the database goes away ---


def test_lost_while_it_trains(make_trainer):
    """Without the session there is no lock: another host may have begun."""
    trainer = make_trainer()
    process = slow(trainer)
    wait(lambda: is_training(trainer), "the training", process)
    assert len(end_sessions(trainer)) == 1  # the rows' snapshot was given back
    outcome = trainer.finish(process, FAILED)
    assert "the database session that made this the only retrain was lost" in outcome.words
    assert trainer.versions() == []
    [(status, message, _, _)] = trainer.jobs()
    assert status == "failed" and "was lost" in message
    assert trainer.retrain().status == "promoted"


def test_lost_in_the_middle_of_the_rows(make_trainer, tmp_path):
    query = tmp_path / "slow.sql"
    query.write_text("""
        select t.*, coalesce(l.is_fraud, false)::integer as label
          from (select *, row_number() over (order by transaction_seq) as n from transactions) t
          left join fraud_labels l using (transaction_seq)
         where n < 6000 or pg_sleep(1) is not null
         order by n""")
    trainer = make_trainer()
    process = slow(trainer, query=query)
    wait(lambda: end_sessions(trainer, "and query ilike 'copy%' and state = 'active'"),
         "the copy", process)  # fmt: skip
    outcome = trainer.finish(process, FAILED)
    assert "database" in outcome.words and trainer.versions() == []
    assert trainer.jobs()[0][0] == "failed"
    assert trainer.retrain().status == "promoted"


def test_the_server_restarts(make_trainer, postgres):
    trainer = make_trainer()
    process = slow(trainer)
    wait(lambda: is_training(trainer), "the training", process)
    postgres._shell('pg_stop "$1"')
    outcome = trainer.finish(process, FAILED)
    assert "was lost" in outcome.words and "could not write the end of job" in outcome.words
    postgres.start()
    assert trainer.jobs()[0][0] == "running"  # nobody could say otherwise
    assert trainer.retrain().status == "promoted"
    assert [job[0] for job in trainer.jobs()] == ["failed", "succeeded"]


def test_a_heartbeat_while_it_trains(make_trainer):
    trainer = make_trainer()
    process = slow(trainer)
    try:
        wait(lambda: is_training(trainer), "the training", process)
        [(first, message)] = trainer.sql("select heartbeat_at, message from job_runs")
        assert re.fullmatch(r"training: \d+ of at most 100000", message)
        wait(lambda: trainer.one("select heartbeat_at from job_runs") > first, "a heartbeat")
        # and every thread leaves the cores to others
        tasks = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
        assert {os.sched_getscheduler(int(task.name)) for task in tasks} == {os.SCHED_IDLE}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


# --- hosts ---


def test_many_hosts_at_once(make_trainer):
    """Four begin together: one trains, three leave, nothing is doubled."""
    trainer = make_trainer()
    processes = [slow(trainer) for _ in range(4)]
    done = []
    threads = [threading.Thread(target=lambda p=p: done.append(p.communicate()), daemon=True)
               for p in processes]  # fmt: skip
    for thread in threads:
        thread.start()
    wait(lambda: len(done) == 3, "three to leave")
    left = [p for p in processes if p.poll() is not None]
    assert sorted(p.returncode for p in left) == [75, 75, 75]
    assert all("another retrain is under way" in words for _, words in done)
    for process in processes:
        if process.poll() is None:
            process.kill()
    for thread in threads:
        thread.join(60)
    assert not any(suites.SANITIZERS.search(words) for _, words in done)
    assert trainer.retrain().code == DONE
    assert [job[0] for job in trainer.jobs()] == ["failed", "succeeded"]
