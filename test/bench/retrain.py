"""What a retrain does to the latency of /score on the same cores: the same load, quiet and with a
fraud-train retrain beside it as the scheduler starts it, in turns.

A request's latency counts from when it was due, so a worker that had to wait for its core shows.
The load generator shares the cores, too: what it waits for a core of its own is in both figures.
"""

import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import host
from batch import Postgres
from load import ROW, offer, request

ROWS = 100000
RATE = 400  # requests a second: about a tenth of what two workers can do with reasons
NICE = 19   # retrain.nice


def percentile(values, share):
    """Of the sorted values."""
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


class Retrain:
    """A retrain that trains until it is ended; the way there (rows, data set) is not measured."""

    def __init__(self, url, models, idle):
        self.folder = tempfile.TemporaryDirectory(prefix="fraudd-retrain-")
        self.url = url
        self.process = subprocess.Popen(
            [host.BIN / "fraud-train", "retrain", "--quiet", "--no-promote",
             "--set", f"models.dir={models}", "--set", f"runtime_dir={self.folder.name}",
             "--set", f"state_dir={self.folder.name}", "--until", "2026-11-01",
             "--set", f"retrain.idle={'true' if idle else 'false'}",
             "--set", "train.rounds=100000", "--set", "train.early_stopping_rounds=0",
             "--set", f"train.program={host.ROOT}/config/features.yaml"],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.nice(NICE))

    def __enter__(self):
        deadline = time.monotonic() + 300
        while self.cpu() < 3:  # the rows are read in less
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the retrain does not train")
            time.sleep(0.1)
        return self

    def cpu(self):
        """Seconds of CPU that it has used."""
        return host.cpu_seconds([self.process.pid])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.folder.cleanup()


def measure(suite, requests, args):
    """p50, p99 and p99.9 in ms of one turn."""
    latencies, statuses = offer(suite.port, requests, RATE, args.seconds)
    bad = {status: n for status, n in statuses.items() if status != 200}
    if bad:
        print(f"not answered with 200: {bad}", flush=True)
    return [percentile(latencies, share) for share in (0.5, 0.99, 0.999)]


def show(name, turns):
    """Medians over the turns, and the spread of p99."""
    p50, p99, p999 = (statistics.median(turn[i] for turn in turns) for i in range(3))
    spread = [turn[1] for turn in turns]
    print(f"{name:30} {p50:8.3f} {p99:8.3f} [{min(spread):.3f}-{max(spread):.3f}] {p999:8.3f}",
          flush=True)
    return p99


def bench_retrain(args):
    """p99 of /score with a retrain beside it, as a share of the quiet p99."""
    models = host.model(args.rounds, args.depth)
    body = json.dumps(ROW).encode()
    requests = [request("POST", "/score", body, (("Content-Type", "application/json"),))]
    quiet = []
    beside = {f"beside a retrain, nice {NICE}": False, "beside a retrain, and idle": True}
    turns, used = {name: [] for name in beside}, {name: [] for name in beside}
    print(f"{os.cpu_count()} cores, {RATE} requests/s of /score on 2 workers, {args.runs} turns of "
          f"{args.seconds} s, retrain on {ROWS} rows, {args.rounds} trees of depth {args.depth}, "
          "release preset")
    with Postgres() as postgres, host.Suite(models, 2) as suite, \
            tempfile.TemporaryDirectory(prefix="fraudd-models-") as folder:
        pathlib.Path(folder).chmod(0o755)
        subprocess.run([host.BIN / "fraudctl", "demo", "--database", postgres.url, "--rows",
                        str(ROWS), "--until", "2026-11-01", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        measure(suite, requests, args)
        for _ in range(args.runs):
            quiet.append(measure(suite, requests, args))
            for name, idle in beside.items():
                with Retrain(postgres.url, folder, idle) as retrain:
                    before = retrain.cpu()
                    turns[name].append(measure(suite, requests, args))
                    used[name].append((retrain.cpu() - before) / args.seconds)
    print(f"{'':30} {'p50 ms':>8} {'p99 ms':>8} {'[min-max]':>13} {'p99.9':>8}")
    first = show("quiet", quiet)
    for name, values in turns.items():
        second = show(name, values)
        print(f"  p99 / quiet p99: {second / first:.2f}; the retrain had "
              f"{statistics.median(used[name]):.2f} cores", flush=True)
