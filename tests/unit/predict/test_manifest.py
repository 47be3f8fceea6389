import json

import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.predict.manifest import Manifest, Shard
from grapy_cli.predict.output_folder import open_folder, tidy
from grapy_cli.runtime.lock import LockedError

SOURCES = ["a", "b", "c", "d"]


def done(source, **more):
    facts = {"width": 2, "height": 3, "confidence": {"atr": 0.5}}
    return {"source": source, "files": [f"{source}.png"], **facts, **more}


def failed(source):
    return {"source": source, "reason": "broken"}


def sources(rows):
    return [row["source"] for row in rows]


def manifest_of(folder, *shard, sources=SOURCES):
    return Manifest(folder, sources, Shard(*shard))


def test_rows_stand_in_the_order_of_the_photos(tmp_path):
    manifest = manifest_of(tmp_path)
    for row in (done("d"), failed("c"), done("a"), failed("b")):
        manifest.add(row)
    assert manifest.fold()
    assert sources(manifest.rows) == ["a", "d"]
    assert sources(manifest.failures) == ["b", "c"]
    assert manifest.count() == (2, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.jsonl", "failures.jsonl"}


def test_the_last_word_on_a_photo_counts(tmp_path):
    for rows in ([done("a"), failed("b")], [failed("a"), done("b")]):
        manifest = manifest_of(tmp_path)
        for row in rows:
            manifest.add(row)
        assert not manifest.fold()
    assert sources(manifest.rows) == ["b"]
    assert sources(manifest.failures) == ["a"]


def test_without_photos_there_is_an_empty_manifest_and_no_failures(tmp_path):
    assert manifest_of(tmp_path, sources=[]).fold()
    assert (tmp_path / "manifest.jsonl").read_text() == ""
    assert not (tmp_path / "failures.jsonl").exists()


def test_rows_of_other_photos_stay_unless_their_files_are_taken(tmp_path):
    manifest = manifest_of(tmp_path, sources=["x", "y"])
    manifest.add(done("x"))
    manifest.add({"source": "y", "files": ["a.png"]})
    manifest.fold()
    manifest = manifest_of(tmp_path)
    manifest.add(done("a"))
    manifest.fold()
    assert sources(manifest.rows) == ["a", "x"]


@pytest.mark.parametrize(
    "more",
    [
        {"files": ["../b.png"]},
        {"files": ["/b.png"]},
        {"files": ["b\0.png"]},
        {"files": "b.png"},
        {"width": 0},
        {"height": 2.0},
        {"confidence": {}},
        {"confidence": {"atr": 1.1}},
        {"doubt": float("nan")},
        {"doubt": "0.5"},
    ],
)
def test_rows_that_are_impossible_are_skipped(tmp_path, more):
    manifest = manifest_of(tmp_path)
    manifest.add(done("\udcff.jpg", doubt=1))  # a name that is no text is possible
    manifest.add(done("b", **more))
    assert list(manifest.recall()) == ["\udcff.jpg"]


def test_shards_add_to_one_manifest_and_the_last_one_knows(tmp_path):
    first, second = (manifest_of(tmp_path, index, 2) for index in (0, 1))
    first.add(done("a"))
    second.add(failed("b"))
    second.add(done("d"))
    first.add(done("c"))
    assert not second.fold()
    assert first.fold()
    assert sources(first.rows) == ["a", "c", "d"]


def test_a_killed_run_is_remembered_but_for_the_line_that_was_cut(tmp_path):
    killed = manifest_of(tmp_path)
    killed.add(done("a"))
    killed.add(done("b"))
    part = tmp_path / ".manifest-1-of-1.jsonl"
    part.write_text(part.read_text()[:-3])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/.b.png.123.part").write_text("half")
    later = manifest_of(tmp_path)
    assert [json.loads(line) for line in later.recall().values()] == [done("a")]
    tidy(tmp_path, SOURCES)
    assert sources(later.rows) == ["a"]
    assert not part.exists()
    assert not (tmp_path / "deep/.b.png.123.part").exists()


def test_a_shard_that_begins_again_keeps_the_rows_of_its_killed_run(tmp_path):
    """While another shard works, nothing is tidied in between."""
    manifest_of(tmp_path, 0, 2).add(done("a"))
    later = manifest_of(tmp_path, 0, 2)
    later.add(done("c"))
    later.fold()
    assert sources(later.rows) == ["a", "c"]


def test_nobody_tidies_while_others_work(tmp_path):
    with open_folder(tmp_path, SOURCES, Shard(0, 2)) as manifest:
        manifest.add(done("a"))
        (tmp_path / ".a.png.1.part").write_text("half")
        tidy(tmp_path, SOURCES)
        assert (tmp_path / ".a.png.1.part").exists()
        assert manifest.is_left_over()


def test_shards_share_a_folder_and_nobody_else_does(tmp_path):
    with open_folder(tmp_path, SOURCES, Shard(0, 2)):
        with open_folder(tmp_path, SOURCES, Shard(1, 2)):
            pass
        for shard in (Shard(0, 2), Shard()):
            with pytest.raises(LockedError), open_folder(tmp_path, SOURCES, shard):
                pass
    with (
        open_folder(tmp_path, SOURCES, Shard()),
        pytest.raises(LockedError),
        open_folder(tmp_path, SOURCES, Shard(0, 2), patience=0.0),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_was_done_before_an_error_is_folded_in(tmp_path):
    def work():
        with open_folder(tmp_path, SOURCES, Shard()) as manifest:
            manifest.add(done("b"))
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert sources(manifest_of(tmp_path).rows) == ["b"]


def test_a_shard_is_shared_out_again():
    whole = list(range(50))
    shares = [
        whole[part.index :: part.count]
        for shard in (Shard(index, 3) for index in range(3))
        for part in (shard.split(index, 2) for index in range(2))
    ]
    assert sorted(item for share in shares for item in share) == whole


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "", "1/2/3"])
def test_a_shard_must_be_one_of_them(text):
    with pytest.raises(SettingsError, match="is not a shard"):
        Shard.read(text)


def test_a_shard_is_read_and_named():
    assert Shard.read("2/3") == Shard(1, 3)
    assert str(Shard(1, 3)) == "2-of-3"
