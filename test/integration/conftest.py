"""What the integration tests stand on: the programs of a build, demo data, trained versions, a
private PostgreSQL, and suites that are started for one test or shared by those that only ask.

FRAUDD_BUILD_DIR (build/dev) and FRAUDD_RELEASE_DIR (build/release) name the builds."""

import csv
import os
import pathlib
import time

import models
import postgres as clusters
import pytest
import retraining
import suite as suites

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEMO_ROWS = 20_000


def build_folder(variable, default):
    folder = pathlib.Path(os.environ.get(variable, SOURCE / "build" / default)).resolve()
    return folder / "bin"


@pytest.fixture(scope="session")
def bin_dir():
    """Programs of the dev preset, with sanitizers."""
    folder = build_folder("FRAUDD_BUILD_DIR", "dev")
    assert (folder / "fraudd").exists(), f"no programs in {folder}: scripts/test builds them"
    return folder


@pytest.fixture(scope="session")
def release_dir():
    """Programs of the release preset: what memory and time are promised for."""
    folder = build_folder("FRAUDD_RELEASE_DIR", "release")
    assert (folder / "fraudd").exists(), f"no programs in {folder}: scripts/test builds them"
    return folder


@pytest.fixture(scope="session")
def data_csv(bin_dir, tmp_path_factory):
    """Demo data with the column label."""
    return models.demo_csv(bin_dir, tmp_path_factory.mktemp("data") / "demo.csv", DEMO_ROWS)


@pytest.fixture(scope="session")
def data_rows(data_csv):
    """The newest of the demo data as dicts of text, without the label."""
    with open(data_csv, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[-3000:]
    for row in rows:
        del row["label"]
    return rows


@pytest.fixture(scope="session")
def trained(bin_dir, data_csv, tmp_path_factory):
    """Two versions that differ in scores and in both thresholds."""
    folder = tmp_path_factory.mktemp("models")
    source = ("--data", data_csv)
    first = models.train(bin_dir, folder, source, "20261101-000001",
                         **{"train.tree_method": "exact"})  # fmt: skip
    second = models.train(bin_dir, folder, source, "20261102-000002",
                          **{"train.seed": 7, "train.rounds": 25, "train.eta": 0.2,
                             "train.fpr_cap": 0.001, "train.recall_tgt": 0.9})  # fmt: skip
    assert all(a != b for a, b in zip(first.thresholds(), second.thresholds()))
    return first, second


@pytest.fixture(scope="session")
def postgres():
    cluster = clusters.Postgres().start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def window_database(bin_dir, postgres):
    """The name of a database to copy: a year of demo transactions with their labels."""
    name = "retrain_template"
    url = postgres.database(name)
    models.run(bin_dir / "fraudctl", "demo", "--database", url, "--rows", retraining.ROWS,
               "--seed", 5, "--until", retraining.END, "--quiet")  # fmt: skip
    return name


@pytest.fixture
def make_trainer(bin_dir, postgres, window_database):
    """make_trainer(): a host that trains, with a database of its own."""
    made = []

    def make():
        name = f"retrain_{time.monotonic_ns()}"
        made.append(retraining.Trainer(
            bin_dir, retraining.copy_database(postgres, window_database, name)))  # fmt: skip
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def make_suite(request, bin_dir):
    """make_suite(settings, bin_dir=…): a suite that is not started; it ends with the test."""
    made = []

    def make(settings=None, bin_dir=bin_dir):
        made.append(suites.Suite(bin_dir, settings))
        return made[-1]

    yield make
    close_all(request.node, made)


@pytest.fixture
def suite(make_suite, trained):
    """Two workers that serve the first version; the second lies beside it."""
    one = make_suite()
    for version in trained:
        models.install(one, version)
    models.set_alias(one, trained[0].name)
    return one.start()


@pytest.fixture(scope="session")
def shared_suite(request, bin_dir, trained):
    """As `suite`, but one for all tests that change nothing."""
    one = suites.Suite(bin_dir)
    models.install(one, trained[0], "production")
    yield one.start()
    close_all(request.node, [one])


def close_all(node, made):
    """Every suite ends, whatever another one says; a failed test shows their logs."""
    errors = []
    failed = getattr(node, "failed", False)
    for one in made:
        if failed:
            print(f"--- the log of {one.folder} ends ---\n{one.log()[-6000:]}")
        try:
            one.close()
        except AssertionError as error:
            errors.append(str(error))
    assert not errors, "\n".join(errors)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
    return report
