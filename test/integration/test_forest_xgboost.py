"""lib/forest against XGBoost: models trained here by XGBoost 3 and by Debian's libxgboost 1.7.4
must give the same margins bit for bit, and the same SHAP values but for rounding, read from JSON
and from UBJSON.

The C side is the test tool forest_eval; FRAUDD_BUILD_DIR names the build folder."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import xgboost

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("FRAUDD_BUILD_DIR", HERE.parents[1] / "build" / "dev"))
FOREST_EVAL = BUILD / "test" / "forest_eval"
LIBXGBOOST = HERE / "forest_libxgboost.py"

ROWS = 20_000
EXPLAINED = 500
TRAINED_ON = 4_000


# ---- data ----


def features(width, missing=0.1, seed=1):
    """Rows to train on and rows to predict, float32, NaN where missing."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(TRAINED_ON + ROWS, width)).astype(np.float32)
    x[:, ::3] = np.round(x[:, ::3], 1)
    x[:, 1::5] = np.exp(3 * x[:, 1::5])
    x[random.random(x.shape) < missing] = np.nan
    return x[:TRAINED_ON], x[TRAINED_ON:]


def labels(x, seed=2, positive=0.5):
    random = np.random.default_rng(seed)
    known = np.nan_to_num(x.astype(np.float64), nan=0.7)
    known = np.clip(known, -3, 3)
    score = known[:, 0] - known[:, 1] * known[:, 2] + 0.5 * random.normal(size=len(x))
    return (score > np.quantile(score, 1 - positive)).astype(np.float32)


def at_thresholds(booster, rows, seed=3):
    """Half the rows get values that are thresholds of the model: where < and <= differ."""
    random = np.random.default_rng(seed)
    rows = rows.copy()
    by_feature = {}
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    for tree in model.get("gbtree", model)["model"]["trees"]:
        for left, feature, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"]
        ):
            if left != -1:
                by_feature.setdefault(feature, []).append(value)
    for feature, values in by_feature.items():
        chosen = random.random(len(rows)) < 0.5
        rows[chosen, feature] = random.choice(np.float32(values), chosen.sum())
    return rows


# ---- the C side ----


@dataclasses.dataclass
class Answer:
    """Of our evaluation, or of XGBoost's."""

    margins: np.ndarray
    contributions: np.ndarray
    scores: np.ndarray = None


