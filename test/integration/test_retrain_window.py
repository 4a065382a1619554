"""Which rows a window has and what is wrong with some: fetch-window, and what a retrain makes of a
window that cannot teach anything."""

import csv
import hashlib
import os
import stat
import subprocess

import models
import pytest
import retraining
from retraining import DATA, DONE, END, USAGE

VERSION = "20261101-000000"


def fetch(trainer, path, *words, until=END, expect=DONE):
    outcome = trainer.outcome("fetch-window", "--quiet", "--out", path, "--until", until, *words,
                              expect=expect)  # fmt: skip
    if not path.exists():
        return outcome, []
    with open(path, encoding="utf-8", newline="") as file:
        return outcome, list(csv.DictReader(file))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_file_trains_the_same_model(make_trainer, tmp_path):
    trainer = make_trainer()
    outcome, rows = fetch(trainer, tmp_path / "window.csv")
    assert outcome.status == "fetched" and outcome.rows == len(rows) == retraining.ROWS
    assert outcome.frauds == sum(row["label"] == "1" for row in rows) > 50
    straight = trainer.train("20261101-000001")
    done = trainer.outcome("train", "--quiet", "--data", tmp_path / "window.csv",
                           "--version", "20261101-000002", expect=DONE)  # fmt: skip
    by_file = straight.path.with_name(done.model_version)
    for name in ("model.ubj", "artifacts/model_holdout.ubj", "artifacts/holdout_raw.csv",
                 "artifacts/golden.csv", "artifacts/encoders.json"):  # fmt: skip
        assert digest(straight.path / name) == digest(by_file / name), name


def test_the_file_is_for_its_owner_alone(make_trainer, tmp_path):
    """It holds names of people."""
    trainer = make_trainer()
    _, rows = fetch(trainer, tmp_path / "window.csv", "--from", "2026-10-01")
    assert rows[0]["user_name"]
    assert stat.S_IMODE(os.stat(tmp_path / "window.csv").st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "window.csv"]


def test_a_window_is_half_open(make_trainer, tmp_path):
    trainer = make_trainer()
    [(from_, until)] = trainer.sql(
        "select min(create_dt), max(create_dt) from (select create_dt from transactions"
        " where create_dt >= '2026-10-01' order by create_dt limit 100) as hundred")
    _, rows = fetch(trainer, tmp_path / "window.csv", "--from", from_.isoformat(),
                    until=until.isoformat())  # fmt: skip
    expected = trainer.sql("select transaction_seq from transactions where create_dt >= %s"
                           " and create_dt < %s order by 1", from_, until)  # fmt: skip
    assert sorted(int(row["transaction_seq"]) for row in rows) == [seq for (seq,) in expected]


def test_labels_of_the_future_do_not_count(make_trainer, tmp_path):
    trainer = make_trainer()
    until = "2026-10-01"
    [(known, later)] = trainer.sql(
        "select count(*) filter (where known_at < %s), count(*) filter (where known_at >= %s)"
        " from fraud_labels join transactions using (transaction_seq)"
        " where is_fraud and create_dt < %s and create_dt >= '2025-10-01'", until, until, until)
    assert later > 0
    outcome, rows = fetch(trainer, tmp_path / "window.csv", until=until)
    assert outcome.frauds == known
    # nor when the label lies at the end exactly
    [(seq,)] = trainer.sql("update fraud_labels set known_at = %s where transaction_seq = (select"
                           " min(transaction_seq) from fraud_labels where is_fraud and known_at"
                           " < %s) returning transaction_seq", until, until)  # fmt: skip
    outcome, rows = fetch(trainer, tmp_path / "window.csv", until=until)
    assert outcome.frauds == known - 1
    assert [row["label"] for row in rows if int(row["transaction_seq"]) == seq] == ["0"]
    manifest = trainer.retrain(until=until).training
    assert manifest["positives"] == known - 1


DAY = 86_400


