"""fraud-batch on a real database: what is new is scored once, whatever happens to it."""

import csv
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import threading
import time

import batch_job
import models
import postgres as clusters
import pytest
import suite as suites
from batch_job import AGAIN, DATA, DONE


@pytest.fixture
def make_batch(bin_dir, postgres, trained):
    """make_batch(rows): a host with its own database and the first version."""
    made = []

    def make(rows=0, version=trained[0], url=None):
        if url is None:
            url = postgres.database(f"batch_{time.monotonic_ns()}")
        made.append(batch_job.Batch(bin_dir, url, version))
        made[-1].migrate()
        return made[-1].demo(rows) if rows else made[-1]

    yield make
    for one in made:
        subprocess.run(["rm", "-rf", one.folder], check=True)


# --- what it writes ---


def test_scores_are_those_of_the_csv(make_batch, tmp_path):
    """All 2,000 rows: the same scores, decisions and reasons as fraudctl score gives the CSV."""
    batch = make_batch(2000)
    batch.set(batch={"explain": "ALLOW", "chunk_rows": 300})
    outcome = batch.run()
    assert (outcome.planned, outcome.scored, outcome.failed, outcome.skipped) == (2000, 2000, 0, 0)
    assert outcome.chunks >= 7
    data = models.demo_csv(batch.bin, tmp_path / "demo.csv", 2000, seed=5)
    models.run(batch.bin / "fraudctl", "score", "--bundle",
               next((batch.models / models.NAME).glob("2*")), "--in", data,
               "--out", tmp_path / "scores.csv", "--top-k", 3, "--quiet")  # fmt: skip
    with open(tmp_path / "scores.csv", encoding="utf-8", newline="") as file:
        expected = {int(row["transaction_seq"]): row for row in csv.DictReader(file)}
    found = batch.sql("select transaction_seq, score, decision from fraud_scores")
    assert len(found) == 2000
    for seq, score, decision in found:
        assert (f"{score:.9g}", decision) == (
            f"{float(expected[seq]['score']):.9g}",
            expected[seq]["decision"],
        )
    for seq, rank, feature, value, contribution in batch.sql(
        "select transaction_seq, rank, feature, value, contribution from fraud_explanations"
    ):
        row = expected[seq]
        assert feature == row[f"reason_{rank}"]
        assert float(row[f"contribution_{rank}"]) == contribution
        assert (value or "") == row[f"value_{rank}"] or time_of(value) == time_of(
            row[f"value_{rank}"]
        )


def time_of(text):
    return text.replace("T", " ").replace("Z", "").partition("+")[0]


def test_every_score_says_who_gave_it(make_batch, trained):
    batch = make_batch(50)
    batch.set(host_name="alpha")
    batch.run()
    low, high = trained[0].thresholds()
    assert batch.sql(
        "select distinct model_version, generation, host, threshold_low, threshold_high,"
        " scored_at is null from fraud_scores"
    ) == [(trained[0].name, 0, "alpha", pytest.approx(low), pytest.approx(high), False)]


def test_second_batch_takes_what_came_since(make_batch):
    batch = make_batch(100)
    assert batch.run().scored == 100
    assert batch.run().planned == 0
    batch.insert(30)
    outcome = batch.run("--once")
    assert (outcome.planned, outcome.scored) == (30, 30)
    assert batch.unscored() == 0


@pytest.mark.parametrize(
    "explain, decisions",
    [("ALLOW", {"ALLOW", "REVIEW", "BLOCK"}), ("REVIEW", {"REVIEW", "BLOCK"}),
     ("BLOCK", {"BLOCK"}), ("NONE", set())],
)  # fmt: skip
def test_explanations_from_a_decision_on(make_batch, explain, decisions):
    batch = make_batch(3000)
    batch.set(batch={"explain": explain})
    batch.run()
    assert decisions <= {d for (d,) in batch.sql("select distinct decision from fraud_scores")}
    explained = batch.sql(
        "select distinct decision from fraud_scores join fraud_explanations using (transaction_seq)"
    )
    assert {d for (d,) in explained} == decisions


