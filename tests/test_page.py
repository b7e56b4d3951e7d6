"""The page: nothing from outside, nothing that breaks out, and every sounding note found in the score."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tunesmith import formats
from tunesmith.formats import WriteOptions, page
from tunesmith.score import TPQ, Ending, Note, Part, Repeat, Score, Tempo
from tunesmith.sound.performance import perform

Q = TPQ
BAR = 4 * Q


def tune(**changes: object) -> Score:
    """Two bars, the second tied over from the first, fast, so that the sound is short."""
    notes = (Note(0, Q, 60), Note(Q, Q, 64), Note(2 * Q, 3 * Q, 67), Note(5 * Q, 3 * Q, 72))
    return Score((Part(notes),), tempos=(Tempo(0, 300.0),), title="A Tune").replace(**changes)


class Page(HTMLParser):
    """What a browser sees: attributes of all elements, and the text of scripts by id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._script: str | None = None
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = (dict(attrs).get("id") or "player") if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text += data

    def attribute(self, key: str, name: str) -> str:
        """An attribute of the element with an id."""
        return next(attributes[name] or "" for _, attributes in self.elements if attributes.get("id") == key)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("page") / "tune.html"
    nasty = '</script><script>alert("{{title}}")</script><!--'
    formats.write(tune(title=nasty, composer="A & B", provenance=json.dumps({"request": nasty})), path)
    return Page(path)


def test_nothing_is_fetched(written: Page) -> None:
    for tag, attributes in written.elements:
        for name in ("src", "href", "data", "action", "poster"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, (tag, name, value[:80])
    policy = next(a["content"] for _, a in written.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)
    assert "http" not in str(policy)


def test_a_title_cannot_break_out(written: Page) -> None:
    assert set(written.scripts) == {"tunesmith", "strikes", "player"}
    assert json.loads(written.scripts["tunesmith"])["request"].startswith("</script>")
    assert "alert" not in written.scripts["player"]
    assert 'alert("{{title}}")' in written.text


def test_sound_and_midi_are_inside(written: Page) -> None:
    head, data = written.attribute("audio", "src").split(",")
    assert head == "data:audio/mpeg;base64"
    assert base64.b64decode(data)[:3] == b"ID3"
    assert base64.b64decode(written.attribute("midi", "href").split(",")[1])[:4] == b"MThd"
    assert re.fullmatch(r"[\w-]+\.mid", written.attribute("midi", "download"))


def test_every_strike_lights_notes_of_both_engravings(written: Page) -> None:
    placed = [attributes["data-id"] for _, attributes in written.elements if attributes.get("data-id")]
    strikes = json.loads(written.scripts["strikes"])
    assert len(strikes) == 4
    assert [len(ids) for _, _, ids in strikes] == [1, 1, 2, 1]  # the third is tied over the bar line
    assert all(placed.count(i) == 2 for _, _, ids in strikes for i in ids)
    assert all(start < end for start, end, _ in strikes)


def test_ids_are_unique_in_the_page(written: Page) -> None:
    ids = [attributes["id"] for _, attributes in written.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_repeated_bars_light_the_same_notes_again() -> None:
    notes = tuple(Note(n * 2 * Q, 2 * Q, 60 + n) for n in range(4))
    score = tune(parts=(Part(notes),), repeats=(Repeat(0, 2 * BAR, 2, (Ending(BAR, 2 * BAR, (1,)),)),))
    found = page.lit_notes(score, perform(score, 0.0))
    assert [ids for _, _, ids in found] == [("p1n1",), ("p1n2",), ("p1n3",), ("p1n4",), ("p1n1",), ("p1n2",)]
    assert found[4][0] == pytest.approx(2 * BAR / Q * 60 / 300, abs=0.001)


def test_two_voices_on_one_pitch_both_find_their_note() -> None:
    score = tune(parts=(Part((Note(0, Q, 60, voice=1), Note(0, Q, 60, voice=2), Note(0, Q, 60, voice=2))),))
    found = page.lit_notes(score, perform(score, 0.3))
    assert {ids for _, _, ids in found} == {("p1n1",), ("p1n2", "p1n3")}


def test_what_cannot_be_played_still_has_a_page(tmp_path: Path) -> None:
    for number, score in enumerate((Score(), Score((Part((Note(0, Q, 36),), drums=True),)))):
        path = tmp_path / f"{number}.html"
        formats.write(score, path)
        assert json.loads(Page(path).scripts["strikes"]) == []
        assert json.loads(Page(path).scripts["tunesmith"]) is None


def test_the_same_score_gives_the_same_page(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        formats.write(tune(), tmp_path / name, WriteOptions(seed=3))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
