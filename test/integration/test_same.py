"""One row gives the same bytes wherever it comes in: alone, in a batch, as a CSV file over HTTP, as
a CSV file with fraudctl; and training from a CSV file and from the database gives the same model,
byte for byte, because both run the same feature program over the same bits."""

import csv
import io
import json
import re
import subprocess

import models
import psycopg
import pytest
import rows
import suite as suites

FIRST = "2025-11-01"
UNTIL = "2026-11-01"


def results_of(body):
    """The texts of the results of a batch or upload answer, as they came."""
    found, depth, start, quoted, escaped = [], 0, 0, False, False
    at = body.index(b'"results":[') + len(b'"results":[')
    for i in range(at, len(body)):
        c = body[i : i + 1]
        if quoted:
            quoted = escaped or c != b'"'
            escaped = not escaped and c == b"\\"
        elif c == b'"':
            quoted = True
        elif c == b"{":
            start = i if depth == 0 else start
            depth += 1
        elif c == b"}":
            depth -= 1
            if depth == 0:
                found.append(body[start : i + 1])
        elif c == b"]" and depth == 0:
            return found
    raise AssertionError("the results have no end")


def without_head(body):
    """A single answer without what a batch says once for all."""
    return re.sub(rb'"threshold_low":[^,]*,"threshold_high":[^,]*,"model_version":"[^"]*",', b"", body)


def as_text(row):
    return ",".join('"' + value.replace('"', '""') + '"' for value in row.values())


def table(data):
    return ("\n".join([",".join(data[0]), *map(as_text, data)]) + "\n").encode()


@pytest.fixture(scope="module")
def singles(shared_suite, data_rows):
    """The answer to each row alone; its texts as they stand in the file, so that values are echoed
    alike."""
    found = []
    with shared_suite.connect() as connection:
        for row in data_rows[:1000]:
            body = {name: text for name, text in row.items() if text != ""}
            answer = connection.request("POST", "/score?top_k=50", body)
            assert answer.status == 200, answer
            found.append(answer.body)
    return found


def test_batch_says_what_single_says(shared_suite, data_rows, singles):
    bodies = [{n: t for n, t in row.items() if t != ""} for row in data_rows[: len(singles)]]
    answer = shared_suite.post("/score/batch?top_k=50", {"transactions": bodies})
    assert results_of(answer.body) == [without_head(single) for single in singles]
    assert [json.loads(one)["score"] for one in singles] == [
        result["score"] for result in answer.json()["results"]
    ]


def test_upload_says_what_single_says(shared_suite, data_rows, singles):
    answer = shared_suite.upload(table(data_rows[: len(singles)]), "?top_k=50")
    assert results_of(answer.body) == [without_head(single) for single in singles]


def test_neighbours_and_place_do_not_matter(shared_suite, data_rows, singles):
    chosen = list(range(len(singles)))[::-7]
    answer = shared_suite.upload(table([data_rows[i] for i in chosen]), "?top_k=50")
    assert results_of(answer.body) == [without_head(singles[i]) for i in chosen]


