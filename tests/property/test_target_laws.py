"""Which label each head learns from at each pixel, said once more pixel by pixel."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from grapy_cli.data.sample import COARSE, Batch
from grapy_cli.labels import IGNORE, LABEL_SETS, Category, LabelSet, Part
from grapy_cli.labels.vocabulary import ACCESSORIES, COARSE_IDS, PERSON, Vocabulary
from grapy_cli.train.targets import (
    UNKNOWN,
    Targets,
    coarse_cross_entropy,
    count_words,
    word_weights,
)

NAMES = ("cihp", "atr", "pascal")
SETS = [LABEL_SETS[name] for name in NAMES]
VOCABULARY = Vocabulary(SETS)
PHOTOS, HEIGHT, WIDTH = 3, 2, 3
PIXELS = PHOTOS * HEIGHT * WIDTH


def map_of(most):
    """The label map of one photo, all kinds of ids and many ignored; or none."""
    ids = st.sampled_from([*range(most), IGNORE, IGNORE])
    size = HEIGHT * WIDTH
    return st.one_of(st.none(), st.lists(ids, min_size=size, max_size=size))


ANNOTATIONS = st.fixed_dictionaries(
    {
        name: st.lists(map_of(most), min_size=PHOTOS, max_size=PHOTOS)
        for name, most in [*((it.name, it.num_parts) for it in SETS), (COARSE, COARSE_IDS)]
    }
)


def batch_of(annotations):
    """Photos that each have some of the label maps."""
    label_maps, rows = {}, {}
    for name, maps in annotations.items():
        if mine := [row for row, ids in enumerate(maps) if ids]:
            ids = torch.tensor([maps[row] for row in mine], dtype=torch.uint8)
            label_maps[name], rows[name] = ids.reshape(-1, HEIGHT, WIDTH), torch.tensor(mine)
    photos = torch.zeros(PHOTOS, 3, HEIGHT, WIDTH, dtype=torch.uint8)
    return Batch(photos, label_maps, rows, ("",) * PHOTOS)


def label_of(batch, name, photo, row, column):
    """A pixel's label in one of a photo's label maps; None where the photo has no such map."""
    if name not in batch.rows or photo not in batch.rows[name].tolist():
        return None
    return int(batch.label_maps[name][batch.rows[name].tolist().index(photo), row, column])


def expected_of(batch, head, photo, row, column, *, share_labels):
    """The table of `targets.py`: a part, or the word of what else is known, or neither."""
    own = label_of(batch, head, photo, row, column)
    if own not in (None, IGNORE):
        return own, UNKNOWN
    if own is None and not share_labels:
        return IGNORE, UNKNOWN
    others = [name for name in NAMES if name != head] if own is None else []
    for name in [*others, COARSE]:
        label = label_of(batch, name, photo, row, column)
        if label not in (None, IGNORE):
            word = label if name == COARSE else VOCABULARY.offsets[name] + label
            allowed = VOCABULARY.allowed(LABEL_SETS[head])[word]
            return IGNORE, word if any(allowed) else UNKNOWN
    return IGNORE, UNKNOWN


@given(ANNOTATIONS, st.booleans())
def test_every_head_learns_from_the_finest_label_of_every_pixel(annotations, share_labels):
    batch = batch_of(annotations)
    assume(batch.label_maps)
    targets = Targets(SETS, share_labels=share_labels).of(batch, batch.label_maps)
    for head in NAMES:
        target = targets.get(head)
        learned = {} if target is None else {row: i for i, row in enumerate(target.rows.tolist())}
        for place in range(PIXELS):
            photo, pixel = divmod(place, HEIGHT * WIDTH)
            row, column = divmod(pixel, WIDTH)
            expected = expected_of(batch, head, photo, row, column, share_labels=share_labels)
            if photo not in learned:
                assert expected == (IGNORE, UNKNOWN)
                continue
            index = learned[photo]
            words = target.words
            found = UNKNOWN if words is None else int(words[index, row, column])
            assert (int(target.parts[index, row, column]), found) == expected


@pytest.mark.parametrize("labels", SETS, ids=NAMES)
def test_words_allow_what_can_be_true(labels):
    allowed = VOCABULARY.allowed(labels)
    background, head = labels.names.index("background"), labels.parts[1].category
    assert allowed[0] == [part == background for part in range(labels.num_parts)]
    assert allowed[int(head)][1]
    rare = [name in ACCESSORIES for name in labels.names]
    assert allowed[PERSON] == [
        part != background and not rare[part] for part in range(labels.num_parts)
    ]
    for part, name in enumerate(labels.names):
        assert allowed[VOCABULARY.offsets[labels.name] + part] == [
            other == name for other in labels.names
        ]


def test_a_sleeve_may_be_a_shirt_and_not_a_shoe():
    """PASCAL labels the arm under the sleeve that CIHP and ATR label as a shirt or a coat."""
    word = VOCABULARY.offsets["pascal"] + LABEL_SETS["pascal"].names.index("upper-arm")
    for name in ("cihp", "atr"):
        labels = LABEL_SETS[name]
        names = {
            labels.names[part]
            for part, is_allowed in enumerate(VOCABULARY.allowed(labels)[word])
            if is_allowed
        }
        assert {"left-arm", "right-arm", "upper-clothes"} <= names
        assert names.isdisjoint({"background", "left-shoe", "pants", "face"})


@pytest.mark.parametrize("labels", SETS, ids=NAMES)
def test_background_is_background_in_every_set(labels):
    """Also where the other set has no word for a bag or bare skin: else bags are found there."""
    for other in NAMES:
        row = VOCABULARY.allowed(labels)[VOCABULARY.offsets[other]]
        assert row == [name == "background" for name in labels.names]


@pytest.mark.parametrize("labels", SETS, ids=NAMES)
def test_accessories_are_learned_from_labels_of_their_name_alone(labels):
    allowed = VOCABULARY.allowed(labels)
    names = [None] * COARSE_IDS + [name for it in SETS for name in it.names]
    for name, row in zip(names, allowed, strict=True):
        found = {part for part, can_be in zip(labels.names, row, strict=True) if can_be}
        assert not found & ACCESSORIES - {name} or name in ACCESSORIES


@given(
    st.lists(st.floats(-30, 30), min_size=14, max_size=14),
    st.integers(0, COARSE_IDS - 1),
    st.booleans(),
)
def test_a_coarse_label_asks_for_the_probability_of_its_parts(scores, word, weighed):
    labels = LABEL_SETS["pascal"]
    logits = torch.tensor(scores, dtype=torch.float64).reshape(1, 7, 1, 2)
    words = torch.tensor([[[word, UNKNOWN]]])
    allowed = torch.tensor(VOCABULARY.allowed(labels))
    weights = torch.arange(1, 8, dtype=torch.float64) if weighed else None
    loss = coarse_cross_entropy(logits, words, allowed, weights)
    probability = logits.softmax(1)[0, :, 0, 0][allowed[word]].sum().item()
    weight = min(weights[allowed[word]].tolist()) if weighed else 1.0
    assert count_words(words, allowed, weights).item() == weight
    if probability > 0:
        assert loss.item() == pytest.approx(-weight * math.log(probability), abs=1e-9)


def test_a_word_that_allows_nothing_weighs_nothing():
    allowed = torch.tensor([[False, False], [True, False], [True, True]])
    assert word_weights(allowed, torch.tensor([2.0, 0.5])).tolist() == [0.0, 2.0, 0.5]


@given(ANNOTATIONS)
def test_every_pixel_has_one_source(annotations):
    batch = batch_of(annotations)
    assume(batch.label_maps)
    targets = Targets(SETS, share_labels=True)
    found = targets.of(batch, batch.label_maps)
    for head, counts in targets.sources(found).items():
        target = found[head]
        assert sum(counts.values()) == target.parts.numel()
        assert counts.get("own parts", 0) == (target.parts != IGNORE).sum()
        assert counts.get("none", 0) == ((target.parts == IGNORE) & (target.words < 0)).sum()


def test_a_set_of_masks_speaks_of_whole_people():
    """A label file of two parts: its one part is a person, of whichever group it must name."""
    masks = LabelSet(
        "masks",
        "Masks",
        "",
        (
            Part("background", Category.BACKGROUND, (0, 0, 0)),
            Part("person", Category.TORSO, (9, 9, 9)),
        ),
    )
    vocabulary = Vocabulary([*SETS, masks])
    for labels in SETS:
        allowed = vocabulary.allowed(labels)
        nobody, person = allowed[vocabulary.offsets["masks"] :]
        assert nobody == [name == "background" for name in labels.names]
        assert person == [name != "background" for name in labels.names]
    assert vocabulary.allowed(masks)[PERSON] == [False, True]
    head = vocabulary.offsets["pascal"] + LABEL_SETS["pascal"].names.index("head")
    assert vocabulary.allowed(masks)[head] == [False, True]
