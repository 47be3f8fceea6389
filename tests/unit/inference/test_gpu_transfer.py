import numpy as np
import torch

from grapy_cli.inference.gpu_transfer import to_array, to_device


def test_on_the_cpu_nothing_is_moved():
    tensor = torch.arange(6, dtype=torch.uint8).view(2, 3)
    there = to_device(tensor, torch.device("cpu"))
    assert there.data_ptr() == tensor.data_ptr()
    back = to_array(there)
    np.testing.assert_array_equal(back, tensor)
    assert back.ctypes.data == tensor.data_ptr()
