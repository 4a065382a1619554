"""scripts/bench: figures of the suite beside a peer in the same run.

    score     requests/s, p50, p99 and CPU of /score, 1 and 2 workers, beside nginx `return 200`
    auth      what a token costs a request, sign-ins beside /score, ends of tokens, a lost database
    batch     rows/s of fraud-batch from table to table, beside plain SQL INSERT … SELECT
    retrain   p99 of /score while a retrain runs beside it, and while none does
    start     time from exec to the first answer, from last-known-good
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import host
from auth import bench_auth
from batch import bench_batch
from load import ROW, wrk
from retrain import bench_retrain


def row(name, runs):
    """Median of the runs and their spread."""
    rps = [r["rps"] for r in runs]
    print(f"{name:34} {statistics.median(rps):9.0f} [{min(rps):.0f}-{max(rps):.0f}]"
          f" {statistics.median(r['p50'] for r in runs):8.2f}"
          f" {statistics.median(r['p99'] for r in runs):8.2f}"
          f" {statistics.median(r['cpu'] for r in runs):9.1f}", flush=True)
    if any(r["bad"] for r in runs):
        sys.exit(f"{name}: {sum(r['bad'] for r in runs)} answers were not 2xx")


def bench_score(args):
    """Requests a second of /score beside nginx."""
    models = host.model(args.rounds, args.depth)
    print(f"{os.cpu_count()} cores, wrk -t1 -c{args.connections}, {args.runs} runs of "
          f"{args.seconds} s, {args.rounds} trees of depth {args.depth}, release preset")
    print(f"{'':34} {'req/s':>9} {'[min-max]':>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU us/req':>9}")
    for workers in (1, 2):
        with host.Suite(models, workers) as suite, host.Nginx(workers, 700) as nginx:
            cases = (("nginx return 200", nginx, "/"), ("/score?explain=false", suite,
                     "/score?explain=false"), ("/score, 3 reasons", suite, "/score"))
            results = {name: [] for name, _, _ in cases}
            for _ in range(args.runs):
                for name, target, path in cases:
                    results[name].append(wrk(target, path, args.seconds, args.connections))
            for name, runs in results.items():
                row(f"{workers} worker{'s' if workers > 1 else ''}: {name}", runs)


def bench_start(args):
    """From exec to the first answer with the model of last time; the models folder is gone."""
    models = host.model(args.rounds, args.depth)
    times = []
    with tempfile.TemporaryDirectory(prefix="fraudd-start-") as folder:
        here = pathlib.Path(folder)
        port = host.free_port()
        (here / "run").mkdir()
        for i in range(args.runs + 1):
            (here / "fraudd.yaml").write_text(
                "auth: { enabled: false }\nservices: front, loader\n"
                f"models: {{ dir: {models if i == 0 else here / 'gone'} }}\n"
                f"state_dir: {here}/state\nruntime_dir: {here}/run\nstop: {{ drain_seconds: 0 }}\n"
                f"front: {{ workers: 2 }}\nlisteners:\n  - {{ address: \"127.0.0.1:{port}\" }}\n")
            begin = time.monotonic()
            process = subprocess.Popen([host.BIN / "fraudd", "--config", here / "fraudd.yaml",
                                        "--foreground"], stderr=subprocess.DEVNULL)
            wait_score(port)
            times.append((time.monotonic() - begin) * 1e3)
            if i == 0:
                wait_kept(here)
            process.terminate()
            process.wait(60)
    print(f"exec to first /score answer from last-known-good, {args.runs} starts: "
          f"median {statistics.median(times[1:]):.0f} ms, {min(times[1:]):.0f}-{max(times[1:]):.0f}")


def wait_score(port):
    """Asks /score until it answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/score", json.dumps(ROW).encode(),
                                     {"Content-Type": "application/json"})
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=2):
                return
        except OSError:
            time.sleep(0.001)
    sys.exit("no answer within 30 s")


def wait_kept(folder):
    """Waits until the loader has kept the model for a restart."""
    deadline = time.monotonic() + 30
    while not list(folder.glob("state/last-known-good/*")):
        if time.monotonic() > deadline:
            sys.exit("the model was not kept within 30 s")
        time.sleep(0.05)
    time.sleep(0.5)


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["auth", "batch", "retrain", "score", "start"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--rows", type=int, default=200000, help="of batch")
    args = parser.parse_args()
    {"auth": bench_auth, "batch": bench_batch, "retrain": bench_retrain, "score": bench_score,
     "start": bench_start}[args.what](args)


if __name__ == "__main__":
    main()
