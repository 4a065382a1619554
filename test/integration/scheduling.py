"""What the tests of the scheduler share: a database with transactions, suites that schedule, and a
batch that stands still until it may go on."""

import re
import subprocess

import models
import psycopg
import suite as suites

ROWS = 300


class Database:
    """A database of its own with some demo transactions."""

    def __init__(self, postgres, bin_dir, name, rows=ROWS):
        name = re.sub(r"\W+", "_", name.lower())[:50]
        self.url = postgres.database(name)
        models.run(bin_dir / "fraudctl", "migrate", "--database", self.url)
        models.run(bin_dir / "fraudctl", "demo", "--database", self.url, "--rows", rows, "--seed", 5,
                   "--until", "2026-11-01", "--quiet")  # fmt: skip
        self.connection = psycopg.connect(self.url, autocommit=True)
        columns = self.column(
            "select column_name from information_schema.columns where table_name = 'transactions'"
            " and column_name not in ('transaction_seq', 'ingested_xid')"
        )
        self.columns = ", ".join(columns)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def execute(self, sql):
        return self.connection.execute(sql)

    def rows(self, sql):
        return self.execute(sql).fetchall()

    def column(self, sql):
        return [row[0] for row in self.rows(sql)]

    def one(self, sql):
        row = self.execute(sql).fetchone()
        return row[0] if row else None

    def count(self, table):
        return self.one(f"select count(*) from {table}")

    def add_rows(self, count):
        self.execute(
            f"insert into transactions ({self.columns})"
            f" select {self.columns} from transactions limit {count}"
        )

    def unscored(self):
        return self.one(
            "select count(*) from transactions t where not exists"
            " (select from fraud_scores s where s.transaction_seq = t.transaction_seq)"
        )

    def wait_scored(self, suite):
        suite.wait(lambda: self.unscored() == 0, "all transactions to be scored")

    def end_sessions(self, application):
        self.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            f" where application_name = '{application}'"
            " and datname = current_database()"
        )

    def stalled_batches(self):
        return Stalled(self.url)


class Stalled:
    """While it lasts no batch gets further than to its first look at the cursor."""

    def __init__(self, url):
        self.url = url

    def __enter__(self):
        self.connection = psycopg.connect(self.url)
        self.connection.execute("lock table fraud_scores in access exclusive mode")
        self.other = psycopg.connect(self.url, autocommit=True)
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.other.close()

    def end(self):
        self.connection.rollback()

    def pids(self):
        """Of the programs that wait (they say their own in job_runs)."""
        rows = self.other.execute(
            "select pid from job_runs where kind = 'batch' and status = 'running' order by pid"
        )
        return [row[0] for row in rows.fetchall()]

    def wait(self, suite):
        [pid] = suite.wait(self.pids, "a batch that runs")
        return pid


def jobs_suite(make_suite, version, database, settings=None, **more):
    """A suite with a scheduler, not started."""
    mine = {
        "services": "front, loader, scheduler",
        "database": {"url": database.url},
        "front": {"workers": 1},
    }
    suite = make_suite(suites.merge(mine, settings or {}), **more)
    models.install(suite, version, "production")
    return suite


def start_ctl(suite, command, *words):
    """fraudctl as a process that runs on."""
    return subprocess.Popen(
        [suite.bin / "fraudctl", command, "--config", suite.config, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=suites.environment(),
    )
