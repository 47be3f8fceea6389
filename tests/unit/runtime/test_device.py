import pytest
import torch

from grapy_cli.errors import DeviceError
from grapy_cli.runtime import device
from grapy_cli.runtime.device import check_gpus, fair_threads, resident_memory, usable_cores


def test_a_process_knows_its_memory():
    before = resident_memory()
    filled = torch.ones(2**26)  # 256 MiB
    assert resident_memory() >= before
    assert 2**28 < resident_memory() < 2**45
    assert filled[0] == 1


def test_processes_on_the_cpu_need_no_cards():
    check_gpus("cpu", 64)


def test_more_processes_than_cards():
    found = torch.cuda.device_count()
    check_gpus("cuda", found)
    with pytest.raises(DeviceError, match=rf"--gpus {found + 1} .* sees {found} CUDA devices"):
        check_gpus("cuda", found + 1)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_the_limit_of_a_container_counts(tmp_path, monkeypatch, files, cores):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert device._cgroup_cores(tmp_path) == cores
    monkeypatch.setattr(device, "_cgroup_cores", lambda: cores and 1)
    assert usable_cores() == 1 or cores is None


def test_processes_of_a_machine_share_its_cores_and_each_has_one():
    assert fair_threads(1) == 0  # torch's choice
    assert fair_threads(2) == max(1, usable_cores() // 2)
    assert fair_threads(10_000) == 1
