import torch

from grapy_cli.runtime.memory import cgroup_room, free_memory

GIB = 2**30


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_each_group_above_a_process_has_a_limit(tmp_path):
    (tmp_path / "own").write_text("0::/user/job\n")
    root = tmp_path / "fs"
    write(root / "user", memory__max=8 * GIB, memory__current=6 * GIB)
    write(root / "user", memory__stat=f"anon 5\ninactive_file {GIB}")
    write(root / "user/job", memory__max="max", memory__current=GIB)
    assert list(cgroup_room(tmp_path / "own", root)) == [3 * GIB]


def test_version_1_counts_as_well(tmp_path):
    (tmp_path / "own").write_text("3:cpuset:/\n2:cpu,memory:/docker/abc\n")
    root = tmp_path / "fs"
    limits = {"memory__limit_in_bytes": 4 * GIB, "memory__usage_in_bytes": GIB}
    write(root / "memory", **limits)  # a container sees its own group as the root
    assert list(cgroup_room(tmp_path / "own", root)) == [3 * GIB]


def test_no_group_is_no_limit(tmp_path):
    assert list(cgroup_room(tmp_path / "none", tmp_path)) == []


def test_a_device_that_does_not_say_has_no_number():
    free = free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 2**50
    assert free_memory(torch.device("meta")) is None
