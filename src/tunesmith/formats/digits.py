"""Digits, `.txt`: the historical format, a melody as whole numbers separated by white space.

0 is a rest, 1 is C3 (MIDI 48), and so on in semitones to 24, B4 (MIDI 71). Every number lasts one equal step; the
same number twice is a note played twice. A line that begins with `#` is a remark, `# title: ...` names the song.

Reading makes a step a quarter note, at the tempo that gives it `ReadOptions.step_seconds`. Writing takes the longest
step in which every onset and duration is whole. The format has no way to hold a note, so a note of several steps is
written as a note repeated. Lost as well: tempo, meter, key, velocity, spelling, instrument, chord symbols.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import FormatError, RequestError
from tunesmith.files import read_bytes
from tunesmith.score import TPQ, Note, Part, Score, Tempo, note_order

if TYPE_CHECKING:
    from tunesmith.formats import ReadOptions, WriteOptions

REST, LOWEST, HIGHEST = 0, 1, 24
PITCH_OF_ZERO = 47  # so that 1 is MIDI 48
MAX_BYTES = 2**20
MAX_STEPS = 200_000  # 22 hours of the usual step
MAX_STEPS_A_BAR = 64  # a finer step means that the melody keeps to no step at all
STEP_SECONDS = (0.01, 10.0)  # shortest and longest step
_STEPS_A_LINE = 16
_NUMBER = re.compile(r"-?[0-9]+")
_TITLE = re.compile(r"#\s*title:\s*(.*?)\s*$")


def read(path: Path, options: ReadOptions) -> Iterator[Score | FormatError]:
    """The song of a file; see `formats.read`.

    Raises:
        FormatError: not text, no notes, or something that is not a number from 0 to 24, with its place.
        RequestError: a step length that makes no music.
    """
    shortest, longest = STEP_SECONDS
    if not shortest <= options.step_seconds <= longest:
        raise RequestError(f"a step of {options.step_seconds:g} seconds", fix=f"choose {shortest:g} to {longest:g}")
    lines = _decode(read_bytes(path, MAX_BYTES)).splitlines()
    steps = [step for number, line in enumerate(lines, 1) for step in _steps(line, number)]
    if not any(steps):
        raise FormatError("no notes", where=f"line 1 to {len(lines)}")
    if len(steps) > MAX_STEPS:
        raise FormatError(f"{len(steps):,} steps; {MAX_STEPS:,} is the most")
    notes = (Note(i * TPQ, TPQ, PITCH_OF_ZERO + step) for i, step in enumerate(steps) if step != REST)
    title = next((found[1] for line in lines if (found := _TITLE.match(line))), "")
    yield Score(parts=(Part(tuple(notes)),), tempos=(Tempo(0, round(60 / options.step_seconds, 6)),), title=title)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        raise FormatError("not a text file in UTF-8", where=f"line {line}, column {column}") from None


def _steps(line: str, number: int) -> Iterator[int]:
    """The numbers of one line."""
    if line.lstrip().startswith("#"):
        return
    for word in re.finditer(r"\S+", line):
        where = f"line {number}, column {word.start() + 1}"
        text = word[0] if len(word[0]) <= 20 else word[0][:20] + "..."
        if not _NUMBER.fullmatch(word[0]):
            fix = f"write whole numbers from {REST} to {HIGHEST}, separated by spaces"
            raise FormatError(f"{text!r} is not a whole number", where=where, fix=fix)
        digits = word[0].lstrip("0") or "0"
        if len(digits) > 2 or not REST <= int(digits) <= HIGHEST:
            fix = f"{REST} is a rest, {LOWEST} is C3, {HIGHEST} is B4"
            raise FormatError(f"{text} is outside {REST} to {HIGHEST}", where=where, fix=fix)
        yield int(digits)


def write(score: Score, path: Path, options: WriteOptions) -> None:
    """Write a melody; see `formats.write` and the head of this module.

    Raises:
        FormatError: not one melody of single notes from C3 to B4 on equal steps, with the bar.
    """
    del options  # the file holds no durations: a step has its length when it is read
    score = score.unfold()
    notes = _melody(score)
    step = math.gcd(*(time for n in notes for time in (n.onset, n.duration)))
    if max(bar.meter.bar for bar in score.bars()) > MAX_STEPS_A_BAR * step:
        what = f"the notes keep to no equal step of at least 1/{MAX_STEPS_A_BAR} of a bar"
        raise FormatError(what, fix="quantise the song first")
    if notes[-1].end > MAX_STEPS * step:
        raise FormatError(f"more than {MAX_STEPS:,} steps", where=_place(score, notes[-1]))
    steps: list[int] = []
    for n in notes:
        steps += [REST] * (n.onset // step - len(steps)) + [n.pitch - PITCH_OF_ZERO] * (n.duration // step)
    title = " ".join(score.title.split())
    lines = [f"# title: {title}"] if title else []
    lines += [" ".join(map(str, steps[i : i + _STEPS_A_LINE])) for i in range(0, len(steps), _STEPS_A_LINE)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace", newline="\n")


def _melody(score: Score) -> list[Note]:
    """The notes of the one melody, in order."""
    parts = [part for part in score.parts if part.notes]
    if len(parts) != 1 or parts[0].drums:
        what = "drums" if len(parts) == 1 else f"{len(parts) or 'no'} parts with notes"
        raise FormatError(f"{what} where digits hold one melody", fix="write MIDI instead")
    notes = sorted(parts[0].notes, key=note_order)
    end = 0
    for n in notes:
        if n.onset < end:
            what = "a second voice or a chord where digits hold one note at a time"
            raise FormatError(what, where=_place(score, n))
        if not LOWEST <= n.pitch - PITCH_OF_ZERO <= HIGHEST:
            what = f"MIDI pitch {n.pitch} is outside {PITCH_OF_ZERO + LOWEST} to {PITCH_OF_ZERO + HIGHEST} (C3 to B4)"
            raise FormatError(what, where=_place(score, n), fix="transpose the song")
        end = n.end
    return notes


def _place(score: Score, note: Note) -> str:
    """Where a note stands: its bar, and its number in the whole song."""
    bar = next((b.number for b in score.bars() if b.start <= note.onset < b.end), 0)
    return f"bar {bar}, note {1 + sum(n.onset < note.onset for n in score.notes())}"