def test_rows_end_before_labels_do(make_trainer, tmp_path):
    """Who is too young to be found out is left out; what is known by now of the others counts."""
    trainer = make_trainer()
    delay = ("--set", f"retrain.label_delay_seconds={30 * DAY}")
    end = "2026-10-02"  # 30 days before END
    [(rows, by_end, by_now)] = trainer.sql(
        "select count(*), count(*) filter (where is_fraud and known_at < %s),"
        " count(*) filter (where is_fraud and known_at < %s)"
        " from transactions left join fraud_labels using (transaction_seq)"
        " where create_dt < %s and create_dt >= '2025-10-02'", end, END, end)  # fmt: skip
    assert by_now > by_end
    outcome, fetched = fetch(trainer, tmp_path / "window.csv", *delay)
    assert (outcome.rows, outcome.frauds) == (rows, by_now)
    assert max(row["create_dt"] for row in fetched) < end
    assert (outcome.until[:10], outcome.labels_until[:10]) == (end, END)
    # one of them was found out later, on the last day, then too late
    [(seq,)] = trainer.sql("update fraud_labels set known_at = '2026-10-31 23:59:59+00' where"
                           " transaction_seq = (select min(transaction_seq) from fraud_labels join"
                           " transactions using (transaction_seq) where is_fraud and known_at < %s"
                           " and create_dt > '2026-01-01') returning transaction_seq", end)  # fmt: skip
    outcome, fetched = fetch(trainer, tmp_path / "window.csv", *delay)
    assert outcome.frauds == by_now
    assert [row["label"] for row in fetched if int(row["transaction_seq"]) == seq] == ["1"]
    trainer.sql("update fraud_labels set known_at = %s where transaction_seq = %s", END, seq)
    assert fetch(trainer, tmp_path / "window.csv", *delay)[0].frauds == by_now - 1
    # a training and a retrain take the same
    trained = trainer.train(VERSION, *delay).path / "artifacts" / "manifest.json"
    assert f'"positives":{by_now - 1},' in trained.read_text().replace(" ", "")
    assert trainer.retrain(*delay).training["positives"] == by_now - 1


def test_a_query_may_know_when_labels_end(make_trainer, tmp_path):
    trainer = make_trainer()
    path = tmp_path / "window.sql"
    path.write_text("select *, (:'labels_until'::timestamptz - :'until'::timestamptz = '36 s') as"
                    " label from transactions order by create_dt limit 5")  # fmt: skip
    for delay, frauds in ((36, 5), (35, 0)):
        outcome, _ = fetch(trainer, tmp_path / "window.csv", "--query", path, "--set",
                           f"retrain.label_delay_seconds={delay}")  # fmt: skip
        assert (outcome.rows, outcome.frauds) == (5, frauds)


def test_an_early_end_explains_itself(make_trainer, tmp_path):
    """Whoever wonders where the rows are is told of the setting."""
    trainer = make_trainer()
    delay = ("--set", f"retrain.label_delay_seconds={30 * DAY}")
    said = f"; rows end {30 * DAY} s (retrain.label_delay_seconds) before 2026-"
    trainer.sql("delete from transactions where create_dt < '2026-10-05'")
    outcome, rows = fetch(trainer, tmp_path / "window.csv", *delay)
    assert not rows and "has no row" + said in outcome.words
    reason = trainer.retrain(*delay).reason
    assert reason.startswith("the window has no usable row" + said)
    outcome, rows = fetch(trainer, tmp_path / "window.csv", *delay, "--from", "2026-10-10",
                          expect=DATA)  # fmt: skip
    assert "the window ends before it begins" + said in outcome.words


def test_sampling_is_by_key(make_trainer, tmp_path):
    """All frauds, a share of the rest, the same rows each time and in each window."""
    trainer = make_trainer()
    full = fetch(trainer, tmp_path / "full.csv")[1]
    share = ("--set", "retrain.sample_non_fraud=0.2")
    outcome, some = fetch(trainer, tmp_path / "some.csv", *share)
    assert [row for row in some if row["label"] == "1"] == [
        row for row in full if row["label"] == "1"]  # fmt: skip
    rest = {row["transaction_seq"] for row in some if row["label"] == "0"}
    expected = 0.2 * sum(row["label"] == "0" for row in full)
    assert abs(len(rest) - expected) < 6 * expected**0.5
    assert rest <= {row["transaction_seq"] for row in full}
    again = fetch(trainer, tmp_path / "again.csv", *share, "--from", "2026-06-01")[1]
    assert {row["transaction_seq"] for row in again if row["label"] == "0"} == {
        row["transaction_seq"] for row in some
        if row["label"] == "0" and row["create_dt"] >= "2026-06-01"}  # fmt: skip
    less = fetch(trainer, tmp_path / "less.csv", "--set", "retrain.sample_non_fraud=0.1")[1]
    assert {row["transaction_seq"] for row in less if row["label"] == "0"} <= rest
    trained = trainer.train(VERSION, *share)
    assert '"sample_non_fraud":0.2' in (trained.path / "artifacts" / "manifest.json").read_text()


