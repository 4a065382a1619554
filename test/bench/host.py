"""What every benchmark needs: a model, a running suite, a peer, and honest clocks.

Everything listens on loopback, is bounded in time and is ended by its process id.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FRAUDD_RELEASE_DIR", ROOT / "build" / "release")) / "bin"
CACHE = ROOT / ".cache" / "bench"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    """A TCP port nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def demo_csv(rows):
    """Demo transactions with labels, made once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"demo-{rows}.csv"
    if not path.exists():
        subprocess.run([BIN / "fraudctl", "demo", "--rows", str(rows), "--csv", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def model(rounds, depth, rows=100000):
    """A models folder whose alias production names a version of that shape, trained once."""
    models = CACHE / f"models-{rounds}x{depth}"
    alias = models / "fraud" / "aliases" / "production"
    version = models / "fraud" / "20260101-000000"
    if alias.exists() and trees(version) != rounds:
        shutil.rmtree(models)
    if not alias.exists():
        print(f"training {rounds} trees of depth {depth} on {rows} rows", flush=True)
        subprocess.run(
            [BIN / "fraud-train", "train", "--data", demo_csv(rows), "--program",
             ROOT / "config" / "features.yaml", "--models", models, "--version", "20260101-000000",
             "--quiet", "--set", f"train.rounds={rounds}", "--set", f"train.max_depth={depth}",
             "--set", "train.early_stopping_rounds=0"],
            check=True, stdout=subprocess.DEVNULL)
        alias.parent.mkdir(exist_ok=True)
        alias.write_text("20260101-000000\n")
    if trees(version) != rounds:
        raise RuntimeError(f"{trees(version)} trees were trained instead of {rounds}")
    return models


def trees(version):
    """How many a version has, as its manifest says."""
    manifest = json.loads((version / "artifacts" / "manifest.json").read_text())
    return manifest["parameters"]["rounds"]


class Suite:
    """The real suite on free ports."""

    def __init__(self, models, workers, more="auth: { enabled: false }\n"):
        self.folder = tempfile.TemporaryDirectory(prefix="fraudd-bench-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        here = pathlib.Path(self.folder.name)
        (here / "run").mkdir()
        self.config = here / "fraudd.yaml"
        self.config.write_text(
            f"{more}models: {{ dir: {models} }}\n"
            f"state_dir: {here}/state\nruntime_dir: {here}/run\n"
            f"services: front, loader\nfront: {{ workers: {workers} }}\nstop: {{ drain_seconds: 0 }}\n"
            f"listeners:\n  - {{ address: \"127.0.0.1:{self.port}\" }}\n")
        self.log = open(here / "log", "wb")
        self.process = subprocess.Popen([BIN / "fraudd", "--config", self.config, "--foreground"],
                                        stderr=self.log)

    def __enter__(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(self.url + "/readyz", timeout=2):
                    return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the suite did not start") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        self.folder.cleanup()

    def workers(self):
        """Process ids of the workers."""
        out = subprocess.run([BIN / "fraudctl", "status", "--json", "--config", self.config],
                             check=True, capture_output=True, text=True).stdout
        return [c["pid"] for c in json.loads(out)["children"] if c["service"] == "front"]


class Nginx:
    """nginx answering `return 200` with a body of the same size: the floor of an HTTP answer."""

    def __init__(self, workers, size):
        self.folder = tempfile.TemporaryDirectory(prefix="fraudd-nginx-")
        self.count = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        here = pathlib.Path(self.folder.name)
        conf = here / "nginx.conf"
        conf.write_text(
            f"daemon off; pid {here}/pid; error_log {here}/error.log; worker_processes {workers};\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 1000000000; client_body_temp_path "
            f"{here}/body; default_type application/json;\n"
            f"proxy_temp_path {here}/p; fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u;"
            f" scgi_temp_path {here}/s;\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ return 200 "
            f"\"{'x' * size}\"; }} }} }}\n")
        self.process = subprocess.Popen(["nginx", "-p", here, "-c", conf])

    def __enter__(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0 and \
                        len(self.workers()) == self.count:
                    return self
            time.sleep(0.02)
        raise RuntimeError("nginx did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()

    def workers(self):
        """Process ids of nginx's workers."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(p) for p in pathlib.Path(path).read_text().split()]


def cpu_seconds(pids):
    """User and system time that the processes have used."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK
