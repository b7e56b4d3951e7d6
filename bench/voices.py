"""Voice separation, melody and bass: how much is found again when parts, voices and names are taken away.

    python bench/voices.py FOLDER

FOLDER holds the collections as FOLDER/base/... and FOLDER/bench/... The costs and weights of the program were fitted on
half of the pieces of base/ (`fitted_on`); all figures are of the other half, and of bench/, on which none was fitted.

Voices: all parts merged into one, all notes in voice 1. Precision, recall and F-measure of the links between a note and
the next of its voice (A. McLeod and M. Steedman, JNMR 45(1), 2016), where a chord links all its notes to all of the
next; and the average voice consistency, AVC (E. Chew and X. Wu, CMMR 2004): the share of a found voice's notes that
come from one true voice, averaged over found voices. Pieces that need no splitting are left out. Melody and bass: notes
right by onset and pitch.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from measure import machine, table

from tunesmith import formats
from tunesmith.errors import TunesmithError
from tunesmith.prepare import MAX_PART_VOICES, bass, melody, overlaps, shortened, split_voices
from tunesmith.prepare.melody import melody_part
from tunesmith.prepare.melody_path import over
from tunesmith.score import TPQ, Note, Part, Score, note_order

MOST_PIECES = 40  # of a collection, the first by the hash of their names
MOST_NOTES = 4000  # of a piece; partitura takes more than a minute for long ones
HYMNS, LIEDER = "base/open-hymnal/open-hymnal/OpenHymnal.abc", "base/openscore-lieder/openscore-lieder"
QUARTETS, MADRIGALS = "base/openscore-quartets/openscore-quartets", "base/madrigals/madrigals"
MUTOPIA, CHORALES = "base/mutopia-pd-by/mutopia-pd-by", "bench/jsb-chorales/jsb-chorales/Jsb16thSeparated.json"


@dataclass(frozen=True)
class Piece:
    """A name and the true lines, each a row of notes, from the top down."""

    name: str
    lines: tuple[tuple[Note, ...], ...]

    def merged(self) -> Score:
        """All lines in one part and voice; `fifths`, which nothing here looks at, says which line."""
        notes = [replace(n, voice=1, fifths=line) for line, notes in enumerate(self.lines) for n in notes]
        return Score((Part(tuple(sorted(notes, key=note_order))),))


def fitted_on(name: str) -> bool:
    """Whether a piece of base/ belongs to the half that the program was fitted on."""
    return zlib.crc32(name.encode()) % 2 == 0


def songs(path: Path, pattern: str) -> Iterator[tuple[str, Score]]:
    """The readable songs of the held-out half of a folder's files, in the order of the hash of their names."""
    files = [p for p in path.rglob(pattern) if not fitted_on(p.name) and p.stat().st_size < 4_000_000]
    for file in sorted(files, key=lambda p: zlib.crc32(p.name.encode())):
        try:
            found = [s for s in formats.read(file) if isinstance(s, Score)]
        except TunesmithError:
            continue  # how much is readable is measured elsewhere
        yield from ((file.name, s) for s in found)


def pitched(score: Score) -> list[Part]:
    """The parts with notes that are not drums."""
    return [p for p in score.parts if p.notes and not p.drums]


def alone(notes: Sequence[Note]) -> bool:
    """Whether there is one note at a time."""
    return all(a.end <= b.onset for a, b in pairwise(notes))


def hymns(folder: Path) -> Iterator[Piece]:
    """Hymns of two to four voices, every voice of every part a line."""
    for number, score in enumerate(formats.read(folder / HYMNS)):
        if isinstance(score, Score):
            lines = [
                tuple(n for n in p.notes if n.voice == v)
                for p in score.parts
                for v in sorted({n.voice for n in p.notes})
            ]
            piece = Piece(f"h{number} {score.title}", tuple(lines))
            if 2 <= len(lines) <= MAX_PART_VOICES and not fitted_on(piece.name):
                yield piece


