"""Real MLflow servers of both lines on free ports of the loopback, and their Python client as a
peer: each line has a private venv that is made once and kept."""

import base64
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import azurite

CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache"
PEERS = "xgboost-cpu==3.2.0 azure-storage-blob==12.27.1 azure-identity"
# Storage clients beyond 12.27 speak a version of the interface that Azurite 3.35 refuses. The full
# package of line 3 answers the same and is heavier; line 2 dies on SQLAlchemy 2.1.
PACKAGES = {
    3: "mlflow-skinny==3.17.2 Flask<4 Flask-CORS<7 Flask-WTF<2 sqlalchemy<3 alembic<2 graphene<4 "
    "gunicorn<27 cryptography<51 huey<3 aiohttp<4 pandas<4 " + PEERS,
    2: "mlflow==2.22.5 sqlalchemy<2.1 " + PEERS,
}
CONTAINER = "mlflow"
# Telemetry would leave the machine; the job runners of line 3 are eight more processes.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
         "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}  # fmt: skip


class Unavailable(Exception):
    """Why there is no MLflow."""


def environment(more=None):
    """Ours, without what steers MLflow, Azure or the venv that the tests run in."""
    steering = ("MLFLOW_", "AZURE_", "PYTHON", "VIRTUAL_ENV")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return {**kept, "PYTHONNOUSERSITE": "1", **QUIET, **(more or {})}


def venv(line):
    """The folder of the line's venv, made if need be; one maker at a time."""
    folder = CACHE / f"mlflow{line}"
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / f"mlflow{line}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / "packages.sha256"
        wanted = hashlib.sha256(PACKAGES[line].encode()).hexdigest()
        if not mark.exists() or mark.read_text() != wanted:
            install(folder, PACKAGES[line])
            mark.write_text(wanted)
    return folder


def install(folder, packages):
    shutil.rmtree(folder, ignore_errors=True)
    make = ["/usr/bin/python3", "-m", "venv", str(folder)]
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check",
           "--no-input", "--retries", "1", *packages.split()]  # fmt: skip
    for words in (make, pip):
        try:
            subprocess.run(words, check=True, capture_output=True, text=True, timeout=900,
                           env=environment())  # fmt: skip
        except FileNotFoundError as error:
            raise Unavailable(f"no Python to make a venv with: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"could not install MLflow in time: {error}") from error
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or [str(error)])[-1]
            raise Unavailable(f"could not install MLflow: {last}") from error


class Server:
    """artifacts: "proxied" (a folder behind the server), "azure" (clients go to Azurite
    themselves), "azure-proxied" (the server does) or "folder" (on the server's disk, which clients
    are told to share). basic: the name and password of the administrator of the login app."""

    def __init__(self, line, folder, artifacts="proxied", azurite=None, basic=None):
        self.line = line
        self.folder = pathlib.Path(folder)
        self.artifacts = artifacts
        self.azurite = azurite
        self.basic = basic
        self.venv = venv(line)
        self.port = None
        self.process = None
        self.more = {}

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def python(self):
        return self.venv / "bin" / "python"

    @property
    def log(self):
        return self.folder / "mlflow.log"

    def storage_words(self):
        root = f"wasbs://{CONTAINER}@{azurite.ACCOUNT}.blob.core.windows.net/root"
        here = str(self.folder / "artifacts")
        return {
            "proxied": ["--artifacts-destination", here, "--serve-artifacts"],
            "azure-proxied": ["--artifacts-destination", root, "--serve-artifacts"],
            "azure": ["--default-artifact-root", root, "--no-serve-artifacts"],
            "folder": ["--default-artifact-root", here, "--no-serve-artifacts"],
        }[self.artifacts]

    def login_words(self):
        if not self.basic:
            return []
        name, password = self.basic
        (self.folder / "login.ini").write_text(
            "[mlflow]\ndefault_permission = READ\n"
            f"database_uri = sqlite:///{self.folder}/login.db\n"
            f"admin_username = {name}\nadmin_password = {password}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n")
        self.more["MLFLOW_AUTH_CONFIG_PATH"] = str(self.folder / "login.ini")
        self.more["MLFLOW_FLASK_SERVER_SECRET_KEY"] = "of these tests"
        return ["--app-name", "basic-auth"]

    def start(self):
        """Also after stop(): on the same port, with what was there before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or azurite.free_port()
        if self.azurite:
            self.more["AZURE_STORAGE_CONNECTION_STRING"] = self.azurite.connection_string()
            make_container(self.azurite, CONTAINER)
        words = [self.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", self.port,
                 "--workers", 1, "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db",
                 *self.storage_words(), *self.login_words()]  # fmt: skip
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log, cwd=self.folder,
                env=environment(self.more), start_new_session=True)  # fmt: skip
        deadline = time.monotonic() + 120
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"MLflow {self.line} does not start:\n{self.log.read_text()}")
            time.sleep(0.2)
        return self

    def answers(self):
        try:
            with urllib.request.urlopen(self.uri + "/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        """Ends the process group: the server is several processes."""
        if not self.process:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        self.process = None

    def create_user(self, name, password):
        """Of the login app, as its administrator."""
        code = base64.b64encode(":".join(self.basic).encode()).decode()
        request = urllib.request.Request(
            self.uri + "/api/2.0/mlflow/users/create",
            json.dumps({"username": name, "password": password}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Basic {code}"})  # fmt: skip
        urllib.request.urlopen(request, timeout=60).close()

    def run(self, script, env=None, timeout=300):
        """What a Python program prints that has this server's clients. MLflow prints, too: take the
        last line."""
        more = {**self.more, "MLFLOW_TRACKING_URI": self.uri, **(env or {})}
        if self.basic:
            more.setdefault("MLFLOW_TRACKING_USERNAME", self.basic[0])
            more.setdefault("MLFLOW_TRACKING_PASSWORD", self.basic[1])
        with tempfile.TemporaryDirectory() as here:
            done = subprocess.run(
                [str(self.python), "-c", script], env=environment(more), cwd=here,
                capture_output=True, text=True, timeout=timeout)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def make_container(storage, name):
    """One that is there is fine."""
    url = f"{storage.endpoint()}/{name}?restype=container&{storage.sas()}"
    request = urllib.request.Request(url, method="PUT", headers={"x-ms-version": "2021-12-02"})
    trusting = ssl._create_unverified_context() if storage.certificate else None
    try:
        urllib.request.urlopen(request, timeout=30, context=trusting).close()
    except urllib.error.HTTPError as error:
        assert error.code == 409, error.read()


def ask(folder, env, *words):
    """Runs mlflow_ask of a build; the name=value lines as a dict, entries as a dict of sizes."""
    program = pathlib.Path(folder) / "test" / "mlflow_ask"
    done = subprocess.run(
        [program, *map(str, words)], env=environment(env), capture_output=True, text=True,
        timeout=300)  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    answer = {"entries": {}}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if name == "entry":
            size, path = value.split(" ", 1)
            answer["entries"][path] = int(size)
        else:
            answer[name] = json.loads(value) if name == "json" else value
    answer["result"] = int(answer["result"])
    assert (answer["result"] == 0) == (done.returncode == 0), done.stderr
    return answer
