"""Better models without hands: the scheduler starts a retrain, its version wins, and two hosts that
share the database and the models folder serve it; a pin on one of them is named."""

import models
import pytest
import suite as suites
from retraining import WEAK

OLD = "20261001-000000"


@pytest.fixture
def hosts(make_suite, make_trainer):
    """Two suites, not started, and the trainer whose folder and database they have."""
    trainer = make_trainer()
    trainer.live(OLD, *WEAK, until="2026-10-15")

    def host(name, **more):
        settings = suites.merge(trainer.settings, {
            "services": "front, loader, scheduler",
            "host_name": name,
            "database": {"url": trainer.url},
            "front": {"workers": 1},
            "batch": {"interval_seconds": 1},
            "retrain": {"every_n_batches": 0},
            "promote": {"verify_seconds": 30},
        })  # fmt: skip
        del settings["runtime_dir"], settings["state_dir"]
        return make_suite(suites.merge(settings, more))

    return host("alpha"), host("beta"), trainer


def retrained(trainer):
    return [job for job in trainer.jobs() if job[0] not in ("running", "queued")]


def served(suite):
    return suite.status()["model"]["version"]


def test_retrain_without_hands(hosts):
    alpha, beta, trainer = hosts
    for suite in (alpha, beta):
        suite.write_settings(retrain={"every_n_batches": 1})
        suite.start()
    assert served(alpha) == served(beta) == OLD
    alpha.wait(lambda: retrained(trainer), "a retrain to end")
    status, message, version, detail = retrained(trainer)[0]
    assert (status, message) == ("succeeded", "promoted: higher PR-AUC"), message
    assert detail["comparison"]["winner"] == version != OLD
    assert detail["rollout"] == {"hosts": 2, "missing": 0, "missing_hosts": None, "here": None,
                                 "live_everywhere": True}  # fmt: skip
    # one host started it, both serve it or one that came after it
    assert served(alpha) >= version and served(beta) >= version
    history = trainer.sql("select host, model_version from model_live_history order by id")
    assert {("alpha", OLD), ("beta", OLD), ("alpha", version), ("beta", version)} <= set(history)
    assert trainer.one("select count(distinct host) from job_runs where kind = 'retrain'") == 1


def test_asked_for_and_one_host_is_pinned(hosts):
    alpha, beta, trainer = hosts
    for suite in (alpha, beta):
        suite.write_settings(promote={"verify_seconds": 2})
        suite.start()
    assert beta.reload("--version", OLD).returncode == 0  # pinned there
    done = alpha.ctl("job", "run", "retrain")
    assert done.returncode == 0, done.stderr
    alpha.wait(lambda: retrained(trainer), "the retrain to end")
    status, message, version, _ = retrained(trainer)[0]
    leader = trainer.one("select host from job_runs where kind = 'retrain'")
    assert status == "succeeded"
    if leader == "beta":  # the host that retrains is the pinned one
        assert message.startswith(f'pinned: version "{OLD}" is pinned on this host')
        assert models.Version(trainer.models / models.NAME / version).thresholds()
        assert served(alpha) == OLD
    else:
        assert message.endswith("live on 1 of 2 hosts, missing: beta")
        assert served(alpha) == version
    assert served(beta) == OLD
