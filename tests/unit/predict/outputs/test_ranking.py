from grapy_cli.predict.outputs.ranking import advice, first_to_look_at


def row(source, **facts):
    return {"source": source, "confidence": {"atr": 0.9, "pascal": 0.7}, **facts}


def test_the_most_doubtful_photos_come_first():
    rows = [row("a", doubt=0.2), row("b", doubt=0.9), row("c", doubt=0.9), row("d", doubt=0.5)]
    assert [one["source"] for one in first_to_look_at(iter(rows), 3)] == ["b", "c", "d"]


def test_a_row_of_an_older_manifest_is_ranked_by_what_confidence_lacks():
    rows = [row("a", doubt=0.1), row("old"), row("b", doubt=0.3)]
    assert [one["source"] for one in first_to_look_at(rows, 9)] == ["b", "old", "a"]


def test_advice_names_photos_and_doubts():
    rows = [row("a", doubt=0.2), row("b", doubt=0.913), row("c", doubt=0.5)]
    assert advice(rows, 2) == "look first at b (doubt 0.91), c (doubt 0.50)"
