from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from rainkit.data import open_corpus
from rainkit.data.stores import LocalStore
from rainkit.errors import IntegrityError, RecipeError
from rainkit.images import decode
from rainkit.manifest import read_table, write_table
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.release import page as pages
from rainkit.release.checksums import read_checksums
from rainkit.release.page import PAGE, View, draw_page, write_page
from rainkit.release.page_tables import Wanted
from rainkit.release.verify import verify
from rainkit.release.virtual import release_manifest

Make = Callable[..., Path]
Copy = Callable[[Path], Path]

LONELY = """\
rainkit: 1
name: lonely
version: 1.0.0
seed: 3
sources:
  drawn: {kind: procedural, count: 2, size: 96}
strata: {method: edges, edges: []}
rain:
  only: {kind: streaks}
splits:
  all: {share: 1, samples: 1, rain: only}
samples: {channels: [rainy, clean]}
"""
VOID = {"meta", "img", "input", "br"}
HOSTILE = '<script>alert("1")</script>&\''


class Reader(HTMLParser):
    """Checks that elements close where they opened, and collects what tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " " if tag not in {"span", "b"} else ""

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def drawn(corpus: Path, wanted: Wanted | None = None, **options: Any) -> View:
    return draw_page(LocalStore(corpus), wanted, **{"pictures": True, **options})


def edit(corpus: Path, kind: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change rows of a table of a copy."""
    path = corpus / f"metadata/{kind}.parquet"
    schema = pq.read_schema(path)
    rows = read_table(path, kind).to_pylist()  # type: ignore[arg-type]
    change(rows)
    write_table(path, schema, rows)


def pixels(source: str) -> Any:
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    return decode(base64.b64decode(data))


def test_a_build_writes_the_page_and_verify_guards_it(built: Path, copy_corpus: Copy) -> None:
    text = (built / PAGE).read_text()
    assert drawn(built).html == text == drawn(built).html
    assert PAGE in read_checksums(built)
    assert f"[{PAGE}]({PAGE}) shows it in figures and samples" in (built / "README.md").read_text()
    corpus = copy_corpus(built)
    (corpus / PAGE).write_text(text.replace("small-1.0.0", "other-1.0.0"))
    assert [(each.kind, each.file) for each in verify(corpus, jobs=1).problems] == [("changed", PAGE)]
    (corpus / PAGE).unlink()
    assert [(each.kind, each.file) for each in verify(corpus, jobs=1).problems] == [("missing", PAGE)]


def test_the_page_asks_for_nothing_from_outside(built: Path) -> None:
    text = (built / PAGE).read_text()
    page = Reader(text)
    assert not re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]*", "", text))
    assert {a["href"] for a in page.all("a")} == {
        "#holds", "#figures", "#samples", "#sources", "#made", "../recipe.yaml", "../README.md",
    }  # fmt: skip
    assert not page.all("script")
    assert not page.all("link")
    assert "default-src 'none'" in next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert str(built) not in text
    assert all((built / PAGE).parent.joinpath(a["href"]).exists() for a in page.all("a") if a["href"][0] == ".")