def test_frauds_by_a_file(make_trainer, tmp_path):
    trainer = make_trainer()
    seqs = [seq for (seq,) in trainer.sql(
        "select transaction_seq from transactions where create_dt >= '2026-01-01'"
        " order by 1 limit 40")]  # fmt: skip
    listed = tmp_path / "fraud_seqs.csv"
    listed.write_text("transaction_seq\n" + "".join(f"{seq}\n" for seq in [*seqs, 987654321]))
    outcome, rows = fetch(trainer, tmp_path / "window.csv", "--fraud-seqs", listed)
    assert [int(row["transaction_seq"]) for row in rows if row["label"] == "1"] == sorted(seqs)
    assert ("1 of 41 known frauds are of transactions that the window does not have, 987654321"
            in outcome.words)  # fmt: skip
    # without a header, and with a time from which it was known
    listed.write_text("".join(f"{seq}.0\r\n" for seq in seqs[:3]))
    assert fetch(trainer, tmp_path / "window.csv", "--fraud-seqs", listed)[0].frauds == 3
    listed.write_text("known_at,transaction_seq\n" + f"2026-10-31,{seqs[0]}\n,{seqs[1]}\n"
                      + f"{END}T00:00:00,{seqs[2]}\n")  # fmt: skip
    assert fetch(trainer, tmp_path / "window.csv", "--fraud-seqs", listed)[0].frauds == 2
    for text, words in (
        ("transaction_seq\n17\nabc\n", ":3: the key of a transaction is wanted"),
        ("transaction_seq,known_at\n17,yesterday\n", ':2: column "known_at" is no time'),
        ("transaction_seq\n\xff\n", "UTF-8"),
    ):
        listed.write_text(text, encoding="latin-1")
        (tmp_path / "window.csv").unlink(missing_ok=True)
        outcome, rows = fetch(trainer, tmp_path / "window.csv", "--fraud-seqs", listed,
                              expect=DATA)  # fmt: skip
        assert words in outcome.words and not rows


def test_labels_for_unknown_transactions(make_trainer):
    trainer = make_trainer()
    trainer.sql("insert into fraud_labels (transaction_seq, is_fraud, known_at)"
                " select 900000000 + n, true, '2026-06-01' from generate_series(1, 5) n")  # fmt: skip
    outcome = trainer.retrain()
    assert outcome.status == "promoted"
    assert "known frauds are of transactions that the window does not have" in outcome.words
    assert outcome.training["rejected_rows"] == 0


# --- windows that teach nothing ---


@pytest.mark.parametrize(
    ("prepare", "until", "reason"),
    [
        ("select 1", "2020-01-01", "the window has no usable row"),
        ("delete from fraud_labels", END, "rows has no positive"),
        ("delete from fraud_labels using transactions t where t.transaction_seq ="
         " fraud_labels.transaction_seq and create_dt > '2026-05-01'", END,
         "the holdout of 2400 rows has one class only (0 positive)"),
        ("delete from fraud_labels using transactions t where t.transaction_seq ="
         " fraud_labels.transaction_seq and create_dt < '2026-09-15'", END,
         "no positive among the"),
        ("update transactions set create_dt = '2026-05-01'", END, "are of one instant"),
    ],
)  # fmt: skip
def test_a_window_that_teaches_nothing_is_skipped(make_trainer, prepare, until, reason):
    trainer = make_trainer()
    trainer.sql(prepare)
    outcome = trainer.retrain(until=until)
    assert outcome.status == "skipped" and reason in outcome.reason
    assert "retrain skipped: " in outcome.words
    [(status, message, version, _)] = trainer.jobs()
    assert (status, version) == ("skipped", None) and reason in message
    assert trainer.versions() == [] and trainer.alias() is None


def test_an_empty_window_is_a_file_with_a_header(make_trainer, tmp_path):
    trainer = make_trainer()
    outcome, rows = fetch(trainer, tmp_path / "window.csv", until="2020-01-01")
    assert outcome.status == "empty" and rows == []
    assert (tmp_path / "window.csv").read_text().startswith("transaction_seq,create_dt,")


