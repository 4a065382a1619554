"""The registry over real MLflow servers of both lines: versions published, found, promoted and
fetched through the cache; a suite that follows an alias; and whatever can go wrong on the way."""

import errno
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

import azurite
import mlflow_server
import pytest
import rows
import suite as suites

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FRAUDD_BUILD_DIR", SOURCE / "build" / "dev")).resolve()
ADMIN = ("admin", "a long password")
FILES = "/mlflow-artifacts/artifacts/"  # in the path of a download through the server
numbers = itertools.count(1)

LOG_MODEL = """
import sys, mlflow, numpy, xgboost
import mlflow.xgboost
name, seed = sys.argv[1], int(sys.argv[2])
mlflow.set_experiment("python")
table = xgboost.DMatrix(numpy.random.default_rng(seed).random((200, 3)),
                        label=numpy.arange(200) % 2, feature_names=["a", "b", "c"])
model = xgboost.train({"max_depth": 2, "objective": "binary:logistic"}, table, 5)
place = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
with mlflow.start_run():
    mlflow.xgboost.log_model(model, registered_model_name=name, **place)
client = mlflow.MlflowClient()
client.set_registered_model_alias(name, "production", "1")
"""


def started(*words, **named):
    try:
        return mlflow_server.Server(*words, **named).start()
    except (mlflow_server.Unavailable, azurite.Unavailable) as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module", params=[3, 2])
