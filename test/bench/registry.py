"""What a registry that is a server costs: how soon a promotion is live, and what the way of a large
file to and from Azure costs beside Microsoft's own client.

MLflow and Azurite are the real ones of the integration tests. Servers, suite and clients share the
host's cores.
"""

import hashlib
import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import host
from load import ROW

sys.path.append(str(host.ROOT / "test" / "integration"))  # last: it has a load.py, too
import azurite
import mlflow_server

VERSIONS = ("20260101-000000", "20260102-000000")
ROUNDS, ETA, ROWS = 1200, 0.009, 20000  # the best round is about the 800th: 2 MB
CACHED, ASKED = 10, 5  # promotions for each suite
POLL = 1  # seconds
SIZE = 200_000_000
CONNECTIONS = 4  # of the SDK; as many as lib/azure keeps
ASK = host.BIN.parent / "test" / "azure_ask"
PLACE = f"wasbs://bench@{azurite.ACCOUNT}.blob.core.windows.net"

SDK = """
import json, resource, sys, time
from azure.storage.blob import BlobServiceClient

def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

verb, storage, path, connections, check = sys.argv[1:]
how = {"max_concurrency": int(connections), "validate_content": check == "md5"}
before, begin = used(), time.monotonic()
blob = BlobServiceClient.from_connection_string(storage).get_blob_client("bench", "sdk.bin")
if verb == "put":
    with open(path, "rb") as file:
        blob.upload_blob(file, overwrite=True, **how)
else:
    with open(path, "wb") as file:
        blob.download_blob(**how).readinto(file)
print(json.dumps([time.monotonic() - begin, used() - before]))
"""


# --- a promotion ---