# --- what is wrong with a query or its rows ---

COLUMNS = "transaction_seq, create_dt, deposit_amount, receiving_country"


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("select 1", DATA, 'the query has no column "label"'),
        (f"select {COLUMNS} from transactions", DATA, 'the query has no column "label"'),
        ("select transaction_seq, create_dt, 1 as label from transactions", DATA,
         'the query has no column "deposit_amount"'),
        (f"select {COLUMNS}, 'x' as label from transactions", DATA,
         'column "label" is neither integer nor boolean'),
        ("select transaction_seq, create_dt, create_dt as deposit_amount, receiving_country, 1 as label"
         " from transactions", DATA, 'column "deposit_amount" is of a type'),
        ("select * from no_such_table", DATA, "no_such_table"),
        ("select * from transactions where", DATA, "syntax error"),
        ("select :'nosuch'", DATA, "nosuch"),
        ("select 1; drop table transactions", DATA, "only one statement is taken"),
        ("select 1/0 as label", DATA, "division by zero"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_used(make_trainer, tmp_path, query, status, words):
    trainer = make_trainer()
    path = tmp_path / "window.sql"
    path.write_text(query)
    outcome = trainer.finish(trainer.start("retrain", "--quiet", "--query", path))
    assert (outcome.code, words in outcome.words) == (status, True), outcome.words
    assert trainer.jobs()[0][0] == "failed" and words in trainer.jobs()[0][1]
    assert trainer.versions() == []
    assert trainer.one("select count(*) from transactions") == retraining.ROWS


def test_rows_that_cannot_be_used_are_left_out(make_trainer, tmp_path):
    """NULL where a value is required, a label of 2, a date that no calendar has."""
    trainer = make_trainer()
    path = tmp_path / "window.sql"
    path.write_text(f"""
        select case when n = 1 then null else transaction_seq end as transaction_seq,
               case n when 2 then null when 3 then 'infinity'
                      when 4 then '4713-01-01 BC' else create_dt end as create_dt,
               case when n = 5 then null else deposit_amount end as deposit_amount,
               receiving_country, case n when 6 then 2 else label end as label
          from (select {COLUMNS}, row_number() over (order by transaction_seq) as n,
                       coalesce(is_fraud, false)::integer as label
                  from transactions left join fraud_labels using (transaction_seq)) as t
         order by n""")
    outcome = trainer.retrain("--query", path)
    assert outcome.training["rejected_rows"] == 6
    for words in ('column "transaction_seq"', 'column "create_dt"', 'column "deposit_amount"',
                  "6 rows left out in all"):  # fmt: skip
        assert words in outcome.words, outcome.words
    fetched, rows = fetch(trainer, tmp_path / "window.csv", "--query", path)
    assert fetched.rejected_rows == 6 and len(rows) == retraining.ROWS - 6


def test_words_that_cannot_be_used(make_trainer, tmp_path):
    trainer = make_trainer()
    for words, status, said in (
        ((), USAGE, "--out FILE is wanted"),
        (("--out", "-", "--json"), USAGE, "--json wants --out FILE"),
        (("--out", "/nonexistent/x"), DATA, "could not create"),
        (("--out", tmp_path / "x", "--from", "2026-02-01", "--until", "2026-01-01"), DATA,
         "ends before it begins"),
        (("--out", tmp_path / "x", "--set", "retrain.sample_non_fraud=0"), 78, "sample_non_fraud"),
    ):  # fmt: skip
        outcome = trainer.finish(trainer.start("fetch-window", *words))
        assert outcome.code == status and said in outcome.words, (words, outcome.words)
    assert list(tmp_path.iterdir()) == []


# --- the older service's names ---


def script(trainer, name, *words):
    environment = trainer.environment() | {"FRAUDD_BIN_DIR": str(trainer.bin)}
    return subprocess.run([models.SOURCE / "scripts" / name, "--config", trainer.config, "--until",
                           END, *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=environment, timeout=300)  # fmt: skip


def test_scripts_of_the_older_service(make_trainer, tmp_path):
    trainer = make_trainer()
    path = tmp_path / "window.csv"
    done = script(trainer, "fetch_window", "--out", path, "--quiet")
    assert done.returncode == 0, done.stderr
    with open(path, encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == retraining.ROWS
    done = script(trainer, "retrain_rolling", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [trainer.alias()] == trainer.versions()