def evaluate(folder, model, rows, which="all", explained=EXPLAINED):
    paths = [folder / name for name in ("rows", "margins", "scores", "contributions")]
    rows.astype(np.float32).tofile(paths[0])
    done = subprocess.run(
        [FOREST_EVAL, model, which, *paths[:3], str(explained), paths[3]],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return Answer(
        margins=np.fromfile(paths[1], np.float32),
        contributions=np.fromfile(paths[3], np.float64).reshape(explained, rows.shape[1] + 1),
        scores=np.fromfile(paths[2], np.float32),
    )


def refusal(folder, model):
    """Why the importer refuses a model."""
    (folder / "rows").write_bytes(b"")
    done = subprocess.run(
        [FOREST_EVAL, model, "all", folder / "rows", *[os.devnull] * 2, "0", os.devnull],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


def assert_same_bits(what, ours, theirs):
    theirs = theirs.astype(np.float32).ravel()
    different = ours.view(np.uint32) != theirs.view(np.uint32)
    row = np.argmax(different)
    assert not different.any(), (
        f"{different.sum()} of {len(ours)} {what} differ, first in row {row}: "
        f"{ours[row]!r}, XGBoost says {theirs[row]!r}"
    )


def assert_equal(ours, theirs):
    assert_same_bits("margins", ours.margins, theirs.margins)
    if theirs.scores is not None:
        assert_same_bits("scores", ours.scores, theirs.scores)
    explained = ours.margins[: len(ours.contributions)].astype(np.float64)
    allowed = 1e-5 * np.maximum(1, np.abs(explained))
    error = np.abs(ours.contributions - theirs.contributions) / allowed[:, None]
    assert error.max() <= 1, f"a contribution is {error.max():.3g} tolerances off"
    total = np.abs(ours.contributions.sum(axis=1) - explained) / allowed
    assert total.max() <= 1, f"a sum of contributions is {total.max():.3g} tolerances off"


def predict(booster, rows, types=None, trees=(0, 0)):
    """What XGBoost says, for every row and for the ones that are explained."""
    data = xgboost.DMatrix(rows, feature_types=types, enable_categorical=True)
    some = xgboost.DMatrix(rows[:EXPLAINED], feature_types=types, enable_categorical=True)
    raw = "logitraw" in booster.save_config()
    return Answer(
        margins=booster.predict(data, output_margin=True, iteration_range=trees),
        contributions=booster.predict(some, pred_contribs=True, iteration_range=trees),
        scores=None if raw else booster.predict(data, iteration_range=trees),
    )


def assert_same_as_xgboost(folder, booster, rows, types=None, which="all", trees=(0, 0)):
    expected = predict(booster, rows, types, trees)
    for name in ("model.json", "model.ubj"):
        booster.save_model(folder / name)
        assert_equal(evaluate(folder, folder / name, rows, which), expected)


def train(params, x, y, rounds=60, **more):
    params = {"objective": "binary:logistic", "seed": 7, "nthread": 1, "eta": 0.2, **params}
    return xgboost.train(params, xgboost.DMatrix(x, y), rounds, **more)


# ---- XGBoost 3 ----

BOOSTERS = {
    "plain": {"max_depth": 6},
    "exact": {"max_depth": 5, "tree_method": "exact"},
    "deep": {"max_depth": 14, "min_child_weight": 0},
    "lossguide": {"max_depth": 0, "max_leaves": 40, "grow_policy": "lossguide"},
    "single leaves": {"gamma": 1e9},
    "pruned": {"max_depth": 6, "gamma": 2, "tree_method": "exact"},
    "base_score": {"base_score": 0.013},
    "logitraw": {"objective": "binary:logitraw", "base_score": 0.3},
    "weighted": {"scale_pos_weight": 20, "max_depth": 4},
    "monotone": {"monotone_constraints": "(1,-1,0)", "max_depth": 5},
    "dart": {"booster": "dart", "rate_drop": 0.2, "skip_drop": 0.3, "max_depth": 5},
    "dart forest": {"booster": "dart", "normalize_type": "forest", "one_drop": 1, "max_depth": 4},
}


@pytest.mark.parametrize("name", BOOSTERS)
def test_trained_by_xgboost_3(tmp_path, name):
    x, rows = features(30)
    booster = train(BOOSTERS[name], x, labels(x))
    assert_same_as_xgboost(tmp_path, booster, at_thresholds(booster, rows))


def test_regression(tmp_path):
    x, rows = features(20)
    y = 1 / (1 + np.exp(-np.nan_to_num(np.clip(x[:, 0] - x[:, 1], -3, 3))))
    booster = train({"objective": "reg:logistic", "max_depth": 6}, x, y.astype(np.float32))
    assert_same_as_xgboost(tmp_path, booster, at_thresholds(booster, rows))


def test_wide(tmp_path):
    x, rows = features(400, missing=0.3)
    booster = train({"max_depth": 6, "colsample_bytree": 0.3}, x, labels(x), rounds=100)
    assert_same_as_xgboost(tmp_path, booster, at_thresholds(booster, rows))


def test_rare_positives_estimate_the_base_score(tmp_path):
    x, rows = features(12, missing=0)
    booster = train({"max_depth": 3}, x, labels(x, positive=0.004))
    score = json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"]
    assert float(score.strip("[]")) < 0.01
    assert_same_as_xgboost(tmp_path, booster, rows)


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_kind(tmp_path, label):
    """Since 3.2 base_score may be 0 or 1; it is cut to what has log-odds."""
    x, rows = features(5)
    booster = train({"max_depth": 2}, x, np.full(len(x), label, np.float32), rounds=5)
    assert_same_as_xgboost(tmp_path, booster, rows)


@pytest.mark.parametrize("rounds,parallel", [(1, 50), (6, 10)])
def test_random_forest(tmp_path, rounds, parallel):
    x, rows = features(15)
    params = {"num_parallel_tree": parallel, "subsample": 0.6, "colsample_bynode": 0.5, "eta": 1}
    booster = train(params, x, labels(x), rounds)
    assert_same_as_xgboost(tmp_path, booster, at_thresholds(booster, rows))


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("which", ["best", "all"])
def test_best_iteration(tmp_path, which, parallel):
    x, rows = features(10)
    noisy = labels(x)
    wrong = np.random.default_rng(5).random(len(noisy)) < 0.3
    noisy[wrong] = 1 - noisy[wrong]
    held_out = xgboost.DMatrix(rows[:2000], labels(rows[:2000]))
    booster = train(
        {"max_depth": 8, "eta": 0.5, "num_parallel_tree": parallel},
        x,
        noisy,
        evals=[(held_out, "held_out")],
        early_stopping_rounds=8,
        verbose_eval=False,
    )
    assert booster.best_iteration < booster.num_boosted_rounds() - 1
    trees = (0, booster.best_iteration + 1) if which == "best" else (0, 0)
    assert_same_as_xgboost(tmp_path, booster, rows, which=which, trees=trees)


def categories(seed=4):
    """Two numbers, then codes of 4, 40 and 300 categories, some missing, some never trained on."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(TRAINED_ON + ROWS, 5)).astype(np.float32)
    for column, n in ((2, 4), (3, 40), (4, 300)):
        x[:, column] = random.integers(0, n, len(x))
    x[random.random(x.shape) < 0.05] = np.nan
    known, rows = x[:TRAINED_ON], x[TRAINED_ON:]
    rows[random.random(ROWS) < 0.02, 3] = 41
    rows[random.random(ROWS) < 0.02, 4] = 70_000
    y = known[:, 0] + np.isin(known[:, 3], [1, 5, 9, 30]) - (known[:, 2] == 2) > 0.3
    return known, y.astype(np.float32), rows, ["q", "q", "c", "c", "c"]


@pytest.mark.parametrize("onehot", [1, 10, 1000])
def test_categorical(tmp_path, onehot):
    x, y, rows, types = categories()
    data = xgboost.DMatrix(x, y, feature_types=types, enable_categorical=True)
    params = {"objective": "binary:logistic", "max_cat_to_onehot": onehot, "max_depth": 6}
    booster = xgboost.train(params, data, 60)
    assert_same_as_xgboost(tmp_path, booster, rows, types)


def frame(x, named):
    pandas = pytest.importorskip("pandas")
    codes = np.nan_to_num(x[:, 2]).astype(int)
    table = pandas.DataFrame({"amount": x[:, 0], "kind": pandas.Categorical(codes)})
    if named:
        table["kind"] = table["kind"].cat.rename_categories(["card", "cash", "loan", "wire"])
    return table


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_data_frame_whose_categories_are_codes(tmp_path, suffix):
    x, y, _, _ = categories()
    table = frame(x, named=False)
    data = xgboost.DMatrix(table, y, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4}, data, 20)
    booster.save_model(tmp_path / f"model.{suffix}")
    codes = np.stack([table["amount"], table["kind"].cat.codes], axis=1).astype(np.float32)
    some = xgboost.DMatrix(table[:EXPLAINED], enable_categorical=True)
    expected = Answer(
        margins=booster.predict(data, output_margin=True),
        contributions=booster.predict(some, pred_contribs=True),
        scores=booster.predict(data),
    )
    assert_equal(evaluate(tmp_path, tmp_path / f"model.{suffix}", codes), expected)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_data_frame_with_named_categories_is_refused(tmp_path, suffix):
    x, y, _, _ = categories()
    data = xgboost.DMatrix(frame(x, named=True), y, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic"}, data, 3)
    booster.save_model(tmp_path / f"model.{suffix}")
    assert 'feature "kind" has named categories' in refusal(tmp_path, tmp_path / f"model.{suffix}")


REFUSED = {
    "linear": ({"booster": "gblinear"}, 'booster "gblinear"'),
    "poisson": ({"objective": "count:poisson"}, 'objective "count:poisson"'),
    "squared error": ({"objective": "reg:squarederror"}, 'objective "reg:squarederror"'),
    "classes": ({"objective": "multi:softprob", "num_class": 3}, 'objective "multi:softprob"'),
    "vector leaves": (
        {"objective": "binary:logistic", "multi_strategy": "multi_output_tree"},
        "leaves are vectors",
    ),
    "targets": ({"objective": "binary:logistic"}, "targets"),
}


@pytest.mark.parametrize("suffix", ["json", "ubj"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_served_is_refused_by_name(tmp_path, name, suffix):
    params, words = REFUSED[name]
    x, _ = features(6, missing=0)
    y = labels(x)
    if name == "classes":
        y = np.arange(len(x)) % 3
    if name in ("vector leaves", "targets"):
        y = np.stack([y, 1 - y], axis=1)
    booster = train(params, x, y, rounds=2)
    booster.save_model(tmp_path / f"model.{suffix}")
    assert words in refusal(tmp_path, tmp_path / f"model.{suffix}")


def test_what_is_no_model_is_refused(tmp_path):
    for text, words in ((b"", "empty"), (b"binf\0\0\0\0", "old binary format"), (b"PK", "neither")):
        (tmp_path / "model").write_bytes(text)
        assert words in refusal(tmp_path, tmp_path / "model")


# ---- libxgboost 1.7.4 ----

OLD_BOOSTERS = {
    "plain": {"max_depth": 6},
    "hist": {"max_depth": 6, "tree_method": "hist"},
    "deep": {"max_depth": 10},
    "base_score": {"base_score": 0.02},
    "logitraw": {"objective": "binary:logitraw", "base_score": 0.3},
    "regression": {"objective": "reg:logistic"},
    "dart": {"booster": "dart", "rate_drop": 0.2, "max_depth": 5},
    "forest": {"num_parallel_tree": 10, "subsample": 0.6, "rounds": 6},
}


def run_libxgboost(folder, params, x, y, rows, types=None):
    """Train, predict and explain in a process of its own: the library does not share one with
    another version of itself."""
    for name, array in (("x", x), ("y", y), ("rows", rows)):
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    rounds = params.pop("rounds", 60)
    job = {"params": params, "rounds": rounds, "explained": EXPLAINED, "types": types}
    (folder / "job.json").write_text(json.dumps(job))
    done = subprocess.run(
        [sys.executable, LIBXGBOOST, folder], capture_output=True, text=True
    )
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return Answer(np.load(folder / "margins.npy"), np.load(folder / "contributions.npy"))


@pytest.mark.parametrize("name", OLD_BOOSTERS)
def test_trained_by_libxgboost(tmp_path, name):
    x, rows = features(25)
    params = {"objective": "binary:logistic", "nthread": 1, **OLD_BOOSTERS[name]}
    expected = run_libxgboost(tmp_path, params, x, labels(x), rows)
    for suffix in ("json", "ubj"):
        assert_equal(evaluate(tmp_path, tmp_path / f"model.{suffix}", rows), expected)


def test_categorical_trained_by_libxgboost(tmp_path):
    x, y, rows, types = categories()
    params = {"objective": "binary:logistic", "tree_method": "hist", "max_cat_to_onehot": 8}
    expected = run_libxgboost(tmp_path, params, x, y, rows, types)
    for suffix in ("json", "ubj"):
        assert_equal(evaluate(tmp_path, tmp_path / f"model.{suffix}", rows), expected)
