"""The real suite as an object: starts fraudd with a settings file of its own on free ports in a
private folder, talks to it, kills its children, reads its log, and leaves nothing behind.

Every wait is for a condition with a deadline. A report of a sanitizer in the log of any process
fails the test that the suite belongs to, whatever else it found."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import wire

PATIENCE = 60  # seconds: far beyond what anything takes, so only a hang gets there
SANITIZERS = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|stack smashing"
)


def wait(condition, what, timeout=PATIENCE):
    """Returns what the condition returns once it is true."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {timeout} s in vain: {what}"
        time.sleep(0.005)
    return found


def free_port():
    """Below the range of outgoing connections, so that no client of ours takes it meanwhile."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(15000, 30000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def environment(**more):
    """Nothing of the caller's environment but what programs need: DATABASE_URL or a proxy of the
    machine must not reach a test."""
    kept = ("PATH", "LANG", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def yaml_lines(settings, indent=""):
    """Settings as YAML: a mapping of mappings, `listeners` a list of mappings."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from yaml_lines(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{key}:"
            for item in value:
                lines = list(yaml_lines(item, indent + "    "))
                yield f"{indent}  - {lines[0].strip()}"
                yield from lines[1:]
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def merge(base, more):
    merged = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def is_alive(pid):
    """False for a zombie too: it has no memory, no socket, and waits for its parent only."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


class Suite:
    def __init__(self, bin_dir, settings=None):
        self.bin = pathlib.Path(bin_dir).resolve()
        # Short: the path of a socket is limited to 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fd-", dir="/tmp"))
        self.config = self.folder / "fraudd.yaml"
        self.models = self.folder / "models"
        self.state = self.folder / "state"
        self.log_path = self.folder / "log"
        self.address = ("127.0.0.1", free_port())
        self.operator_address = ("127.0.0.1", free_port())
        self.environment = {}  # of fraudd, beside what every program gets
        self.process = None
        self.pids = set()  # all that were seen, to be sure that none is left
        for folder in (self.models, self.state, self.folder / "spool"):
            folder.mkdir()
        self.settings = merge(self._defaults(), settings or {})
        self.write_settings()

    def _defaults(self):
        return {
            "auth": {"enabled": False},  # users and tokens have tests of their own
            "listeners": [
                {"address": "%s:%d" % self.address, "role": "public"},
                {"address": "%s:%d" % self.operator_address, "role": "operator"},
            ],
            "debug": {"core_dumps": True},  # /proc of the children can be read
            "front": {"workers": 2},
            "models": {"dir": str(self.models), "name": "fraud"},
            "registry": {"poll_seconds": 0},
            "runtime_dir": str(self.folder / "run"),
            "services": "front, loader",
            "state_dir": str(self.state),
            "stop": {"drain_seconds": 0},
            "supervise": {"hang_seconds": 60},
            "upload": {"spool_dir": str(self.folder / "spool")},
        }

    def write_settings(self, **more):
        """Settings are merged into those in force before and written; the suite reads the file
        when it is started or told to."""
        self.settings = merge(self.settings, more)
        self.config.write_text("\n".join(yaml_lines(self.settings)) + "\n")

    # --- life ---

    def start(self, ready=True):
        (self.folder / "run").mkdir(exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "fraudd", "--config", self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**self.environment),
                cwd=self.folder,
            )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, "fraudd ended:\n" + self.log()
            try:
                return self.get("/readyz").status == 200
            except (OSError, wire.Broken):
                return False

        wait(ready, "/readyz to say 200")
        wait(self.all_serve, "all workers to serve a model")

    def stop(self, status=0):
        """Ends the suite; every process must be gone and have left without a complaint."""
        if self.process is None:
            return
        self._note_pids()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        process, self.process = self.process, None
        try:
            ended = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill_all(process)
            raise AssertionError("fraudd did not stop") from None
        left = [pid for pid in self.pids if self._is_ours(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"processes {left} are left over"
        assert ended == status, f"fraudd ended with status {ended}:\n{self.log()[-3000:]}"

    def _kill_all(self, process):
        process.kill()
        process.wait()
        for pid in self.pids:
            if self._is_ours(pid):
                os.kill(pid, signal.SIGKILL)

    def _is_ours(self, pid):
        try:
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            return False
        return program.startswith(str(self.bin)) and is_alive(pid)

    def _note_pids(self):
        if self.process and self.process.poll() is None:
            self.pids.update(self.child_pids())

    def close(self):
        """The end of the test: stop, look for what sanitizers said, remove the folder."""
        try:
            self.stop()
            found = SANITIZERS.search(self.log())
            assert not found, "a sanitizer complains:\n" + self.log()[-20000:]
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- talking to it ---

    def connect(self, operator=False, timeout=wire.DEADLINE):
        return wire.Connection(self.operator_address if operator else self.address, timeout)

    def request(self, method, path, body=None, fields=(), operator=False):
        with self.connect(operator) as connection:
            return connection.request(method, path, body, fields)

    def get(self, path, fields=(), operator=False):
        return self.request("GET", path, None, fields, operator)

    def post(self, path, body=None, fields=()):
        return self.request("POST", path, b"" if body is None else body, fields)

    def score(self, row, query=""):
        answer = self.post("/score" + query, row)
        assert answer.status == 200, answer
        return answer.json()

    def upload(self, data, query="", fields=(), filename="rows.csv"):
        form, body = wire.multipart(data, filename)
        return self.post("/score/upload" + query, body, form | dict(fields))

    def ctl(self, *arguments, timeout=120):
        """fraudctl with the suite's settings; the result has returncode, stdout, stderr."""
        command, *rest = arguments
        return subprocess.run(
            [self.bin / "fraudctl", command, "--config", self.config, *rest],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def reload(self, *arguments):
        return self.ctl("reload", *arguments)

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    # --- its processes ---

    def status(self):
        done = self.ctl("status", "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def children(self, service=None):
        """What fraudctl says about the children: service, instance, pid, state, restarts."""
        rows = self.status()["children"]
        return [row for row in rows if service in (None, row["service"])]

    def child_pids(self):
        return children(self.process.pid)

    def pid(self, service, instance=0):
        rows = [row for row in self.children(service) if row["instance"] == instance]
        assert rows, f"there is no {service} {instance}"
        return rows[0]["pid"]

    def kill(self, service, instance=0, number=signal.SIGKILL):
        """Returns the pid that it had."""
        self._note_pids()
        pid = self.pid(service, instance)
        os.kill(pid, number)
        return pid

    def wait_replaced(self, pid):
        """Until that child is gone and all are up again."""

        def replaced():
            rows = self.children()
            return all(row["state"] == "up" and row["pid"] != pid for row in rows)

        wait(replaced, f"a successor of process {pid}")

    def all_serve(self, version=None):
        """What all workers serve, if they do and (version given) it is that one."""
        model = self.status()["model"]
        all_up = model["workers"] == self.settings["front"]["workers"]
        if all_up and model["workers_current"] == model["workers"]:
            return model if version in (None, model["version"]) else None
        return None

    def wait_model(self, version):
        return wait(lambda: self.all_serve(version), f"all workers to serve {version}")

    # --- its log ---

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_mark(self):
        """Where the log ends now, for log_contains(since)."""
        return len(self.log())

    def log_contains(self, pattern, since=0):
        return re.search(pattern, self.log()[since:])

    def wait_log(self, pattern, since=0):
        return wait(lambda: self.log_contains(pattern, since), f'a log line like "{pattern}"')

    def wait(self, condition, what, timeout=PATIENCE):
        return wait(condition, what, timeout)
