import numpy as np
import torch

from grapy_cli.inference.gpu_transfer import to_arrays, to_device


def test_on_the_cpu_nothing_is_moved():
    tensor = torch.arange(6, dtype=torch.uint8).view(2, 3)
    there = to_device(tensor, torch.device("cpu"))
    assert there.data_ptr() == tensor.data_ptr()
    one, other = to_arrays(there, there + 1)
    np.testing.assert_array_equal(one + 1, other)
    assert one.ctypes.data == tensor.data_ptr()
