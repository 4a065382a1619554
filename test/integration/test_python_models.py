"""Models trained by Python's XGBoost 3, logged without artifacts, served by the suite: scores bit
for bit as Python predicts them, contributions within 1e-5 * max(1, |margin|).

The margin is no member of an answer; its bits are compared in test_forest_xgboost.py."""

import csv
import ctypes
import io

import models
import numpy as np
import pytest
import xgboost

ROWS = 400


def train(x, y, names=None, rounds=40, types=None, **params):
    params = {"objective": "binary:logistic", "max_depth": 5, "seed": 3, "nthread": 2} | params
    data = xgboost.DMatrix(x, y, feature_names=names or models.columns(x.shape[1]),
                           feature_types=types, enable_categorical=types is not None)  # fmt: skip
    return xgboost.train(params, data, rounds)


def plain_case(width=12, missing=0.1, **params):
    x = models.random_rows(3000, width, missing)
    return train(x, models.random_labels(x), **params), models.random_rows(ROWS, width, missing, 9)


def regression():
    x = models.random_rows(3000, 10)
    y = 1 / (1 + np.exp(-np.nan_to_num(np.clip(x[:, 0] - x[:, 1], -3, 3))))
    booster = train(x, y.astype(np.float32), objective="reg:logistic")
    return booster, models.random_rows(ROWS, 10, seed=9)


def categorical():
    """Codes of categories as numbers; the booster knows which columns are categories."""
    generator = np.random.default_rng(4)
    x = models.random_rows(3000, 6)
    x[:, 4] = generator.integers(0, 12, len(x))
    x[:, 5] = generator.integers(0, 3, len(x))
    x[generator.random(len(x)) < 0.1, 4] = np.nan
    y = (np.isin(x[:, 4], [1, 5, 7]) ^ (generator.random(len(x)) < 0.2)).astype(np.float32)
    types = ["float"] * 4 + ["c"] * 2
    booster = train(x, y, types=types, tree_method="hist", max_cat_to_onehot=4)
    rows = models.random_rows(ROWS, 6, seed=9)
    rows[:, 4] = generator.integers(0, 12, ROWS)
    rows[:, 5] = generator.integers(0, 3, ROWS)
    rows[generator.random(ROWS) < 0.1, 4] = np.nan
    return booster, rows


CASES = {
    "binary": plain_case,
    "missing values": lambda: plain_case(missing=0.6),
    "regression": regression,
    "wide": lambda: plain_case(width=300),
    "categorical": categorical,
    "dart": lambda: plain_case(booster="dart", rate_drop=0.2, skip_drop=0.3),
    "logitraw": lambda: plain_case(objective="binary:logitraw", base_score=0.3),
    "base score": lambda: plain_case(base_score=0.013),
    "approx": lambda: plain_case(tree_method="approx"),
    "lossguide": lambda: plain_case(grow_policy="lossguide", max_leaves=40, max_depth=0),
    "one column": lambda: plain_case(width=3, max_depth=2, rounds=3),
}


def expected(booster, rows):
    """Scores, margins, contributions as Python has them."""
    data = xgboost.DMatrix(rows, feature_names=booster.feature_names,
                           feature_types=booster.feature_types, enable_categorical=True)  # fmt: skip
    margins = booster.predict(data, output_margin=True).astype(np.float32)
    scores = booster.predict(data)
    if (scores == margins).all():  # of binary:logitraw, whose score is a probability here
        scores = float_sigmoid(margins)
    return scores, margins, booster.predict(data, pred_contribs=True).astype(np.float64)


def float_sigmoid(margins):
    """As XGBoost computes it: in float32, by the C library's expf."""
    libm = ctypes.CDLL("libm.so.6")
    libm.expf.restype, libm.expf.argtypes = ctypes.c_float, [ctypes.c_float]
    one = np.float32(1)
    return np.array([one / (np.float32(libm.expf(-m)) + one) for m in margins], np.float32)


@pytest.fixture(scope="module")
def served(bin_dir):
    """One suite that serves one after another."""
    import suite as suites

    one = suites.Suite(bin_dir, {"models": {"default_threshold_low": 0.3,
                                            "default_threshold_high": 0.6}})  # fmt: skip
    (one.models / models.NAME).mkdir()
    one.start(ready=False)
    yield one
    one.close()


def serve(suite, name, booster):
    version = models.plain(suite.models / models.NAME, name.replace(" ", "-"), booster)
    models.set_alias(suite, version.name)
    answer = suite.wait(lambda: suite.post("/reload"), "an answer")
    assert answer.status == 200, answer
    return version


def body_of(names, row, **more):
    """Missing values in all their spellings: absent, null."""
    body = {n: float(v) for n, v in zip(names, row) if not np.isnan(v)}
    missing = [n for n, v in zip(names, row) if np.isnan(v)]
    return body | {n: None for n in missing[::2]} | more


