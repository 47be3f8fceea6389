"""A network on a CUDA GPU that replays its work as CUDA graphs."""

from collections.abc import Iterator
from functools import partial

from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import Parameter

from grapy_cli.data.sample import images_of
from grapy_cli.inference.cuda_graphs import Capture, GraphReplay, capture_on_gpu
from grapy_cli.inference.gpu_transfer import to_device
from grapy_cli.model.grapy import GrapyNet, ParsingLogits


class CudaGraphNetwork:
    """Offers what parsing needs of `GrapyNet`, so it can take its place.

    Differs: it takes photos as bytes on the CPU, and returns only the final logits.

    Args:
        network: In evaluation mode; it must not change afterwards.
    """

    def __init__(self, network: GrapyNet, capture: Capture = capture_on_gpu) -> None:
        self.network = network
        self.label_sets = network.label_sets
        self.numbers = network.numbers
        parameter = next(network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        self._encode = GraphReplay(self._encode_step_by_step, capture)
        self._parse = {
            name: GraphReplay(partial(self._parse_step_by_step, dataset=name), capture)
            for name in network.label_sets
        }

    def parameters(self) -> Iterator[Parameter]:
        """The parameters of the network."""
        return self.network.parameters()

    def encode(self, photos: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        """Turn photos, RGB in [0, 255], into the features that all label sets share."""
        return self._encode(to_device(photos, self._device))

    def parse(self, features: Float[Tensor, "b c h4 w4"], dataset: str) -> ParsingLogits:
        """Compute the final logits of one label set."""
        return ParsingLogits(None, self._parse[dataset](features))

    @property
    def num_graphs(self) -> int:
        """Number of CUDA graphs, of the encoder and of all label sets."""
        return sum(work.num_graphs for work in self._works)

    def forget(self) -> bool:
        """Drop all graphs and their memory, and return whether there were any."""
        had_any = self.num_graphs > 0
        for work in self._works:
            work.forget()
        return had_any

    @property
    def _works(self) -> list[GraphReplay]:
        return [self._encode, *self._parse.values()]

    def _encode_step_by_step(self, photos: UInt8[Tensor, "b 3 h w"]) -> Tensor:
        return self.network.encode(images_of(photos).to(self._dtype))

    def _parse_step_by_step(self, features: Float[Tensor, "b c h4 w4"], dataset: str) -> Tensor:
        return self.network.parse(features, dataset).final
