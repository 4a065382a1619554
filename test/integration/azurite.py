"""A real Azurite (npm, pinned) on a free port of the loopback, a token service that stands for
Entra ID, and a proxy that breaks what passes through it."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

VERSION = "3.35.0"
FOLDER = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "azurite"
ACCOUNT = "devstoreaccount1"
# Public: the same in every emulator.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Unavailable(Exception):
    """Why there is no Azurite."""


def program():
    """The program, installed if need be."""
    package = FOLDER / "node_modules" / "azurite" / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != VERSION:
        install()
    return FOLDER / "node_modules" / ".bin" / "azurite-blob"


def install():
    npm = shutil.which("npm")
    if not npm:
        raise Unavailable("npm is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    words = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund"]
    try:
        subprocess.run([*words, f"azurite@{VERSION}"], check=True, capture_output=True, timeout=300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"npm could not install azurite {VERSION}: {error}") from error


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Certificate:
    """For the address 127.0.0.1 and no name."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
        names = ["-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-out", str(self.cert), "-keyout", str(self.key)]
        subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)


class Azurite:
    def __init__(self, certificate=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="azurite-"))
        self.certificate = certificate
        self.port = free_port()
        self.process = None

    @property
    def scheme(self):
        return "https" if self.certificate else "http"

    def endpoint(self, host="127.0.0.1", port=None):
        return f"{self.scheme}://{host}:{port or self.port}/{ACCOUNT}"

    def start(self):
        words = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--silent"]
        words += ["--location", str(self.folder), "--disableTelemetry"]
        if self.certificate:
            words += ["--oauth", "basic", "--cert", str(self.certificate.cert)]
            words += ["--key", str(self.certificate.key)]
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen([program(), *words], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "Azurite does not answer"
            time.sleep(0.1)
        return self

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connection_string(self, port=None, host="127.0.0.1"):
        return (
            f"BlobEndpoint={self.endpoint(host, port)};AccountName={ACCOUNT};AccountKey={KEY};"
        )

    def sas(self, permissions="rwlc", seconds=3600):
        """An account signature: services b, resource types s, c and o."""
        now = time.time()
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
        lines = [ACCOUNT, permissions, "b", "sco", "", ends, "", "https,http", "2021-12-02", ""]
        text = "".join(line + "\n" for line in lines)
        mac = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        return urllib.parse.urlencode({
            "sv": "2021-12-02", "ss": "b", "srt": "sco", "sp": permissions, "se": ends,
            "spr": "https,http", "sig": base64.b64encode(mac).decode()})  # fmt: skip


class Server:
    """A threaded HTTP server on a free port; `handle(request)` is called for every method."""

    def __init__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def any_method(self):
                size = int(self.headers.get("Content-Length") or 0)
                outer.handle(self, self.rfile.read(size))

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = any_method

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, request, body):
        raise NotImplementedError

    @staticmethod
    def answer(request, status, body=b"", headers=()):
        request.send_response_only(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


class Tokens(Server):
    """Entra ID's token end point: mints what Azurite accepts, if the form is right."""

    SECRET = "a~b.c+d/e=f&g h"

    def __init__(self):
        super().__init__()
        self.requests = 0
        self.expired = 0  # how many of the next tokens are no longer good
        self.busy = 0  # how many of the next requests get 429
        self.assertion = None  # what a workload identity must show

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def token(self):
        now = int(time.time())
        ends = now + 3600
        if self.expired:
            self.expired -= 1
            ends = now - 60
        claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/t/",
                  "iat": now - 120, "nbf": now - 120, "exp": ends}  # fmt: skip
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
        return b".".join([*texts, b""]).decode()

    def is_right(self, path, form):
        known = form.get("client_secret") == self.SECRET
        if self.assertion:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            known = form.get("client_assertion_type") == kind
            known = known and form.get("client_assertion") == self.assertion
        return (
            known
            and path == "/tenant-1/oauth2/v2.0/token"
            and form.get("grant_type") == "client_credentials"
            and form.get("client_id") == "client"
            and form.get("scope") == "https://storage.azure.com/.default"
        )

    def handle(self, request, body):
        self.requests += 1
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if self.busy:
            self.busy -= 1
            self.answer(request, 429, headers=[("Retry-After", "0")])
        elif self.is_right(request.path, form):
            words = {"token_type": "Bearer", "expires_in": 3599, "access_token": self.token()}
            self.answer(request, 200, json.dumps(words).encode())
        else:
            words = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid"}
            self.answer(request, 401, json.dumps(words).encode())


