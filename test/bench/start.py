"""How long a suite takes from exec to its first answer, from last-known-good: its registry is
gone."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import host
from load import ROW

# A node of an image weighs 24 bytes; a full tree of this depth has 8,191.
DEPTH = 12
TREE_BYTES = 24 * (2 ** (DEPTH + 1) - 1)
WIDTH = 30
NARROW_ROW = {f"f{i}": 0.25 for i in range(WIDTH)}


def tree():
    """A full tree as XGBoost writes it, in level order; of {id} there is one."""
    inner = 2 ** DEPTH - 1
    nodes = range(2 ** (DEPTH + 1) - 1)
    leaves = [-1] * (inner + 1)
    members = {
        "base_weights": [0.0 for _ in nodes],
        "categories": [], "categories_nodes": [], "categories_segments": [],
        "categories_sizes": [],
        "default_left": [i % 2 for i in nodes],
        "left_children": [2 * i + 1 for i in range(inner)] + leaves,
        "loss_changes": [0.0 for _ in nodes],
        "parents": [2147483647] + [(i - 1) // 2 for i in nodes if i],
        "right_children": [2 * i + 2 for i in range(inner)] + leaves,
        "split_conditions": [(i * 37 % 101) / 101 if i < inner else (i % 7 - 3) / 1000
                             for i in nodes],
        "split_indices": [i * 7 % WIDTH if i < inner else 0 for i in nodes],
        "split_type": [0 for _ in nodes],
        "sum_hessian": [float(2 ** (DEPTH + 1 - (i + 1).bit_length())) for i in nodes],
        "tree_param": {"num_deleted": "0", "num_feature": str(WIDTH),
                       "num_nodes": str(len(nodes)), "size_leaf_vector": "1"},
    }
    return json.dumps(members, separators=(",", ":"))


def write_large(path, count):
    """A model of so many trees, all alike."""
    one = tree()[1:]
    ids = list(range(count))
    before = {"attributes": {}, "feature_names": list(NARROW_ROW),
              "feature_types": ["float"] * WIDTH,
              "learner_model_param": {"base_score": "5E-1", "boost_from_average": "1",
                                      "num_class": "0", "num_feature": str(WIDTH),
                                      "num_target": "1"},
              "objective": {"name": "binary:logistic",
                            "reg_loss_param": {"scale_pos_weight": "1"}}}
    shape = {"gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(count)},
             "iteration_indptr": [*ids, count], "tree_info": [0] * count}
    with open(path, "w", encoding="ascii") as file:
        file.write('{"version":[2,1,4],"learner":' + json.dumps(before)[:-1] +
                   ',"gradient_booster":{"name":"gbtree","model":' + json.dumps(shape)[:-1] +
                   ',"trees":[')
        for i in ids:
            file.write(("," if i else "") + f'{{"id":{i},' + one)
        file.write("]}}}}")


def large_model(mib):
    """A models folder with a version whose image has that many MiB."""
    models = host.CACHE / f"models-{mib}-mib"
    version = models / "fraud" / "20260101-000000"
    alias = models / "fraud" / "aliases" / "production"
    if not alias.exists():
        version.mkdir(parents=True, exist_ok=True)
        write_large(version / "model.ubj", -(-mib * 2 ** 20 // TREE_BYTES))
        alias.parent.mkdir(exist_ok=True)
        alias.write_text(f"{version.name}\n")
    return models


def started(here, port, models):
    """Starts a suite in a folder; its process, the ms until it scored a row, and those of a row
    with reasons after it."""
    (here / "run").mkdir(exist_ok=True)
    (here / "fraudd.yaml").write_text(
        "auth: { enabled: false }\nservices: front, loader\n"
        f"models: {{ dir: {models} }}\n"
        f"state_dir: {here}/state\nruntime_dir: {here}/run\nstop: {{ drain_seconds: 0 }}\n"
        f"front: {{ workers: 2 }}\nlisteners:\n  - {{ address: \"127.0.0.1:{port}\" }}\n")
    with open(here / "log", "ab") as log:
        begin = time.monotonic()
        process = subprocess.Popen([host.BIN / "fraudd", "--config", here / "fraudd.yaml",
                                    "--foreground"], stderr=log)
    wait_score(port, "/score?explain=false")
    scored = time.monotonic()
    wait_score(port, "/score")
    return process, ((scored - begin) * 1e3, (time.monotonic() - scored) * 1e3)


def wait_score(port, path):
    """Asks until it is answered."""
    body = json.dumps(ROW | NARROW_ROW).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body,
                                     {"Content-Type": "application/json"})
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=60):
                return
        except OSError:
            time.sleep(0.001)
    sys.exit("no answer within 120 s")


def wait_kept(folder):
    """Waits until the loader has kept the model for a restart: it comes whole, by a rename."""
    deadline = time.monotonic() + 60
    while not (folder / "state" / "last-known-good" / "image").exists():
        if time.monotonic() > deadline:
            sys.exit("the model was not kept within 60 s")
        time.sleep(0.05)
    return (folder / "state" / "last-known-good" / "image").stat().st_size


def bench_start(args):
    """From exec to the first answer with the model of last time; the models folder is gone."""
    models = large_model(args.mib) if args.mib else host.model(args.rounds, args.depth)
    times = []
    with tempfile.TemporaryDirectory(prefix="fraudd-start-") as folder:
        here = pathlib.Path(folder)
        port = host.free_port()
        process, _ = started(here, port, models)
        size = wait_kept(here)
        for _ in range(args.runs):
            process.terminate()
            process.wait(60)
            process, took = started(here, port, here / "gone")
            times.append(took)
        process.terminate()
        process.wait(60)
    print(f"from last-known-good, image of {size / 2 ** 20:.1f} MiB, {args.runs} starts; median ms, "
          "least and most")
    for name, column in zip(("exec to first score", "first reasons after it"), zip(*times)):
        print(f"{name:34} {statistics.median(column):9.0f} [{min(column):.0f}-{max(column):.0f}]")
