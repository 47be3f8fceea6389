import pytest

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.card import Measurement, RecipeRow
from grapy_cli.model.weights import WeightsCard
from grapy_cli.weights.card_sections import Parts, Words, part_rows, sections_of, tta_of

OLD_SCORE = {
    "dataset": "pascal",
    "split": "val",
    "level": 3,
    "photos": 7,
    "mean_iou": 0.5,
    "mean_accuracy": 0.25,
    "pixel_accuracy": None,
    "protocol": {"tta": "flip"},
}


def card_of(**facts):
    return WeightsCard(
        name="tiny",
        grapy="0.1.0",
        numbers={"backbone": "xception65"},
        label_sets=[LABEL_SETS["pascal"].to_dict()],
        stage="joint",
        **facts,
    )


def told(card):
    return {section.title: section for section in sections_of(card)}


def test_what_nobody_wrote_down_is_left_out():
    assert list(told(card_of())) == ["", "Parts of pascal"]


def test_without_scores_the_parts_are_named():
    section = told(card_of())["Parts of pascal"]
    assert section == Words("Parts of pascal", ", ".join(LABEL_SETS["pascal"].names))


def test_a_score_of_format_1_is_read():
    section = told(card_of(format=1, scores=[OLD_SCORE]))["Scores, percent"]
    assert section.rows == [("pascal val", "3", "7", "flip", "50.0", "-", "25.0", "-")]


@pytest.mark.parametrize(
    ("score", "tta"),
    [
        ({"tta": "paper", "protocol": "strict"}, "paper"),
        ({"protocol": {"tta": "none"}}, "none"),
        ({}, "unknown"),
    ],
)
def test_where_the_augmentation_stands(score, tta):
    assert tta_of(score) == tta


def test_crops_and_hours_are_added_up():
    rows = [
        RecipeRow(settings=f"{n}.toml", stage="joint", epochs=2, crops=n, hours=0.25, machine="m")
        for n in (1000, 500)
    ]
    section = told(card_of(recipe=rows))["Recipe"]
    assert section.below == "1,500 crops seen in 0.50 hours on m."
    assert [row[3] for row in section.rows] == ["1,000", "500"]


def test_what_was_measured_elsewhere_has_its_command_once():
    rows = [
        Measurement(name="coco", what=what, value=0.411, photos=100, command="grapy eval")
        for what in ("person IoU", "mIoU")
    ]
    section = told(card_of(also_measured=rows))["Also measured"]
    assert section.rows[0] == ("coco", "person IoU", "100", "41.1", "-")
    assert section.below == "by grapy eval"


def test_parts_have_scores_and_training_photos():
    score = OLD_SCORE | {"parts": {"head": {"iou": 0.8, "accuracy": None}}}
    counts = {"pascal": {"head": 1234}}
    parts = told(card_of(scores=[score], training_photos=counts))["Parts of pascal"]
    assert isinstance(parts, Parts)
    rows = part_rows(parts)
    assert list(rows.heads) == ["part", ">IoU", ">accuracy", ">training photos"]
    assert ("head", "80.0", "-", "1,234") in rows.rows
    assert len(rows.rows) == 7


def test_groups_and_person_stand_in_one_row():
    coarse = [
        OLD_SCORE | {"level": 2, "parts": {"arms": {"iou": 0.25}}},
        OLD_SCORE | {"level": 1, "parts": {"person": {"iou": 0.9}}},
    ]
    section = told(card_of(scores=coarse))["IoU of groups and person, percent"]
    assert section.rows == [("pascal", "-", "-", "25.0", "-", "90.0")]
