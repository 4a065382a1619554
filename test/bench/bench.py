"""scripts/bench: figures of the suite beside a peer in the same run.

    score     requests/s, p50, p99 and CPU of /score, 1 and 2 workers, beside nginx `return 200`
    auth      what a token costs a request, sign-ins beside /score, ends of tokens, a lost database
    batch     rows/s of fraud-batch from table to table, beside plain SQL INSERT … SELECT
    registry  how soon a promotion in MLflow is live; 200 MB to Azurite and back beside Python's SDK
    retrain   p99 of /score while a retrain runs beside it, and while none does
    start     time from exec to the first answer, from last-known-good
"""

import argparse
import os
import statistics
import sys

import host
from auth import bench_auth
from batch import bench_batch
from load import wrk
from registry import bench_registry
from retrain import bench_retrain
from start import bench_start


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


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["auth", "batch", "registry", "retrain", "score", "start"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--mib", type=int, default=0,
                        help="of start: size of the model image, instead of --rounds and --depth")
    parser.add_argument("--rows", type=int, default=200000, help="of batch")
    args = parser.parse_args()
    {"auth": bench_auth, "batch": bench_batch, "registry": bench_registry,
     "retrain": bench_retrain, "score": bench_score, "start": bench_start}[args.what](args)


if __name__ == "__main__":
    main()
