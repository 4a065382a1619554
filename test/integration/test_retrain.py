"""fraud-train retrain, compare and promote: who wins, who may not, and what is written down."""

import json
import re
import shutil
import threading
import time

import models
import pytest
import retraining
from retraining import BUSY, DATA, DONE, NO_VERDICT, NOT_LIVE, REFUSED, USAGE, WEAK

OLD, NEW = "20261001-000000", "20261101-000000"


# --- who wins ---


def test_the_first_version_wins_by_default(make_trainer):
    trainer = make_trainer()
    outcome = trainer.retrain()
    [version] = trainer.versions()
    assert outcome.status == "promoted" and trainer.alias() == version
    assert "nothing is live yet" in outcome.reason
    assert trainer.alias("previous") is None
    assert trainer.verdict(version)["comparison"] is None
    [(status, message, model_version, detail)] = trainer.jobs()
    assert (status, model_version) == ("succeeded", version)
    assert message.startswith("promoted: nothing is live yet")
    assert detail["verdict"] == "promoted"


def test_the_better_version_takes_over(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    outcome = trainer.retrain()
    version = trainer.versions()[0]
    assert outcome.status == "promoted" and "higher PR-AUC" in outcome.reason
    assert (trainer.alias(), trainer.alias("previous")) == (version, OLD)
    verdict = trainer.verdict(version)
    comparison = verdict["comparison"]
    assert comparison["winner"] == version and comparison["decided_by"] == "higher PR-AUC"
    live, candidate = (comparison[side]["metrics"]["pr_auc"] for side in ("live", "candidate"))
    assert candidate > live
    low, high = comparison["candidate"]["intervals"]["pr_auc"]
    assert 0 <= low <= candidate <= high <= 1
    assert comparison["slice"]["rows"] > 1000 and comparison["slice"]["positives"] > 0
    assert (trainer.tag(version, "verdict"), trainer.tag(version, "compared_with")) == (
        "promoted", OLD)  # fmt: skip
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", trainer.tag(version, "promoted_at"))
    [(status, message, _, detail)] = trainer.jobs()
    assert status == "succeeded" and message == "promoted: higher PR-AUC"
    assert detail["comparison"] == comparison
    # the verdict lies in the folder and breaks nothing
    whole, words = trainer.is_whole(version)
    assert whole, words


def test_the_worse_version_is_kept_out(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD, until="2026-10-15")
    outcome = trainer.retrain(*WEAK)
    version = trainer.versions()[0]
    assert outcome.status == "kept" and "the live version wins" in outcome.reason
    assert (trainer.alias(), trainer.alias("previous")) == (OLD, None)
    assert trainer.verdict(version)["verdict"] == "kept"
    assert trainer.tag(version, "promoted_at") is None
    assert trainer.jobs()[0][0] == "succeeded"


def test_equal_versions_the_newer_wins(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD)
    outcome = trainer.retrain()
    version = trainer.versions()[0]
    assert outcome.status == "promoted" and trainer.alias() == version
    assert "equal PR-AUC and ROC-AUC, newer version" in outcome.reason
    comparison = trainer.verdict(version)["comparison"]
    assert comparison["flip_rate"] == 0 and comparison["score_shift"] == 0
    assert comparison["pr_auc_gain"] == [0, 0]
    assert comparison["slice"]["duplicates"] == comparison["slice"]["rows"]


def test_no_promote_changes_no_alias(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD)
    outcome = trainer.retrain("--no-promote")
    assert outcome.status == "possible" and trainer.alias() == OLD
    assert trainer.verdict(trainer.versions()[0])["verdict"] == "possible"


# --- on which rows ---


def test_only_rows_that_neither_has_seen(make_trainer):
    """The slice by hand: both holdouts, from the later cutoff on, each transaction once."""
    trainer = make_trainer()
    versions = trainer.train(OLD, until="2026-10-01"), trainer.train(NEW)
    cutoffs, rows = [], {}
    for version in versions:
        artifacts = version.path / "artifacts"
        manifest = json.loads((artifacts / "manifest.json").read_text())
        cutoffs.append(manifest["cutoff_time"].replace("T", " ")[:19])
        lines = (artifacts / "holdout_raw.csv").read_text().splitlines()
        names = lines[0].split(",")
        for line in lines[1:]:
            row = dict(zip(names, line.split(","), strict=True))
            rows[row["transaction_seq"]] = row
    unseen = [row for row in rows.values() if row["create_dt"] >= max(cutoffs)]
    outcome = trainer.outcome("compare", OLD, NEW, expect=DONE)
    assert outcome.slice["rows"] == len(unseen)
    assert outcome.slice["positives"] == sum(row["label"] == "1" for row in unseen)
    assert outcome.slice["unreadable"] == 0 and outcome.slice["duplicates"] > 0
    # whoever is called live, the numbers are the same
    other = trainer.outcome("compare", NEW, OLD, expect=DONE)
    assert other.live["metrics"] == outcome.candidate["metrics"]
    assert other.flip_rate == outcome.flip_rate


def test_compare_for_people(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD, *WEAK)
    trainer.train(NEW)
    process = trainer.start("compare", NEW)  # against what is live
    out, _ = process.communicate(timeout=60)
    assert process.returncode == DONE
    for words in (OLD, NEW, "PR-AUC", "decisions that flip", f"{NEW} wins: higher PR-AUC"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 100


def test_versions_that_cannot_be_compared(make_trainer, tmp_path):
    """Another program, another file format: no verdict, nothing promoted, the status says so."""
    trainer = make_trainer()
    program = tmp_path / "features.yaml"
    text = models.PROGRAM.read_text()
    wanting = re.sub(r"(name: payment_method, +type: category)", r"\1, required: true", text)
    lacking = re.sub(r"(?m)^.*payment_method.*\n", "", text)
    assert lacking != text != wanting
    program.write_text(wanting)
    trainer.live(OLD, "--program", program, until="2026-08-01")
    program.write_text(lacking)
    outcome = trainer.retrain("--program", program, expect=NO_VERDICT)
    version = trainer.versions()[0]
    assert outcome.status == "no_verdict" and trainer.alias() == OLD
    assert f'version "{OLD}" cannot read the holdout of "{version}"' in outcome.reason
    assert "payment_method" in outcome.reason
    assert trainer.jobs()[0][0] == "succeeded"


def test_a_version_without_a_holdout(make_trainer):
    trainer = make_trainer()
    models.plain(trainer.models / models.NAME, "1", models.booster())
    models.set_alias(trainer, "1")
    outcome = trainer.retrain(expect=NO_VERDICT)
    assert "came without a holdout" in outcome.reason and trainer.alias() == "1"
    version = trainer.versions()[0]
    assert trainer.promote(version, expect=NO_VERDICT).verdict == "no_verdict"
    outcome = trainer.promote(version, "--force", "we leave Python's model")
    assert outcome.verdict == "promoted" and trainer.alias() == version
    assert trainer.alias("previous") == "1"
    assert "forced (we leave Python's model) although no verdict" in outcome.reason
    assert "although no verdict" in trainer.verdict(version)["reason"]


def test_the_alias_names_what_is_gone(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD)
    shutil.rmtree(trainer.models / models.NAME / OLD)
    outcome = trainer.retrain(expect=NO_VERDICT)
    assert f'names version "{OLD}", which is not there' in outcome.reason
    assert trainer.alias() == OLD
    trainer.promote(trainer.versions()[0], "--force", "it is gone")
    assert trainer.alias() == trainer.versions()[0]


# --- what speaks against it ---


@pytest.fixture
def rivals(make_trainer):
    """A weak live version and a better one beside it."""
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    trainer.train(NEW)
    return trainer


def test_too_many_decisions_flip(rivals):
    rivals.set(promote={"max_flip_rate": 0.0001})
    outcome = rivals.promote(NEW, expect=REFUSED)
    assert outcome.verdict == "refused" and rivals.alias() == OLD
    assert re.match(r"share of decisions that would change 0\.\d+ is above the limit of 0\.0001",
                    outcome.reason)  # fmt: skip
    assert outcome.comparison["winner"] == NEW
    rivals.set(promote={"max_flip_rate": 0.9999})
    assert rivals.promote(NEW).verdict == "promoted"


def test_the_score_jumps(rivals):
    rivals.set(promote={"max_score_shift": 0.0001})
    outcome = rivals.promote(NEW, expect=REFUSED)
    assert re.match(r"stability index of the score [\d.]+ is above the limit of 0\.0001",
                    outcome.reason)  # fmt: skip
    assert rivals.alias() == OLD


def test_an_input_has_gone_constant(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    trainer.sql("update transactions set payment_method = 'CARD' where create_dt > '2026-06-01'")
    outcome = trainer.retrain(expect=REFUSED)
    assert outcome.reason == 'input "payment_method" has gone constant or missing'
    assert trainer.alias() == OLD and trainer.jobs()[0][0] == "succeeded"
    version = trainer.versions()[0]
    assert trainer.verdict(version)["comparison"]["dead_input"] == "payment_method"
    trainer.set(promote={"allow_dead_inputs": True})
    assert trainer.promote(version).verdict == "promoted"


def test_an_input_has_gone_missing(make_trainer):
    """A private one: its values stand in no file, that there are none does."""
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    trainer.sql("update transactions set sender_name = null where create_dt > '2026-06-01'")
    outcome = trainer.retrain(expect=REFUSED)
    assert outcome.reason == 'input "sender_name" has gone constant or missing'


def test_a_pin_without_a_suite(rivals):
    (rivals.folder / "state").mkdir(exist_ok=True)
    pin = rivals.folder / "state" / "pin"
    pin.write_text(f"{models.NAME} {OLD}\n")
    outcome = rivals.promote(NEW, expect=REFUSED)
    assert outcome.verdict == "pinned" and "fraudctl unpin" in outcome.reason
    assert rivals.promote(NEW, "--force", "now", expect=REFUSED).verdict == "pinned"
    outcome = rivals.retrain()  # nothing that a scheduler should try again
    assert outcome.status == "pinned" and rivals.alias() == OLD
    pin.write_text(f"another {OLD}\n")
    assert rivals.promote(NEW).verdict == "promoted"


def test_a_broken_version_is_not_promoted(rivals):
    path = rivals.models / models.NAME / NEW / "model.ubj"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    words = rivals.run("promote", NEW, "--force", "yes", expect=DATA).words
    assert "sha256 of model.ubj differs" in words
    copy = path.parent.with_name("20261102-000000")
    shutil.copytree(rivals.models / models.NAME / OLD, copy)
    words = rivals.run("promote", copy.name, expect=DATA).words
    assert f'the folder holds version "{OLD}"' in words
    assert rivals.alias() == OLD


def test_words_that_cannot_be_used(rivals):
    for verb, words, status, said in (
        ("promote", (), USAGE, "a word is missing"),
        ("promote", ("20200101-000000",), DATA, 'no version "20200101-000000"'),
        ("promote", ("../x",), DATA, "must be 1 to 63"),
        ("promote", (NEW, "--force", ""), USAGE, "wants a reason"),
        ("compare", (), USAGE, "a word is missing"),
        ("compare", (OLD, "nosuch"), DATA, 'no version "nosuch"'),
        ("compare", (OLD, NEW, NEW), USAGE, "unexpected word"),
        ("retrain", ("--set", "retrain.window_months=0"), 78, "window_months"),
        ("retrain", ("--until", "2026-13-01"), DATA, '--until "2026-13-01" is no time'),
        ("retrain", ("--query", "/nonexistent.sql"), DATA, 'could not read "/nonexistent.sql"'),
        ("retrain", ("--program", "/nonexistent.yaml"), DATA, "/nonexistent.yaml"),
        ("retrain", ("--set", "database.url=postgresql:///x?host=/nonexistent"), 1, "connect"),
        ("retrain", ("--set", "database.url="), DATA, "no database is configured"),
        ("retrain", ("--job", "no uuid"), DATA, "uuid"),
    ):
        outcome = rivals.finish(rivals.start(verb, *words))
        assert outcome.code == status, (verb, words, outcome.words)
        assert said in outcome.words, (verb, words, outcome.words)
    assert rivals.promote(OLD).verdict == "unchanged"


# --- the hosts follow ---


@pytest.fixture
def hosts(make_suite, make_trainer):
    """A suite with a weak version, and its trainer."""
    trainer = make_trainer()
    one = make_suite({key: trainer.settings[key] for key in ("train", "promote", "retrain")})
    trainer.close()
    trainer.folder, trainer.models = one.folder, one.models
    trainer.settings, trainer.config = one.settings, one.config
    trainer.live(OLD, *WEAK, until="2026-10-15")
    return one.start(), trainer


def test_the_suite_serves_it_when_retrain_ends(hosts):
    suite, trainer = hosts
    assert suite.status()["model"]["version"] == OLD
    outcome = trainer.retrain()
    version = trainer.versions()[0]
    assert outcome.status == "promoted" and outcome.promotion["rollout"]["live_everywhere"]
    assert suite.status()["model"]["version"] == version
    assert suite.ctl("rollback").returncode == 0
    assert suite.status()["model"]["version"] == OLD
    # rolled back is pinned
    outcome = trainer.retrain()
    assert outcome.status == "pinned" and suite.status()["model"]["version"] == OLD
    assert suite.ctl("unpin").returncode == 0
    assert trainer.promote(trainer.versions()[0]).verdict == "promoted"
    assert suite.status()["model"]["version"] == trainer.versions()[0]
    assert suite.status()["registry"]["pinned"] in ("", None)


def test_the_suite_refuses_it_first(hosts):
    """What this host's loader will not have is never live anywhere."""
    suite, trainer = hosts
    trainer.train(NEW, "--set", "train.test_ratio=0.7")
    suite.write_settings(models={"max_bytes": 1048576})
    assert suite.reload().returncode == 0
    outcome = trainer.promote(NEW, "--set", "models.max_bytes=100000000", "--force", "try",
                              expect=REFUSED)  # fmt: skip
    assert outcome.verdict == "refused"
    assert outcome.reason.startswith("the suite of this host refuses it: ")
    assert "holdout_raw.csv" in outcome.reason
    assert trainer.alias() == OLD and suite.status()["model"]["version"] == OLD
    assert trainer.tag(NEW, "promoted_at") is None


def follow(trainer, host, stop):
    """A host of its own: serves what the alias names and says so."""
    while not stop.is_set():
        trainer.sql("update model_live_history set model_version = %s, seen_at = now()"
                    " where host = %s", trainer.alias(), host)  # fmt: skip
        time.sleep(0.05)


def add_host(trainer, host, seen="now()"):
    trainer.sql("insert into model_live_history (host, generation, model_name, model_version,"
                f" seen_at) values (%s, 1, 'fraud', %s, {seen})", host, OLD)  # fmt: skip


def test_all_living_hosts_must_follow(make_trainer):
    trainer = make_trainer()
    trainer.set(promote={"verify_seconds": 30})
    trainer.live(OLD, *WEAK, until="2026-10-15")
    add_host(trainer, "alpha")
    add_host(trainer, "long-gone", "now() - interval '1 hour'")
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(trainer, "alpha", stop))
    thread.start()
    try:
        outcome = trainer.retrain()
    finally:
        stop.set()
        thread.join()
    assert outcome.promotion["rollout"] | {"here": None} == {
        "hosts": 1, "missing": 0, "missing_hosts": None, "here": None,
        "live_everywhere": True}  # fmt: skip


def test_a_host_that_does_not_follow_is_named(make_trainer):
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")
    for host in ("alpha", "beta"):
        add_host(trainer, host, "now() + interval '1 hour'")
    outcome = trainer.retrain(expect=NOT_LIVE)
    rollout = outcome.promotion["rollout"]
    assert (rollout["hosts"], rollout["missing"], rollout["missing_hosts"]) == (2, 2, "alpha, beta")
    assert trainer.alias() == trainer.versions()[0]
    [(status, message, _, _)] = trainer.jobs()
    assert status == "succeeded" and message.endswith("live on 0 of 2 hosts, missing: alpha, beta")


def test_other_hosts_are_told(rivals):
    with rivals.connect(autocommit=True) as connection:
        connection.execute("listen fraudd_model")
        rivals.promote(NEW)
        [notice] = connection.notifies(timeout=10, stop_after=1)
    assert notice.payload == NEW


# --- room ---


def test_old_versions_go(make_trainer):
    trainer = make_trainer()
    trainer.set(retrain={"keep_versions": 2})
    names = [f"2026010{i}-000000" for i in range(1, 7)]
    first = trainer.train(names[0], *WEAK)
    for name in names[1:]:
        shutil.copytree(first.path, first.path.with_name(name))
    models.set_alias(trainer, names[0])
    models.set_alias(trainer, names[1], "previous")
    add_host(trainer, "alpha", "now() + interval '1 hour'")
    trainer.sql("update model_live_history set model_version = %s", names[2])
    for name, age in ((".new-20260101-000000-1", 7200), (".new-20260101-000000-2", 0)):
        path = trainer.models / models.NAME / name
        path.mkdir()
        shutil.os.utime(path, (time.time() - age,) * 2)
    outcome = trainer.retrain("--no-promote", *WEAK)
    version = outcome.training["model_version"]
    # named by an alias, served somewhere, the two newest of the others
    assert trainer.versions() == sorted([*names[:3], names[5], version], reverse=True)
    assert [path.name for path in trainer.hidden()] == [".new-20260101-000000-2"]


# --- one at a time ---


def test_two_at_once_one_leaves(make_trainer):
    trainer = make_trainer()
    first = trainer.start("retrain", "--json", "--quiet", "--until", retraining.END,
                          "--set", "train.rounds=100000",
                          "--set", "train.early_stopping_rounds=0")  # fmt: skip
    try:
        # it trains
        deadline = time.monotonic() + 60
        while not any(status == "running" for status, *_ in trainer.jobs()):
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.05)
        second = trainer.retrain(expect=BUSY)
        assert "another retrain is under way" in second.words and second.status == "busy"
        row = "00000000-0000-7000-8000-000000000001"
        assert trainer.retrain("--job", row).status == "busy"
        assert trainer.sql("select status, message from job_runs where id = %s", row) == [
            ("skipped", "another retrain is under way")]  # fmt: skip
    finally:
        trainer.kill(first)
    assert trainer.retrain().status == "promoted"
