"""Trainings and MLflow: what fraud-train uploads loads in Python, what Python logs is served by the
suite, and what goes wrong on the way gets words and loses nothing. Real servers of both lines."""

import csv
import dataclasses
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import azurite
import mlflow_server
import models
import numpy as np
import pytest
import retraining
import suite as suites
from retraining import DATA, DONE, FAILED, REFUSED, WEAK

CONFIG = 78
SCRIPTS = models.SOURCE / "scripts"
ROWS = 200
# Features that are the inputs, so that Python can make them from the same file.
NUMBERS = ["deposit_amount", "transaction_count_24hour", "transaction_count_1week",
           "transaction_count_1month", "transaction_amount_24hour", "transaction_amount_1week",
           "transaction_amount_1month"]  # fmt: skip
PROGRAM = "\n".join(
    ["version: 1", "timezone: UTC", "inputs:",
     "  - { name: transaction_seq, type: integer, required: true, role: key }",
     "  - { name: create_dt, type: datetime, required: true, role: time }",
     *(f"  - {{ name: {name}, type: number }}" for name in NUMBERS), "features:",
     *(f"  - {{ name: {name}, op: number, of: {name} }}" for name in NUMBERS), ""])  # fmt: skip
QUICK = ["--set", "train.rounds=30", "--set", "train.bootstrap=10",
         "--set", "train.tree_method=hist", "--quiet"]  # fmt: skip


# --- servers ---


def started(*words, **named):
    try:
        return mlflow_server.Server(*words, **named).start()
    except mlflow_server.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def storage():
    try:
        one = azurite.Azurite().start()
    except azurite.Unavailable as reason:
        pytest.skip(str(reason))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """servers(line, artifacts, azurite=…): one of each kind for all tests."""
    made = {}

    def get(line, artifacts="proxied", **named):
        kind = (line, artifacts, "azurite" in named)
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"mlflow{line}")
            made[kind] = started(line, folder, artifacts, **named)
        return made[kind]

    yield get
    for one in made.values():
        one.stop()


@pytest.fixture(params=[3, 2], ids=["mlflow3", "mlflow2"])
def server(request, servers):
    return servers(request.param)


@pytest.fixture
def server3(servers):
    return servers(3)


# --- a host that trains ---


@dataclasses.dataclass
class Outcome:
    code: int
    json: dict
    words: str  # stderr


