"""A database of its own with demo transactions, and fraud-batch run on it as by hand."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import tempfile

import models
import psycopg
import suite as suites

DONE, FAILED, DATA, AGAIN = 0, 1, 65, 75


@dataclasses.dataclass
class Outcome:
    status: int
    words: str  # stderr
    json: dict  # empty if it said none

    def __getattr__(self, name):
        return self.json[name]


class Batch:
    """One host's view: settings, models, a database URL."""

    def __init__(self, bin_dir, url, version=None):
        self.bin = pathlib.Path(bin_dir).resolve()
        self.url = url
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fdb-", dir="/tmp"))
        self.models = self.folder / "models"
        self.config = self.folder / "fraudd.yaml"
        self.settings = {
            "models": {"dir": str(self.models), "name": models.NAME},
            "runtime_dir": str(self.folder / "run"),
            "state_dir": str(self.folder / "state"),
        }
        self.set()
        if version:
            models.install(self, version, "production")

    def set(self, **more):
        """batch={"chunk_rows": 10} …"""
        self.settings = suites.merge(self.settings, more)
        self.config.write_text("\n".join(suites.yaml_lines(self.settings)) + "\n")

    # --- the database ---

    def migrate(self):
        models.run(self.bin / "fraudctl", "migrate", "--database", self.url)
        return self

    def demo(self, rows, seed=5):
        models.run(self.bin / "fraudctl", "demo", "--database", self.url, "--rows", rows,
                   "--seed", seed, "--until", "2026-11-01", "--quiet")  # fmt: skip
        return self

    def connect(self, **how):
        return psycopg.connect(self.url, **how)

    def sql(self, statement, *values):
        """Rows of a statement that is committed; [] if it gives none."""
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement, *values):
        return self.sql(statement, *values)[0][0]

    def insert(self, count, connection=None):
        """Rows like those of the demo, in the transaction of the connection or one of their own."""
        statement = INSERT.format(count=count)
        if connection:
            return [seq for (seq,) in connection.execute(statement).fetchall()]
        return [seq for (seq,) in self.sql(statement)]

    def unscored(self):
        return self.one("select count(*) from transactions as t where not exists (select from"
                        " fraud_scores as s where s.transaction_seq = t.transaction_seq)")

    # --- the program ---

    def command(self, *words):
        return [str(w) for w in (self.bin / "fraud-batch", "--config", self.config, "--json",
                                 "--quiet", *words)]  # fmt: skip

    def environment(self):
        return suites.environment(DATABASE_URL=self.url)

    def start(self, *words, **how):
        """Runs beside the test; the caller waits for it."""
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                env=self.environment(), **how)  # fmt: skip

    def finish(self, process, expect=None):
        out, words = process.communicate(timeout=300)
        assert not suites.SANITIZERS.search(words), words
        if expect is not None:
            assert process.returncode == expect, words
        return Outcome(process.returncode, words, json.loads(out) if out else {})

    def run(self, *words, expect=DONE):
        return self.finish(self.start(*words), expect)

    def kill(self, process):
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


# A transaction that any version trained on the demo's inputs can score.
INSERT = """
insert into transactions (create_dt, deposit_amount, receiving_country, country_code, id_type,
    stay_qualify, payment_method, register_date, first_transaction_date, birth_date,
    transaction_count_24hour, transaction_amount_24hour, user_name, sender_name)
select timestamptz '2026-10-31 12:00Z' + n * interval '1 second', 1000 * n, 'VN', 'VN',
    'ALIEN_CARD', 'E9', 'OPENBANKING', '2026-01-01', '2026-01-02', '1990-05-05', n % 5, 1000 * n,
    'NGUYEN VAN AN', 'NGUYEN VAN AN'
from generate_series(1, {count}) as n returning transaction_seq
"""

# What must hold whatever happened.
DOUBLED = "select count(*) - count(distinct transaction_seq) from fraud_scores"
EXPLAINED_WRONGLY = """
select count(*) from fraud_explanations as e full join fraud_scores as s using (transaction_seq)
where s.transaction_seq is null or s.decision <> 'ALLOW' and e.transaction_seq is null
   or s.decision = 'ALLOW' and e.transaction_seq is not null
"""
COUNTED = "select coalesce(sum(scored), 0) from job_runs where kind = 'batch'"


def check_once(batch, rows):
    """Each row has one score, and the records, which moved with the chunks, say that no row was
    written, or found written, a second time."""
    assert batch.one("select count(*) from fraud_scores") == rows
    assert batch.one(DOUBLED) == 0
    assert batch.one(COUNTED) == rows
    assert batch.one("select coalesce(sum(skipped + failed), 0) from job_runs") == 0
    assert batch.one(EXPLAINED_WRONGLY) == 0
