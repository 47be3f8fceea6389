"""What holds for every label map that a teacher makes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grapy_cli.labels import IGNORE, LABEL_SETS
from grapy_cli.labels.garment_tags import GARMENTS, allowed_parts
from grapy_cli.train.self_training.pseudo_labels import part_factors, part_shares, pseudo_label_map

label_sets = st.sampled_from(list(LABEL_SETS.values()))
words = st.none() | st.lists(st.sampled_from([*sorted(GARMENTS), "spaceship"]), max_size=6)
fractions = st.floats(0, 1)
SHAPE = (3, 4)


def thoughts_of(labels, seed):
    """Probabilities with all degrees of certainty."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, random.uniform(0.1, 20), (labels.num_parts, *SHAPE))
    shares = np.exp(logits - logits.max(0))
    return (shares / shares.sum(0)).astype(np.float16)


def factors_of(labels, words, *others):
    return part_factors(labels, words, part_shares(labels, [words, *others]))


masks = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, IGNORE]))


@given(label_sets, words, words, st.none() | masks, fractions, st.integers(0, 2**32))
def test_labels_are_allowed_and_keep_to_the_mask(labels, words, others, person, confidence, seed):
    allowed, factors = allowed_parts(labels, words), factors_of(labels, words, others)
    thoughts = thoughts_of(labels, seed)
    label_map = pseudo_label_map(thoughts, factors, person, confidence)
    assert label_map.shape == SHAPE
    inside = label_map[label_map != IGNORE]
    assert all(allowed[label] for label in inside)
    if person is not None:
        assert (label_map[person == 0] == 0).all()
        assert (label_map[person == 1] != 0).all()


@given(label_sets, words, fractions, fractions, st.integers(0, 2**32))
def test_more_confidence_only_ignores_more(labels, words, one, other, seed):
    factors, thoughts = factors_of(labels, words), thoughts_of(labels, seed)
    lax, strict = (
        pseudo_label_map(thoughts, factors, None, confidence) for confidence in sorted((one, other))
    )
    kept = strict != IGNORE
    assert (lax[kept] == strict[kept]).all()


@given(label_sets, st.integers(0, 2**32))
def test_with_nothing_known_and_nothing_asked_it_is_the_best_part(labels, seed):
    thoughts = thoughts_of(labels, seed)
    label_map = pseudo_label_map(thoughts, factors_of(labels, None), None, 0.0)
    assert (label_map == thoughts.argmax(0)).all()


@given(label_sets, st.lists(words, min_size=1, max_size=5))
def test_what_is_known_of_photos_says_no_more_of_all_of_them_together(labels, known):
    """On the average of photos with words, every part that any may show is as likely as before."""
    told = [one for one in known if one is not None]
    shares = part_shares(labels, known)
    means = np.mean([part_factors(labels, one, shares) for one in told], 0) if told else 1
    assert np.allclose(means, shares > 0)