@pytest.mark.parametrize("name", CASES)
def test_served_as_python_predicts(served, bin_dir, tmp_path, name):
    booster, rows = CASES[name]()
    version = serve(served, name, booster)
    scores, margins, contributions = expected(booster, rows)
    names = booster.feature_names
    batch = served.post("/score/batch?top_k=50", {"transactions": [body_of(names, r) for r in rows]})
    assert batch.status == 200, batch
    body = batch.json()
    assert body["model_version"] == version.name
    for i, result in enumerate(body["results"]):
        assert np.float32(result["score"]) == scores[i], (i, result["score"], scores[i])
        compare(result, margins[i], dict(zip(names, contributions[i])), f"row {i}")
    assert served.get("/health").json()["verified"] == "self"
    compare_offline(bin_dir, tmp_path, version, names, rows, body["results"])


def compare(result, margin, contributions, where):
    allowed = 1e-5 * max(1, abs(float(margin)))
    for reason in result["reasons"]:
        off = abs(reason["contribution"] - contributions[reason["feature"]])
        assert off <= allowed, (where, reason)
    told = {reason["feature"] for reason in result["reasons"]}
    largest = sorted((v, k) for k, v in contributions.items() if v > 2 * allowed)[::-1]
    assert {k for _, k in largest[:20]} <= told, f"{where}: a large contribution is not told"


def compare_offline(bin_dir, tmp_path, version, names, rows, results):
    """fraudctl score says the digits that the workers say."""
    path = tmp_path / "rows.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow("" if np.isnan(v) else repr(float(v)) for v in row)
    done = models.run(bin_dir / "fraudctl", "score", "--bundle", version.path, "--in", path,
                      "--out", "-", "--top-k", 2, "--quiet")  # fmt: skip
    for line, result in zip(csv.DictReader(io.StringIO(done.stdout)), results, strict=True):
        assert float(line["score"]) == result["score"]
        for i, reason in enumerate(result["reasons"][:2], 1):
            assert line[f"reason_{i}"] == reason["feature"]
            assert float(line[f"contribution_{i}"]) == reason["contribution"]


def test_what_a_model_without_artifacts_takes(served):
    booster, rows = plain_case(width=4)
    serve(served, "plain", booster)
    names = booster.feature_names
    row = body_of(names, np.nan_to_num(rows[0]))
    plain = served.score(row)
    assert "transaction_seq" not in plain
    assert (plain["threshold_low"], plain["threshold_high"]) == (0.3, 0.6), "from settings"
    assert all(reason["zscore"] is None for reason in plain["reasons"])
    keyed = served.score(row | {"transaction_seq": 17})
    assert keyed == {"transaction_seq": 17} | plain
    assert served.score({}) == served.score({name: None for name in names})
    text = served.score({name: str(value) for name, value in row.items()})
    assert [r["contribution"] for r in text["reasons"]] == [
        r["contribution"] for r in plain["reasons"]
    ]
    bad = served.post("/score", {names[0]: "x"})
    assert bad.status == 422 and bad.json()["detail"][0]["loc"] == ["body", names[0]]


REFUSED = {
    "multi:softprob": {"objective": "multi:softprob", "num_class": 3},
    "reg:squarederror": {"objective": "reg:squarederror"},
    "rank:pairwise": {"objective": "rank:pairwise"},
    "count:poisson": {"objective": "count:poisson"},
    "gblinear": {"booster": "gblinear"},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_other_objectives_are_refused_by_name(served, name):
    x = models.random_rows(200, 4, missing=0)
    labels = np.arange(200) % 3 if "num_class" in REFUSED[name] else models.random_labels(x)
    booster = train(x, labels, rounds=3, **REFUSED[name])
    models.plain(served.models / models.NAME, "refused-" + name.replace(":", "-"), booster)
    answer = served.post("/reload?version=refused-" + name.replace(":", "-"))
    assert answer.status == 409 and name in answer.json()["detail"], answer


def test_best_iteration_is_served(served, bin_dir):
    """Early stopping: the trees up to the best one, unless all are asked for."""
    x = models.random_rows(2000, 6)
    y = models.random_labels(x)
    data = xgboost.DMatrix(x[:1500], y[:1500], feature_names=models.columns(6))
    held = xgboost.DMatrix(x[1500:], y[1500:], feature_names=models.columns(6))
    params = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.5, "seed": 1}
    booster = xgboost.train(params, data, 80, evals=[(held, "held")], early_stopping_rounds=10,
                            verbose_eval=False)  # fmt: skip
    best = booster.best_iteration + 1
    assert best < booster.num_boosted_rounds()
    serve(served, "early", booster)
    rows = models.random_rows(50, 6, missing=0, seed=9)
    matrix = xgboost.DMatrix(rows, feature_names=models.columns(6))
    for wanted, trees in (("best", best), ("all", booster.num_boosted_rounds())):
        served.write_settings(models={"trees": wanted})
        done = served.reload()
        assert done.returncode == 0, done.stderr
        scores = booster.predict(matrix, iteration_range=(0, trees))
        bodies = [body_of(models.columns(6), row) for row in rows]
        results = served.post("/score/batch", {"transactions": bodies}).json()["results"]
        assert [np.float32(result["score"]) for result in results] == list(scores)
    served.write_settings(models={"trees": "best"})
    assert served.reload().returncode == 0
