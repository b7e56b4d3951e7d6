"""One self-contained web page: shows the score, plays the piece, and lights the notes as they sound.

Nothing is fetched; the page's own policy forbids it. Inside are the score engraved twice (for screens and for
phones), the sound as MP3, which every browser plays, a MIDI file to download, and what the piece says of its
making as JSON in the element `tunesmith`. The same score and options give the same bytes.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import tempfile
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from tunesmith import __version__
from tunesmith.errors import FormatError
from tunesmith.formats import WriteOptions, midi, musicxml, picture
from tunesmith.formats.picture import start
from tunesmith.score import Note, Score
from tunesmith.sound.performance import Strike, perform

__all__ = ["fill", "lit_notes", "start", "write"]
NARROW = 640  # the width of the engraving for phones, in units
Sounding = dict[tuple[int, Note], tuple[str, ...]]


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write the page of a score.

    Raises:
        FormatError: a format inside cannot hold the score.
        RequestError: `options.sound` or `options.feel` is unknown.
    """
    try:
        strikes = perform(score, options.feel, options.seed)
    except FormatError:  # nothing to play: the page says so
        strikes = ()
    page = {
        "version": __version__,
        "title": escape(score.title or "Untitled"),
        "composer": escape(score.composer),
        "wide": _inline(picture.svg(score, heading=False, fermata=options.fermata)),
        "narrow": _inline(picture.svg(score, NARROW, heading=False, fermata=options.fermata)),
        "file_name": re.sub(r"\W+", "-", score.title).strip("-")[:60] or "tune",
        "midi": _embedded(score, options, ".mid"),
        "audio": "data:audio/mpeg;base64," + _embedded(score, options, ".mp3") if strikes else "",
        "provenance": _script(_provenance(score)),
        "strikes": _script(lit_notes(score, strikes)),
    }
    template = files("tunesmith.formats").joinpath("page.template.html").read_text("utf-8")
    path.write_bytes(fill(template, page).encode())


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in the places `{{name}}`, once: a value may itself contain such text."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)


def lit_notes(score: Score, strikes: tuple[Strike, ...]) -> list[tuple[float, float, tuple[str, ...]]]:
    """For each strike: its onset and end in seconds, and the ids of the note in the score that it plays."""
    ids = _ids_as_played(score)
    return [
        (round(s.onset_seconds, 3), round(s.onset_seconds + s.duration_seconds, 3), ids[s.part, s.note])
        for s in strikes
    ]


def _ids_as_played(score: Score) -> Sounding:
    """The ids of every note as it is played, repeats written out.

    A copy of the score whose notes carry their place instead of their voice shows what each played note was.
    """
    ids = musicxml.note_ids(score)
    tagged = score.replace(
        parts=tuple(
            dataclasses.replace(
                part, notes=tuple(dataclasses.replace(note, voice=place) for place, note in enumerate(part.notes))
            )
            for part in score.parts
        )
    )
    found: Sounding = {}
    for number, part in enumerate(tagged.unfold().parts):
        for note in part.notes:
            place = note.voice
            played = number, dataclasses.replace(note, voice=score.parts[number].notes[place].voice)
            found[played] = found.get(played, ()) + ids[number][place]
    return found


def _inline(svg: str) -> str:
    """SVG for use inside a page, where two engravings of the same notes must not share ids."""
    return re.sub(r' id="(p\d+[nr][-\d]*)"', r' data-id="\1"', svg).strip()


def _embedded(score: Score, options: WriteOptions, ending: str) -> str:
    """The score in another format, as base64."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"piece{ending}"
        if ending == ".mid":
            midi.write(score, path, options)
        else:
            from tunesmith.formats import audio

            audio.write(score, path, options)
        return base64.b64encode(path.read_bytes()).decode()


def _provenance(score: Score) -> object:
    try:
        return json.loads(score.provenance or "null")
    except ValueError:
        return score.provenance


def _script(value: object) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment there."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
