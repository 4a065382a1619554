"""Model versions to serve: trained by fraud-train on demo data, or logged from Python by XGBoost.
And the registry of a suite: version folders and alias files."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import suite as suites
import xgboost

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = SOURCE / "config" / "features.yaml"
NAME = "fraud"


@dataclasses.dataclass
class Version:
    path: pathlib.Path

    @property
    def name(self):
        return self.path.name

    def thresholds(self):
        """(low, high) as every answer of this version must show them."""
        text = (self.path / "artifacts" / "thresholds.yaml").read_text()
        lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        return float(lines["threshold_low"]), float(lines["threshold_high"])


def run(*command, check=True):
    command = [str(word) for word in command]
    done = subprocess.run(
        command, capture_output=True, text=True, env=suites.environment(), timeout=600
    )
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stderr}"
    return done


def demo_csv(bin_dir, path, rows, seed=3):
    run(bin_dir / "fraudctl", "demo", "--csv", path, "--rows", rows, "--seed", seed,
        "--until", "2026-11-01", "--quiet")  # fmt: skip
    return path


def train(bin_dir, folder, source, version, **settings):
    """source: what tells fraud-train where its rows are, e.g. ("--data", path)."""
    quick = {"train.tree_method": "hist", "train.rounds": 40, "train.bootstrap": 10}
    settings = quick | {"train.fpr_cap": 0.002} | settings
    words = [word for item in settings.items() for word in ("--set", "%s=%s" % item)]
    done = run(bin_dir / "fraud-train", "train", *source, "--program", PROGRAM, "--models", folder,
               "--name", NAME, "--version", version, "--json", "--quiet", *words)  # fmt: skip
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "trained", outcome
    return Version(pathlib.Path(outcome["path"]))


# --- a suite's registry ---


def install(suite, version, alias=None):
    """Copies a version into the suite's models folder, whole or not at all."""
    folder = suite.models / NAME
    (folder / "aliases").mkdir(parents=True, exist_ok=True)
    temporary = folder / f".copy-{version.name}"
    shutil.copytree(version.path, temporary)
    temporary.rename(folder / version.name)
    if alias:
        set_alias(suite, version.name, alias)
    return Version(folder / version.name)


def set_alias(suite, version, alias="production"):
    path = suite.models / NAME / "aliases" / alias
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{alias}")
    temporary.write_text(f"{version}\n")
    os.rename(temporary, path)


# --- Python's XGBoost ---


def plain(folder, version, booster):
    """A version as Python logs it: a model file and nothing else."""
    path = pathlib.Path(folder) / version
    path.mkdir(parents=True)
    booster.save_model(path / "model.ubj")
    return Version(path)


def columns(width):
    return [f"f{i}" for i in range(width)]


def random_rows(count, width, missing=0.1, seed=1):
    """float32, with ties, heavy tails and NaN where missing."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, width)).astype(np.float32)
    x[:, ::3] = np.round(x[:, ::3], 1)
    x[:, 1::5] = np.exp(2 * x[:, 1::5])
    x[generator.random(x.shape) < missing] = np.nan
    return x


def random_labels(x, seed=2):
    generator = np.random.default_rng(seed)
    known = np.clip(np.nan_to_num(x.astype(np.float64), nan=0.7), -3, 3)
    score = known[:, 0] - known[:, 1] * known[:, 2] + 0.5 * generator.normal(size=len(x))
    return (score > np.quantile(score, 0.7)).astype(np.float32)


def booster(width=8, rounds=30, rows=2000, seed=1, names=None, **params):
    """A small binary:logistic model over columns f0, f1, …"""
    x = random_rows(rows, width, seed=seed)
    params = {"objective": "binary:logistic", "max_depth": 4, "nthread": 2, "seed": seed} | params
    data = xgboost.DMatrix(x, random_labels(x), feature_names=names or columns(width))
    return xgboost.train(params, data, rounds)
