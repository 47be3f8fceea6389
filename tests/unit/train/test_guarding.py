"""A run is stopped before it spoils or wastes something, and says what to do."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from grapy_cli.errors import DeviceError, DivergedError, WeightsError
from grapy_cli.inference import parser
from grapy_cli.model.weights import load_weights, save_weights
from grapy_cli.runtime.interrupt import StopRequest
from grapy_cli.runtime.world import World
from grapy_cli.train import run as train_run
from grapy_cli.train.checkpoints import Progress
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.loop import fit
from tests.support.command_line import run_python
from tests.support.training import RECIPE, job_of, resume, tensors_of, train

SHORT_OF_MEMORY = """
import resource, sys
from grapy_cli.cli.app import main
import torch, torch._dynamo, grapy_cli.train.run  # all imports come before the limit
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
main()
"""


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("finished") / "run"
    train(data__root=data, data__dataset="pascal", train__epochs=1, train__out=run)
    return run


def test_a_divergence_is_written_down_with_its_photos(data, finished, tmp_path):
    network, card = load_weights(finished / "last" / "weights.safetensors")
    with torch.no_grad():
        network.main_heads["pascal"].bias[0] = float("nan")
    save_weights(tmp_path / "bad.safetensors", network.state_dict(), card)
    run = tmp_path / "run"
    with pytest.raises(DivergedError) as caught:
        train(
            data__root=data,
            data__dataset="pascal",
            train__init=tmp_path / "bad.safetensors",
            train__out=run,
        )
    assert caught.value.exit_code == 7
    read = json.loads((run / "diverged.json").read_text())
    assert (read["step"], read["epoch"], read["lr"]) == (0, 0, 0.01)
    assert read["datasets"] == ["pascal"]
    assert read["losses"]["pascal/main"] == "nan"
    ((*photos,),) = read["photos"]
    assert len(photos) == 2
    assert all(photo in caught.value.message for photo in photos)


class Pair(World):
    """A world in which another process has photos of its own."""

    def gather(self, rows):
        return [*rows, ["theirs"]]


def test_the_photos_of_every_process_are_written_down(data):
    job = replace(job_of(data__root=data, data__dataset="pascal"), world=Pair())
    with torch.no_grad():
        job.trained.network.main_heads["pascal"].bias[0] = float("nan")
    events = []
    with pytest.raises(NotFinite):
        fit(job, Progress(), events.append, StopRequest())
    (event,) = events
    assert event.step == 0
    assert [len(photos) for photos in event.photos] == [2, 1]
    assert event.photos[1] == ["theirs"]


def write_own(data, root, first_part):
    """PASCAL's photos as a data set of a user's own, its first part called as they like."""
    shutil.copytree(data / "pascal", root / "own")
    card = json.loads((root / "own" / "dataset.json").read_text())
    card["name"] = card["label_set"]["name"] = "own"
    card["label_set"]["parts"][1]["name"] = first_part
    (root / "own" / "dataset.json").write_text(json.dumps(card))
    return root


@pytest.mark.parametrize("how", ["init", "resume"])
def test_a_data_set_with_other_parts_than_the_weights(data, tmp_path, how):
    """Both lists are shown where they differ, before anything is begun."""
    run, out = tmp_path / "run", tmp_path / "other"
    begun = write_own(data, tmp_path / "begun", "head")
    changed = write_own(data, tmp_path / "changed", "helmet")
    train(data__root=begun, data__dataset="own", train__epochs=1, train__out=run)
    before = tensors_of(run)
    begin = {
        "init": lambda: train(
            data__root=changed, data__dataset="own", train__init=run, train__out=out
        ),
        "resume": lambda: resume(run, f"data.root={changed}", "train.epochs=2"),
    }
    with pytest.raises(WeightsError, match="another label set with the name 'own'") as caught:
        begin[how]()
    assert caught.value.exit_code == 4
    (row,) = caught.value.message.splitlines()[2:]
    assert row.split() == ["1", "head", "(head)", "helmet", "(head)"]
    assert not out.exists()
    assert all((before[key] == value).all() for key, value in tensors_of(run).items())


def test_a_run_from_before_the_dilation_was_exact(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    file = run / "last" / "weights.safetensors"
    network, card = load_weights(file)
    del card.numbers["exact_dilation"]
    save_weights(file, network.state_dict(), card)
    with pytest.raises(WeightsError, match="exact_dilation = false"):
        resume(run, "train.epochs=2")


def test_out_of_memory_says_what_to_lower(data, tmp_path):
    """On a machine that lacks the memory: crops so large that no pass can hold them."""
    ran = run_python(
        "-c",
        SHORT_OF_MEMORY,
        "train",
        "--config",
        str(RECIPE),
        "--data",
        str(data),
        "--out",
        "run",
        "--batch-size",
        "4",
        "--crop",
        "801,801",
        "--set",
        "model.width=1",
        folder=tmp_path,
        MALLOC_ARENA_MAX="1",
    )
    assert ran.returncode == 6, ran.stderr
    assert "cpu does not have enough memory for a step of 4 photos of 801x801 pixels" in ran.stderr
    assert "--set train.accumulate=2 keeps the batch" in ran.stderr
    assert "--crop 577,577 takes about half" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_out_of_memory_leaves_the_checkpoint_before(data, tmp_path, monkeypatch):
    """The second epoch's first step fails as on a full GPU; the first epoch is saved."""
    run = tmp_path / "run"
    build = train_run.build_job

    def fail(*given):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    jobs = []

    def keep_job(*parts):
        jobs.append(build(*parts))
        return jobs[0]

    def fill():
        monkeypatch.setattr(jobs[0].loss_module, "forward", fail)

    monkeypatch.setattr(train_run, "build_job", keep_job)
    with pytest.raises(DeviceError) as caught:
        train(
            data__root=data,
            data__dataset="pascal",
            train__out=run,
            report=lambda event: fill() if type(event).__name__ == "CheckpointSaved" else None,
        )
    assert caught.value.exit_code == 6
    assert caught.value.hint.endswith(f"The last checkpoint is complete: --resume {run}.")
    monkeypatch.undo()
    resume(run)
    assert json.loads((run / "last" / "state.json").read_text())["epoch"] == 2


def test_a_scoring_without_memory_says_what_to_lower(data, tmp_path, monkeypatch):
    """The network fails as on a full card when it parses; training has been well."""

    def fail(*given, **numbers):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    monkeypatch.setattr(parser, "parse_together", fail)
    run = tmp_path / "run"
    where = {"data__root": data, "data__dataset": "pascal", "train__out": run}
    with pytest.raises(
        DeviceError, match="while scoring: cpu does not have enough memory"
    ) as caught:
        train("train.save_every=1", **where, infer__longest_side=100)
    assert "--longest-side 70 takes about half" in caught.value.hint
    monkeypatch.undo()
    resume(run, "infer.longest_side=70")
    assert json.loads((run / "last" / "state.json").read_text())["best"] >= 0
