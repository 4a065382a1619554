"""POST /reload and fraudctl reload, rollback, unpin: what they answer, and that a version that is
refused leaves the old one serving."""

import json
import os
import shutil

import models
import pytest
import rows


def live(suite):
    """What every worker serves; fails if they differ."""
    model = suite.status()["model"]
    assert model["workers_current"] == model["workers"] == suite.settings["front"]["workers"]
    return model["version"], model["generation"]


def test_unchanged_then_reloaded(suite, trained):
    first, second = trained
    version, generation = live(suite)
    answer = suite.post("/reload")
    assert answer.status == 200
    assert answer.json() | {"registry_version": None} == {
        "status": "unchanged",
        "model_version": first.name,
        "registry_version": None,
        "generation": generation,
        "workers": 2,
    }
    models.set_alias(suite, second.name)
    answer = suite.post("/reload").json()
    assert answer["status"] == "reloaded" and answer["model_version"] == second.name
    assert answer["workers"] == 2 and answer["generation"] > generation
    assert live(suite) == (second.name, answer["generation"])
    assert version == first.name


def test_answer_comes_when_every_worker_serves(suite, trained):
    """Never is the old version seen behind the answer, on any connection."""
    connections = [suite.connect() for _ in range(8)]
    for turn in range(6):
        wanted = trained[(turn + 1) % 2]
        models.set_alias(suite, wanted.name)
        generation = suite.post("/reload").json()["generation"]
        for connection in connections:
            answer = connection.request("POST", "/score", rows.ROW)
            assert answer.json()["model_version"] == wanted.name
            assert answer.field("X-Model-Generation") == str(generation)
    for connection in connections:
        connection.close()


def test_force_makes_a_new_generation(suite):
    _, generation = live(suite)
    answer = suite.post("/reload?force=true").json()
    assert answer["status"] == "reloaded" and answer["generation"] == generation + 1


def test_dry_run_changes_nothing(suite, trained):
    before = live(suite)
    models.set_alias(suite, trained[1].name)
    answer = suite.post("/reload?dry_run=true")
    assert answer.status == 200
    assert answer.json()["status"] == "verified"
    assert answer.json()["model_version"] == trained[1].name
    assert live(suite) == before
    done = suite.reload("--dry-run")
    assert done.returncode == 0 and trained[1].name in done.stdout
    assert live(suite) == before


def test_fraudctl_reload(suite, trained):
    done = suite.reload()
    assert (done.returncode, done.stderr) == (0, "") and "unchanged" in done.stdout
    models.set_alias(suite, trained[1].name)
    done = suite.reload("--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["model_version"] == trained[1].name
    assert live(suite)[0] == trained[1].name
    models.set_alias(suite, "20990101-000000")
    done = suite.reload()
    assert done.returncode == 1 and "20990101-000000" in done.stderr
    assert live(suite)[0] == trained[1].name


@pytest.mark.parametrize("query, loc", [("force=maybe", "force"), ("dry_run=2", "dry_run"),
                                        ("version=", "version"), ("version=" + "x" * 64, "version")])
def test_bad_query(shared_suite, query, loc):
    answer = shared_suite.post("/reload?" + query)
    assert answer.status == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["query", loc]]


@pytest.mark.parametrize("version", ["nothing", "../fraud", "aliases", ".hidden", "a/b"])
def test_versions_that_are_not_there(suite, version):
    before = live(suite)
    answer = suite.post("/reload?version=" + version.replace("/", "%2F"))
    assert answer.status == 409 and answer.json()["detail"]
    assert live(suite) == before
    assert "pinned" not in suite.get("/health").json()


# --- pins ---


def test_pin_and_unpin(suite, trained):
    first, second = trained
    answer = suite.post("/reload?version=" + second.name)
    assert answer.status == 200 and answer.json()["model_version"] == second.name
    health = suite.get("/health").json()
    assert health["pinned"] == health["model_version"] == second.name
    assert health["alias_version"] == first.name
    assert suite.status()["registry"]["pinned"] == second.name
    assert suite.post("/reload").json()["status"] == "unchanged", "a pin outlives a reload"
    assert suite.reload().returncode == 0
    assert live(suite)[0] == second.name
    done = suite.ctl("unpin")
    assert done.returncode == 0, done.stderr
    assert live(suite)[0] == first.name
    assert "pinned" not in suite.get("/health").json()


def test_a_pin_survives_restarts(suite, trained):
    second = trained[1]
    suite.post("/reload?version=" + second.name)
    loader = suite.kill("loader")
    suite.wait_replaced(loader)
    suite.post("/reload")
    assert live(suite)[0] == second.name
    suite.stop()
    suite.start()
    suite.wait_model(second.name)
    assert suite.get("/health").json()["pinned"] == second.name


def test_rollback(suite, trained):
    first, second = trained
    done = suite.ctl("rollback")
    assert done.returncode == 1 and "previous" in done.stderr, "there is nothing to go back to"
    models.set_alias(suite, first.name, "previous")
    models.set_alias(suite, second.name)
    suite.post("/reload")
    assert live(suite)[0] == second.name
    done = suite.ctl("rollback")
    assert done.returncode == 0, done.stderr
    assert live(suite)[0] == first.name
    assert suite.get("/health").json()["pinned"] == first.name
    assert (suite.models / "fraud" / "aliases" / "production").read_text().strip() == first.name


# --- versions that must not go live ---


def change(path, how):
    data = bytearray(path.read_bytes())
    how(data)
    path.write_bytes(bytes(data))


def flip(path, at=0.5):
    def one(data):
        data[int(len(data) * at)] ^= 0x10

    change(path, one)