def chorales(folder: Path) -> Iterator[Piece]:
    """Chorales of four voices, on a grid of sixteenths; repeated pitches are taken for one note, as in the data."""
    data = json.loads((folder / CHORALES).read_text("utf-8"))
    for split, pieces in data.items():
        for number, rows in enumerate(pieces):
            lines = [tuple(held([int(row[voice]) for row in rows])) for voice in range(4)]
            yield Piece(f"{split} {number}", tuple(line for line in lines if line))


def held(pitches: Sequence[int]) -> Iterator[Note]:
    """Notes from a pitch for every sixteenth (-1 = none)."""
    start = 0
    for step in range(1, len(pitches) + 1):
        if step == len(pitches) or pitches[step] != pitches[start]:
            if pitches[start] >= 0:
                yield Note(start * TPQ // 4, (step - start) * TPQ // 4, pitches[start])
            start = step


def ensembles(folder: Path, place: str, pattern: str, *, strict: bool) -> Iterator[Piece]:
    """Pieces of two to four parts; `strict`: each with one note at a time."""
    for name, score in songs(folder / place, pattern):
        parts = pitched(score)
        if 2 <= len(parts) <= MAX_PART_VOICES and (not strict or all(alone(p.notes) for p in parts)):
            yield Piece(name, tuple(p.notes for p in parts))


def piano(folder: Path) -> Iterator[Piece]:
    """Piano music in two tracks, the right hand's and the left hand's."""
    for name, score in songs(folder / MUTOPIA, "*.mid"):
        parts = pitched(score)
        if len(parts) == 2 and all(p.program < 8 for p in parts) and not all(alone(p.notes) for p in parts):
            yield Piece(name, tuple(p.notes for p in parts))


def lieder(folder: Path) -> Iterator[Score]:
    """Songs whose first part is a voice that sings one note at a time, with a piano."""
    for _, score in songs(folder / LIEDER, "*.musicxml"):
        parts = pitched(score)
        if len(parts) == 2 and alone(parts[0].notes) and not alone(parts[1].notes):
            yield score.replace(parts=tuple(replace(p, name="", program=0) for p in parts))


# -- separating ------------------------------------------------------------------------------------------------------

Method = Callable[[Score], Sequence[int]]  # the voice of every note of the one part, in its order


def ours(score: Score) -> list[int]:
    """The program's: `split_voices`. Notes keep their places but for the order of equal ones, which `fifths` tells."""
    return [n.voice for n in split_voices(score).parts[0].notes]


def greedy(score: Score) -> list[int]:
    """The baseline: chords of one length go to the free voice nearest in pitch, else a new one, else the nearest."""
    voices: list[tuple[int, float]] = []  # (end, pitch)
    chords: dict[tuple[int, int], list[Note]] = defaultdict(list)
    found: dict[tuple[int, int], int] = {}
    for n in sorted(score.parts[0].notes, key=lambda n: (n.onset, -n.end, -n.pitch)):
        chords[n.onset, n.end].append(n)
    for (onset, end), chord in chords.items():
        pitch = float(np.mean([n.pitch for n in chord]))
        free = [v for v, (over, _) in enumerate(voices) if over <= onset]
        if not free and len(voices) < MAX_PART_VOICES:
            voices.append((0, pitch))
            free = [len(voices) - 1]
        voice = min(free or range(len(voices)), key=lambda v: abs(voices[v][1] - pitch))
        voices[voice] = end, pitch
        found[onset, end] = voice + 1
    return [found[n.onset, n.end] for n in score.parts[0].notes]


def partitura(score: Score) -> list[int]:
    """partitura's `estimate_voices`, Chew and Wu's contig mapping."""
    from partitura.musicanalysis import estimate_voices

    rows = [(n.onset / TPQ, n.duration / TPQ, n.pitch) for n in score.parts[0].notes]
    fields = [("onset_beat", "f4"), ("duration_beat", "f4"), ("pitch", "i4")]
    return [int(v) for v in estimate_voices(np.array(rows, fields))]


def music21(score: Score) -> list[int]:
    """music21's `makeVoices`: the first voice that is free, whatever the pitch."""
    from music21 import note, stream

    line = stream.Stream()
    for place, n in enumerate(score.parts[0].notes):
        found = note.Note(n.pitch, quarterLength=n.duration / TPQ)
        found.editorial.place = place
        line.insert(n.onset / TPQ, found)
    voices = [0] * len(score.parts[0].notes)
    made = line.makeVoices(inPlace=False, fillGaps=False)
    for number, voice in enumerate(made.voices or [made], 1):
        for found in voice.notes:
            voices[found.editorial.place] = number
    return voices


METHODS: dict[str, Method] = {
    "tunesmith": ours,
    "partitura estimate_voices": partitura,
    "music21 makeVoices": music21,
    "nearest free voice": greedy,
}


def links(notes: Sequence[Note], voices: Sequence[int]) -> set[tuple[int, int]]:
    """The pairs of notes, by their places, that follow each other in a voice."""
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (n, voice) in enumerate(zip(notes, voices, strict=True)):
        groups[voice][n.onset].append(place)
    rows = [[chords[onset] for onset in sorted(chords)] for chords in groups.values()]
    return {(i, j) for row in rows for a, b in pairwise(row) for i in a for j in b}


def consistency(true: Sequence[int], found: Sequence[int]) -> float:
    """The share of each found voice's notes that are of one true voice, averaged over the found voices."""
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for t, f in zip(true, found, strict=True):
        counts[f][t] += 1
    return float(np.mean([max(c.values()) / c.total() for c in counts.values()]))


def separated(pieces: Sequence[Piece], method: Method) -> list[str]:
    """Precision, recall, F-measure over all links, AVC over all pieces, and notes a second of CPU time."""
    right = wanted = found = notes = 0
    shares, seconds = [], 0.0
    for piece in pieces:
        score = piece.merged()
        rows = score.parts[0].notes
        start = time.process_time()
        voices = method(score)
        seconds += time.process_time() - start
        true = [n.fifths or 0 for n in rows]
        a, b = links(rows, true), links(rows, voices)
        right, wanted, found, notes = right + len(a & b), wanted + len(a), found + len(b), notes + len(rows)
        shares.append(consistency(true, voices))
    return [*rates(right, found, wanted), f"{np.mean(shares):.3f}", f"{notes / seconds:,.0f}"]


def rates(right: int, found: int, wanted: int) -> list[str]:
    """Precision, recall, F-measure."""
    precision, recall = right / max(found, 1), right / max(wanted, 1)
    return [f"{x:.3f}" for x in (precision, recall, 2 * right / max(found + wanted, 1))]


def usable(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces of which the merged part needs splitting; the others the program leaves alone, as chords."""
    found: list[Piece] = []
    for piece in pieces:
        if sum(map(len, piece.lines)) <= MOST_NOTES and overlaps(piece.merged().parts[0].notes):
            found.append(piece)
        if len(found) == MOST_PIECES:
            break
    return found


def separation(folder: Path) -> None:
    """The table of voices found again."""
    rows = []
    for name, pieces in SETS.items():
        chosen = usable(pieces(folder))
        notes = sum(len(line) for p in chosen for line in p.lines)
        for label, method in METHODS.items():
            print(f"{name}: {label}", file=sys.stderr, flush=True)
            rows.append([name, len(chosen), f"{notes:,}", label, *separated(chosen, method)])
    print("### Voices found again\n")
    print(table(["set", "pieces", "notes", "by", "precision", "recall", "F", "AVC", "notes/s of CPU"], rows))


SETS: dict[str, Callable[[Path], Iterator[Piece]]] = {
    "open-hymnal": hymns,
    "JSB chorales": chorales,
    "mutopia, 2 to 4 parts": lambda folder: ensembles(folder, MUTOPIA, "*.mid", strict=True),
    "madrigals, to 4 parts": lambda folder: ensembles(folder, MADRIGALS, "*.musicxml", strict=False),
    "quartets": lambda folder: ensembles(folder, QUARTETS, "*.musicxml", strict=False),
}


def keyboard(folder: Path) -> None:
    """The table of two hands merged: no true voices, but true hands, and chords that should stay whole."""
    pieces = usable(piano(folder))
    rows = []
    for label in ("tunesmith", "nearest free voice"):
        pure = notes = whole = chords = cut = 0
        voices = []
        for piece in pieces:
            score = piece.merged()
            place, true = METHODS[label](score), [n.fifths or 0 for n in score.parts[0].notes]
            counts: dict[int, Counter[int]] = defaultdict(Counter)
            played: dict[tuple[int, int, int], set[int]] = defaultdict(set)
            sizes: Counter[tuple[int, int, int]] = Counter()
            for n, voice, hand in zip(score.parts[0].notes, place, true, strict=True):
                counts[voice][hand] += 1
                played[n.onset, n.end, hand].add(voice)
                sizes[n.onset, n.end, hand] += 1
            pure, notes = pure + sum(max(c.values()) for c in counts.values()), notes + len(true)
            together = [key for key, size in sizes.items() if size > 1]
            whole, chords = whole + sum(len(played[key]) == 1 for key in together), chords + len(together)
            voices.append(len(counts))
            cut += shortened(score, split_voices(score)) if label == "tunesmith" else 0
        cuts = f"{cut / notes:.2%}" if label == "tunesmith" else "not counted"
        rows.append(
            [
                label,
                len(pieces),
                f"{notes:,}",
                f"{pure / notes:.3f}",
                f"{whole / chords:.3f}",
                f"{np.mean(voices):.1f}",
                cuts,
            ]
        )
    print("### Piano, both hands in one track\n")
    print(
        table(["by", "pieces", "notes", "in a voice of its hand", "chords whole", "voices a piece", "cut short"], rows)
    )


# -- melody and bass -------------------------------------------------------------------------------------------------


def skyline(score: Score, sign: int = 1) -> list[Note]:
    """Of the notes that begin at once the highest (lowest for sign -1), all parts together."""
    found: dict[int, Note] = {}
    for n in score.notes():
        if n.onset not in found or sign * n.pitch > sign * found[n.onset].pitch:
            found[n.onset] = n
    return list(found.values())


def highest_part(score: Score) -> list[Note]:
    """The skyline of the part with the highest mean pitch."""
    part = max(score.parts, key=lambda p: np.mean([n.pitch for n in p.notes]))
    return skyline(Score((part,)))


def uppermost(score: Score) -> Sequence[Note]:
    """The first part's notes."""
    return score.parts[0].notes


def top_line(score: Score) -> list[Note]:
    """The upper hand's highest line: none of its notes begins under a higher one still sounding."""
    hand = max(score.parts, key=lambda p: np.mean([n.pitch for n in p.notes]))
    line: list[Note] = []
    for n in sorted(hand.notes, key=lambda n: (n.onset, -n.pitch)):
        last = line[-1] if line else None
        if last is None or (n.onset > last.onset and (n.onset >= over(last) or n.pitch > last.pitch)):
            line.append(n)
    return line


def matched(found: Iterable[Note], true: Iterable[Note]) -> tuple[int, int, int]:
    """Notes right by onset and pitch, notes found, notes there are."""
    a, b = (Counter((n.onset, n.pitch) for n in notes) for notes in (found, true))
    return (a & b).total(), a.total(), b.total()


def as_one(score: Score) -> Score:
    """Everything in one part and voice."""
    return Score((Part(tuple(replace(n, voice=1) for n in score.notes())),))


def extraction(folder: Path) -> None:
    """The tables of melody and bass found again."""
    songs_with_voice = [s for _, s in zip(range(2 * MOST_PIECES), lieder(folder), strict=False)]
    hymn_scores = [Score(tuple(Part(line) for line in p.lines)) for p in hymns(folder) if len(p.lines) == 4]
    choral = [Score(tuple(Part(line) for line in p.lines)) for p in chorales(folder) if len(p.lines) == 4]
    quartets = [
        Score(tuple(Part(line) for line in p.lines)) for _, p in zip(range(15), SETS["quartets"](folder), strict=False)
    ]
    quartets = [q for q in quartets if len(q.parts) == 4]
    up: dict[str, Callable[[Score], Iterable[Note]]] = {
        "tunesmith": lambda s: melody(s).notes,
        "skyline": skyline,
        "skyline of the highest part": highest_part,
    }
    down: dict[str, Callable[[Score], Iterable[Note]]] = {
        "tunesmith": lambda s: bass(s).notes,
        "lower skyline": lambda s: skyline(s, -1),
    }
    hands = [
        Score(tuple(Part(line) for line in p.lines)) for _, p in zip(range(MOST_PIECES), piano(folder), strict=False)
    ]
    found_in("Melody", {"Lieder": songs_with_voice, "open-hymnal": hymn_scores, "JSB chorales": choral}, up, uppermost)
    found_in("Top line of piano music", {"mutopia, two hands": hands}, up, top_line)
    found_in(
        "Bass",
        {"open-hymnal": hymn_scores, "JSB chorales": choral, "quartets": quartets},
        down,
        lambda s: s.parts[-1].notes,
    )
    chosen = [
        (n, sum(melody_part(s.parts) == 0 for s in of), len(of))
        for n, of in (("Lieder", songs_with_voice), ("open-hymnal", hymn_scores))
    ]
    print(
        "The right part is chosen in " + ", ".join(f"{right} of {all_of} ({n})" for n, right, all_of in chosen) + ".\n"
    )


def found_in(
    what: str,
    sets: dict[str, list[Score]],
    methods: dict[str, Callable[[Score], Iterable[Note]]],
    true: Callable[[Score], Iterable[Note]],
) -> None:
    """A table of one line found again, with parts and without."""
    rows = []
    for name, scores in sets.items():
        for given, view in (("parts without names", lambda s: s), ("one part", as_one)):
            for label, method in methods.items():
                results = [matched(method(view(s)), true(s)) for s in scores]
                if results and not (given == "one part" and "part" in label):
                    rows.append([name, len(scores), given, label, *rates(*map(sum, zip(*results, strict=True)))])
    print(f"### {what} found again\n")
    print(table(["set", "pieces", "given", "by", "precision", "recall", "F"], rows))


def speed() -> None:
    """How long 100,000 notes take: a piano part of two hands with held notes, random (seed 0)."""
    rng = np.random.default_rng(0)
    onsets = np.arange(50_000) * (TPQ // 2)
    notes = [Note(int(t), int(rng.integers(1, 4)) * TPQ // 2, int(p)) for t in onsets for p in rng.normal((50, 72), 6)]
    start = time.process_time()
    score = Score((Part(tuple(notes)),))
    split = split_voices(score)
    middle = time.process_time()
    melody(score)
    end = time.process_time()
    spent = f"voices {middle - start:.1f} s ({shortened(score, split):,} cut short), melody {end - middle:.1f} s"
    print(f"100,000 notes in one part, CPU time: {spent}.\n")


def main() -> None:
    """Measure everything."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    warnings.simplefilter("ignore")
    print(f"## Voices, melody, bass\n\n{machine()}. Held-out half of base/, and JSB; of a set at most")
    print(f"{MOST_PIECES} pieces where voices are separated.\n")
    separation(Path(sys.argv[1]))
    keyboard(Path(sys.argv[1]))
    extraction(Path(sys.argv[1]))
    speed()


if __name__ == "__main__":
    main()
