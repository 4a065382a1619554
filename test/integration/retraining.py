"""fraud-train as the scheduler or a person runs it: a host with a models folder, settings and a
database of its own that was copied from one with demo transactions."""

import dataclasses
import json
import os
import shutil
import subprocess

import batch_job
import models
import psycopg
import suite as suites

DONE, FAILED, USAGE, NO_VERDICT, REFUSED, NOT_LIVE, DATA, BUSY = 0, 1, 2, 3, 4, 5, 65, 75

# Small and quick; both versions of a test differ by what the test changes and by nothing else.
QUICK = {"rounds": 15, "bootstrap": 20, "tree_method": "hist", "max_bin": 64, "recall_tgt": 0.7}
WEAK = ("--set", "train.rounds=1", "--set", "train.max_depth=1")
ROWS = 12_000
END = "2026-11-01"


def copy_database(postgres, template, name):
    """A database that is the template's copy; nobody may be connected to that."""
    url = postgres.database("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
    return postgres.database(name)


@dataclasses.dataclass
class Outcome:
    code: int
    words: str  # stderr
    json: dict  # empty if it said none

    def __getattr__(self, name):
        return self.json[name]


class Trainer(batch_job.Batch):
    """One host's view."""

    def __init__(self, bin_dir, url):
        super().__init__(bin_dir, url)
        self.set(
            train=QUICK | {"program": str(models.PROGRAM)},
            promote={"verify_seconds": 1, "max_flip_rate": 1, "max_score_shift": 100},
            retrain={"window_months": 12},
        )

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the program ---

    def command(self, verb, *words):
        return [str(w) for w in (self.bin / "fraud-train", verb, "--config", self.config, *words)]

    def finish(self, process, expect=None):
        done = super().finish(process, expect)
        return Outcome(done.status, done.words, done.json)

    def outcome(self, verb, *words, expect=None):
        """Its JSON, status and words."""
        return self.run(verb, "--json", *words, expect=expect)

    def retrain(self, *words, expect=DONE, until=END):
        return self.outcome("retrain", "--quiet", "--until", until, *words, expect=expect)

    def promote(self, version, *words, expect=DONE):
        return self.outcome("promote", version, *words, expect=expect)

    def train(self, version, *words, until=END):
        """A version that no alias names."""
        outcome = self.outcome("train", "--quiet", "--from-database", "--until", until,
                               "--version", version, *words, expect=DONE)  # fmt: skip
        assert outcome.json["status"] == "trained", outcome
        return models.Version(self.models / models.NAME / version)

    def live(self, version, *words, until=END):
        """A version that is live."""
        made = self.train(version, *words, until=until)
        models.set_alias(self, version)
        return made

    # --- what it left ---

    def alias(self, name="production"):
        path = self.models / models.NAME / "aliases" / name
        return path.read_text().strip() if path.exists() else None

    def versions(self):
        """Those that readers see, newest first."""
        folder = self.models / models.NAME
        names = [path.name for path in folder.glob("[0-9]*")] if folder.exists() else []
        return sorted(names, reverse=True)

    def hidden(self):
        return list((self.models / models.NAME).glob(".*"))

    def verdict(self, version):
        path = self.models / models.NAME / version / "verdict.json"
        return json.loads(path.read_text()) if path.exists() else None

    def tag(self, version, key):
        path = self.models / models.NAME / "tags" / version / key
        return path.read_text() if path.exists() else None

    def jobs(self):
        """(status, message, version, detail) of all retrains, oldest first."""
        return self.sql("select status, message, model_version, detail from job_runs"
                        " where kind = 'retrain' order by created_at, started_at")  # fmt: skip

    def is_whole(self, version):
        """Every digest holds and the golden rows score as they should."""
        done = subprocess.run(
            [self.bin / "fraudctl", "score", "--bundle", self.models / models.NAME / version,
             "--in", os.devnull, "--out", os.devnull, "--quiet"],
            capture_output=True, text=True, env=suites.environment())  # fmt: skip
        # the bundle was read and verified before the file was found empty
        return "is empty" in done.stderr, done.stderr