def resign(folder):
    """Puts the digests of the files as they are into the manifest: the digests are then right, and
    what lies behind them must catch the fault."""
    import hashlib

    path = folder / "artifacts" / "manifest.json"
    manifest = json.loads(path.read_text())
    key = next(key for key, value in manifest.items() if isinstance(value, dict)
               and "model.ubj" in value)  # fmt: skip
    for name in manifest[key]:
        manifest[key][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest))


def signed(spoil):
    def both(folder):
        spoil(folder)
        resign(folder)

    return both


def swap_text(name, old, new):
    def one(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return one


def truncate(name, size):
    return lambda folder: os.truncate(folder / name, size)


def golden_margin(folder):
    """One margin of the golden rows off by very little."""
    path = folder / "artifacts" / "golden.csv"
    head, first, *rest = path.read_text().splitlines()
    at = head.split(",").index("@margin")
    fields = first.split(",")
    fields[at] = str(float(fields[at]) + 1e-5)
    path.write_text("\n".join([head, ",".join(fields), *rest]) + "\n")


def a_link(folder):
    (folder / "model.ubj").rename(folder / "elsewhere")
    (folder / "model.ubj").symlink_to("elsewhere")


def trouble(suite):
    """What /health says if the registry is in trouble. A worker hears of it by a message, which may
    come behind the answer that another worker gave."""
    answer = suite.get("/health", operator=True)
    assert answer.status == 200
    return answer.json() if "last_error" in answer.json()["registry"] else None


# What is spoilt, and a word that the answer must have.
SPOILT = {
    "model cut": (truncate("model.ubj", 5000), "model.ubj"),
    "model empty": (truncate("model.ubj", 0), "model.ubj"),
    "a bit of the model": (lambda folder: flip(folder / "model.ubj"), "model.ubj"),
    "no model": (lambda folder: (folder / "model.ubj").unlink(), "model.ubj"),
    "model is a link": (a_link, "model.ubj"),
    "model cut, digest right": (signed(truncate("model.ubj", 5000)), "model.ubj"),
    "no program": (lambda folder: (folder / "artifacts/features.yaml").unlink(), "features.yaml"),
    "program no YAML, digest right":
        (signed(lambda folder: (folder / "artifacts/features.yaml").write_text("a: [")),
         "features.yaml"),
    "an operator unknown, digest right":
        (signed(swap_text("artifacts/features.yaml", "op: is_night", "op: is_day")), "is_day"),
    "a feature missing, digest right":
        (signed(swap_text("artifacts/features.yaml",
                          "  - { name: country_code, op: category, of: country_code }\n", "")),
         "country_code"),
    "no encoders": (lambda folder: (folder / "artifacts/encoders.json").unlink(), "encoders.json"),
    "no manifest": (lambda folder: (folder / "artifacts/manifest.json").unlink(), "manifest.json"),
    "manifest cut": (truncate("artifacts/manifest.json", 100), "manifest.json"),
    "no thresholds": (lambda folder: (folder / "artifacts/thresholds.yaml").unlink(),
                      "thresholds.yaml"),
    "threshold NaN, digest right":
        (signed(swap_text("artifacts/thresholds.yaml", "threshold_high: ", "threshold_high: nan #")),
         "threshold_high"),
    "golden margin off by 1e-5, digest right": (signed(golden_margin), "golden"),
    "another version's name, digest right":
        (signed(swap_text("artifacts/manifest.json", "20261102-000002", "20261102-000009")),
         "20261102-00000"),
    "nothing": (lambda folder: [shutil.rmtree(folder), folder.mkdir()], "model"),
}  # fmt: skip


@pytest.fixture(scope="module")
def standing(bin_dir, trained):
    """One suite for all that is refused: none of it may leave a trace."""
    import suite as suites

    one = suites.Suite(bin_dir)
    models.install(one, trained[0], "production")
    yield one.start()
    one.close()


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_version_is_refused(standing, trained, name):
    suite = standing
    spoil, word = SPOILT[name]
    before = live(suite)
    scored = suite.post("/score", rows.ROW).body
    version = models.install(suite, trained[1], "production")
    try:
        spoil(version.path)
        answer = suite.post("/reload")
        assert answer.status == 409, answer
        assert word in answer.json()["detail"], answer
        assert version.name in answer.json()["detail"]
        done = suite.reload()
        assert done.returncode == 1 and word in done.stderr
        assert suite.post("/reload?dry_run=true").status == 409
        assert suite.post(f"/reload?version={version.name}").status == 409
        health = suite.wait(lambda: trouble(suite), "/health to tell")
        assert word in health["registry"]["last_error"]
        assert "pinned" not in health, "what is refused is not pinned"
        assert live(suite) == before
        assert suite.post("/score", rows.ROW).body == scored
    finally:
        shutil.rmtree(version.path)
        models.set_alias(suite, trained[0].name)
    assert suite.post("/reload").json()["status"] == "unchanged"
    suite.wait(lambda: not trouble(suite), "/health to forget")


def test_the_alias_is_followed_without_being_asked(make_suite, trained):
    suite = make_suite({"registry": {"poll_seconds": 1}})
    for version in trained:
        models.install(suite, version)
    models.set_alias(suite, trained[0].name)
    suite.start()
    models.set_alias(suite, trained[1].name)
    suite.wait_model(trained[1].name)


def test_generations_are_never_given_out_twice(suite):
    seen = [live(suite)[1]]
    for _ in range(3):
        suite.post("/reload?force=true")
        seen.append(live(suite)[1])
        suite.stop()
        suite.start()
        seen.append(live(suite)[1])
    assert seen == sorted(set(seen))
