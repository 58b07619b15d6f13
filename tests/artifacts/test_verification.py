"""What was published is found complete, and whatever happened to it is found out."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from example_run import TINY, make_run
from prediction_difference import layout
from prediction_difference.artifacts.table import Artifacts
from prediction_difference.artifacts.verification import Finding, State, runs_in, verify
from prediction_difference.attribution.publishing import by_node
from prediction_difference.cli.main import app
from prediction_difference.cli.stages import figure
from prediction_difference.config import parse_config, read_config
from prediction_difference.errors import StoreError
from prediction_difference.manifest import read_manifest, write_manifest
from prediction_difference.stores import write_store

PUBLISHED = {
    "data/digits.zarr",
    "priors/patches.zarr",
    "classifiers/network/card.json",
    "attributions/evidence/random-1.zarr",
    "attributions/chance/random-1.zarr",
    "attributions/evidence.json",
    "attributions/chance.json",
    "evaluations/sums.parquet",
    "figures/tiny/maps.json",
    "report/index.html",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("results") / "tiny"
    make_run(TINY, run)
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "results" / "tiny"))


def states(run: Path) -> dict[str, State]:
    """What is not complete, relative to the run."""
    return {
        one.path.relative_to(run).as_posix(): one.state
        for one in verify(run)
        if one.state is not State.COMPLETE
    }


def change_config(run: Path, section: str, name: str, **settings: Any) -> None:
    raw = yaml.safe_load((run / "config.yaml").read_text())
    raw.setdefault(section, {}).setdefault(name, {}).update(settings)
    (run / "config.yaml").write_text(yaml.safe_dump(raw))


def test_everything_that_is_published_is_complete(made: Path) -> None:
    found = {one.path.relative_to(made).as_posix(): one.state for one in verify(made)}
    assert found == dict.fromkeys(PUBLISHED, State.COMPLETE)
    assert runs_in(made) == runs_in(made.parent) == [made]
    with pytest.raises(StoreError, match="holds no results; give results/ or results/<run>"):
        runs_in(made / "nowhere")


def test_other_programs_can_check_the_checksums(made: Path) -> None:
    manifests = sorted(made.rglob("*.sha256"))
    assert len(manifests) == len(PUBLISHED)
    for manifest in manifests:
        command = ["sha256sum", "--check", "--strict", manifest.name]
        done = subprocess.run(command, cwd=manifest.parent, capture_output=True)
        assert done.returncode == 0, done.stderr


def files_of(run: Path, published: str) -> list[Path]:
    """The files of a store, or those of a folder with a manifest."""
    path = run / published
    folder = path if path.is_dir() else path.parent
    return sorted(file for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("is_cut", [True, False])
def test_no_published_file_can_be_cut_or_lost_unseen(run: Path, is_cut: bool) -> None:
    """Of everything in results/, one file at a time; in stores, some of the files."""
    files = {published: files_of(run, published) for published in PUBLISHED}
    for number in (0, 1, 2, 3, -1):
        spoilt = {name: some[number % len(some)] for name, some in files.items()}
        contents = {file: file.read_bytes() for file in spoilt.values()}
        for file, content in contents.items():
            if is_cut:
                file.write_bytes(content[: len(content) // 2])
            else:
                file.unlink()
        wrong = {State.DAMAGED, State.HALF_WRITTEN, State.MISSING}
        found = [place for place, state in states(run).items() if state in wrong]
        for name, file in spoilt.items():
            place = Path(name)
            folder = (place if place.suffix == ".zarr" else place.parent).as_posix()
            assert any(p.startswith(folder) for p in found), file
        for file, content in contents.items():
            file.write_bytes(content)
    assert states(run) == {}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("figures/tiny/maps.png", {"figures/tiny/maps.png": State.HALF_WRITTEN}),
        ("figures/tiny/maps.json", {"figures/tiny/maps.json": State.HALF_WRITTEN}),
        ("figures/tiny/maps.sha256", {"figures/tiny/maps.json": State.HALF_WRITTEN}),
        ("data/digits.zarr/zarr.json", {"data/digits.zarr": State.HALF_WRITTEN}),
        ("classifiers/network/weights.safetensors", None),
    ],
)
def test_what_is_half_there_is_told(
    run: Path, file: str, expected: dict[str, State] | None
) -> None:
    (run / file).unlink()
    assert states(run) == (expected or {file: State.HALF_WRITTEN})


def test_what_is_not_made_yet_is_missing(run: Path) -> None:
    for file in ("index.html", "index.sha256", "maps.html"):
        (run / "report" / file).unlink()
    shutil.rmtree(run / "attributions/chance/random-1.zarr")
    assert states(run) == {
        "attributions/chance/random-1.zarr": State.MISSING,
        "report/index.html": State.MISSING,
    }


def test_what_was_being_written_is_told(run: Path) -> None:
    left = ("attributions/chance/.a.zarr.1f.partial", "chunks/chance/.b.zarr.2f.partial")
    for place in left:
        (run / place).mkdir()
    assert states(run) == dict.fromkeys(left, State.HALF_WRITTEN)


def test_results_of_another_config_are_told(run: Path) -> None:
    change_config(run, "explanations", "evidence", samples=5)
    found = states(run)
    assert found["attributions/evidence/random-1.zarr"] is State.OTHER_CONFIG
    assert found["report/index.html"] is State.OTHER_CONFIG
    assert "attributions/chance/random-1.zarr" not in found
    raw = yaml.safe_load((run / "config.yaml").read_text())
    raw["run"]["seed"] = 2
    (run / "config.yaml").write_text(yaml.safe_dump(raw))
    seeded = ("data/digits.zarr", "priors/patches.zarr", "classifiers/network/card.json")
    assert all(states(run)[place] is State.OTHER_CONFIG for place in seeded)


def test_results_of_older_inputs_are_told(run: Path) -> None:
    """As after a clock that jumped: a map is newer, and the figure that shows it is not."""
    store = layout.attribution_store(run, "chance", "random-1")
    with _opened(store) as dataset:
        dataset["relevance"][:] = 0
        write_store(store, *by_node(dataset), read_manifest(store).origin)
    assert states(run) == {
        "attributions/chance.json": State.OTHER_INPUTS,
        "evaluations/sums.parquet": State.OTHER_INPUTS,
        "figures/tiny/maps.json": State.OTHER_INPUTS,
        "report/index.html": State.OTHER_INPUTS,
    }
    config, file = read_config(run / "config.yaml"), run / "figures/tiny/maps.json"
    assert config.figures.keys() == {"maps"}
    figure(
        run / "config.yaml", "maps", run, file.with_suffix(".png"), file.with_suffix(".pdf"), file
    )
    assert "figures/tiny/maps.json" not in states(run)


def _opened(store: Path) -> Any:
    import xarray

    return xarray.open_zarr(store).load().drop_encoding()


def test_results_of_another_code_version_are_told_but_right(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prediction_difference.artifacts.table.code_of", lambda *_: "new")
    made_by_code = {one for one in PUBLISHED if Path(one).parent.name != "attributions"}
    assert states(run) == dict.fromkeys(made_by_code, State.OTHER_CODE)
    assert CliRunner().invoke(app, ["verify", str(run)]).exit_code == 0


def test_what_nothing_makes_is_told(run: Path) -> None:
    (run / "figures" / "tiny" / "thesis; rm -rf $(x)\n.txt").write_text("mine")
    config = yaml.safe_load((run / "config.yaml").read_text())
    del config["explanations"]["evidence"]
    config["figures"]["maps"]["explanations"] = ["chance"]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    found = states(run)
    assert found["attributions/evidence/random-1.zarr"] is State.UNEXPECTED
    assert found["figures/tiny/thesis; rm -rf $(x)\n.txt"] is State.UNEXPECTED
    told = CliRunner().invoke(app, ["verify", str(run)]).stdout
    assert "unexpected: '" in told
    assert all(line.isprintable() for line in told.splitlines())


def test_without_a_config_digests_are_checked(run: Path) -> None:
    (run / "config.yaml").unlink()
    assert runs_in(run.parent) == [run]
    assert states(run) == {}
    (run / "classifiers/network/history.csv").write_text("epoch\n")
    assert states(run) == {"classifiers/network/history.csv": State.DAMAGED}


def test_files_whose_seal_has_another_main_file_are_whole_without_a_config(tmp_path: Path) -> None:
    run = tmp_path / "results" / "brains"
    (run / "attributions/maps").mkdir(parents=True)
    files = [run / "attributions/maps" / name for name in ("a.nii.gz", "a.json")]
    for file in files:
        file.write_text("whole")
    write_manifest(files[1], files)
    assert states(run) == {}
    files[0].write_text("damaged")
    assert states(run) == {"attributions/maps/a.nii.gz": State.DAMAGED}


def test_lost_stores_and_files_beside_them_are_found(tmp_path: Path) -> None:
    raw = {
        "datasets": {"brains": {"source": "simulated-fa"}},
        "classifiers": {"linear": {"kind": "logistic-regression", "dataset": "brains"}},
        "explanations": {
            "maps": {"method": "weights", "classifier": "linear", "images": {"random": 2}}
        },
    }
    config = parse_config(raw)
    folder = tmp_path / "attributions/maps"
    (folder / "random-1.zarr").mkdir(parents=True)
    (folder / "random-1.json").touch()
    assert Artifacts(config, tmp_path).lost_files == []
    layout.listing(tmp_path, "maps").touch()
    lost = [file.relative_to(folder).as_posix() for file in Artifacts(config, tmp_path).lost_files]
    beside = ["random-1.nii.gz", "random-2.nii.gz", "random-2.json"]
    assert lost == ["random-2.zarr/manifest.sha256", *beside]


def test_the_command_tells_how_to_mend(run: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["verify", str(run.parent), "--all"])
    assert done.exit_code == 0
    assert done.stdout.count("complete: ") == len(PUBLISHED)
    assert f"tiny: {len(PUBLISHED)} complete" in done.stdout
    store = run / "attributions/chance/random-1.zarr"
    metadata = json.loads((store / "zarr.json").read_text())
    metadata["attributes"]["seed"] = 7
    (store / "zarr.json").write_text(json.dumps(metadata))
    done = runner.invoke(app, ["verify", str(run)])
    assert done.exit_code == 1
    assert f"damaged: {store}: is damaged: zarr.json is not what was written; " in done.stdout
    assert f"  rm -r -- {store}\n" in done.stdout
    again = "attributions/chance/random-1.zarr/manifest.sha256"
    asked = f"results/tiny/{again} results/tiny/report/index.html"
    assert f"  snakemake -- {asked}\n" in done.stdout
    (run / "figures/tiny/maps.png").write_bytes(b"")
    told = runner.invoke(app, ["verify", str(run)]).stdout
    # Snakemake makes only what it is asked for, or sees that something is missing.
    assert f" {run / 'figures/tiny/maps.png'} {run / 'figures/tiny/maps.json'}\n" in told


def test_a_state_is_wrong_unless_a_person_may_keep_it() -> None:
    kept = {state for state in State if not state.is_wrong}
    assert kept == {State.COMPLETE, State.OTHER_CODE, State.UNEXPECTED}
    assert Finding(Path("a"), State.COMPLETE).what == ""