def test_job_runs_tell_the_counts(make_batch, trained):
    batch = make_batch(120)
    batch.sql("update transactions set create_dt = 'infinity' where transaction_seq % 40 = 0")
    batch.run()
    assert batch.sql(
        "select kind, status, planned, scored, failed, skipped, model_version, generation, message,"
        " heartbeat_at >= started_at and finished_at >= heartbeat_at, detail->>'partition'"
        " from job_runs"
    ) == [("batch", "succeeded", 120, 117, 3, 0, trained[0].name, 0, None, True, "0")]


def test_scores_that_are_there_stay(make_batch):
    """Rows with a score keep it and get no explanation of another."""
    batch = make_batch(200)
    batch.sql("insert into batch_cursor (partition, system_id, done)"
              " select 0, system_identifier, '1:1:' from pg_control_system()")  # fmt: skip
    batch.sql("insert into fraud_scores (transaction_seq, score, decision)"
              " select transaction_seq, 0.25, 'KEPT' from transactions"
              " where transaction_seq % 10 = 0")  # fmt: skip
    batch.set(batch={"explain": "ALLOW"})
    outcome = batch.run()
    assert (outcome.planned, outcome.scored, outcome.skipped) == (200, 180, 20)
    assert batch.one("select count(*) from fraud_scores where decision = 'KEPT'") == 20
    assert batch.one("select count(distinct transaction_seq) from fraud_explanations") == 180
    assert batch.one(COUNT_OF_STRAY_REASONS) == 0


COUNT_OF_STRAY_REASONS = """
select count(*) from fraud_explanations join fraud_scores using (transaction_seq)
where decision = 'KEPT'
"""


def test_tables_of_the_older_service(make_batch, bin_dir, postgres, trained):
    """Their keys are integer, their numbers double: adopted, not replaced."""
    batch = batch_job.Batch(bin_dir, postgres.database("batch_adopted"), trained[0])
    batch.sql("create table fraud_scores (transaction_seq integer primary key, score float8 not null,"
              " decision varchar(10) not null, threshold_low float8, threshold_high float8,"
              " model_version varchar(40), scored_at timestamp)")  # fmt: skip
    batch.sql("create table fraud_explanations (transaction_seq integer, rank smallint,"
              " feature varchar(255) not null, value varchar(255), delta_score float8,"
              " direction varchar(10), zscore float8, primary key (transaction_seq, rank))")  # fmt: skip
    batch.migrate().demo(300)
    batch.sql("insert into fraud_scores (transaction_seq, score, decision) values (7, 0, 'KEPT')")
    batch.sql("insert into fraud_explanations values (8, 1, 'old', 'left behind')")
    batch.sql("update transactions set country_code = repeat('\u00e9', 300) where transaction_seq = 9")
    batch.set(batch={"explain": "ALLOW"})
    outcome = batch.run()
    assert (outcome.planned, outcome.scored, outcome.failed) == (299, 299, 0)
    assert batch.one("select count(*) from fraud_scores") == 300


def test_dry_run_writes_nothing(make_batch):
    batch = make_batch(80)
    outcome = batch.run("--dry-run")
    assert (outcome.planned, outcome.scored, outcome.dry_run) == (80, 80, True)
    for table in ("fraud_scores", "fraud_explanations", "batch_cursor", "job_runs"):
        assert batch.one(f"select count(*) from {table}") == 0, table
    batch.run()
    batch.insert(7)
    before = batch.sql("table batch_cursor")
    assert batch.run("--dry-run").scored == 7
    assert batch.sql("table batch_cursor") == before