class Host:
    """fraud-train with settings and a state folder of its own; a model of the test's own name, so
    that tests can share a server."""

    def __init__(self, bin_dir, name, uri, environment=None):
        self.bin = bin_dir
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fdm-", dir="/tmp"))
        self.state = self.folder / "state"
        self.environment = environment or {}
        self.config = self.folder / "fraudd.yaml"
        self.program = self.folder / "numbers.yaml"
        self.program.write_text(PROGRAM)
        settings = {
            "mlflow": {"tracking_uri": uri, "experiment_name": name},
            "models": {"dir": str(self.folder / "models"), "name": name},
            "registry": {"timeout_seconds": 30},
            "runtime_dir": str(self.folder / "run"),
            "state_dir": str(self.state),
        }
        self.config.write_text("\n".join(suites.yaml_lines(settings)) + "\n")

    def run(self, verb, *words, expect=DONE):
        command = [self.bin / "fraud-train", verb, "--config", self.config, "--json", *words]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=300,
            env=suites.environment(**self.environment))  # fmt: skip
        assert not suites.SANITIZERS.search(done.stderr), done.stderr
        assert done.returncode == expect, done.stderr
        return Outcome(done.returncode, json.loads(done.stdout or "{}"), done.stderr)

    def train(self, data, *words, expect=DONE):
        return self.run("train", "--data", data, "--program", self.program, *QUICK, *words,
                        expect=expect)  # fmt: skip

    @property
    def staging(self):
        folder = self.state / "cache" / "staging" / self.name
        return sorted(folder.iterdir()) if folder.exists() else []

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def make_host(request, bin_dir):
    made = []

    def make(uri, environment=None, name=None):
        name = name or "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
        made.append(Host(bin_dir, name, uri, environment))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def gappy_csv(data_csv, tmp_path_factory):
    """Demo data where every seventh row lacks a number."""
    path = tmp_path_factory.mktemp("gappy") / "demo.csv"
    with open(data_csv, encoding="utf-8", newline="") as file, open(
        path, "w", encoding="utf-8", newline=""
    ) as out:
        reader = csv.DictReader(file)
        writer = csv.DictWriter(out, reader.fieldnames)
        writer.writeheader()
        for i, row in enumerate(reader):
            if i % 7 == 0:
                row[NUMBERS[i // 7 % len(NUMBERS)]] = ""
            writer.writerow(row)
    return path


# --- from here to Python ---

LOAD = """
import json, os, mlflow, mlflow.pyfunc, mlflow.xgboost, numpy, pandas, xgboost
job = json.loads(os.environ["JOB"])
frame = pandas.read_csv(job["rows"])[job["columns"]].astype(float)
client = mlflow.MlflowClient()
version = client.get_model_version(job["name"], job["version"])
run = client.get_run(version.run_id)
booster = mlflow.xgboost.load_model(job["uri"])
pyfunc = mlflow.pyfunc.load_model(job["uri"])
inputs = [(i.name, i.type.name, i.required) for i in pyfunc.metadata.signature.inputs.inputs]
folder = mlflow.artifacts.download_artifacts(job["uri"], dst_path=job["folder"])
history = {key: [(m.step, m.value) for m in client.get_metric_history(version.run_id, key)]
           for key in run.data.metrics}
print(json.dumps({
    "booster": booster.predict(xgboost.DMatrix(frame)).tolist(),
    "pyfunc": pyfunc.predict(frame).tolist(),
    "names": booster.feature_names, "inputs": inputs, "folder": str(folder),
    "tags": version.tags, "status": run.info.status, "run_name": run.info.run_name,
    "run_tags": run.data.tags, "params": run.data.params, "history": history,
    "data": [(d.dataset.name, d.dataset.digest, d.dataset.profile) for d in
             run.inputs.dataset_inputs]}))
"""


def load(server, host, version, rows, folder, uri=None):
    folder.mkdir(exist_ok=True)
    job = {"name": host.name, "version": version, "uri": uri or f"models:/{host.name}/{version}",
           "rows": str(rows), "columns": NUMBERS, "folder": str(folder)}  # fmt: skip
    return json.loads(server.run(LOAD, {"JOB": json.dumps(job)}).splitlines()[-1])


def head(path, to, count):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)[: count + 1]
    to.write_text("".join(lines), encoding="utf-8")
    return to


def scores_of(bin_dir, bundle, rows):
    done = models.run(bin_dir / "fraudctl", "score", "--bundle", bundle, "--in", rows, "--out",
                      "-", "--quiet")  # fmt: skip
    return [float(line["score"]) for line in csv.DictReader(io.StringIO(done.stdout))]


@pytest.mark.parametrize("line, artifacts", [(3, "proxied"), (2, "proxied"), (3, "azure"),
                                             (2, "azure")])  # fmt: skip
def test_python_loads_what_was_trained_here(
    request, servers, make_host, bin_dir, gappy_csv, tmp_path, line, artifacts
):
    environment, named = {}, {}
    if artifacts == "azure":
        named["azurite"] = request.getfixturevalue("storage")
        environment["AZURE_STORAGE_CONNECTION_STRING"] = named["azurite"].connection_string()
    server = servers(line, artifacts, **named)
    host = make_host(server.uri, environment, name=f"trained-{artifacts}")
    outcome = host.train(gappy_csv)
    assert (outcome.json["status"], outcome.json["registry_version"]) == ("trained", "1")
    assert outcome.json["model_uri"] == f"models:/{host.name}/1" and outcome.json["run_id"]
    assert f'experiment "{host.name}"' in outcome.words
    assert ("AZURE_STORAGE_CONNECTION_STRING" in outcome.words) == (artifacts == "azure")
    assert host.staging == []

    rows = head(gappy_csv, tmp_path / "rows.csv", ROWS)
    there = load(server, host, "1", rows, tmp_path / "there")
    ours = scores_of(bin_dir, there["folder"], rows)
    assert len(ours) == ROWS and len(set(ours)) > ROWS / 10
    assert np.abs(np.array(there["booster"]) - ours).max() <= 1e-6
    assert np.abs(np.array(there["pyfunc"]) - ours).max() <= 1e-6
    assert there["names"] == NUMBERS
    assert there["inputs"] == [[name, "double", True] for name in NUMBERS]
    check_run(there, outcome.json)


def check_run(there, outcome):
    """What the run tells."""
    assert there["status"] == "FINISHED"
    assert there["tags"]["fraudd.version"] == outcome["model_version"]
    assert there["run_tags"]["mlflow.source.name"] == "fraud-train"
    assert there["run_tags"]["mlflow.user"] and there["run_tags"]["system.cores"] != "0"
    assert there["run_name"].endswith(outcome["model_version"])
    assert there["params"]["train.rounds"] == "30" and there["params"]["tree_method"] == "hist"
    assert len(there["params"]["program_sha256"]) == 64
    history = there["history"]
    rounds = [step for step, _ in history["validation_logloss"]]
    assert rounds == list(range(1, len(rounds) + 1)) and len(rounds) >= outcome["rounds"]
    for key in ("train_logloss", "train_aucpr", "validation_aucpr"):
        assert [step for step, _ in history[key]] == rounds
    assert history["train_logloss"][-1][1] < history["train_logloss"][0][1]
    for key, value in outcome["metrics"].items():
        assert history[key] == [[0, value]]
        assert [v for _, v in history[key + "_low95"]] == [outcome["intervals"][key][0]]
    assert history["duration_seconds"][0][1] > 0
    [(name, digest, profile)] = there["data"]
    assert name == "demo.csv" and len(digest) == 16
    assert json.loads(profile)["num_rows"] == int(there["params"]["rows"])


def test_python_loads_the_folder_itself(server, bin_dir, gappy_csv, tmp_path, make_host):
    """Without any registry, as it lies on the disk; the default program has 56 features."""
    host = make_host(server.uri)
    path = host.run("train", "--data", gappy_csv, "--program", models.PROGRAM, *QUICK, "--models",
                    tmp_path / "models").json["path"]  # fmt: skip
    script = """
import json, os, mlflow.pyfunc, mlflow.xgboost, numpy, pandas, xgboost
path = os.environ["FOLDER"]
booster = mlflow.xgboost.load_model(path)
frame = pandas.DataFrame(numpy.arange(560.).reshape(10, 56), columns=booster.feature_names)
frame.iloc[::3, 5] = numpy.nan
shuffled = frame[frame.columns[::-1]].assign(more=1.0)
model = mlflow.pyfunc.load_model(path)
same = booster.predict(xgboost.DMatrix(frame))
assert (model.predict(frame) == same).all() and (model.predict(shuffled) == same).all()
try:
    model.predict(frame.drop(columns=["deposit_amount"]))
except Exception as error:
    print("deposit_amount" in str(error))
"""
    assert server.run(script, {"FOLDER": path}).splitlines()[-1] == "True"


# --- from Python to here ---

LOG = """
import json, os, mlflow, mlflow.xgboost, numpy, xgboost
job = json.loads(os.environ["JOB"])
random = numpy.random.default_rng(5)
x = random.normal(size=(3200, 8)).astype(numpy.float32)
x[random.random(x.shape) < 0.1] = numpy.nan
y = (numpy.nan_to_num(x[:, 0] - x[:, 1] * x[:, 2]) > 0.5).astype(numpy.float32)
names = [f"column {i}" if i == 3 else f"f{i}" for i in range(8)]
booster = xgboost.train({"objective": "binary:logistic", "max_depth": 5, "nthread": 2},
                        xgboost.DMatrix(x[:3000], y[:3000], feature_names=names), 40)
mlflow.set_experiment(job["name"])
place = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
with mlflow.start_run():
    mlflow.xgboost.log_model(booster, registered_model_name=job["name"], **place)
mlflow.MlflowClient().set_registered_model_alias(job["name"], "production", "1")
rows = xgboost.DMatrix(x[3000:], feature_names=names)
numpy.save(job["folder"] + "/rows.npy", x[3000:])
numpy.save(job["folder"] + "/margins.npy", booster.predict(rows, output_margin=True))
numpy.save(job["folder"] + "/scores.npy", booster.predict(rows))
print(json.dumps({"names": names, "xgboost": xgboost.__version__}))
"""


def settings_of(uri, name):
    return {"mlflow": {"tracking_uri": uri}, "models": {"name": name},
            "registry": {"poll_seconds": 1}}  # fmt: skip


def model_blob(suite):
    """The model file that the suite has downloaded."""
    cache = suite.state / "cache"
    [index] = (cache / "versions").iterdir()
    lines = [line.split(" ", 2) for line in index.read_text().splitlines()]
    [digest] = [digest for digest, _, path in lines if path.startswith("model.")]
    return cache / "blobs" / digest


def test_what_python_logged_is_served(server, make_suite, bin_dir, tmp_path):
    """Promoted in Python while the suite runs: it goes live by itself, margins bit for bit."""
    name = "logged-in-python"
    one = make_suite(settings_of(server.uri, name))
    one.start(ready=False)
    one.wait_log("no (model|alias)")
    job = {"name": name, "folder": str(tmp_path)}
    told = json.loads(server.run(LOG, {"JOB": json.dumps(job)}).splitlines()[-1])
    assert told["xgboost"].startswith("3.")
    one.wait_model("1")

    rows, margins = np.load(tmp_path / "rows.npy"), np.load(tmp_path / "margins.npy")
    bodies = [{n: float(v) for n, v in zip(told["names"], row) if not np.isnan(v)} for row in rows]
    batch = one.post("/score/batch", {"transactions": bodies})
    assert batch.status == 200, batch
    scores = np.array([result["score"] for result in batch.json()["results"]], np.float32)
    assert len(scores) == ROWS and (scores == np.load(tmp_path / "scores.npy")).all()

    rows.astype(np.float32).tofile(tmp_path / "rows")
    done = subprocess.run(
        [bin_dir.parent / "test" / "forest_eval", model_blob(one), "best", tmp_path / "rows",
         tmp_path / "margins", tmp_path / "scores", "0", os.devnull],
        capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = np.fromfile(tmp_path / "margins", np.float32)
    assert (ours.view(np.uint32) == margins.astype(np.float32).view(np.uint32)).all()


# --- what ends a training before it begins ---


def test_missing_credentials_end_it_at_the_start(servers, make_host, tmp_path):
    """The file with the rows is not even there: nobody gets as far as to ask for it."""
    server = servers(3, "azure")
    words = make_host(server.uri, name="no-keys").train("/nonexistent.csv", expect=CONFIG).words
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_KEY",
                 "AZURE_STORAGE_SAS_TOKEN", "AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                 "AZURE_CLIENT_SECRET", "wasbs://"):  # fmt: skip
        assert name in words, words
    assert "nonexistent.csv" not in words
    half = make_host(server.uri, {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "no-keys")
    words = half.train("/nonexistent.csv", expect=CONFIG).words
    assert "AZURE_CLIENT_SECRET is missing" in words, words


def test_what_else_ends_it_at_the_start(server3, servers, make_host):
    deleted = ("import mlflow; i = mlflow.create_experiment('gone'); "
               "mlflow.MlflowClient().delete_experiment(i)")  # fmt: skip
    server3.run(deleted)
    nobody = f"http://127.0.0.1:{azurite.free_port()}"
    for uri, name, expect, said in (
        (server3.uri, "gone", DATA, "was deleted"),
        (servers(3, "folder").uri, "on-a-disk", FAILED, "--serve-artifacts"),
        (nobody, "nobody", FAILED, nobody.removeprefix("http://")),
    ):
        words = make_host(uri, name=name).train(
            "/nonexistent.csv", "--set", "registry.timeout_seconds=3", expect=expect).words
        assert said in words and "nonexistent.csv" not in words, words


def test_the_scripts_want_a_server(bin_dir, tmp_path):
    config = tmp_path / "fraudd.yaml"
    config.write_text("log:\n  level: info\n")
    for script, words in (("train_and_export_mlflow", ["--data", "/nonexistent.csv"]),
                          ("retrain_rolling_mlflow", [])):  # fmt: skip
        done = subprocess.run(
            [SCRIPTS / script, "--config", config, *words], capture_output=True, text=True,
            env=suites.environment(FRAUDD_BIN_DIR=str(bin_dir)))  # fmt: skip
        assert done.returncode == CONFIG
        assert "MLFLOW_TRACKING_URI (mlflow.tracking_uri) is not set" in done.stderr


# --- what happens to an upload ---


def proxied(server, *plan):
    proxy = azurite.FaultProxy(server.port)
    proxy.plan = list(plan)
    return proxy


def versions_of(server, name):
    script = ("import json, mlflow; print(json.dumps([(v.version, v.tags.get('fraudd.version'))"
              f" for v in mlflow.MlflowClient().search_model_versions(\"name='{name}'\")]))")
    return json.loads(server.run(script).splitlines()[-1])


def test_a_failed_upload_keeps_the_version(server, make_host, gappy_csv, bin_dir):
    proxy = proxied(server, ("PUT", "model.ubj", 403, 100))
    host = make_host(f"http://127.0.0.1:{proxy.port}")
    try:
        words = host.train(gappy_csv, expect=FAILED).words
        [path] = host.staging
        assert f'"fraud-train export {path}" uploads it' in words and "model.ubj" in words
        assert versions_of(server, host.name) == []
        proxy.plan = []
        outcome = host.run("export", path, "--quiet").json
    finally:
        proxy.close()
    assert (outcome["status"], outcome["registry_version"]) == ("exported", "1")
    assert outcome["model_version"] == path.name and host.staging == []
    assert versions_of(server, host.name) == [["1", path.name]]


def test_export_of_a_local_version(server, make_host, bin_dir, gappy_csv, tmp_path):
    host = make_host(server.uri)
    local = host.train(gappy_csv, "--models", tmp_path / "models").json
    assert versions_of(server, host.name) == []
    path = pathlib.Path(local["path"])
    first = host.run("export", path, "--quiet").json
    assert (first["registry_version"], first["model_version"]) == ("1", path.name)
    # asked again it is the same one; the folder stays where it is
    again = host.run("export", f"{path}/", "--quiet").json
    assert again["registry_version"] == "1" and (path / "MLmodel").exists()
    rows = head(gappy_csv, tmp_path / "rows.csv", ROWS)
    there = load(server, host, "1", rows, tmp_path / "there")
    check_run(there, local | {"metrics": {}})
    assert np.abs(np.array(there["pyfunc"]) - scores_of(bin_dir, path, rows)).max() <= 1e-6


def test_what_is_no_version_is_not_exported(server3, make_host, gappy_csv, tmp_path):
    host = make_host(server3.uri)
    path = pathlib.Path(host.train(gappy_csv, "--models", tmp_path / "models").json["path"])
    broken = bytearray((path / "model.ubj").read_bytes())
    broken[len(broken) // 2] ^= 1
    (path / "model.ubj").write_bytes(broken)
    for folder, said in ((path, "sha256 of model.ubj differs"), (tmp_path, "is missing"),
                         (tmp_path / "nowhere", "could not open")):  # fmt: skip
        words = host.run("export", folder, expect=DATA).words
        assert said in words, words
    assert versions_of(server3, host.name) == []


def test_a_retrain_that_cannot_upload(server3, make_trainer):
    """It fails with the reason, the version stays, nothing is promoted; the next one tells. Not
    more of them stay than may."""
    proxy = proxied(server3, ("PUT", "model.ubj", 403, 100))
    trainer = make_trainer()
    trainer.set(mlflow={"tracking_uri": f"http://127.0.0.1:{proxy.port}"},
                models={"name": "stuck"}, retrain={"keep_versions": 2})  # fmt: skip
    staging = trainer.folder / "state" / "cache" / "staging" / "stuck"
    for name in ("20260101-000000", "20260102-000000"):
        (staging / name / "artifacts").mkdir(parents=True)
    try:
        outcome = trainer.retrain(expect=FAILED)
        *_, path = sorted(staging.iterdir())
        assert len(list(staging.iterdir())) == 3 and "model.ubj" in outcome.words
        assert f'"fraud-train export {path}" uploads it' in outcome.words
        assert f'2 versions wait in "{staging}"' in outcome.words
        [(status, message, version, _)] = trainer.jobs()
        assert (status, version) == ("failed", path.name) and "model.ubj" in message
        proxy.plan = []
        assert trainer.retrain().status == "promoted"
        assert [one.name for one in sorted(staging.iterdir())] == ["20260102-000000", path.name]
        assert trainer.outcome("export", path, expect=DONE).registry_version == "2"
    finally:
        proxy.close()


def test_killed_while_it_uploads(server3, make_trainer):
    """What was trained is not lost, and nothing half is registered."""
    proxy = proxied(server3, ("PUT", "model.ubj", "hang", 1))
    trainer = make_trainer()
    trainer.set(mlflow={"tracking_uri": f"http://127.0.0.1:{proxy.port}"},
                models={"name": "killed"})  # fmt: skip
    staging = trainer.folder / "state" / "cache" / "staging" / "killed"
    try:
        process = trainer.start("retrain", "--quiet", "--until", retraining.END)
        suites.wait(lambda: any(method == "PUT" and "model.ubj" in path
                                for method, path in list(proxy.seen)), "an upload")
        trainer.kill(process)
        assert versions_of(server3, "killed") == []
        [path] = staging.iterdir()
        assert trainer.retrain().status == "promoted"
        assert trainer.outcome("export", path, expect=DONE).model_version == path.name
    finally:
        proxy.close()
    assert [status for status, *_ in trainer.jobs()] == ["failed", "succeeded"]


def test_a_retrain_without_credentials(servers, make_trainer):
    trainer = make_trainer()
    trainer.set(mlflow={"tracking_uri": servers(3, "azure").uri}, models={"name": "no-keys"})
    outcome = trainer.retrain(expect=CONFIG)
    [(status, message, version, _)] = trainer.jobs()
    assert (status, version) == ("failed", None)
    for words in (outcome.words, message):
        assert "AZURE_STORAGE_CONNECTION_STRING" in words and "AZURE_CLIENT_SECRET" in words


# --- compare, promote ---


def test_versions_by_number_and_by_name(server, make_host, data_csv):
    host = make_host(server.uri)
    weak = ("--set", "train.rounds=1", "--set", "train.max_depth=1")
    first = host.train(data_csv, *weak).json
    second = host.train(data_csv).json
    assert [first["registry_version"], second["registry_version"]] == ["1", "2"]
    assert host.run("promote", "1").json["verdict"] == "promoted"
    guards = ("--set", "promote.max_flip_rate=1", "--set", "promote.max_score_shift=100")
    for live, candidate in (("1", "2"), (first["model_version"], second["model_version"]),
                            ("production", "2")):  # fmt: skip
        compared = host.run("compare", live, candidate, *guards).json
        assert compared["candidate"]["model_version"] == second["model_version"]
        assert compared["winner"] == second["model_version"]
    promoted = host.run("promote", second["model_version"], *guards).json
    assert (promoted["verdict"], promoted["registry_version"]) == ("promoted", "2")
    assert host.run("promote", "2").json["verdict"] == "unchanged"
    assert "no version" in host.run("promote", "77", expect=DATA).words
    script = f"""
import json, mlflow
client = mlflow.MlflowClient()
model = client.get_registered_model("{host.name}")
print(json.dumps([model.aliases, client.get_model_version("{host.name}", "2").tags]))
"""
    aliases, tags = json.loads(server.run(script).splitlines()[-1])
    assert aliases == {"production": "2", "previous": "1"}
    assert tags["fraudd.verdict"] == "promoted" and tags["fraudd.promoted_at"]
    assert tags["fraudd.compared_with"] == first["model_version"]
    assert float(tags["fraudd.pr_auc"]) > float(tags["fraudd.pr_auc_live"])
    assert int(tags["fraudd.compared_rows"]) > 0 and tags["fraudd.verdict_reason"]


def test_retrain_rolling_mlflow(server, make_suite, make_trainer):
    """The scripts, end to end: train, register, compare, promote, live."""
    name = "rolling"
    trainer = make_trainer()
    one = make_suite(settings_of(server.uri, name) | {
        key: trainer.settings[key] for key in ("train", "promote", "retrain")})  # fmt: skip
    trainer.close()
    trainer.folder, trainer.config = one.folder, one.config
    run = {"FRAUDD_BIN_DIR": str(trainer.bin), **trainer.environment()}

    def script(which, *words):
        done = subprocess.run(
            [str(word) for word in (SCRIPTS / which, "--config", one.config, "--json", "--quiet",
                                    "--until", *words)],
            capture_output=True, text=True, env=run, timeout=300)  # fmt: skip
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)

    first = script("train_and_export_mlflow", "2026-10-15", "--from-database", *WEAK)
    assert trainer.promote("1").verdict == "promoted"
    one.start()
    one.wait_model(first["model_version"])
    second = script("retrain_rolling_mlflow", retraining.END)
    assert second["status"] == "promoted", second
    assert second["promotion"]["rollout"]["live_everywhere"]
    assert one.all_serve(second["training"]["model_version"])
    assert second["promotion"]["registry_version"] == "2"
    [(status, message, version, _)] = trainer.jobs()
    assert (status, version) == ("succeeded", second["training"]["model_version"])
    assert message.startswith("promoted: ")
    tags = json.loads(server.run(
        f"import json, mlflow; c = mlflow.MlflowClient(); v = c.get_model_version('{name}', '2');"
        "print(json.dumps([v.tags, list(v.aliases)]))").splitlines()[-1])  # fmt: skip
    assert tags[0]["fraudd.verdict"] == "promoted" and tags[1] == ["production"]
    # back, and this host holds it until it is let go
    assert one.ctl("rollback").returncode == 0
    one.wait_model(first["model_version"])
    assert trainer.promote("2", expect=REFUSED).verdict == "pinned"
    assert one.all_serve(first["model_version"])
    assert one.ctl("unpin").returncode == 0
    assert trainer.promote("2").verdict == "promoted"
    assert one.all_serve(second["training"]["model_version"])
    # nothing is left behind, and nothing went to the folder of models
    assert not list((one.state / "cache" / "staging" / name).iterdir())
    assert not list(one.models.iterdir())
    # and back everywhere, by somebody else
    server.run(f"import mlflow; mlflow.MlflowClient().set_registered_model_alias('{name}', "
               "'production', '1')")  # fmt: skip
    one.wait_model(first["model_version"])
