"""fraud-batch from table to table, beside plain SQL that writes as many rows of the same tables.

The walk and SHAP are bounded by the forest; what is left must be fast on its own, so it is shown
alone: the time of a run less the time inside score_row(), plus what features cost, which is taken
from a run with a small forest (its walk is then counted, too, so the figure is no better than the
truth). Runs of the small forest show nearly the same directly, with as many reasons to write.
Server and client share the host's cores.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import host

FRAUD_BATCH = host.BIN / "fraud-batch"
SMALL = (20, 3)  # trees, depth: enough features for three reasons

PLAIN_SCORES = """
insert into fraud_scores (transaction_seq, score, decision, threshold_low, threshold_high,
                          model_version, registry_version, host, generation, scored_at)
select transaction_seq, 0.01, 'ALLOW', 0.1, 0.2, '20260101-000000', null, 'bench', 1, now()
  from transactions
"""
PLAIN_REASONS = """
insert into fraud_explanations (transaction_seq, rank, feature, value, contribution, delta_score,
                                direction, zscore)
select transaction_seq, rank, 'transaction_amount_24hour', '2740000', 0.5593064386198328,
       0.023145865473438963, '\u2191FRAUD', 1.1101074635998298
  from transactions, generate_series(1, 3) as rank
"""


class Postgres:
    """A private cluster with the defaults of PostgreSQL: it is as durable as in production."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fraudd-pg-")
        os.chmod(self.folder.name, 0o711)
        self.home = pathlib.Path(self.folder.name) / "pg"

    def _shell(self, words):
        script = f'. "{host.ROOT}/scripts/lib/postgres.sh" && {words}'
        return subprocess.run(["bash", "-c", script, "bash", self.home], check=True, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.strip()

    def __enter__(self):
        self.url = self._shell('pg_start "$1" bench')
        self.pid = int((self.home / "data" / "postmaster.pid").read_text().split()[0])
        return self

    def __exit__(self, *_):
        self._shell('pg_stop "$1"')
        self._shell('pg_as_owner rm -rf "$1/data"')
        self.folder.cleanup()

    def sql(self, *statements):
        """Runs them; returns the seconds that the last one took."""
        words = [w for s in statements for w in ("-c", s)]
        out = subprocess.run(["psql", "-X", "-q", self.url, "-c", r"\timing on", *words],
                             check=True, text=True, capture_output=True).stdout
        return float(re.findall(r"Time: ([\d.]+) ms", out)[-1]) / 1e3

    def value(self, query):
        """One value."""
        return subprocess.run(["psql", "-X", "-A", "-t", self.url, "-c", query], check=True,
                              text=True, capture_output=True).stdout.strip()

    def backend_seconds(self):
        """CPU of the backends that have ended."""
        fields = (pathlib.Path("/proc") / str(self.pid) / "stat").read_text().rpartition(")")[2]
        return sum(int(field) for field in fields.split()[13:15]) / host.TICK


def empty(postgres):
    """Nothing is scored, everything is in the next window; no dirty page waits."""
    postgres.sql("truncate fraud_scores, fraud_explanations, batch_rejects, batch_cursor",
                 "insert into batch_cursor (partition, system_id, done)"
                 " select 0, system_identifier, '1:1:' from pg_control_system()", "checkpoint")


def end_of_backends(postgres):
    """Their CPU is known when they are gone."""
    while postgres.value("select count(*) from pg_stat_activity"
                         " where application_name = 'fraud-batch'") != "0":
        time.sleep(0.01)
    time.sleep(0.1)


def batch(postgres, models, explain):
    """One run; its own report, the CPU of both sides, the largest memory."""
    empty(postgres)
    with tempfile.TemporaryDirectory(prefix="fraudd-batch-") as folder:
        config = pathlib.Path(folder) / "fraudd.yaml"
        config.write_text(f"models: {{ dir: {models} }}\nruntime_dir: {folder}/run\n"
                          f"state_dir: {folder}/state\nbatch: {{ explain: {explain} }}\n")
        server = postgres.backend_seconds()
        process = subprocess.Popen([FRAUD_BATCH, "--config", config, "--json", "--quiet"],
                                   env=os.environ | {"DATABASE_URL": postgres.url},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, words = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(words)
    end_of_backends(postgres)
    report = json.loads(out)
    return report["seconds"] | {
        "rows": report["scored"], "explained": report["explained"],
        "client_cpu": usage.ru_utime + usage.ru_stime, "kib": usage.ru_maxrss,
        "server_cpu": postgres.backend_seconds() - server}


def plain(postgres, explain):
    """The same rows by INSERT … SELECT."""
    empty(postgres)
    seconds = postgres.sql(PLAIN_SCORES)
    return seconds + (postgres.sql(PLAIN_REASONS) if explain == "ALLOW" else 0)


def median(runs, key):
    """Of one figure over the runs."""
    return statistics.median(run[key] for run in runs)


def show(name, explain, runs, small, seconds):
    """One line of the table."""
    rows = runs[0]["rows"]
    features = median(small["NONE"], "scoring")
    alone = statistics.median(run["all"] - run["scoring"] for run in runs) + features
    whole = median(runs, "all")
    goal = 40000 if explain == "ALLOW" else 100000
    cpu = (median(runs, "client_cpu") + median(runs, "server_cpu")) / rows * 1e6
    print(f"{name:20} {rows / whole:9.0f} {rows / alone:12.0f} {goal:8} {rows / seconds:10.0f}"
          f" {median(runs, 'scoring') / rows * 1e6:8.2f}"
          f" {median(runs, 'client_cpu') / rows * 1e6:8.2f}"
          f" {median(runs, 'server_cpu') / rows * 1e6:8.2f} {1e6 / cpu:9.0f}"
          f" {max(run['kib'] for run in runs) / 1024:6.1f}", flush=True)


def bench_batch(args):
    """Rows a second from table to table, with and without explanations."""
    models = host.model(args.rounds, args.depth)
    small_models = host.model(*SMALL)
    with Postgres() as postgres:
        environment = os.environ | {"DATABASE_URL": postgres.url}
        for words in (("migrate",), ("demo", "--rows", str(args.rows), "--until", "2026-11-01",
                                     "--quiet")):
            subprocess.run([host.BIN / "fraudctl", *words], check=True, env=environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        postgres.sql("vacuum analyze")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {args.rows} rows,"
              f" {args.runs} runs (medians), {args.rounds} trees of depth {args.depth},"
              f" release preset, {time.strftime('%Y-%m-%d')}")
        print(f"{'':20} {'whole':>9} {'without walk':>12} {'goal':>8} {'plain SQL':>10}"
              f" {'score us':>8} {'cli us':>8} {'srv us':>8} {'/s a core':>9} {'MiB':>6}")
        results = {(m, e): [] for m in (models, small_models) for e in ("NONE", "ALLOW")}
        sql = {"NONE": [], "ALLOW": []}
        for _ in range(args.runs):
            for (folder, explain), runs in results.items():
                runs.append(batch(postgres, folder, explain))
            for explain, seconds in sql.items():
                seconds.append(plain(postgres, explain))
        shape = f"{args.rounds} x {args.depth}"
        small = {e: results[(small_models, e)] for e in ("NONE", "ALLOW")}
        for (folder, explain), runs in results.items():
            name = f"{SMALL[0]} x {SMALL[1]}" if folder == small_models else shape
            name += ", explained" if explain == "ALLOW" else ""
            show(name, explain, runs, small, statistics.median(sql[explain]))
    print("whole, without walk, plain SQL: rows/s of wall time. score us: inside score_row() a row."
          "\ncli us, srv us: CPU of fraud-batch and of the server a row; /s a core: rows a second of"
          " both together.")
