"""The page of a check: every run beside its song, the right notes marked, nothing fetched, nothing that breaks out.

A chain of marks is tested note by note: from a run to the notes of the score, to their ids, to what the page colours.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from conftest import Run, abc
from lxml import html

import tunesmith as ts
from tunesmith import api, comparing
from tunesmith.errors import FormatError, StorageError
from tunesmith.formats import musicxml
from tunesmith.originality import lines
from tunesmith.quotations import drawing, excerpts, words
from tunesmith.score import TPQ, Meter, Note, Part, Score, Tempo

SONGS = Path(__file__).parent.parent / "examples" / "songs"
LEAPS = "C2G2 E4|c6 A2|F3A c2f2|e4 C4|"
SCALE = "CDEF GABc|cBAG FEDC|CEGc GECE|DFAd AFDF|"
NASTY = '</title><script>alert("{{score}}")</script>'
FOUR = (Meter(0, 4, 4),)


def parsed(path: Path) -> Element:
    return html.document_fromstring(path.read_text("utf-8"))


def within(place: Element, kind: str) -> Iterator[Element]:
    """The elements of a class."""
    yield from (e for e in place.iter() if isinstance(e.tag, str) and kind in (e.get("class") or "").split())


def coloured(place: Element) -> dict[str, str]:
    """The ids of coloured notes, and their colours."""
    return {note.get("data-note"): note.get("class").split()[-1] for note in within(place, "copied")}


def ids_of(score: Score, notes: tuple[Note, ...], part: int = 0) -> set[str]:
    ids = musicxml.note_ids(score)[part]
    return {name for place, note in enumerate(score.parts[part].notes) if note in notes for name in ids[place]}


@pytest.fixture
def tunes(tmp_path: Path) -> Path:
    folder = tmp_path / "tunes"
    folder.mkdir()
    (folder / "scale.abc").write_text(abc("Scale", SCALE), "utf-8")
    (folder / "leaps.abc").write_text(abc(f"Leaps {NASTY}", LEAPS), "utf-8")
    return folder


@pytest.fixture(scope="module")
def medley() -> Score:
    """Silent Night a fourth higher, two bars altered; Ode to Joy in notes half as long."""
    night, joy = (ts.load_songs(SONGS / f"{name}.abc")[0] for name in ("silent_night", "ode_to_joy"))
    moved = night.transpose(5)
    bars = list(moved.bars())
    changed = [
        dataclasses.replace(note, pitch=note.pitch + 1 + place % 3, fifths=None)
        if bars[4].start <= note.onset < bars[6].start
        else note
        for place, note in enumerate(moved.parts[0].notes)
    ]
    short = [Note(bars[-1].end + n.onset // 2, n.duration // 2, n.pitch - 4) for n in joy.parts[0].notes]
    return moved.replace(parts=(Part((*changed, *short)),), chords=(), title=f"Medley {NASTY}")


@pytest.fixture(scope="module")
def checked(medley: Score) -> comparing.Checked:
    return ts.check(medley, ts.against(SONGS))


@pytest.fixture(scope="module")
def page(checked: comparing.Checked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "check.html"
    api.save_check(checked, path)
    return path


def test_the_right_notes_are_coloured(page: Path, checked: comparing.Checked) -> None:
    found = coloured(next(within(parsed(page), "score")))
    (line,) = lines(checked.piece)
    expected: dict[str, str] = {}
    for number, run in reversed(list(enumerate(checked.whole.runs, 1))):
        own = ids_of(checked.piece, line.notes[run.first : run.first + run.notes])
        expected |= dict.fromkeys(own, drawing.kind_of(number))
    assert found == expected
    assert len(checked.whole.runs) >= 3
    assert 0 < len(found) < len(ids_of(checked.piece, line.notes)), "some notes are its own"


def test_colour_is_never_alone(page: Path, checked: comparing.Checked) -> None:
    brackets = [b.findtext("text") for b in within(next(within(parsed(page), "score")), "bracket")]
    assert set(brackets) == {str(number) for number in range(1, len(checked.whole.runs) + 1)}


def test_every_run_is_beside_its_song(page: Path, checked: comparing.Checked) -> None:
    articles = list(parsed(page).iter("article"))
    assert [a.get("id") for a in articles] == [f"run-{n}" for n in range(1, len(checked.whole.runs) + 1)]
    for run, article in zip(checked.whole.runs, articles, strict=True):
        told = article.text_content()
        assert f"{run.notes} notes in {checked.against.names[run.song]}" in told
        assert f"{words.bars(run.bars, 'Bar')} of the piece; in the song from bar {run.song_bar} on" in told
        assert len(list(within(article, "music"))) == 2
        found = excerpts.pair(checked.piece, checked.against.score(run.song), run)
        assert found.difference in told
        for picture, excerpt in zip(within(article, "music"), (found.piece, found.song), strict=True):
            notes = tuple(excerpt.score.parts[0].notes[place] for place in excerpt.copied)
            assert set(coloured(picture)) == ids_of(excerpt.score, notes)
            assert len(notes) == run.notes


def test_what_is_heard_is_the_run(page: Path, checked: comparing.Checked) -> None:
    document = parsed(page)
    sounds = json.loads(document.get_element_by_id("sounds").text)
    buttons = [b.get("data-sound") for b in document.iter("button")]
    assert buttons == list(sounds)
    for number, run in enumerate(checked.whole.runs, 1):
        (line,) = lines(checked.piece)
        mine, theirs = sounds[f"{number}-piece"], sounds[f"{number}-song"]
        assert [pitch for *_, pitch in mine] == [n.pitch for n in line.notes[run.first : run.first + run.notes]]
        assert {a[2] - b[2] for a, b in zip(mine, theirs, strict=True)} == {mine[0][2] - theirs[0][2]}
        assert mine[0][0] == theirs[0][0] == 0


def test_the_page_fetches_nothing_and_nothing_breaks_out(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert "xlink" not in text
    document = parsed(page)
    for element in document.iter():
        for name in ("src", "href", "data", "action"):
            assert (element.get(name) or "#").startswith(("#", "data:")), element.tag
    assert len(list(document.iter("script"))) == 2
    assert not [script for script in document.iter("script") if "alert" in (script.text or "")]
    assert NASTY in document.findtext(".//h1")
    ids = [e.get("id") for e in document.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    signs = {e.get("href").lstrip("#") for e in document.iter("use")}
    assert signs <= set(ids), "every sign is defined"
    assert all(e.get("aria-label") for e in document.iter() if e.get("role") in ("img", "group"))


def test_names_of_songs_are_escaped(run: Run, tunes: Path) -> None:
    assert run("check", tunes / "leaps.abc", "--against", tunes, "--html", "new/check.html").code == 0
    document = parsed(Path("new/check.html"))
    assert len(list(document.iter("script"))) == 2
    assert any(f"Leaps {NASTY}" in cell.text_content() for cell in document.iter("td"))
    assert not list(Path("new").glob(".tunesmith-*"))


def test_a_piece_with_no_run_says_so(run: Run, tunes: Path) -> None:
    Path("new.abc").write_text(abc("New", "G4 E4|c2A2 F2D2|B,4 D4|C8|"), "utf-8")
    run("check", "new.abc", "--against", tunes, "--html", "check.html")
    document = parsed(Path("check.html"))
    assert "No run of 8 notes or more stands in any of these songs" in document.text_content()
    assert not list(document.iter("article"))
    assert not coloured(document)
    assert len(list(within(document, "music"))) == 1


def test_a_song_that_has_gone_since_is_said_in_its_place(tunes: Path, tmp_path: Path) -> None:
    (tunes / "both.abc").write_text(abc("One", "G4 E4|", 1) + "\n" + abc("Two", f"{SCALE}{LEAPS}", 2), "utf-8")
    (piece,) = ts.load_songs(tunes / "scale.abc")
    found = ts.check(piece, ts.against(tunes / "scale.abc", tunes / "leaps.abc"))
    (tunes / "scale.abc").unlink()
    api.save_check(found, tmp_path / "gone.html")
    (told,) = within(parsed(tmp_path / "gone.html"), "missing")
    assert "no such file or folder" in told.text
    with pytest.raises(StorageError):
        found.against.score(0)
    shutil.copy(tunes / "leaps.abc", tunes / "scale.abc")
    api.save_check(found, tmp_path / "gone.html")
    (told,) = within(parsed(tmp_path / "gone.html"), "missing")
    assert excerpts.CHANGED in told.text
    both = ts.against(tunes / "both.abc")
    (tunes / "both.abc").write_text(abc("One", "G4 E4|"), "utf-8")
    assert both.score(0).title == "One"
    with pytest.raises(StorageError, match="no longer in it"):
        both.score(1)


def test_a_model_gives_its_songs(tunes: Path, tmp_path: Path) -> None:
    model = ts.learn(tunes, model="ngram")
    (piece,) = ts.load_songs(tunes / "scale.abc")
    found = ts.check(piece, ts.against(model))
    for number, name in enumerate(found.against.names):
        assert found.against.score(number).note_count == (32 if name == "Scale" else 11)
    api.save_check(found, tmp_path / "model.html")
    (article,) = parsed(tmp_path / "model.html").iter("article")
    assert "kept in the model" in article.text_content()
    assert "at the same pitch, at the same speed" in article.text_content()


def test_several_songs_have_a_page_each(run: Run, tunes: Path) -> None:
    Path("book.abc").write_text(abc("One", SCALE, 1) + "\n" + abc("Two", LEAPS, 2), "utf-8")
    assert run("check", "book.abc", "--against", tunes, "--html", "check.html").code == 0
    assert sorted(p.name for p in Path().glob("*.html")) == ["check-1.html", "check-2.html"]


def test_a_bad_place_is_one_line(run: Run, tunes: Path) -> None:
    piece = tunes / "scale.abc"
    Path("folder.html").mkdir()
    Path("file").touch()
    assert "end it in .html" in run("check", piece, "--against", tunes, "--html", "check.pdf").line
    assert "is a folder" in run("check", piece, "--against", tunes, "--html", "folder.html").line
    assert "folder should be" in run("check", piece, "--against", tunes, "--html", "file/check.html").line


def stretch(count: int, first: int = 60) -> tuple[Note, ...]:
    """Eighths that no run of eight has twice."""
    return tuple(Note(n * TPQ // 2, TPQ // 2, first + (n * n + n // 7) % 17) for n in range(count))


def test_a_long_piece_has_a_page_of_bounded_size(tmp_path: Path) -> None:
    song = Score((Part(stretch(300)),), title="Song")
    api.save(song, tmp_path / "song.musicxml")
    pieces = [
        Note((number * 12 + place) * TPQ, TPQ, song.parts[0].notes[number + place].pitch)
        for number in range(200)
        for place in range(10)
    ]
    found = ts.check(Score((Part(tuple(pieces)),), FOUR, title="Long"), ts.against(tmp_path / "song.musicxml"))
    assert len(found.whole.runs) > drawing.MOST_RUNS
    api.save_check(found, tmp_path / "long.html")
    document = parsed(tmp_path / "long.html")
    assert (tmp_path / "long.html").stat().st_size < 8_000_000
    assert len(list(document.iter("article"))) == drawing.MOST_RUNS
    told = document.text_content()
    assert f"{len(found.whole.runs)} runs of 8 notes or more stand in these songs. The 20 longest" in told
    assert f"Of its 600 bars the first {drawing.MOST_BARS} are drawn" in told
    assert any(b.findtext("text") == drawing.FURTHER for b in within(document, "bracket"))


def test_a_long_run_is_shown_in_part() -> None:
    song = Score((Part(stretch(400)),), FOUR)
    found = ts.check(song.transpose(7), comparing.Against(("",), 8, *_indexed(song)))
    (run,) = found.whole.runs
    pair = excerpts.pair(found.piece, song, run)
    assert pair.piece.bars == (1, 50)
    assert pair.piece.shown == (1, excerpts.MOST_BARS)
    assert len(pair.piece.heard) == len(pair.piece.copied) == excerpts.MOST_BARS * 8
    assert pair.difference == "a fifth higher, at the same speed"


def _indexed(song: Score) -> tuple[dict, dict]:
    from tunesmith.originality import Index, View, yardstick

    index = Index.of([song], View.WHOLE)
    return {View.WHOLE: index}, {View.WHOLE: yardstick([song], index)}


def test_a_tempo_that_one_does_not_say_is_taken_from_the_other() -> None:
    song = Score((Part(stretch(40)),), meters=(Meter(0, 3, 4),))
    slow = Score(
        (Part(tuple(dataclasses.replace(n, onset=2 * n.onset, duration=2 * n.duration) for n in stretch(40))),)
    )
    for tempos, told in (
        ((), "at the same pitch, half as fast, in notes twice as long"),
        ((Tempo(0, 60.0),), "at the same pitch, half as fast, in notes twice as long"),
    ):
        found = ts.check(slow.replace(tempos=tempos), comparing.Against(("",), 8, *_indexed(song)))
        pair = excerpts.pair(found.piece, song, found.whole.runs[0])
        assert pair.difference == told
        assert pair.piece.heard[1][0] == pytest.approx(2 * pair.song.heard[1][0])
    found = ts.check(slow.replace(tempos=(Tempo(0, 120.0),)), comparing.Against(("",), 8, *_indexed(song)))
    timed = song.replace(tempos=(Tempo(0, 60.0),))
    assert excerpts.pair(found.piece, timed, found.whole.runs[0]).difference == (
        "at the same pitch, at the same speed, in notes twice as long"
    )


def test_what_is_not_a_run_of_the_song_is_refused() -> None:
    song = Score((Part(stretch(40)),))
    found = ts.check(song, comparing.Against(("",), 8, *_indexed(song)))
    with pytest.raises(FormatError, match="no longer what it was"):
        excerpts.pair(found.piece, Score((Part(stretch(40, 50)[5:]),)), found.whole.runs[0])


@pytest.mark.parametrize(
    ("semitones", "speed", "values", "told"),
    [
        (0, 1.0, 1.0, "at the same pitch, at the same speed"),
        (7, 0.5, 1.0, "a fifth higher, half as fast"),
        (-14, 2.01, 0.5, "an octave and a whole tone lower, twice as fast, in notes half as long"),
        (24, 1.2, 1.5, "two octaves higher, 1.2 times as fast, in notes one and a half times as long"),
        (-90, 1.0, 1.0, "7 octaves and a tritone lower, at the same speed"),
    ],
)
def test_differences_are_told_in_words(semitones: int, speed: float, values: float, told: str) -> None:
    assert words.difference(semitones, speed, values) == told
