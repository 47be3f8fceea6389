import pytest
import torch

from grapy_cli.errors import DeviceError
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


def test_processes_of_a_machine_share_its_cores_and_each_has_one():
    assert fair_threads(1) == 0  # torch's choice
    assert fair_threads(2) == max(1, usable_cores() // 2)
    assert fair_threads(10_000) == 1