def test_the_page_can_be_read_without_eyes_or_mouse(built: Path) -> None:
    page = Reader((built / PAGE).read_text())
    assert all(image["alt"] for image in page.all("img"))
    assert all(chart["role"] == "img" and "median" in chart["aria-label"] for chart in page.all("svg"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a") if a["href"][0] == "#"} <= set(ids)
    assert {label["for"] for label in page.all("label")} == {field["id"] for field in page.all("input")}
    assert all(attributes["aria-label"] for _, attributes in page.elements if attributes.get("role") == "region")
    assert all(cell.get("scope") for cell in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_every_rain_and_stratum_is_shown_with_pictures_of_the_corpus(built: Path) -> None:
    corpus = open_corpus(built)
    rows = corpus.samples.to_pylist()
    view = drawn(built)
    there = {(row["rain"], row["stratum"]) for row in rows}
    assert len(there) == 4
    shown = [(sample.row["rain"], sample.row["stratum"]) for sample in view.samples]
    assert shown == sorted(there)
    assert (view.matching, view.total) == (16, 16)
    for sample in view.samples:
        severities = sorted(
            row["psnr_rainy"] for row in rows
            if (row["rain"], row["stratum"]) == (sample.row["rain"], sample.row["stratum"])
        )  # fmt: skip
        assert sample.row["psnr_rainy"] == severities[len(severities) // 2]
        stored = corpus.read(sample.row["key"], ("rainy", "clean", "rain"))
        assert (sample.width, sample.height) == (48, 48)
        assert np.array_equal(pixels(sample.pictures["rainy"]), stored["rainy"])
        assert np.array_equal(pixels(sample.pictures["clean"]), stored["clean"])
        layer = stored["rain"] if stored["rain"].ndim == 3 else np.repeat(stored["rain"][:, :, None], 3, axis=2)
        assert np.array_equal(pixels(sample.pictures["rain"]), layer)
        assert sample.row["key"] in view.html
        assert f'src="{sample.pictures["clean"]}"' in view.html


def test_numbers_of_the_tables_stand_on_the_page(built: Path) -> None:
    text = Reader((built / PAGE).read_text()).text
    words = re.sub(r"\s+", " ", text)
    for expected in (
        "A corpus for tests.", "CC-BY-4.0", "train 12", "unseen-rain 4", "drawn CC0-1.0",
        "photos research-only Some | photographer", "unreadable The file cannot be opened or is no picture. photos 1",
        "seed 11", "complexity score", "severity dB", "coverage", "brightness of the rain", "gradient_entropy",
        "rainy.png", "dashed: where strata begin",
    ):  # fmt: skip
        assert expected in words, expected


def test_names_of_a_manifest_stay_words(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    recipe = (corpus / "recipe.yaml").read_text()
    (corpus / "recipe.yaml").write_text(recipe.replace("A corpus for tests.", f"'{HOSTILE}'".replace("&'", "&")))

    def spoil(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row |= {"rain": HOSTILE, "simulator": HOSTILE, "source_path": HOSTILE, "license": HOSTILE}
            row["rain_params"] = '{"<script>alert(2)</script>": "<script>alert(3)</script>"}'

    edit(corpus, "samples", spoil)
    edit(corpus, "backgrounds", lambda rows: [row.update(license=HOSTILE, attribution=HOSTILE) for row in rows][:0])
    edit(corpus, "refused", lambda rows: [row.update(reason=HOSTILE, source=HOSTILE) for row in rows][:0])
    text = drawn(corpus).html
    page = Reader(text)
    assert not page.all("script")
    assert "<script" not in text
    assert page.text.count("<script>") > 20
    assert HOSTILE in page.text
    asked = Reader(drawn(corpus, Wanted(rains=(HOSTILE,))).html)
    assert not asked.all("script")
    assert f"16 of 16 samples: rain {HOSTILE}" in asked.text


def test_one_sample_without_layer_or_strata(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(LONELY)
    corpus = build(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "out").folder
    text = (corpus / PAGE).read_text()
    page = Reader(text)
    words = re.sub(r"\s+", " ", page.text)
    assert re.search(r"sample 1 .*backgrounds used 1 .*split 1 .*stratum 1 .*rain 1 .*licence not stated", words)
    assert "Rainy and clean, at most 96 pixels" in words
    assert len(page.all("img")) == 2
    assert "Samples by" not in page.text
    assert "dashed" not in page.text
    assert "No picture of the sources was refused." in page.text
    assert verify(corpus, jobs=1).ok


def test_a_layer_that_is_missing_is_replaced_by_the_mask(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(LONELY.replace("[rainy, clean]", "[rainy, clean, mask]"))
    corpus = build(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "out").folder
    sample = drawn(corpus).samples[0]
    assert list(sample.pictures) == ["rainy", "clean", "mask"]
    assert set(np.unique(pixels(sample.pictures["mask"])).tolist()) <= {0, 255}
    assert "and the mask of the rain" in (corpus / PAGE).read_text()


def test_a_manifest_alone_has_a_page_without_pictures(built: Path, tmp_path: Path) -> None:
    virtual = release_manifest(built, tmp_path)
    text = (virtual / PAGE).read_text()
    assert "data:image" not in text
    assert "a manifest without pictures" in text
    page = Reader(text)
    assert len(page.all("svg")) == len(Reader((built / PAGE).read_text()).all("svg"))
    assert f"[{PAGE}]({PAGE}) shows it in figures, in" in (virtual / "README.md").read_text()
    view = draw_page(LocalStore(virtual), Wanted(splits=("unseen-rain",)), pictures=False)
    assert len(view.samples) == 4
    assert all(sample.row["key"] in view.html and not sample.pictures for sample in view.samples)


def test_the_most_pictures_of_pure_noise_stay_within_bounds(make_corpus: Make) -> None:
    corpus = make_corpus(counts={"train": 100}, size=(136, 136), per_shard=50)
    edit(corpus, "samples", lambda rows: [row.update(rain=f"rain-{n}") for n, row in enumerate(rows)][:0])
    assert list(write_page(corpus, pictures=True)) == [PAGE]
    text = (corpus / PAGE).read_text()
    shown = len(Reader(text).all("figure"))
    assert 50 < shown < 100
    assert f"{shown} of 100 pairs of rain and stratum are shown" in text
    assert len(text) < 2.1 * 2**20


def test_what_does_not_fit_is_left_out_and_said(make_corpus: Make) -> None:
    corpus = make_corpus(counts={"train": 9})
    edit(corpus, "samples", lambda rows: [row.update(rain=f"rain-{n // 3}") for n, row in enumerate(rows)][:0])
    whole = drawn(corpus)
    assert len(whole.samples) == 9
    view = drawn(corpus, budget=sum(len(uri) for uri in whole.samples[0].pictures.values()) * 3 + 400)
    assert {sample.row["rain"] for sample in view.samples} == {"rain-0", "rain-1", "rain-2"}
    assert len({sample.row["stratum"] for sample in view.samples}) == 3
    assert "3 of 9 pairs of rain and stratum are shown" in view.html
    assert "pairs of rain and stratum are shown" not in whole.html


def test_chosen_samples(built: Path) -> None:
    rows = open_corpus(built).samples.to_pylist()
    view = drawn(built, Wanted(splits=("train",), strata=(1,)), limit=50)
    expected = {row["key"] for row in rows if row["split"] == "train" and row["stratum"] == 1}
    assert {sample.row["key"] for sample in view.samples} == expected
    assert view.matching == len(expected)
    assert "split train; stratum 1" in view.html
    assert "Sources and refusals" not in view.html
    one = drawn(built, Wanted(keys=(rows[5]["key"],)))
    assert [sample.row["key"] for sample in one.samples] == [rows[5]["key"]]
    worst = drawn(built, Wanted(), worst=3)
    assert [sample.row["psnr_rainy"] for sample in worst.samples] == sorted(row["psnr_rainy"] for row in rows)[:3]
    assert "the 3 with the lowest PSNR" in worst.html
    assert len(drawn(built, Wanted(rains=("light",)), limit=3).samples) <= 3


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(rains=("hail",)), "has no rain 'hail': it has light, noise"),
        (Wanted(strata=(9,)), "has no stratum 9: it has 0, 1"),
        (Wanted(keys=("nobody",)), "has no key 'nobody': it has 16 others"),
        (Wanted(splits=("unseen-rain",), rains=("noise",)), "no sample that is all of that"),
    ],
)
def test_samples_that_are_not_there(built: Path, wanted: Wanted, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        drawn(built, wanted)


def test_pictures_that_are_equal_have_no_end_of_psnr(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    edit(corpus, "samples", lambda rows: [row.update(psnr_rainy=float("inf")) for row in rows[:3]][:0])
    text = drawn(corpus).html
    assert "∞" in text
    assert "3 without a finite value" in text


def test_a_damaged_record_of_the_strata_is_named(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    path = corpus / "metadata/samples.parquet"
    table = pq.read_table(path)
    for value in (b"[1]", b'{"edges": ["x"]}', b"{"):
        schema = table.schema.with_metadata({**table.schema.metadata, b"rainkit:strata": value})
        write_table(path, schema, table)
        with pytest.raises(IntegrityError, match="record of the strata is damaged"):
            drawn(corpus)
    path.write_bytes(b"no table")
    with pytest.raises(IntegrityError, match="cannot be read as Parquet"):
        drawn(corpus)


def test_half_a_character_is_replaced_or_refused(built: Path, copy_corpus: Copy) -> None:
    corpus = copy_corpus(built)
    text = (corpus / "recipe.yaml").read_text()
    (corpus / "recipe.yaml").write_text(text.replace("A corpus for tests.", '"half \\ud800 left"'))
    assert "half ? left" in drawn(corpus).html
    edit(corpus, "samples", lambda rows: [row.update(rain_params='{"a": "\\ud800"}') for row in rows][:0])
    with pytest.raises(IntegrityError, match="is no JSON object"):
        drawn(corpus)


def test_numbers_are_shown_with_what_matters() -> None:
    shown = [
        pages.show_number(value) for value in (0, 0.0, 1.0, 12345, 0.00012, -2.5, float("nan"), True, "a" * 99, 10**400)
    ]
    assert shown == [
        "0",
        "0",
        "1",
        "12,345",
        "0.00012",
        "-2.5",
        "-",
        "True",
        "a" * 79 + "…",
        "10" + ",000" * 19 + ",…",
    ]


def test_long_tables_are_cut_and_say_so(make_corpus: Make) -> None:
    corpus = make_corpus(counts={"train": 60}, size=(16, 16), per_shard=60)
    edit(
        corpus, "samples", lambda rows: [row.update(rain=f"rain-{n:02d}", stratum=n) for n, row in enumerate(rows)][:0]
    )
    text = drawn(corpus).html
    assert "20 more are not listed" in text
    assert "the first 16 of 60 rains" in text
    assert Reader(text).text.count("rain-59") <= 1
