"""The argmax of resized logits, whatever they are, is that of resizing all of them first."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grapy_cli.inference import upsampled_argmax as fast
from grapy_cli.inference.upsampled_argmax import argmax, upsampled_argmax
from grapy_cli.model.deeplab import resize

sides = st.integers(1, 12) | st.sampled_from([33, 50])


@st.composite
def grids(draw):
    """Logits from smooth to noise, of few and of many parts, some of them equal."""
    parts, height, width = (
        draw(st.integers(1, 20)),
        draw(st.integers(1, 9)),
        draw(st.integers(1, 9)),
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    coarse = torch.randn(
        1,
        parts,
        *(max(1, side // draw(st.integers(1, 4))) for side in (height, width)),
        generator=generator,
    )
    logits = resize(coarse, height, width)[0].double()
    if draw(st.booleans()):
        logits = logits.round()  # many ties
    return logits


@given(grids(), sides, sides, st.sampled_from([1, 100, 2**18]))
@settings(max_examples=100)
def test_the_part_that_wins_has_the_largest_resized_logit(logits, height, width, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "CPU_AT_ONCE", at_once)
        found = upsampled_argmax(logits, height, width)
    resized = resize(logits[None], height, width)[0]
    assert found.dtype == torch.uint8
    assert found.shape == (height, width)
    chosen = resized.gather(0, found.long()[None])[0]
    torch.testing.assert_close(chosen, resized.amax(0), rtol=0, atol=1e-9)


@given(grids())
@settings(max_examples=25)
def test_argmax_is_that_of_torch(logits):
    assert torch.equal(argmax(logits).long(), logits.argmax(0))
