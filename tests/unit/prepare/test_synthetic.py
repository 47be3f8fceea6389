import numpy as np

from grapy_cli.labels import LABEL_SETS
from grapy_cli.prepare.synthetic import draw_scene

CIHP = LABEL_SETS["cihp"]


def test_the_same_seed_draws_the_same_pixels():
    first, again, other = (draw_scene(CIHP, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_left_is_the_persons_own_and_heads_are_up():
    photo, parts = draw_scene(CIHP, np.random.default_rng(0))
    assert photo.shape == (*parts.shape, 3)

    def middle(name):
        return np.argwhere(parts == CIHP.names.index(name)).mean(axis=0)

    assert middle("left-shoe")[1] > middle("right-shoe")[1]
    assert middle("face")[0] < middle("upper-clothes")[0] < middle("left-shoe")[0]
