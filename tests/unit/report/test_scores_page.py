"""The page of scores: one file, nothing from outside, every picture and number in its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from rainkit.images import encode_png
from rainkit.pictures import PictureSet, open_pictures
from rainkit.report.scores import SHOWN, render_page, show_number, shrink
from rainkit.scoring import Scores, score_pictures
from rainkit.seeds import Stream


def _write(folder: Path, name: str, contrast: int) -> None:
    noise = Stream(contrast, name).integers(0, contrast + 1, 64 * 80 * 3).reshape(64, 80, 3)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.png").write_bytes(encode_png((noise + 100).astype(np.uint8)))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scores, dict[str, PictureSet]]:
    folder = tmp_path_factory.mktemp("page")
    for number in range(34):
        _write(folder / "many", f"{number:02d}", number * 3)
    for number in range(3):
        _write(folder / "few", f"<b>{number}", 120 + number)
    sets = {name: open_pictures(folder / name) for name in ("many", "few")}
    return score_pictures(sets), sets


@pytest.fixture(scope="module")
def page(measured: tuple[Scores, dict[str, PictureSet]]) -> str:
    return render_page(*measured)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "line", "path", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"line", "path"}:
            assert self.open.pop() == tag


def test_the_page_is_well_formed_and_alone(page: str) -> None:
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert all(link.startswith("#") for link in tags.links)
    assert set(re.findall(r"url\((.{10})", page)) == {"data:image"}
    assert "http" not in re.sub(r"url\([^)]*\)", "", page)


def test_names_of_files_are_escaped(page: str) -> None:
    assert "<b>0" not in page
    assert "&lt;b&gt;0.png" in page


def test_every_score_has_a_figure_and_both_ends(page: str, measured: tuple[Scores, dict[str, PictureSet]]) -> None:
    scores = measured[0]
    columns = scores.named("composite", "estimator")
    assert page.count("<svg ") == len(columns)
    assert page.count('<div class="thumb ') == 2 * SHOWN * len(columns)
    used = set(re.findall(r'class="thumb t(\d+)"', page))
    assert used == set(re.findall(r"^\.t(\d+) \{", page, re.MULTILINE))


def test_few_pictures_are_ticks_and_many_a_curve(page: str) -> None:
    first = page[page.index("<svg ") : page.index("</svg>")]
    assert first.count("<path ") == 2
    assert first.count('stroke-width="1.6"') == 3


def test_ends_are_the_lowest_and_highest(measured: tuple[Scores, dict[str, PictureSet]], page: str) -> None:
    scores = measured[0]
    row = page[page.index('<h2 id="ends">') :]
    low, high = re.findall(r"thumb t(\d+)", row)[0], re.findall(r"thumb t(\d+)", row)[SHOWN]
    assert scores.of("composite")[int(low)] == scores.of("composite").min()
    assert scores.of("composite")[int(high)] == scores.of("composite").max()


def test_one_picture_is_enough(tmp_path: Path) -> None:
    _write(tmp_path / "one", "a", 9)
    sets = {"one": open_pictures(tmp_path / "one")}
    page = render_page(score_pictures(sets), sets)
    assert "Three pictures at least" in page
    assert "Sets side by side" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-9, "0"), (0.5, "0.5"), (99.95, "100"), (12345.6, "12,346"), (-0.25, "-0.25"), (float("nan"), "-")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert show_number(value) == text


def test_thumbnails_keep_the_aspect_and_are_never_enlarged() -> None:
    assert shrink(np.zeros((1000, 500, 3), np.uint8), 100).shape == (100, 50, 3)
    assert shrink(np.zeros((10, 5, 3), np.uint8), 100).shape == (10, 5, 3)
    assert shrink(np.zeros((1, 5000, 3), np.uint8), 100).shape == (1, 100, 3)