def trained():
    """Two version folders that differ in every tree, trained once."""
    models = host.CACHE / "models-2-mb"
    for seed, version in enumerate(VERSIONS):
        if not (models / "fraud" / version / "artifacts" / "manifest.json").exists():
            print(f"training {ROUNDS} rounds on {ROWS} rows", flush=True)
            subprocess.run(
                [host.BIN / "fraud-train", "train", "--data", host.demo_csv(ROWS), "--program",
                 host.ROOT / "config" / "features.yaml", "--models", models, "--version", version,
                 "--quiet", "--set", f"train.rounds={ROUNDS}", "--set", f"train.eta={ETA}",
                 "--set", "train.tree_method=hist", "--set", "train.max_bin=256", "--set",
                 "train.early_stopping_rounds=0", "--set", "train.bootstrap=0", "--set",
                 f"train.seed={seed}"],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [models / "fraud" / version for version in VERSIONS]


def publish(server, folder, state):
    """Uploads a version as fraud-train does; the server's number of it."""
    done = subprocess.run(
        [host.BIN / "fraud-train", "export", folder, "--json", "--quiet", "--set",
         f"mlflow.tracking_uri={server.uri}", "--set", f"state_dir={state}"],
        check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads(done)["registry_version"]


def set_alias(server, number):
    """As MLflow's own clients do."""
    body = {"name": "fraud", "alias": "production", "version": number}
    request = urllib.request.Request(
        server.uri + "/api/2.0/mlflow/registered-models/alias", json.dumps(body).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def holder(port, own_port, pids):
    """Which of the processes holds the server's end of a connection; None while it waits."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ends = [int(end.split(":")[1], 16) for end in fields[1:3]]
        if ends == [port, own_port]:
            inode = f"socket:[{fields[9]}]"
            for pid in pids:
                for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                    if os.readlink(link) == inode:
                        return pid
    return None


def live_version(link):
    """Asks a worker for a score; the version that answered."""
    link.request("POST", "/score?explain=false", json.dumps(ROW),
                 {"Content-Type": "application/json"})
    answer = link.getresponse()
    body = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"/score answered {answer.status}")
    return body["model_version"]


def link_each(suite):
    """A connection to each worker."""
    pids, links = suite.workers(), {}
    for _ in range(200):
        link = http.client.HTTPConnection("127.0.0.1", suite.port, timeout=30)
        live_version(link)
        pid = holder(suite.port, link.sock.getsockname()[1], pids)
        if pid is None or pid in links:
            link.close()
        else:
            links[pid] = link
        if len(links) == len(pids):
            return list(links.values())
    raise RuntimeError("some worker gets no connection")


def promote(server, suite, links, target, ask=False):
    """Milliseconds from the answer to the promotion until every worker serves (version, number).
    ask: and the suite is told to look at once."""
    version, number = target
    time.sleep(random.uniform(0, 2 * POLL))  # promotions know nothing of polls
    set_alias(server, number)
    begin = time.monotonic()
    if ask:
        with urllib.request.urlopen(suite.url + "/reload", b"", timeout=30) as answer:
            answer.read()
    waiting = list(links)
    while waiting:
        waiting = [link for link in waiting if live_version(link) != version]
        if time.monotonic() > begin + 30:
            raise RuntimeError(f"version {version} is not live after 30 s")
        time.sleep(0.001)
    return (time.monotonic() - begin) * 1e3


def one_suite(server, targets, times):
    """A suite that has seen neither version: one promotion with a download, others without."""
    set_alias(server, targets[0][1])
    more = (f"auth: {{ enabled: false }}\nmlflow: {{ tracking_uri: \"{server.uri}\" }}\n"
            f"registry: {{ poll_seconds: {POLL} }}\n")
    with host.Suite(host.CACHE / "none", 2, more) as suite:
        links = link_each(suite)
        times["downloaded"].append(promote(server, suite, links, targets[1]))
        for i in range(CACHED):
            times["cached"].append(promote(server, suite, links, targets[i % 2]))
        for i in range(ASKED):
            times["cached, POST /reload"].append(
                promote(server, suite, links, targets[i % 2], ask=True))


def promotions(args):
    """From the answer to a promotion until it is live on all workers."""
    folders = trained()
    size = (folders[0] / "model.ubj").stat().st_size
    whole = sum(file.stat().st_size for file in folders[0].rglob("*") if file.is_file())
    times = {"downloaded": [], "cached": [], "cached, POST /reload": []}
    with tempfile.TemporaryDirectory(prefix="fraudd-mlflow-") as here:
        server = mlflow_server.Server(3, pathlib.Path(here) / "server").start()
        try:
            targets = [(folder.name, publish(server, folder, here)) for folder in folders]
            for _ in range(args.runs):
                one_suite(server, targets, times)
        finally:
            server.stop()
    print(f"promoted to live on both workers, MLflow 3, files through the server, model of "
          f"{size / 1e6:.1f} MB in a version of {whole / 1e6:.1f} MB, poll every {POLL} s, "
          f"{args.runs} suites; ms\n{'':24} {'n':>4} {'p50':>7} {'min':>7} {'max':>7}")
    for name, values in times.items():
        print(f"{name:24} {len(values):4} {statistics.median(values):7.0f} {min(values):7.0f} "
              f"{max(values):7.0f}")
    print(f"promised: p50 at most {POLL * 1000 + 200}; load average {load_average()}", flush=True)


# --- a large file ---


def ours(verb, storage, path):
    """Seconds and CPU seconds of a process that does just this."""
    begin = time.monotonic()
    process = subprocess.Popen(
        [ASK, f"{verb}-file", f"{PLACE}/ours.bin", path], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "AZURE_STORAGE_CONNECTION_STRING": storage.connection_string()})
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said)
    return took, usage.ru_utime + usage.ru_stime


def theirs(verb, storage, path, check="md5"):
    """The same by azure-storage-blob, without the start of Python. md5: of each block, as ours."""
    done = subprocess.run(
        [mlflow_server.venv(3) / "bin" / "python", "-c", SDK, verb, storage.connection_string(),
         path, str(CONNECTIONS), check],
        check=True, text=True, stdout=subprocess.PIPE, env=mlflow_server.environment())
    return json.loads(done.stdout)


def unchecked(verb, storage, path):
    """As the SDK does unasked: nobody looks whether the bytes are right."""
    return theirs(verb, storage, path, "none")


CLIENTS = {"ours": ours, "SDK": theirs, "SDK, no digests": unchecked}


def digest(path):
    """Of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def one_transfer(verb, client, storage, files):
    """(seconds, CPU seconds, CPU seconds of Azurite) of one way."""
    source, back = files
    back.unlink(missing_ok=True)
    os.sync()
    before = host.cpu_seconds([storage.process.pid])
    took, used = client(verb, storage, source if verb == "put" else back)
    server = host.cpu_seconds([storage.process.pid]) - before
    if verb == "get" and digest(back) != digest(source):
        raise RuntimeError("what came back is not what was sent")
    return took, used, server


def show(verb, results):
    """All clients of one way, and their ratios."""
    for name, runs in results.items():
        rates = [SIZE / 1e6 / took for took, _, _ in runs]
        print(f"{verb + ', ' + name:32} {statistics.median(rates):6.0f} "
              f"{f'[{min(rates):.0f}-{max(rates):.0f}]':>11}"
              f" {statistics.median(run[1] for run in runs):6.2f}"
              f" {statistics.median(run[2] for run in runs):8.2f}")
    for name in list(results)[1:]:
        pairs = list(zip(results["ours"], results[name]))
        faster = statistics.median(b[0] / a[0] for a, b in pairs)
        cpu = statistics.median(a[1] / b[1] for a, b in pairs)
        print(f"  ours beside {name}: {faster:.2f} of its MB/s, {cpu:.2f} of its CPU", flush=True)


def transfers(args):
    """200 MB there and back."""
    mlflow_server.venv(3)
    with tempfile.TemporaryDirectory(prefix="fraudd-azure-") as here:
        source, back = pathlib.Path(here) / "source", pathlib.Path(here) / "back"
        source.write_bytes(os.urandom(SIZE))
        storage = azurite.Azurite().start()
        try:
            mlflow_server.make_container(storage, "bench")
            results = {verb: {name: [] for name in CLIENTS} for verb in ("put", "get")}
            for _ in range(args.runs):
                for verb, found in results.items():
                    for name, client in CLIENTS.items():
                        found[name].append(one_transfer(verb, client, storage, (source, back)))
        finally:
            storage.stop()
    print(f"{SIZE / 1e6:.0f} MB and Azurite {azurite.VERSION}, {args.runs} runs of each in turn, "
          f"{CONNECTIONS} connections; SDK is azure-storage-blob of Python\n{'':32} {'MB/s':>6} {'[min-max]':>11} {'CPU s':>6} "
          f"{'Azurite':>8}")
    show("upload", results["put"])
    show("download", results["get"])
    print(f"load average {load_average()}", flush=True)


# --- both ---


def load_average():
    """Of the last minute."""
    return pathlib.Path("/proc/loadavg").read_text().split()[0]


def bench_registry(args):
    """All of it, or why not."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "AZURE_"))]:
        del os.environ[name]
    missing = []
    print(f"{os.cpu_count()} cores, release preset, load average {load_average()}", flush=True)
    for part in (promotions, transfers):
        try:
            part(args)
        except (azurite.Unavailable, mlflow_server.Unavailable) as reason:
            missing.append(f"{part.__name__} not measured: {reason}")
    if missing:
        sys.exit("\n".join(missing))
