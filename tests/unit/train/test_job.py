"""One step: sharing it out changes nothing, and what is switched on does what it says."""

import pytest
import torch
from torch import nn

from grapy_cli.data.sample import Batch
from grapy_cli.errors import SettingsError
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.losses import sample_labels
from tests.support.training import job_of, steps_of

FROZEN = "train.freeze_batch_norm=true"  # batch statistics depend on who sits in the batch
MIXED = ["train.mixing=mixed", "train.sampling=balanced", "train.batch_size=12"]
WAYS = {
    "alternating": ["train.batch_size=4"],
    "mixed": MIXED,
    "mixed, all losses": [*MIXED, "train.loss={coarse=0.5, balance=0.5, stride=4}"],
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def parameters_of(job):
    return {name: value.detach() for name, value in job.trained.network.named_parameters()}


def assert_close(ours, theirs, tolerance=1e-5):
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=tolerance, atol=tolerance)


@ways
def test_passes_change_nothing_but_rounding(data, way):
    jobs = [job_of(*way, FROZEN, f"train.accumulate={n}", data__root=data) for n in (1, 2)]
    start = {name: value.clone() for name, value in parameters_of(jobs[0]).items()}
    whole, dealt = (steps_of(job, 3) for job in jobs)
    for ours, theirs in zip(whole, dealt, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    ours, theirs = map(parameters_of, jobs)
    assert_close(ours, theirs)
    assert any((start[name] != value).any() for name, value in ours.items())


def test_a_mean_is_over_the_step_not_over_its_passes(data):
    """With almost all labels of one photo ignored, its pass has less to say, not as much."""
    job = job_of(FROZEN, "train.accumulate=2", data__root=data, train__batch_size=2)
    batch = next(job.batches(0, 0))
    (label_map,) = batch.label_maps.values()
    label_map[1, 2:] = 255
    (dataset,) = batch.datasets
    module, one = job.plain_loss_module, {dataset: torch.tensor(1.0)}
    photos = [module(part, module.targets_of(part), one)[dataset].main for part in batch.parts(2)]
    counts = [int((each != 255).sum()) for each in label_map]
    assert counts[1] < counts[0] / 4
    losses = job.step(batch, 0)
    expected = sum(photos).item() / sum(counts)
    assert losses[f"{dataset}/main"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "xception65"])
@pytest.mark.parametrize("crop", ["33,40", "46,47"])
@pytest.mark.parametrize("stride", [1, 4])
def test_labels_are_counted_where_the_loss_looks_at_them(data, backbone, crop, stride):
    job = job_of(
        f"train.loss.stride={stride}", data__root=data, model__backbone=backbone, train__crop=crop
    )
    batch = next(job.batches(0, 0))
    ((dataset, label_map),) = batch.label_maps.items()
    logits = job.trained.network.parse(job.trained.network.encode(batch.images), dataset).main
    size = label_map.shape[1:] if stride == 1 else logits.shape[2:]
    labels = sample_labels(label_map, *size)
    module = job.plain_loss_module
    assert module.count(module.targets_of(batch))[dataset] == (labels != 255).sum()


def test_a_mixed_step_is_the_sum_over_its_data_sets(data):
    """As if each data set had been looked at alone: one pass of the backbone reads them all."""
    job = job_of(*MIXED, FROZEN, data__root=data)
    batch = next(job.batches(0, 0))
    assert batch.datasets == ("atr", "cihp", "pascal")
    assert {len(rows) for rows in batch.rows.values()} == {4}
    alone, module = {}, job.plain_loss_module
    for name, rows in batch.rows.items():
        label_maps = {name: batch.label_maps[name]}
        own = Batch(batch.photos[rows], label_maps, {name: torch.arange(4)}, batch.keys[:4])
        targets = module.targets_of(own)
        alone |= module(own, targets, module.count(targets))
    parameter = job.trained.network.deeplab.decoder[0].pointwise.weight
    (gradient,) = torch.autograd.grad(sum(loss.total for loss in alone.values()), parameter)
    losses = job.step(batch, 0)
    torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)
    for name, loss in alone.items():
        assert losses[f"{name}/main"] == pytest.approx(loss.main.item(), rel=1e-5)
        assert losses[f"{name}/refined"] == pytest.approx(loss.refined.item(), rel=1e-5)