class FaultProxy(Server):
    """Passes requests on to a server and breaks those that a plan names.

    plan: list of (method, text in path, fault, how often). Faults: a number is a status; "drop"
    closes without an answer; "truncate" and "hang" send half of the body; "flip" damages a byte of
    the answer, "flip-request" one of the request; "short" hides the second half from the length,
    too; "lose" throws the answer away; "pages" asks for lists of one entry (a signature of the
    request would not allow it)."""

    def __init__(self, port):
        self.target = port
        self.plan = []
        self.seen = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        super().__init__()

    def close(self):
        self.closing.set()
        super().close()

    def fault_of(self, method, path):
        with self.lock:
            self.seen.append((method, path))
            for i, (which, text, fault, count) in enumerate(self.plan):
                if which == method and text in path and count > 0:
                    self.plan[i] = (which, text, fault, count - 1)
                    return fault
        return None

    def handle(self, request, body):
        fault = self.fault_of(request.command, request.path)
        if isinstance(fault, int):
            self.answer(request, fault, headers=[("Retry-After", "0")])
        elif fault == "drop":
            request.close_connection = True
        else:
            if fault == "flip-request":
                body = self.flipped(body)
            self.pass_on(request, body, fault)

    @staticmethod
    def flipped(body):
        middle = len(body) // 2
        return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]

    def pass_on(self, request, body, fault):
        link = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        path = request.path + ("&maxresults=1" if fault == "pages" else "")
        link.request(request.command, path, body, dict(request.headers))
        got = link.getresponse()
        content = got.read()
        link.close()
        if fault == "lose":
            request.close_connection = True
            return
        if fault == "flip":
            content = self.flipped(content)
        whole = len(content)
        if fault in ("truncate", "hang", "short"):
            content = content[: whole // 2]
        request.send_response_only(got.status)
        for name, value in got.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                request.send_header(name, value)
        if request.command == "HEAD":
            whole = int(got.getheader("Content-Length") or 0)
        request.send_header("Content-Length", str(len(content) if fault == "short" else whole))
        request.end_headers()
        request.wfile.write(content)
        request.wfile.flush()
        if fault == "hang":
            self.closing.wait(60)
        if fault in ("truncate", "hang"):
            request.close_connection = True


class RangeProxy(FaultProxy):
    """Passes ranges on, but those that begin at broken_from or behind it get 503, and the one that
    begins at held waits until `release` is set. `asked` has the first and last byte of each, `sent`
    where those begin that were passed."""

    def __init__(self, port):
        self.asked, self.sent = [], []
        self.broken_from = self.held = None
        self.release = threading.Event()
        super().__init__(port)

    @property
    def bytes_asked(self):
        return sum(last + 1 - first for first, last in self.asked)

    def handle(self, request, body):
        words = request.headers.get("x-ms-range")
        if not words:
            super().handle(request, body)
            return
        first, last = map(int, words.removeprefix("bytes=").split("-"))
        self.asked.append((first, last))
        if first == self.held:
            self.release.wait(60)
        if self.broken_from is not None and first >= self.broken_from:
            self.answer(request, 503, headers=[("Retry-After", "0")])
        else:
            super().handle(request, body)
            self.sent.append(first)


def command(folder, environment, *words):
    """How azure_ask of a build is run: arguments and environment."""
    program_path = pathlib.Path(folder) / "test" / "azure_ask"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "IDENTITY_"))}
    return [program_path, *map(str, words)], {**kept, **environment}


def ask(folder, environment, *words):
    """Runs azure_ask of a build; the name=value lines as a dict, entries as a list."""
    line, env = command(folder, environment, *words)
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    answer = {"entries": []}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if name == "entry":
            size, is_folder, path = value.split(" ", 2)
            answer["entries"].append((path, int(size), is_folder == "1"))
        else:
            answer[name] = value
    answer["result"] = int(answer["result"])
    assert (answer["result"] == 0) == (done.returncode == 0), done.stderr
    return answer