def test_progress_on_a_terminal(make_batch):
    """A bar with the rate and the time that is left; nothing on standard output."""
    batch = make_batch(20000)
    ours, theirs = pty.openpty()
    command = [word for word in batch.command() if word not in ("--quiet", "--json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True,
                               env=batch.environment())  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.communicate(timeout=60)[0] == "" and process.returncode == DONE
    assert re.search(rb"\rscoring: \[#+\.*\] \d+ %, \d+ rows, \d+ rows/s, \d+ s left", shown), shown
    assert re.search(rb"\rscoring: 20000 rows in", shown), shown


def test_model_of_the_running_suite(make_batch, make_suite, trained):
    suite = make_suite()
    models.install(suite, trained[1], "production")
    suite.start()
    batch = make_batch(40)  # its own models folder holds the first version
    batch.set(runtime_dir=str(suite.folder / "run"))
    outcome = batch.run()
    assert outcome.model == {"version": trained[1].name, "generation": 1, "from": "suite"}
    assert batch.sql("select distinct model_version, generation from fraud_scores") == [
        (trained[1].name, 1)
    ]


def test_says_which_model_it_compiled(make_batch):
    outcome = make_batch(1).run()
    assert outcome.model["from"] == "bundle"
    assert 'compiling the version that alias "production" names' in outcome.words


def test_no_model(make_batch):
    outcome = make_batch(1, version=None).run(expect=batch_job.FAILED)
    assert "no model to score with" in outcome.words


# --- which rows are new ---


def test_rows_that_commit_late(make_batch):
    """A row with a smaller number, of an older transaction, that commits after the batch."""
    batch = make_batch()
    with batch.connect() as late, batch.connect() as later:
        first = batch.insert(3, late)
        batch.insert(5)
        assert batch.run().scored == 5
        second = batch.insert(2, later)
        batch.insert(4)
        assert batch.run().scored == 4
        late.commit()
        assert batch.run().scored == 3
        later.rollback()
        assert batch.run().planned == 0
    scored = {seq for (seq,) in batch.sql("select transaction_seq from fraud_scores")}
    assert scored >= set(first) and not scored & set(second)
    assert batch.unscored() == 0


def test_one_long_transaction_holds_up_nothing(make_batch):
    batch = make_batch()
    with batch.connect() as long:
        batch.insert(1, long)
        for _ in range(5):
            batch.insert(10)
            assert batch.run().scored == 10
        long.commit()
    assert batch.run().scored == 1


def test_prepared_transaction_and_savepoints(make_batch):
    batch = make_batch()
    with batch.connect() as writer:
        batch.insert(1, writer)
        with writer.transaction():
            batch.insert(2, writer)
        try:
            with writer.transaction():
                batch.insert(4, writer)
                raise RuntimeError("roll back to the savepoint")
        except RuntimeError:
            pass
        assert batch.run().planned == 0
        writer.commit()
    assert batch.run().scored == 3
    assert batch.unscored() == 0


def test_window_left_open_is_finished_first(make_batch):
    """As a kill between two chunks leaves it."""
    batch = make_batch()
    batch.run()
    batch.insert(20)
    batch.sql("update batch_cursor set upto = pg_current_snapshot()")
    batch.insert(10)
    batch.sql("insert into fraud_scores (transaction_seq, score, decision)"
              " select transaction_seq, 0, 'KEPT' from transactions order by 1 limit 8")  # fmt: skip
    batch.sql("update batch_cursor set (last_xid, last_seq) = (select ingested_xid,"
              " transaction_seq from transactions order by 1 offset 7 limit 1)")  # fmt: skip
    outcome = batch.run()
    assert (outcome.planned, outcome.scored, outcome.skipped) == (22, 22, 0)
    assert batch.one("select upto is null and last_seq = 0 from batch_cursor")


def test_time_that_somebody_names(make_batch):
    """Without the cursor, rows without a score only, [since, until)."""
    batch = make_batch(300)
    times = [t for (t,) in batch.sql("select create_dt from transactions order by 1")]
    since, until = times[100], times[200]
    outcome = batch.run("--since", f"{since:%Y-%m-%d %H:%M:%S}", "--until", until.isoformat())
    assert outcome.scored == batch.one(
        "select count(*) from transactions where create_dt >= %s and create_dt < %s", since, until
    )
    assert batch.one("select count(*) from batch_cursor") == 0
    assert batch.run("--since", f"{since:%Y-%m-%d}").planned > 0
    assert batch.run("--until", "2000-01-01").planned == 0
    assert batch.run().scored == batch.one("select count(*) from transactions") - batch.one(
        "select count(*) from fraud_scores where scored_at <"
        " (select started_at from job_runs order by started_at desc limit 1)"
    )
    assert batch.unscored() == 0
    assert '--since "yesterday" is no time' in batch.run("--since", "yesterday", expect=2).words


def test_partitions(make_batch):
    """Each row is of one partition; another split begins anew and doubles nothing."""
    batch = make_batch(900)
    counts = [batch.run("--partition", f"{k}/3").scored for k in range(3)]
    assert sum(counts) == 900 and min(counts) > 200
    batch.insert(60)
    batch.set(batch={"partitions": 3})
    assert batch.run("--partition", 1).scored + batch.run().scored == 60
    batch.insert(10)
    batch.set(batch={"partitions": 2})
    outcome = batch.run()
    assert (outcome.scored, outcome.skipped, outcome.partitions) == (10, 0, 2)
    assert "of another cluster or split" in outcome.words
    assert batch.one(batch_job.DOUBLED) == 0 and batch.unscored() == 0
    for wrong in ("3/3", "2", "x", "1/0", "1/65", "-1"):
        batch.run("--partition", wrong, expect=2)


def test_restored_into_another_cluster(make_batch, bin_dir, trained, tmp_path):
    """A dump carries the cursor along, and it means nothing there."""
    batch = make_batch(150)
    batch.run()
    batch.insert(20)
    with batch.connect() as open_one:  # so that done lists a transaction
        batch.insert(1, open_one)
        batch.run()
    batch.insert(30)
    dump = tmp_path / "dump"
    models.run("pg_dump", "-Fc", "-f", dump, batch.url)
    elsewhere = clusters.Postgres().start()
    try:
        url = elsewhere.database("restored")
        models.run("pg_restore", "--no-owner", "-d", url, dump)
        there = batch_job.Batch(bin_dir, url, trained[0])
        outcome = there.run()
        assert (outcome.planned, outcome.scored, outcome.skipped) == (31, 31, 0)
        assert "of another cluster or split" in outcome.words
        there.insert(5)
        assert there.run().scored == 5
        assert there.unscored() == 0 and there.one(batch_job.DOUBLED) == 0
        subprocess.run(["rm", "-rf", there.folder], check=True)
    finally:
        elsewhere.stop()


# --- the source ---


def source(batch, text):
    path = batch.folder / "source.sql"
    path.write_text(text)
    batch.set(batch={"source": str(path)})


COLUMNS = """transaction_seq, create_dt, deposit_amount, receiving_country, country_code, id_type,
    stay_qualify, payment_method, register_date, first_transaction_date, birth_date, recheck_date,
    face_pin_date, visa_expire_date, transaction_count_24hour, transaction_count_1week,
    transaction_count_1month, transaction_amount_24hour, transaction_amount_1week,
    transaction_amount_1month, user_name, sender_name"""


def test_source_without_ingested_xid(make_batch):
    """The last days are compared with the scores, and the log says so."""
    batch = make_batch(200)
    batch.sql("update transactions set create_dt = now() - interval '3 hours'"
              " where transaction_seq <= 50")  # fmt: skip
    batch.sql("update transactions set create_dt = now() - interval '3 days'"
              " where transaction_seq between 51 and 80")  # fmt: skip
    batch.sql("update transactions set create_dt = now() - interval '30 days'"
              " where transaction_seq > 80")  # fmt: skip
    batch.set(batch={"lookback_days": 2})
    source(batch, f"select {COLUMNS} from transactions -- nothing more\n;\n")
    outcome = batch.run()
    assert outcome.scored == 50
    assert "the source has no ingested_xid: the last 2 days are compared" in outcome.words
    assert batch.run().planned == 0
    batch.set(batch={"lookback_days": 7})
    assert batch.run().scored == 30
    assert batch.one("select count(*) from batch_cursor") == 0


def test_rejects_are_not_tried_again_by_the_same_version(make_batch, trained):
    batch = make_batch(20)
    batch.sql("update transactions set create_dt = now()")
    batch.sql("update transactions set deposit_amount = -1 where transaction_seq = 3")
    source(batch, f"select {COLUMNS.replace('deposit_amount', REQUIRED_AMOUNT)} from transactions")
    assert batch.run().failed == 1
    assert batch.run().planned == 0
    models.install(batch, trained[1], "production")
    outcome = batch.run()
    assert (outcome.planned, outcome.failed) == (1, 1)
    batch.sql("update transactions set deposit_amount = 1000 where transaction_seq = 3")
    assert batch.run().planned == 0  # rejected by this version, until somebody asks
    outcome = batch.run("--since", "2000-01-01")
    assert (outcome.planned, outcome.scored) == (1, 1)
    assert batch.one("select count(*) from batch_rejects") == 0


REQUIRED_AMOUNT = "nullif(deposit_amount, -1) as deposit_amount"

BAD_SOURCES = [
    ("select transaction_seq, create_dt, deposit_amount, ingested_xid from transactions",
     r'lacks what model \S+ needs: column "receiving_country", "country_code"'),
    (f"select {COLUMNS.replace('create_dt', '1 as create_dt')} from transactions",
     r'column "create_dt" is integer and cannot be an input of type datetime'),
    (f"select {COLUMNS.replace('deposit_amount', 'now() as deposit_amount')} from transactions",
     r'column "deposit_amount" is timestamp with time zone and cannot be'),
    (f"select {COLUMNS.replace('transaction_seq', SEQ_TEXT)} from transactions"
     if (SEQ_TEXT := "transaction_seq::numeric as transaction_seq") else "",
     r'column "transaction_seq" is numeric and cannot be a key'),
    (f"select {COLUMNS}, create_dt from transactions", r'has two columns "create_dt"'),
    (f"select {COLUMNS}, 1 as ingested_xid from transactions",
     r'column "ingested_xid" is integer and cannot be the writer.s transaction'),
    (f"select {COLUMNS} from transactions; delete from transactions",
     r"only one statement is taken"),
    ("delete from transactions returning *", r"is no query to read from"),
    ("with d as (delete from transactions returning *) select * from d",
     r"is no query to read from"),
    ("select * from nowhere", r'is no query to read from.*"nowhere" does not exist'),
    ("select 'open", r"a quote or comment has no end"),
    ("", r"is no query to read from"),
]  # fmt: skip


@pytest.mark.parametrize("text, words", BAD_SOURCES)
def test_source_that_cannot_be_used(make_batch, text, words):
    """One message that names the column, status 65, nothing touched."""
    batch = make_batch(10)
    source(batch, text)
    outcome = batch.run(expect=DATA)
    assert re.search(words, outcome.words), outcome.words
    assert batch.one("select count(*) from transactions") == 10
    assert batch.one("select count(*) from batch_cursor") == 0


def test_source_that_is_not_there(make_batch):
    batch = make_batch()
    batch.set(batch={"source": "/nowhere/source.sql"})
    assert "/nowhere/source.sql" in batch.run(expect=DATA).words


def test_tables_that_are_not_there(bin_dir, postgres, trained):
    batch = batch_job.Batch(bin_dir, postgres.database("batch_no_tables"), trained[0])
    outcome = batch.run(expect=DATA)
    assert "run fraudctl migrate" in outcome.words


def test_rows_without_key_and_rows_given_twice(make_batch):
    batch = make_batch(60)
    source(batch, f"""select {COLUMNS}, ingested_xid from transactions
        union all select {COLUMNS}, ingested_xid from transactions where transaction_seq <= 10
        union all select {COLUMNS.replace("transaction_seq", "null")}, ingested_xid
                  from transactions where transaction_seq <= 4""")
    batch.run()
    batch.sql("delete from fraud_scores")
    batch.sql("update batch_cursor set done = '1:1:'")
    batch.set(batch={"chunk_rows": 7, "explain": "ALLOW"})
    outcome = batch.run()
    assert (outcome.planned, outcome.scored, outcome.skipped) == (74, 60, 10)
    assert (outcome.failed, outcome.without_key) == (4, 4)
    assert '4 rows of the source have no "transaction_seq"' in outcome.words


# --- values ---


def test_rows_that_cannot_be_scored(make_batch, trained):
    """Each is told once, with the input and the reason and nothing of what stood there; the rest
    is scored."""
    batch = make_batch(100)
    source(batch, f"""
        with t as (select * from transactions)
        select {COLUMNS.replace("deposit_amount", AMOUNT).replace("create_dt", "t.create_dt")
                       .replace("country_code", COUNTRY).replace("user_name", USER)},
               ingested_xid from t""")
    batch.sql("update transactions set create_dt = 'infinity' where transaction_seq = 1")
    batch.sql("update transactions set create_dt = '-infinity' where transaction_seq = 2")
    batch.sql("update transactions set create_dt = '20001-01-01' where transaction_seq = 3")
    batch.sql("update transactions set birth_date = '4713-01-01 BC' where transaction_seq = 4")
    outcome = batch.run()
    assert (outcome.scored, outcome.failed) == (92, 8)
    rejects = {seq: (name, reason) for seq, name, reason in batch.sql(
        "select transaction_seq, input, reason from batch_rejects")}  # fmt: skip
    assert {seq: name for seq, (name, _) in rejects.items()} == {
        1: "create_dt", 2: "create_dt", 3: "create_dt", 4: "birth_date",
        5: "deposit_amount", 6: "deposit_amount", 7: "country_code", 8: "user_name",
    }  # fmt: skip
    assert rejects[5][1] == "Field required"
    assert rejects[6][1] == "Input should be a finite number"
    assert rejects[7][1] == rejects[8][1] == "Input should have at most 65536 bytes"
    assert "SECRET" not in outcome.words + str(batch.sql("table batch_rejects"))
    assert batch.sql("select distinct model_version, host, job_run in (select id from job_runs)"
                     " from batch_rejects") == [
        (trained[0].name, batch.one("select host from job_runs"), True)
    ]  # fmt: skip


AMOUNT = """case transaction_seq when 5 then null when 6 then 'infinity'::float8
    else deposit_amount end as deposit_amount"""
COUNTRY = """case transaction_seq when 7 then repeat('SECRET', 20000)
    else country_code end as country_code"""
USER = """case transaction_seq when 8 then repeat('SECRET\u00e9', 20000)
    else user_name end as user_name"""


def test_nulls_are_defaults(make_batch):
    """What may be missing may be NULL."""
    batch = make_batch(5)
    for column in ("country_code", "register_date", "user_name"):
        batch.sql(f"update transactions set {column} = null")
    source(batch, f"select {COLUMNS.replace('transaction_count_24hour', NO_COUNT)}, ingested_xid"
                  " from transactions")  # fmt: skip
    outcome = batch.run()
    assert (outcome.scored, outcome.failed) == (5, 0)


NO_COUNT = "null::integer as transaction_count_24hour"


def test_text_that_is_no_utf8(bin_dir, postgres, trained):
    """A database that does not check what texts are."""
    models.run("createdb", "--maintenance-db", postgres.url, "-T", "template0", "-E", "SQL_ASCII",
               "--locale", "C", "batch_ascii")  # fmt: skip
    batch = batch_job.Batch(bin_dir, postgres.url.replace("/fraudd?", "/batch_ascii?"), trained[0])
    batch.migrate().demo(10)
    batch.sql(r"update transactions set country_code = E'\xff\xfe' where transaction_seq = 3")
    batch.sql(r"update transactions set user_name = E'caf\xe9' where transaction_seq = 4")
    outcome = batch.run()
    assert (outcome.scored, outcome.failed) == (8, 2)
    rejects = batch.sql("select transaction_seq, input, reason from batch_rejects order by 1")
    words = b"Input should be a valid string, unable to parse raw data as a unicode string"
    assert rejects == [(3, b"country_code", words), (4, b"user_name", words)]  # bytes: no encoding


def test_least_privilege(make_batch):
    """A role that may only what the batch does."""
    batch = make_batch(30)
    batch.sql("create role batcher login")
    batch.sql("grant usage on schema public to batcher")
    batch.sql("grant select on transactions, schema_migrations to batcher")
    batch.sql("grant select, insert on fraud_scores, fraud_explanations to batcher")
    batch.sql("grant select, insert, update, delete on batch_cursor, batch_rejects, job_runs"
              " to batcher")  # fmt: skip
    batch.url = batch.url.replace("fraudd@", "batcher@")
    assert batch.run().scored == 30


# --- when things go wrong ---


def test_two_at_once_double_nothing(make_batch):
    batch = make_batch(3000)
    batch.set(batch={"chunk_rows": 50})
    outcomes = [batch.finish(p) for p in [batch.start() for _ in range(3)]]
    assert [o.status for o in outcomes] == [DONE] * 3
    assert sum(o.scored for o in outcomes) == 3000
    assert batch.one(batch_job.DOUBLED) == 0 and batch.unscored() == 0


def test_left_to_the_one_at_work(make_batch):
    """The partition is held: nothing is done, and the record says why."""
    batch = make_batch(10)
    with batch.connect(autocommit=True) as other:
        other.execute("select pg_advisory_lock(1718772066, 0)")
        outcome = batch.run()
        assert (outcome.json["status"], outcome.scored, outcome.partitions_busy) == ("skipped", 0, 1)
        assert "another batch works on this partition" in outcome.words
    assert batch.sql("select status, message from job_runs") == [
        ("skipped", "another batch works on this partition")
    ]


def test_cursor_moved_by_somebody_else(make_batch):
    """The lock does not hold (a pooler between): the cursor row still tells."""
    batch = make_batch()
    batch.run()
    batch.insert(2000)
    batch.set(batch={"chunk_rows": 10})
    process = batch.start()
    suites.wait(lambda: batch.one("select last_seq from batch_cursor"), "the first chunk")
    batch.sql("update batch_cursor set last_seq = last_seq + 1000000")
    outcome = batch.finish(process, AGAIN)
    assert "another batch has moved the cursor" in outcome.words


def at_work(batch):
    """True once the first scores are committed."""
    return batch.one("select count(*) from fraud_scores") > 0


def test_connection_lost(make_batch):
    """Status 75, the chunk at hand is as if it had never been, the next batch goes on."""
    batch = make_batch(6000)
    batch.set(batch={"chunk_rows": 20})
    for which in ("copy (select%", "%"):
        batch.insert(3000)
        process = batch.start()
        before = batch.one("select count(*) from fraud_scores")
        suites.wait(lambda: batch.one("select count(*) from fraud_scores") > before, "a chunk")
        batch.sql("select pg_terminate_backend(pid) from pg_stat_activity where"
                  " application_name = 'fraud-batch' and query like %s", which)  # fmt: skip
        outcome = batch.finish(process, AGAIN)
        assert outcome.json["status"] == "failed"
        assert batch.one(batch_job.EXPLAINED_WRONGLY) == 0
    batch.run()
    assert batch.one(batch_job.DOUBLED) == 0 and batch.unscored() == 0


@pytest.fixture
def tiny_disk():
    """A server, and a file system of one MiB for a tablespace of it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fdts-", dir="/tmp"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", folder],
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        pytest.skip("may not mount: " + done.stderr.strip())
    space = folder / "space"
    space.mkdir()
    shutil.chown(space, "postgres")
    cluster = clusters.Postgres().start()
    yield cluster, space
    cluster.stop()
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def test_full_disk(bin_dir, tiny_disk, trained):
    """The server has no room for the scores: it says so, what was committed stays, and with more
    room the next batch does the rest."""
    cluster, space = tiny_disk
    batch = batch_job.Batch(bin_dir, cluster.url, trained[0]).migrate().demo(20_000)
    batch.sql(f"create tablespace tiny location '{space}'")
    batch.sql("alter table fraud_scores set tablespace tiny")
    batch.set(batch={"chunk_rows": 500})
    outcome = batch.run(expect=batch_job.FAILED)
    assert "No space left on device" in outcome.words, outcome.words
    [(status, message, scored)] = batch.sql("select status, message, scored from job_runs")
    assert status == "failed" and "No space left on device" in message
    assert 0 < scored == batch.one("select count(*) from fraud_scores") < 20_000
    assert batch.one(batch_job.EXPLAINED_WRONGLY) == 0
    batch.sql("alter table fraud_scores set tablespace pg_default")
    assert batch.run().scored == 20_000 - scored
    batch_job.check_once(batch, 20_000)


def test_no_database(make_batch):
    batch = make_batch()
    batch.url = "postgresql://fraudd@/fraudd?host=/nowhere"
    assert batch.run(expect=AGAIN).json["status"] == "failed"
    batch.url = "postgresql://fraudd@/batch_is_not_there?host=" + batch.url.partition("host=")[2]
    batch.run(expect=AGAIN)


def test_told_to_stop(make_batch):
    """What is scored is written; the record says that it was told."""
    batch = make_batch(20000)
    batch.set(batch={"chunk_rows": 500})
    process = batch.start()
    suites.wait(lambda: at_work(batch), "the first chunk")
    process.terminate()
    outcome = batch.finish(process, AGAIN)
    assert outcome.json["status"] == "cancelled"
    assert 0 < outcome.scored < 20000
    assert batch.one("select count(*) from fraud_scores") == outcome.scored
    assert batch.sql("select status, scored, message from job_runs") == [
        ("cancelled", outcome.scored, "told to stop")
    ]
    assert batch.run().scored == 20000 - outcome.scored


def test_killed_leaves_no_half_chunk(make_batch):
    """Killed again and again: the counts of the records, which moved with the chunks, add up."""
    batch = make_batch(4000)
    batch.set(batch={"chunk_rows": 100})
    kills = 0
    while batch.unscored() and kills < 10:
        process = batch.start()
        before = batch.one("select count(*) from fraud_scores")
        suites.wait(
            lambda b=before, p=process: p.poll() is not None
            or batch.one("select count(*) from fraud_scores") > b,
            "another chunk",
        )
        batch.kill(process)
        kills += 1
    outcome = batch.run()
    assert kills > 2
    assert batch.unscored() == 0 and batch.one(batch_job.DOUBLED) == 0
    assert batch.one(batch_job.EXPLAINED_WRONGLY) == 0
    assert batch.one(batch_job.COUNTED) == 4000
    assert outcome.json["status"] == "succeeded"
    assert batch.one("select count(*) from job_runs where finished_at is null") == 0


def test_memory_is_one_chunk(release_dir, postgres, trained):
    """120,000 rows, all explained, the largest chunk that may be: at most 64 MiB."""
    batch = batch_job.Batch(release_dir, postgres.database("batch_memory"), trained[0])
    batch.migrate().demo(120_000)
    batch.set(batch={"explain": "ALLOW", "chunk_rows": 1_000_000})
    command = ["/usr/bin/time", "-f", "%M", *batch.command()]
    done = subprocess.run(command, capture_output=True, text=True, env=batch.environment(),
                          timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.splitlines()[-1]) <= 64 * 1024
    assert batch.unscored() == 0