def test_frozen_batch_norm_keeps_its_statistics_and_learns_its_scale(data):
    job = job_of(FROZEN, data__root=data, data__dataset="pascal")
    network = job.trained.network
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    steps_of(job, 2)
    buffers = dict(network.named_buffers())
    assert buffers
    assert all((before[name] == value).all() for name, value in buffers.items() if name in before)
    assert any(norm.weight.grad.any() for norm in norms)
    job.loss_module.eval()
    job.loss_module.train()  # as after a scoring
    assert not any(norm.training for norm in norms)


def test_one_photo_for_each_pass_is_enough_where_batch_norm_is_frozen(data):
    steps_of(job_of(FROZEN, data__root=data, train__batch_size=1), 1)


def test_bf16_learns_nearly_the_same(data):
    ours, theirs = (
        job_of(f"train.precision={kind}", data__root=data, train__batch_size=4)
        for kind in ("fp32", "bf16")
    )
    for exact, rough in zip(steps_of(ours, 3), steps_of(theirs, 3), strict=True):
        assert exact == pytest.approx(rough, rel=0.1)
        assert exact != rough
    assert {value.dtype for value in parameters_of(theirs).values()} == {torch.float32}


def test_fp16_is_for_cuda(data):
    with pytest.raises(SettingsError, match="fp16 needs a CUDA GPU") as caught:
        job_of("train.precision=fp16", data__root=data)
    assert "bf16" in caught.value.hint


def test_what_is_compiled_is_what_images_go_through(data, monkeypatch):
    """Compiling takes minutes on a CPU, so here it is only looked at where it stands."""
    compiled, heard = [], []

    def compile_(function):
        compiled.append(function)
        return lambda images: heard.append(images.shape) or function(images)

    monkeypatch.setattr(torch, "compile", compile_)
    job = job_of("train.compile=true", data__root=data)
    steps_of(job, 1)
    assert compiled == [job.trained.network.encode]
    assert heard == [(2, 3, 33, 33)]


def test_compiling_without_a_compiler(data, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SettingsError, match=r"needs a C\+\+ compiler"):
        job_of("train.compile=true", data__root=data)


def test_the_momentum_is_forgotten_where_the_rate_is_lowered(data):
    """After such a step there is nothing in it but that step's gradient."""
    restarts = []
    job = job_of(
        "train.schedule.every_epochs=2",
        "train.optimizer={restart=true, weight_decay=0.0}",
        data__root=data,
        data__dataset="pascal",
        train__epochs=5,
    )
    head = job.trained.network.main_heads["pascal"].bias
    for step, batch in enumerate(job.batches(0, 0)):
        job.loss_module.train()
        job.step(batch, step)
        memory = job.trained.optimizer.state[head]["momentum_buffer"]
        if torch.equal(memory, head.grad):
            restarts.append(step)
        lowered = step and job.schedule.rate(step) < job.schedule.rate(step - 1)
        assert job.schedule.lowers_at(step) == bool(lowered)
    assert restarts == [0, 2, 6]  # epochs of two steps; the rate falls with the 2nd and the 4th


def test_a_restart_needs_a_schedule_of_plateaus(data):
    with pytest.raises(SettingsError, match=r"train\.optimizer\.restart") as caught:
        job_of("train.optimizer.restart=true", data__root=data)
    assert "every_epochs" in caught.value.hint


def test_a_loss_that_is_not_finite_changes_no_parameter(data):
    job = job_of("train.accumulate=2", data__root=data, train__batch_size=4)
    batch = next(job.batches(0, 0))
    with torch.no_grad():
        job.trained.network.main_heads[batch.datasets[0]].bias[0] = float("nan")
    before = {name: value.clone() for name, value in parameters_of(job).items()}
    with pytest.raises(NotFinite):
        job.step(batch, 0)
    for name, value in parameters_of(job).items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, equal_nan=True)
