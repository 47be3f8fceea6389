from grapy_cli.runtime.device import fair_threads, usable_cores


def test_processes_of_a_machine_share_its_cores_and_each_has_one():
    assert fair_threads(1) == 0  # torch's choice
    assert fair_threads(2) == max(1, usable_cores() // 2)
    assert fair_threads(10_000) == 1