def server(request, tmp_path_factory):
    one = started(request.param, tmp_path_factory.mktemp(f"mlflow{request.param}"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def server3(tmp_path_factory):
    """For what does not depend on the line."""
    one = started(3, tmp_path_factory.mktemp("mlflow"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def storage():
    try:
        one = azurite.Azurite().start()
    except azurite.Unavailable as reason:
        pytest.skip(str(reason))
    yield one
    one.stop()


@pytest.fixture
def proxied(server3):
    one = azurite.FaultProxy(server3.port)
    one.uri = f"http://127.0.0.1:{one.port}"
    one.host = f"127.0.0.1:{one.port}"
    yield one
    one.close()


class Host:
    """registry_ask with a model's name and a state folder of its own."""

    def __init__(self, uri, folder, name=None, **env):
        self.name = name or f"fraud-{next(numbers)}"
        self.folder = folder
        self.uri = uri
        self.env = env

    def __call__(self, *words, **settings):
        given = {"mlflow.tracking_uri": self.uri, "state_dir": self.folder, "models.name": self.name,
                 "registry.timeout_seconds": 5, **settings}  # fmt: skip
        options = [f"{key}={value}" for key, value in given.items()]
        loop = [words[0]] if words[0] == "--loop" else []
        done = subprocess.run(
            [BUILD / "test" / "registry_ask", *loop, *options, *map(str, words[len(loop):])],
            env=mlflow_server.environment(self.env), capture_output=True, text=True, timeout=300)  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        answer = {"entries": [], "files": {}, "progress": done.stderr.splitlines()}
        for line in done.stdout.splitlines():
            name, _, value = line.partition("=")
            if name == "entry":
                answer["entries"].append(tuple(value.split(" ", 2)))
            elif name == "file":
                size, digest, path = value.split(" ", 2)
                answer["files"][path] = digest
            else:
                answer[name] = value
        answer["result"] = int(answer["result"])
        assert not suites.SANITIZERS.search(done.stderr), done.stderr
        return answer

    def ok(self, *words, **settings):
        answer = self(*words, **settings)
        assert answer["result"] == 0, answer
        return answer

    def refused(self, error, *words, **settings):
        answer = self(*words, **settings)
        assert answer["result"] == -error, answer
        return answer["words"]

    def cached(self, kind):
        return sorted((pathlib.Path(self.folder) / "cache" / kind).iterdir())


@pytest.fixture
def host(server, tmp_path):
    return Host(server.uri, tmp_path)


@pytest.fixture
def host3(proxied, tmp_path):
    return Host(proxied.uri, tmp_path)


def digests(folder):
    """Of the files that are a version's."""
    listed = json.loads((folder / "artifacts" / "manifest.json").read_text())["digests"]
    names = [*listed, "artifacts/manifest.json"]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def api(server, method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{server.uri}/api/2.0/mlflow/{path}", data, method=method,
                                     headers={"Content-Type": "application/json"})  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


# --- versions ---


def test_published_and_fetched(host, server, trained):
    said = host.ok("prepare")["text"]
    assert 'experiment "fraudd"' in said and "files through the server" in said
    done = host.ok("publish", trained[0].name, trained[0].path)
    assert (done["version"], done["number"]) == (trained[0].name, "1")
    assert done["progress"][-1].split()[1] == done["progress"][-1].split()[2]
    for words in (("fetch", trained[0].name), ("fetch", "1"), ("--loop", "fetch", "1")):
        assert host.ok(*words)["files"] == digests(trained[0].path)
    assert not host.cached("tmp") and not host.cached("partial")
    run = api(server, "GET", f"runs/get?run_id={done['text']}")["run"]
    assert run["info"]["status"] == "FINISHED" and run["info"]["run_name"] == trained[0].name
    assert {"key": "odd_key", "value": "x"} in run["data"]["params"]
    assert {"train-logloss": 0.25, "pr_auc": 0.75} == {
        metric["key"]: metric["value"] for metric in run["data"]["metrics"]
    }
    data = run["inputs"]["dataset_inputs"][0]["dataset"]
    assert data["name"] == "window" and json.loads(data["source"]) == {"uri": "demo.csv"}
    if server.line == 3:
        model = run["outputs"]["model_outputs"][0]["model_id"]
        model = api(server, "GET", f"logged-models/{model}")["model"]
        assert model["info"]["status"] == "LOGGED_MODEL_READY"
        assert [metric["key"] for metric in model["data"]["metrics"]] == ["pr_auc"]


def test_published_twice_is_one_version(host, server, trained, tmp_path):
    first = host.ok("publish", trained[0].name, trained[0].path)
    again = host.ok("publish", trained[0].name, trained[0].path)
    assert (again["number"], again["stamp"]) == (first["number"], first["stamp"])
    other = tmp_path / "other"
    shutil.copytree(trained[1].path, other)
    words = host.refused(errno.EEXIST, "publish", trained[0].name, other)
    assert "with other files, as number 1" in words and host.name in words
    assert len(host.ok("list")["entries"]) == 1


def test_aliases_move(host, trained):
    for version in trained:
        host.ok("publish", version.name, version.path)
    first, second = (version.name for version in trained)
    host.ok("promote", "production", first)
    host.refused(errno.ENOENT, "resolve", "previous")
    host.ok("promote", "production", "2")
    assert host.ok("resolve", "production")["version"] == second
    assert host.ok("resolve", "previous")["version"] == first
    host.ok("promote", "production", second)
    assert host.ok("resolve", "previous")["version"] == first, "the same again loses no way back"
    assert host.ok("list")["entries"] == [(second, "2", "production"), (first, "1", "previous")]
    host.ok("set-alias", "production", first)
    assert host.ok("resolve", "production")["number"] == "1"


def test_tags(host, trained):
    host.ok("publish", trained[0].name, trained[0].path)
    host.refused(errno.ENOENT, "get-tag", "1", "fraudd.verdict")
    host.ok("set-tag", trained[0].name, "fraudd.verdict", "better\nby 0.01 ü")
    assert host.ok("get-tag", "1", "fraudd.verdict")["text"] == "better"


def test_what_is_missing_is_named(host, server, trained):
    address = f"127.0.0.1:{server.port}"
    for words in (("resolve", "production"), ("find", "7"), ("find", "20260101-000000")):
        said = host.refused(errno.ENOENT, *words)
        assert words[1] in said or "no model" in said
        assert host.name in said and address in said
    host.ok("publish", trained[0].name, trained[0].path)
    said = host.refused(errno.ENOENT, "resolve", "production")
    assert f'no alias "production" of model "{host.name}" on {address}' in said
    host.refused(errno.ENOENT, "set-alias", "production", "9")
    host.refused(errno.EINVAL, "resolve", "../x")


def test_logged_by_python(host, server):
    script = f"import sys; sys.argv = ['', {host.name!r}, '1']\n" + LOG_MODEL
    server.run(script)
    found = host.ok("fetch-alias", "production")
    assert found["version"] == found["number"] == "1"
    assert "MLmodel" in found["files"] and len(found["files"]) >= 4
    assert host.ok("fetch", "1")["files"] == found["files"]


def test_a_version_by_an_address_of_its_run(host, server):
    script = f"import sys; sys.argv = ['', {host.name!r}, '1']\n" + LOG_MODEL
    server.run(script)
    files = host.ok("fetch", "1")["files"]
    run = api(server, "GET", f"model-versions/get?name={host.name}&version=1")["model_version"]
    body = {"name": host.name, "source": f"runs:/{run['run_id']}/model", "run_id": run["run_id"]}
    try:
        made = api(server, "POST", "model-versions/create", body)
    except urllib.error.HTTPError as error:
        pytest.skip(f"this server does not take such a version: {error.read()}")
    assert host.ok("fetch", made["model_version"]["version"])["files"] == files


# --- cache ---


def downloads(proxy):
    return [path for method, path in proxy.seen if method == "GET" and FILES in path
            and "?path=" not in path]  # fmt: skip


def test_a_cached_version_costs_no_download(host3, proxied, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    proxied.seen.clear()
    host3.ok("fetch", "1")
    assert len(downloads(proxied)) == len(digests(trained[0].path))
    proxied.seen.clear()
    # Nor does it ask where the files are; the storage may be away.
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)
    assert len(proxied.seen) == 1
    # Files that versions have in common are there already.
    host3.ok("publish", trained[1].name, trained[1].path)
    proxied.seen.clear()
    assert host3.ok("fetch", "2")["files"] == digests(trained[1].path)
    both = set(digests(trained[0].path).values()) & set(digests(trained[1].path).values())
    assert both and len(downloads(proxied)) == len(digests(trained[1].path)) - len(both)


def test_a_damaged_blob_is_fetched_again(host3, proxied, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    files = host3.ok("fetch", "1")["files"]
    blob = next(b for b in host3.cached("blobs") if b.name == files["model.ubj"])
    blob.chmod(0o600)
    content = bytearray(blob.read_bytes())
    content[100] ^= 1
    blob.write_bytes(content)
    proxied.seen.clear()
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)
    assert len(downloads(proxied)) == 1
    host3.cached("blobs")[0].unlink()
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)


def test_the_cache_is_bounded(host3, trained):
    for version in trained:
        host3.ok("publish", version.name, version.path)
    limit = {"registry.cache_bytes": 1048576}
    host3.ok("fetch", "1", **limit)
    pad = host3.folder / "pad"
    shutil.copytree(trained[0].path, pad)
    for path in host3.cached("blobs"):
        path.chmod(0o600)
    # A version of a megabyte does not fit beside another one.
    manifest = json.loads((pad / "artifacts" / "manifest.json").read_text())
    (pad / "requirements.txt").write_bytes(os.urandom(1100000).hex().encode())
    digest = hashlib.sha256((pad / "requirements.txt").read_bytes()).hexdigest()
    manifest["digests"]["requirements.txt"] = digest
    manifest["version"] = "20991231-000000"
    (pad / "artifacts" / "manifest.json").write_text(json.dumps(manifest))
    host3.ok("publish", "20991231-000000", pad)
    host3.ok("fetch", "20991231-000000", **limit)
    assert [path.name.split("-")[2] for path in host3.cached("versions")] == ["3"]
    assert {path.name for path in host3.cached("blobs")} == set(digests(pad).values())


def test_many_at_once(host3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    answers = []
    askers = [threading.Thread(target=lambda: answers.append(host3("fetch", "1")))
              for _ in range(4)]  # fmt: skip
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    for answer in answers:
        assert answer["result"] == 0 and answer["files"] == digests(trained[0].path), answer
    assert not host3.cached("tmp") and not host3.cached("partial")


def test_a_download_goes_on_where_it_stopped(host3, proxied, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    model = digests(trained[0].path)["model.ubj"]
    proxied.plan = [("GET", "/model.ubj", "hang", 1)]
    said = host3.refused(errno.ETIMEDOUT, "fetch", "1", **{"registry.transfer_seconds": 2})
    assert "registry.transfer_seconds" in said and host3.name in said and "version 1" in said
    left = host3.cached("partial")
    assert [path.name for path in left] == [model] and left[0].stat().st_size > 0
    proxied.plan = []
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)
    assert not host3.cached("partial")


def test_a_wrong_beginning_is_thrown_away(host3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    partial = host3.folder / "cache" / "partial"
    partial.mkdir(parents=True)
    (partial / digests(trained[0].path)["model.ubj"]).write_bytes(b"\0" * 1000)
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)


# --- faults ---


def test_what_passes_is_not_noticed(host3, proxied, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    host3.ok("promote", "production", "1")
    for i, fault in enumerate(["drop", 503, 429, 500, "truncate"]):
        proxied.plan = [("GET", "registered-models/alias", fault, 1),
                        ("GET", "model.ubj", fault, 1)]  # fmt: skip
        host3.folder = host3.folder / str(i)
        answer = host3("fetch-alias", "production", **{"registry.timeout_seconds": 20})
        assert answer["result"] == 0, (fault, answer)
        assert answer["files"] == digests(trained[0].path)


@pytest.mark.parametrize("fault", ["flip", "short"])
def test_damaged_files_are_refused(host3, proxied, trained, fault):
    host3.ok("publish", trained[0].name, trained[0].path)
    proxied.plan = [("GET", "/model.ubj", fault, 99)]
    answer = host3("fetch", "1")
    assert answer["result"] in (-errno.EBADMSG, -errno.EIO), answer
    said = answer["words"]
    assert "model.ubj" in said and "version 1" in said and host3.name in said
    assert proxied.host in said
    assert not [path for path in host3.cached("blobs")
                if path.name == digests(trained[0].path)["model.ubj"]]  # fmt: skip


def test_a_manifest_that_is_another(host3, proxied, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    proxied.plan = [("GET", "/manifest.json", "flip", 99)]
    said = host3.refused(errno.EBADMSG, "fetch", "1")
    assert "artifacts/manifest.json" in said and "sha256" in said


def test_a_digest_that_is_a_path(host3, trained, tmp_path):
    """The tag comes from whoever may set one, and a digest is the name of a file here."""
    host3.ok("publish", trained[0].name, trained[0].path)
    host3.ok("fetch", "1")
    victim = tmp_path / "cache" / "victim"
    size = (trained[0].path / "artifacts" / "manifest.json").stat().st_size
    victim.write_bytes(bytes(size))
    shutil.rmtree(tmp_path / "cache" / "versions")
    for tag in ("../" + "./" * 27 + "/victim", "victim", "x" * 64):
        host3.ok("set-tag", "1", "fraudd.manifest_sha256", tag)
        said = host3.refused(errno.EBADMSG, "fetch", "1")
        assert "fraudd.manifest_sha256 is no sha256" in said and "version 1" in said
        assert victim.read_bytes() == bytes(size)


def root_of(server, host, version="1"):
    """The path of a version's files behind the server."""
    path = f"model-versions/get-download-uri?name={host.name}&version={version}"
    return api(server, "GET", path)["artifact_uri"].removeprefix("mlflow-artifacts:/")


def change_file(server, method, path, body=None):
    url = f"{server.uri}/api/2.0/mlflow-artifacts/artifacts/{path}"
    urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=30).close()


def test_a_missing_file_is_named(host3, server3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    change_file(server3, "DELETE", root_of(server3, host3) + "/artifacts/golden.csv")
    said = host3.refused(errno.ENOENT, "fetch", "1")
    assert "artifacts/golden.csv is missing" in said and "version 1" in said


@pytest.mark.parametrize("name", ["a%5Cb", "%C3%BC"])
def test_odd_names_are_refused(host3, server3, trained, name):
    host3.ok("publish", trained[0].name, trained[0].path)
    change_file(server3, "PUT", f"{root_of(server3, host3)}/{name}", b"x")
    said = host3.refused(errno.EINVAL, "fetch", "1")
    assert "name cannot be taken" in said and host3.name in said


def test_files_that_are_too_large(host3, server3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    change_file(server3, "PUT", f"{root_of(server3, host3)}/big", b"x" * 2000000)
    said = host3.refused(errno.EFBIG, "fetch", "1", **{"models.max_bytes": 1048576})
    assert "big has 2000000 bytes" in said and "models.max_bytes" in said


def test_no_files_at_all(host3, server3):
    experiment = api(server3, "POST", "experiments/create", {"name": host3.name})["experiment_id"]
    body = {"experiment_id": experiment, "start_time": 1}
    run = api(server3, "POST", "runs/create", body)["run"]["info"]
    api(server3, "POST", "registered-models/create", {"name": host3.name})
    body = {"name": host3.name, "source": run["artifact_uri"] + "/model", "run_id": run["run_id"]}
    api(server3, "POST", "model-versions/create", body)
    assert "there are no files in" in host3.refused(errno.ENOENT, "fetch", "1")


def set_status(server, host, status, message=""):
    with sqlite3.connect(server.folder / "mlflow.db", timeout=30) as database:
        done = database.execute(
            "UPDATE model_versions SET status = ?, status_message = ? WHERE name = ?",
            (status, message, host.name))  # fmt: skip
        assert done.rowcount == 1


def test_versions_that_are_not_ready(host3, server3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    set_status(server3, host3, "FAILED_REGISTRATION", "no space left")
    said = host3.refused(errno.EBADMSG, "fetch", "1")
    assert "FAILED_REGISTRATION: no space left" in said and "version 1" in said
    assert "FAILED" in host3.refused(errno.EBADMSG, "promote", "production", "1")
    set_status(server3, host3, "PENDING_REGISTRATION")
    # A daemon is told at once, its next poll looks again; a tool waits.
    assert "PENDING_REGISTRATION" in host3.refused(errno.EAGAIN, "--loop", "fetch", "1")
    ready = threading.Timer(1.5, set_status, (server3, host3, "READY"))
    ready.start()
    assert host3.ok("fetch", "1")["files"] == digests(trained[0].path)
    ready.join()


def test_a_server_that_is_away(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    host = Host(f"http://127.0.0.1:{port}", tmp_path)
    quick = {"registry.timeout_seconds": 1}
    said = host.refused(errno.EHOSTUNREACH, "resolve", "production", **quick)
    assert f"127.0.0.1:{port}" in said and host.name in said and "production" in said
    host.uri = "http://nowhere.invalid:5000"
    said = host.refused(errno.EHOSTUNREACH, "resolve", "production", **quick)
    assert "nowhere.invalid" in said
    host.refused(errno.EHOSTUNREACH, "prepare", **quick)


def test_a_server_that_says_nothing(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        host = Host(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path)
        said = host.refused(errno.ETIMEDOUT, "resolve", "production",
                            **{"registry.timeout_seconds": 1})  # fmt: skip
        assert "127.0.0.1" in said


def test_a_certificate_for_another_name(tmp_path):
    certificate = azurite.Certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept():
            while True:
                try:
                    context.wrap_socket(listener.accept()[0], server_side=True).close()
                except ssl.SSLError:
                    pass
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        host = Host(f"https://localhost:{port}", tmp_path)
        trusted = {"mlflow.tracking_server_cert_path": certificate.cert}
        said = host.refused(errno.EPROTO, "resolve", "production", **trusted)
        assert f"localhost:{port}" in said
        host.refused(errno.EPROTO, "resolve", "production")
        listener.shutdown(socket.SHUT_RDWR)


def test_a_wrong_token(tmp_path_factory, tmp_path, trained):
    server = started(3, tmp_path_factory.mktemp("login"), basic=ADMIN)
    host = Host(server.uri, tmp_path)
    try:
        said = host.refused(errno.EACCES, "resolve", "production")
        assert "MLFLOW_TRACKING_USERNAME" in said or "mlflow.tracking" in said
        host.env = {"MLFLOW_TRACKING_TOKEN": "wrong"}
        host.refused(errno.EACCES, "resolve", "production")
        host.refused(errno.EACCES, "prepare")
        host.env = {"MLFLOW_TRACKING_USERNAME": ADMIN[0], "MLFLOW_TRACKING_PASSWORD": ADMIN[1]}
        host.ok("publish", trained[0].name, trained[0].path)
        assert host.ok("fetch", "1")["files"] == digests(trained[0].path)
    finally:
        server.stop()


def test_a_full_disk(host3, trained):
    host3.ok("publish", trained[0].name, trained[0].path)
    small = host3.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", small]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a small file system")
    try:
        said = host3.refused(errno.ENOSPC, "fetch", "1", **{"registry.cache_dir": small})
        assert "has room for" in said and host3.name in said
    finally:
        subprocess.run(["umount", small], check=True)


def test_an_experiment_that_was_deleted(host3, server3):
    number = api(server3, "POST", "experiments/create", {"name": host3.name})["experiment_id"]
    api(server3, "POST", "experiments/delete", {"experiment_id": number})
    said = host3.refused(errno.EEXIST, "prepare", **{"mlflow.experiment_name": host3.name})
    assert "was deleted" in said and f"restore -x {number}" in said


@pytest.mark.parametrize("path", ["runs/create", "model-versions/create", "logged-models"])
def test_a_creation_that_was_not_answered(host3, proxied, server3, trained, path):
    """The server has acted, its answer is lost: there is one run and one version all the same."""
    proxied.plan = [("POST", path, "lose", 1)]
    experiment = {"mlflow.experiment_name": host3.name}
    done = host3.ok("publish", trained[0].name, trained[0].path, **experiment)
    assert done["number"] == "1" and len(host3.ok("list")["entries"]) == 1
    number = api(server3, "GET", f"experiments/get-by-name?experiment_name={host3.name}")
    body = {"experiment_ids": [number["experiment"]["experiment_id"]]}
    assert len(api(server3, "POST", "runs/search", body)["runs"]) == 1


def test_an_upload_that_fails(host3, proxied, server3, trained):
    proxied.plan = [("PUT", "/MLmodel", 403, 99)]
    experiment = {"mlflow.experiment_name": host3.name}
    answer = host3("publish", trained[0].name, trained[0].path, **experiment)
    assert answer["result"] < 0 and "MLmodel" in answer["words"]
    number = api(server3, "GET", f"experiments/get-by-name?experiment_name={host3.name}")
    body = {"experiment_ids": [number["experiment"]["experiment_id"]]}
    assert [run["info"]["status"] for run in api(server3, "POST", "runs/search", body)["runs"]] == [
        "FAILED"
    ]
    proxied.plan = []
    assert host3.ok("publish", trained[0].name, trained[0].path, **experiment)["number"] == "1"


# --- Azure ---


def test_files_in_azure(storage, tmp_path_factory, tmp_path, trained):
    server = started(3, tmp_path_factory.mktemp("azure"), artifacts="azure", azurite=storage)
    try:
        host = Host(server.uri, tmp_path)
        said = host.refused(errno.ENOKEY, "prepare")
        assert "AZURE_STORAGE_CONNECTION_STRING" in said and "wasbs://" in said
        host.env = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
        assert "AZURE_CLIENT_SECRET" in host.refused(errno.ENOKEY, "prepare")
        host.env = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string()}
        said = host.ok("prepare")["text"]
        assert "as account key of AZURE_STORAGE_CONNECTION_STRING" in said
        assert azurite.KEY not in said
        host.ok("publish", trained[0].name, trained[0].path)
        answer = host.ok("fetch", "1")
        assert answer["files"] == digests(trained[0].path)
        assert answer["storage"] == "account key of AZURE_STORAGE_CONNECTION_STRING"
        # From the cache none is asked for.
        host.env = {}
        answer = host.ok("fetch", "1")
        assert answer["files"] == digests(trained[0].path) and answer["storage"] == ""
        host.folder = tmp_path / "new"
        said = host.refused(errno.ENOKEY, "fetch", "1")
        assert "version 1" in said and host.name in said
        wrong = storage.connection_string().replace("AccountKey=", "AccountKey=AAAA")
        host.env = {"AZURE_STORAGE_CONNECTION_STRING": wrong}
        host.refused(errno.EACCES, "prepare")
    finally:
        server.stop()


# --- a suite ---


class Follower:
    """A suite that follows an alias of a server behind a proxy."""

    def __init__(self, make_suite, uri, name, poll=1, ready=True, **registry):
        limits = {"poll_seconds": poll, "timeout_seconds": 3, **registry}
        self.suite = make_suite({"mlflow": {"tracking_uri": uri}, "models": {"name": name},
                                 "registry": limits})  # fmt: skip
        self.suite.start(ready)

    def live(self):
        health = self.suite.get("/health").json()
        return health.get("model_version"), health.get("registry_version")

    def wait_live(self, version, number):
        suites.wait(lambda: self.live() == (version, number), f"version {number} is live")

    def health(self):
        return self.suite.get("/health").json()


@pytest.fixture
def published(host3, trained):
    """Both versions on the server, the first with the alias."""
    for version in trained:
        host3.ok("publish", version.name, version.path)
    host3.ok("promote", "production", trained[0].name)
    return host3


def test_a_suite_follows_the_alias(published, proxied, make_suite, trained):
    one = Follower(make_suite, proxied.uri, published.name)
    one.wait_live(trained[0].name, "1")
    health = one.health()
    assert health["alias_version"] == trained[0].name and health["alias_registry_version"] == "1"
    assert health["registry"]["kind"] == "mlflow" and "last_error" not in health["registry"]
    assert one.suite.post("/reload").json()["status"] == "unchanged"
    proxied.seen.clear()
    suites.wait(lambda: len(proxied.seen) > 3, "polls")
    # An unchanged alias costs one small question.
    assert {path.split("?")[0] for _, path in proxied.seen} == {
        "/api/2.0/mlflow/registered-models/alias"
    }
    published.ok("promote", "production", trained[1].name)
    one.wait_live(trained[1].name, "2")
    answer = one.suite.post("/score", rows.ROW)
    assert answer.json()["model_version"] == trained[1].name
    registry = one.suite.status()["registry"]
    assert registry["alias_registry_version"] == "2"
    folders = one.suite.state / "cache" / "tmp"
    suites.wait(lambda: not list(folders.iterdir()), "the downloaded folder to go")


def test_rollback_pin_and_unpin(published, proxied, make_suite, trained):
    published.ok("promote", "production", trained[1].name)
    one = Follower(make_suite, proxied.uri, published.name)
    one.wait_live(trained[1].name, "2")
    done = one.suite.ctl("rollback")
    assert done.returncode == 0, done.stderr
    one.wait_live(trained[0].name, "1")
    assert published.ok("resolve", "production")["number"] == "1", "the alias moves, too"
    assert one.health()["pinned"] == trained[0].name
    assert one.suite.ctl("unpin").returncode == 0
    for version in ("2", trained[1].name):
        answer = one.suite.post(f"/reload?version={version}").json()
        assert (answer["model_version"], answer["registry_version"]) == (trained[1].name, "2")
        assert one.health()["pinned"] == trained[1].name
        assert one.suite.post("/reload").json()["status"] == "unchanged"
        assert one.suite.ctl("unpin").returncode == 0
        one.wait_live(trained[0].name, "1")
    answer = one.suite.post("/reload?version=77")
    assert answer.status == 409 and published.name in answer.json()["detail"]


def test_a_suite_whose_registry_goes_away(published, proxied, make_suite, trained):
    one = Follower(make_suite, proxied.uri, published.name)
    one.wait_live(trained[0].name, "1")
    suites.wait(lambda: (one.suite.state / "last-known-good" / "record").exists(), "the kept copy")
    proxied.plan = [("GET", "registered-models/alias", 503, 1000000)]
    health = suites.wait(
        lambda: (h := one.health())["registry"].get("last_error") and h, "last_error")
    assert proxied.host not in health["registry"]["last_error"]
    said = one.suite.get("/health", operator=True).json()["registry"]["last_error"]
    assert proxied.host in said and published.name in said and "production" in said
    assert health["model_version"] == trained[0].name and health["alias_version"] == trained[0].name
    assert one.suite.post("/score", rows.ROW).status == 200
    # A loader that begins now has what was kept, and so has the suite.
    one.suite.kill("loader")
    suites.wait(lambda: one.live() == (trained[0].name, "1"), "served on")
    one.suite.stop()
    one.suite.start()
    assert one.live()[0] == trained[0].name
    assert one.health()["source"] == "last-known-good"
    published.uri = f"http://127.0.0.1:{proxied.target}"
    published.ok("promote", "production", trained[1].name)
    proxied.plan = []
    one.wait_live(trained[1].name, "2")
    assert one.health()["source"] == "registry"


def test_a_version_that_is_damaged(published, proxied, make_suite, trained):
    one = Follower(make_suite, proxied.uri, published.name, poll=0)
    one.wait_live(trained[0].name, "1")
    published.ok("promote", "production", trained[1].name)
    proxied.plan = [("GET", "/model.ubj", "flip", 99)]
    answer = one.suite.post("/reload")
    assert answer.status == 409
    said = answer.json()["detail"]
    assert "model.ubj" in str(said) and "version 2" in str(said)
    assert one.live() == (trained[0].name, "1")
    proxied.plan = []
    assert one.suite.post("/reload").json()["status"] == "reloaded"
    one.wait_live(trained[1].name, "2")


def test_each_version_that_is_refused_is_logged(published, proxied, make_suite, trained):
    one = Follower(make_suite, proxied.uri, published.name, poll=1)
    one.wait_live(trained[0].name, "1")
    proxied.plan = [("GET", "/model.ubj", "flip", 1000)]
    published.ok("promote", "production", trained[1].name)
    one.suite.wait_log("could not fetch version 2 of model .*model.ubj")
    published.ok("publish", "third", trained[1].path)
    published.ok("promote", "production", "3")
    one.suite.wait_log("could not fetch version 3 of model .*model.ubj")


def test_a_broken_version_is_not_fetched_at_every_poll(published, proxied, make_suite, trained):
    proxied.plan = [("GET", "/model.ubj", "flip", 1000)]
    one = Follower(make_suite, proxied.uri, published.name, ready=False)
    suites.wait(lambda: "model.ubj" in one.suite.log(), "the refusal")
    proxied.seen.clear()
    suites.wait(lambda: sum("alias" in path for _, path in proxied.seen) >= 6, "six polls")
    assert len([path for path in downloads(proxied) if "model.ubj" in path]) <= 4


def test_a_python_model_is_served(server, make_suite):
    name = f"plain-{next(numbers)}"
    server.run(f"import sys; sys.argv = ['', {name!r}, '1']\n" + LOG_MODEL)
    one = Follower(make_suite, server.uri, name)
    one.wait_live("1", "1")
    answer = one.suite.post("/score", {"a": 0.5, "b": 0.25, "c": 0.125})
    assert answer.status == 200 and answer.json()["model_version"] == "1"
    assert one.suite.post("/reload").json()["status"] == "unchanged"


def test_a_drain_does_not_wait(published, proxied, make_suite, trained):
    """A loader that waits for a slow registry ends when it is told to."""
    one = Follower(make_suite, proxied.uri, published.name, poll=0, timeout_seconds=600)
    one.wait_live(trained[0].name, "1")
    published.ok("promote", "production", trained[1].name)
    proxied.plan = [("GET", "/model.ubj", "hang", 1)]
    asker = threading.Thread(target=lambda: one.suite.post("/reload"), daemon=True)
    asker.start()
    suites.wait(lambda: any("model.ubj" in path for _, path in proxied.seen), "the download")
    one.suite.stop()