def test_fraudctl_says_what_the_workers_say(shared_suite, bin_dir, trained, data_rows, tmp_path):
    """As CSV both are the same lines; the upload's have one column more."""
    (tmp_path / "in.csv").write_bytes(table(data_rows))
    models.run(bin_dir / "fraudctl", "score", "--bundle", trained[0].path, "--in",
               tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--top-k", 5, "--quiet")  # fmt: skip
    answer = shared_suite.upload(table(data_rows), "?top_k=5", {"Accept": "text/csv"})
    lines = answer.body.decode().splitlines()
    assert lines[0].endswith(",error") and all(line.endswith(",") for line in lines[1:])
    online = [line.rpartition(",")[0] for line in lines]
    assert (tmp_path / "out.csv").read_text().splitlines() == online


def test_typed_json_and_csv_text_are_the_same_to_the_model(shared_suite, data_rows, singles):
    """Numbers as numbers, dates with another spelling: scores and contributions keep their bits."""

    def core(answer):
        parts = [(r["feature"], r["contribution"], r["delta_score"]) for r in answer["reasons"]]
        return answer["score"], answer["decision"], parts

    for row, single in list(zip(data_rows, singles))[:200]:
        typed = rows.from_csv(row)
        typed["create_dt"] = typed["create_dt"].replace(" ", "T") + "Z"
        assert core(shared_suite.score(typed, "?top_k=50")) == core(json.loads(single))


def test_golden_margins_are_served(shared_suite, trained):
    """What XGBoost said at training time is what the worker says, in the digits of a float32."""
    import numpy as np

    with open(trained[0].path / "artifacts" / "golden.csv", encoding="utf-8", newline="") as file:
        golden = list(csv.DictReader(file))
    assert len(golden) == 64
    for row in golden:
        margin = np.float32(row["@margin"])
        body = {name: text for name, text in row.items() if name[0] != "@" and text != ""}
        score = np.float32(shared_suite.score(body)["score"])
        sigmoid = 1 / (1 + np.exp(-np.float64(margin)))
        assert abs(score - sigmoid) <= 2 * np.spacing(np.float32(sigmoid)), row


# --- the database ---


@pytest.fixture(scope="module")
def database(postgres, bin_dir):
    url = postgres.database("same")
    models.run(bin_dir / "fraudctl", "migrate", "--database", url)
    models.run(bin_dir / "fraudctl", "demo", "--database", url, "--rows", 12_000, "--seed", 9,
               "--until", UNTIL, "--quiet")  # fmt: skip
    return url


@pytest.fixture(scope="module")
def window_csv(database, tmp_path_factory):
    """The training window as PostgreSQL itself writes it."""
    query = (models.SOURCE / "sql" / "queries" / "training_window.sql").read_text()
    for name, value in (("from", FIRST), ("until", UNTIL), ("labels_until", UNTIL)):
        query = query.replace(f":'{name}'", f"'{value}'")
    path = tmp_path_factory.mktemp("window") / "window.csv"
    with psycopg.connect(database) as connection, open(path, "wb") as file:
        connection.execute("set timezone = 'UTC'")
        with connection.cursor().copy(f"copy ({query}) to stdout (format csv, header)") as copy:
            for data in copy:
                file.write(data)
    return path


RUN = "run.json"  # the account of a training: when, how long, from where


def files_of(version):
    """All that makes a version; the account is none of it."""
    return {
        path.relative_to(version.path): path.read_bytes()
        for path in sorted(version.path.rglob("*"))
        if path.is_file() and path.name != RUN
    }


def figures_of(version):
    """Those of the account, without the clock."""
    account = json.loads((version.path / RUN).read_text())
    return [(m["key"], m["value"], m["step"]) for m in account["metrics"]
            if m["key"] != "duration_seconds"]  # fmt: skip


def train_from_database(bin_dir, folder, url, version="20261101-120000"):
    config = folder / "fraudd.yaml"
    folder.mkdir()
    config.write_text(f"database:\n  url: {json.dumps(url)}\n")
    source = ("--from-database", "--from", FIRST, "--until", UNTIL, "--config", config)
    return models.train(bin_dir, folder, source, version)


def test_training_from_csv_and_database_gives_the_same_bytes(bin_dir, database, window_csv, tmp_path):
    from_database = train_from_database(bin_dir, tmp_path / "db", database)
    from_csv = models.train(bin_dir, tmp_path / "csv", ("--data", window_csv), from_database.name)
    a, b = files_of(from_database), files_of(from_csv)
    assert a.keys() == b.keys()
    different = [str(path) for path in a if a[path] != b[path]]
    assert not different, f"{different} differ"


def test_a_model_trained_from_the_database_is_served_alike(
    bin_dir, database, window_csv, make_suite, tmp_path
):
    """Database row -> model; the same rows as JSON and as CSV -> the same scores."""
    version = train_from_database(bin_dir, tmp_path / "db", database)
    suite = make_suite()
    models.install(suite, version, "production")
    suite.start()
    with open(window_csv, encoding="utf-8", newline="") as file:
        data = list(csv.DictReader(file))[-300:]
    for row in data:
        del row["label"]
    bodies = [{n: t for n, t in row.items() if t != ""} for row in data]
    batch = suite.post("/score/batch?top_k=50", {"transactions": bodies})
    upload = suite.upload(table(data), "?top_k=50")
    assert results_of(batch.body) == results_of(upload.body)


def test_the_loader_verifies_what_was_trained_from_the_database(bin_dir, database, tmp_path):
    version = train_from_database(bin_dir, tmp_path / "db", database)
    done = models.run(bin_dir / "fraud-loader", "--compile", "--bundle", version.path)
    assert "verified golden" in done.stdout


# --- determinism ---


@pytest.mark.parametrize("method", ["exact", "hist"])
def test_training_twice_gives_the_same_bytes(bin_dir, data_csv, tmp_path, method):
    """With any number of threads."""

    def train(folder, threads):
        settings = {"train.tree_method": method, "train.threads": threads}
        return models.train(bin_dir, tmp_path / folder, ("--data", data_csv), "20261101-000001",
                            **settings)  # fmt: skip

    one, two = train("one", 1), train("two", 2)
    assert files_of(one) == files_of(two)
    assert figures_of(one) == figures_of(two)


def test_another_seed_gives_another_model(bin_dir, data_csv, tmp_path, trained):
    other = models.train(bin_dir, tmp_path, ("--data", data_csv), trained[0].name,
                         **{"train.seed": 43})  # fmt: skip
    assert files_of(other)[other.path.joinpath("model.ubj").relative_to(other.path)] != (
        trained[0].path / "model.ubj"
    ).read_bytes()


def test_version_is_the_only_thing_that_the_clock_sets(bin_dir, data_csv, tmp_path, trained):
    """Without --version: the same model under a name that is the time."""
    source = ["--data", data_csv, "--program", models.PROGRAM, "--models", tmp_path,
              "--name", "fraud", "--json", "--quiet", "--set", "train.rounds=40",
              "--set", "train.bootstrap=10", "--set", "train.fpr_cap=0.002",
              "--set", "train.tree_method=exact"]  # fmt: skip
    done = subprocess.run([bin_dir / "fraud-train", "train", *source], capture_output=True,
                          text=True, env=suites.environment(), timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert re.fullmatch(r"\d{8}-\d{6}", made["model_version"])
    assert (tmp_path / "fraud" / made["model_version"] / "model.ubj").read_bytes() == (
        trained[0].path / "model.ubj"
    ).read_bytes()


def test_reading_the_answers_of_this_file_is_not_the_fault():
    """results_of() itself."""
    body = json.dumps({"count": 2, "results": [{"a": "}]{", "b": [{"c": 1}]}, {"d": '"'}]}).encode()
    body = body.replace(b'"results": ', b'"results":')
    assert [json.loads(one) for one in results_of(body)] == json.loads(body)["results"]
    assert list(csv.reader(io.StringIO(as_text({"a": 'x"y', "b": ""})))) == [['x"y', ""]]
