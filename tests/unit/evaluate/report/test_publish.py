import re
from dataclasses import replace
from html.parser import HTMLParser

from grapy_cli.evaluate.records import Case
from grapy_cli.evaluate.report.publish import write_report
from grapy_cli.labels import ATR, CIHP, PASCAL, LabelSet
from tests.support.evaluation import CASE, Evaluation, tiny_evaluation

EVIL = "<script>alert('x')</script>\"|"


class Elements(HTMLParser):
    """The page as a browser reads it: its elements, and its words outside of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def count(self, tag, **attributes):
        return sum(name == tag and attributes.items() <= found.items() for name, found in self.tags)


def write(folder, evaluation, rows=None):
    return write_report(folder, evaluation.report, rows or evaluation.rows, evaluation.look)


def read(page):
    return Elements(page.read_text(encoding="utf-8"))


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_page_table_and_figures_lie_in_the_folder(tmp_path):
    write(tmp_path / "out", tiny_evaluation())
    charts = ("parts", "confusion", "calibration")
    figures = {f"figures/{name}-{chart}.svg" for name in ("atr", "pascal") for chart in charts}
    assert set(files(tmp_path / "out")) == {"report.html", "scores.csv", "scores.md", *figures}


def test_the_same_findings_give_the_same_bytes_whatever_the_order_of_the_rows(tmp_path):
    evaluation = tiny_evaluation()
    write(tmp_path / "one", evaluation)
    write(tmp_path / "two", evaluation, evaluation.rows[::-1])
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_figures_of_an_earlier_run_go_and_other_files_stay(tmp_path):
    write(tmp_path, tiny_evaluation(ATR))
    mine = tmp_path / "figures" / "mine.svg"
    mine.write_bytes(b"of the user")
    write(tmp_path, tiny_evaluation(PASCAL, calibrated=False))
    left = {path.name for path in mine.parent.iterdir()}
    assert left == {"mine.svg", "pascal-parts.svg", "pascal-confusion.svg"}


def test_photos_are_looked_at_once_each_and_only_where_they_are_shown(tmp_path):
    evaluation = tiny_evaluation(PASCAL, photos=60)
    asked = []
    write_report(
        tmp_path,
        evaluation.report,
        evaluation.rows,
        lambda row: asked.append(row.photo) or evaluation.look(row),
    )
    assert len(asked) == len(set(asked)) < 60


def test_a_photo_is_shown_once_where_there_are_few(tmp_path):
    page = read(write(tmp_path, tiny_evaluation(PASCAL, photos=3)))
    assert page.count("figure") == 3


def test_every_part_has_its_bars_and_every_photo_its_layers(tmp_path):
    page = read(write(tmp_path, tiny_evaluation(CIHP)))
    cells = page.count("g", tabindex="-1") + page.count("g", tabindex="0")
    assert cells == 2 * 20 * 20  # large, and for a phone
    assert page.count("div", **{"class": "compare"}) == page.count("figure") > 0
    assert page.count("img", **{"data-name": "errors"}) == page.count("figure")
    assert set(CIHP.names) <= set(page.words)


def test_a_page_refers_to_nothing_but_itself(tmp_path):
    page = read(write(tmp_path, tiny_evaluation()))
    links = [found[key] for _, found in page.tags for key in ("src", "href") if key in found]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    anchors = {found.get("id") for _, found in page.tags}
    assert all(link[1:] in anchors for link in links if link.startswith("#"))
    assert page.count("link") == 0


def test_masks_have_neither_calibration_nor_need_of_a_photo(tmp_path):
    evaluation = tiny_evaluation(ATR, calibrated=False)
    without = {key: replace(seen, photo=None) for key, seen in evaluation.pictures.items()}
    page = read(write(tmp_path, Evaluation(evaluation.report, evaluation.rows, without)))
    assert page.count("svg") == 3  # parts, and the confusion matrix twice
    assert page.count("input", value="photo") == 0
    assert page.count("input", value="truth") == 2 * page.count("figure")
    assert not list(tmp_path.glob("figures/*calibration*"))


def test_the_protocol_and_what_was_skipped_are_on_the_page(tmp_path):
    evaluation = tiny_evaluation(ATR)
    words = read(write(tmp_path, evaluation)).words
    for value in ("0f" * 32, "list_sha256", "gone", "it is no picture"):
        assert value in words


def test_hostile_names_are_text(tmp_path):
    parts = (PASCAL.parts[0], PASCAL.parts[1]._replace(name=EVIL), *PASCAL.parts[2:])
    labels = LabelSet("odd", EVIL, EVIL, parts)
    evaluation = tiny_evaluation(labels, key=EVIL + "{}")
    case = Case(EVIL, EVIL)
    report = replace(
        evaluation.report,
        results=[
            replace(it, case=case, skipped=[{"photo": EVIL, "reason": EVIL}])
            for it in evaluation.report.results
        ],
        protocol={EVIL: [EVIL], "more": {EVIL: EVIL}},
        parsers=[{"name": EVIL}],
    )
    rows = [replace(row, case=case) for row in evaluation.rows]
    page = read(write(tmp_path, Evaluation(report, rows, evaluation.pictures)))
    assert page.count("script") == 1  # the page's own
    assert page.count("figure") == 4
    assert EVIL in page.words
    assert all("alert" not in key for _, found in page.tags for key in found)
    assert len(list(tmp_path.glob("figures/*"))) == 3


def test_figures_of_several_cases_do_not_overwrite_each_other(tmp_path):
    one = tiny_evaluation(ATR)
    other = Case("../tiny / other", "flip")
    results = [*one.report.results, *(replace(it, case=other) for it in one.report.results)]
    rows = [*one.rows, *(replace(row, case=other) for row in one.rows)]
    page = read(
        write(
            tmp_path / "out",
            Evaluation(replace(one.report, results=results), rows, one.pictures),
        )
    )
    assert len(list((tmp_path / "out" / "figures").iterdir())) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert page.count("section") == 2
    assert f"{CASE} on atr val" in page.words


def test_radio_buttons_of_different_photos_are_in_different_groups(tmp_path):
    page = read(write(tmp_path, tiny_evaluation()))
    names = [found["name"] for tag, found in page.tags if found.get("type") == "radio"]
    assert {names.count(name) for name in names} == {4}


def test_a_run_in_which_every_photo_was_skipped_has_a_page(tmp_path):
    evaluation = tiny_evaluation(ATR, photos=0)
    page = read(write(tmp_path, evaluation))
    assert page.count("figure") == 0
    assert page.count("section") == 1


def test_pages_do_not_grow_with_the_photos(tmp_path):
    small, large = (tiny_evaluation(PASCAL, photos=photos) for photos in (40, 160))
    sizes = [write(tmp_path, it).stat().st_size for it in (small, large)]
    assert sizes[1] < 1.3 * sizes[0]


def test_numbers_of_the_page_are_those_of_the_report(tmp_path):
    evaluation = tiny_evaluation(PASCAL)
    text = write(tmp_path, evaluation).read_text(encoding="utf-8")
    result = evaluation.report.results[0]
    for score in (result.scores.mean_iou, result.scores.mean_f1, result.scores.pixel_accuracy):
        assert f'<td class="number">{100 * score:.2f}</td>' in text
    shown = re.findall(r"parsed as [^:]*: [\d.]+%, ([\d,]+) pixel", text)
    counted = int(result.counts.sum() - result.counts.trace())
    assert sum(int(count.replace(",", "")) for count in shown) == counted
