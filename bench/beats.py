"""Beats of music played without a click, and repeats found in MIDI: how well known music comes back.

    python bench/beats.py FOLDER [--pieces 8] [--seed 0]

FOLDER holds `base/` and `bench/`, the unpacked collections. Exact scores are played as `played.py` says, written as
ticks at 120 without tempo or meter, and read again.

- *IOI*: share of the successive inter-onset intervals of every part that come back as the same note value, all of a
  piece up to one factor (1/3 to 3, the metrical level); *level*: share of pieces whose best factor is 1.
- *onset*: share of onsets at their place, up to that factor and one shift of the piece.
- *F*: beat F-measure within 70 ms (S. Dixon, "Evaluation of the Audio Beat Tracking System BeatRoot", Journal of New
  Music Research 36, 2007). *CMLt*, *AMLt*: share of the beats at which time and period are right within 17.5%, at the
  metrical level that is written, or at that, its double, its half, or the off-beats (M. Davies, N. Degara and
  M. Plumbley, "Evaluation Methods for Musical Audio Beat Tracking Algorithms", Technical Report C4DM-TR-09-06, 2009).
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pretty_midi
from measure import machine, now, table
from numpy.typing import NDArray
from played import Played, Playing, play

from tunesmith import formats
from tunesmith.prepare import find_beats, fits_grid, fold, prepare, quantise, retime
from tunesmith.prepare.cells import same_music
from tunesmith.prepare.retime import tempo_map
from tunesmith.score import TPQ, Note, Part, Repeat, Score

Floats = NDArray[np.float64]

COLLECTIONS = {
    "hymns (open-hymnal)": ("base/open-hymnal", "*.abc"),
    "piano and more (mutopia)": ("base/mutopia-pd-by", "*.mid"),
    "tunes (nottingham)": ("bench/nottingham", "*.abc"),
    "folk songs (pearce-eight)": ("bench/pearce-eight", "*.mid"),
}
CONDITIONS = {
    "steady, 10 ms": Playing(0.01, 0.0, 0.01, (0.9, 1.0)),
    "steady, 20 ms": Playing(0.02),
    "steady, 30 ms": Playing(0.03, spread=0.03),
    "4% rubato, 20 ms": Playing(0.02, 0.04),
    "8% rubato, 20 ms": Playing(0.02, 0.08),
    "8% rubato, 30 ms": Playing(0.03, 0.08, 0.03),
    "20% rubato, 20 ms": Playing(0.02, 0.2),
    "8%, 20 ms, legato": Playing(0.02, 0.08, lengths=(1.0, 1.15)),
    "8%, 20 ms, staccato": Playing(0.02, 0.08, lengths=(0.3, 0.6)),
}
FACTORS = (1, 2, 1 / 2, 3 / 2, 2 / 3, 3, 1 / 3)
Tracker = Callable[[Score], Floats]


def songs(root: Path, name: str, count: int, seed: int, repeats: bool = False) -> list[Score]:
    """So many scores of a collection, drawn by chance: of 30 to 3,000 notes, unless their `repeats` are wanted."""
    folder, pattern = COLLECTIONS[name]
    files = sorted((root / folder).rglob(pattern))
    chance = random.Random(seed)
    chance.shuffle(files)
    found: list[Score] = []
    for file in files[: len(files) if pattern == "*.abc" else 4 * count]:
        found += [s for s in formats.read(file) if isinstance(s, Score)]
    chance.shuffle(found)
    if repeats:
        return found[:count]
    return [s.unfold().replace(chords=()) for s in found if 30 <= s.unfold().note_count <= 3000][:count]


# --- beats --------------------------------------------------------------------------------------------------------


def nominal(score: Score) -> Score:
    """Baseline: the file's own quarter notes, 120 to the minute."""
    return score


def by_beats(track: Tracker) -> Callable[[Score], Score]:
    """A way to retime: the beats of any tracker become quarter notes, nothing else is done."""

    def retimed(score: Score) -> Score:
        beats = track(score)
        if len(beats) < 2:
            return score
        parts = []
        for part in score.parts:
            seconds = score.seconds([t for n in part.notes for t in (n.onset, n.end)])
            k = np.clip(np.searchsorted(beats, seconds, side="right") - 1, 0, len(beats) - 2)
            ticks = np.round((k + (seconds - beats[k]) / np.diff(beats)[k] + 8) * TPQ).astype(int).reshape(-1, 2)
            notes = [
                Note(max(0, int(a)), max(1, int(b - a)), n.pitch, n.velocity, 1, n.fifths)
                for n, (a, b) in zip(part.notes, ticks, strict=True)
            ]
            parts.append(Part(tuple(notes), part.name, part.program, part.drums))
        return Score(tuple(parts), tempos=tempo_map(beats))

    return retimed


def onset_seconds(score: Score) -> Floats:
    """All onsets in seconds, ascending."""
    return np.unique(score.seconds([n.onset for n in score.notes()]))


def constant_tempo(score: Score) -> Floats:
    """Baseline: the one period and phase, of 0.3 to 1 s, to whose sixteenths all onsets are nearest."""
    times = onset_seconds(score)
    periods = np.geomspace(0.3, 1.0, 600)
    turns = np.exp(2j * np.pi * times[None, :] / (periods[:, None] / 2))
    period = float(periods[np.abs(turns.mean(axis=1)).argmax()])
    phase = float(np.angle(np.exp(2j * np.pi * times / period).mean())) / (2 * np.pi) * period
    first = phase + period * np.floor((times[0] - phase) / period)
    return np.arange(first, times[-1] + 2 * period, period)


def pretty(score: Score) -> Floats:
    """pretty_midi: `estimate_tempo`, `estimate_beat_start`, and beats at that tempo from there."""
    midi = pretty_midi.PrettyMIDI(initial_tempo=120)
    instrument = pretty_midi.Instrument(0)
    for n in score.notes():
        start, end = score.seconds([n.onset, n.end])
        instrument.notes.append(pretty_midi.Note(n.velocity, n.pitch, float(start), float(end)))
    midi.instruments.append(instrument)
    period = 60 / midi.estimate_tempo()
    start = midi.estimate_beat_start()
    first = start - period * np.floor((start - onset_seconds(score)[0]) / period)
    return np.arange(max(first, 0.0), onset_seconds(score)[-1] + 2 * period, period)


def partitura_beats(score: Score) -> Floats:
    """partitura: `estimate_time` on the performed notes, whose tempo and beats it gives."""
    from partitura.musicanalysis import estimate_time

    rows = [(*score.seconds([n.onset, n.end]), n.pitch, n.velocity) for n in score.notes()]
    array = np.array(
        [(a, b - a, pitch, velocity) for a, b, pitch, velocity in sorted(rows)],
        [("onset_sec", "f4"), ("duration_sec", "f4"), ("pitch", "i4"), ("velocity", "i4")],
    )
    return np.unique(np.asarray([beat[0] for beat in estimate_time(array)["beats"]], np.float64))


WAYS: dict[str, tuple[Callable[[Score], Score], Tracker | None]] = {
    "tunesmith": (retime, find_beats),
    "the file's own ticks": (nominal, lambda score: np.arange(0, onset_seconds(score)[-1] + 1, 0.5)),
    "one constant tempo": (by_beats(constant_tempo), constant_tempo),
    "pretty_midi": (by_beats(pretty), pretty),
    "partitura": (by_beats(partitura_beats), partitura_beats),
}


def places(true: Score, got: Score) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Where onsets of every part are and should be, in ticks, and whether the next is of the same part."""
    should: list[int] = []
    are: list[int] = []
    same: list[bool] = []
    for part, found in zip(true.parts, got.parts, strict=True):
        back = {n.fifths: n.onset for n in found.notes}
        top = {n.onset: number for number, n in enumerate(part.notes)}  # the highest note stands for its chord
        should += sorted(top)
        are += [back[top[onset]] for onset in sorted(top)]
        same += [True] * (len(top) - 1) + [False] * bool(top)
    return np.array(should), np.array(are), np.array(same[:-1])


def note_values(true: Score, got: Score) -> tuple[float, float, bool]:
    """Share of intervals that are right, share of onsets that are, and whether the level is that of the score."""
    should, are, same = places(true, got)
    wanted, found = np.diff(should)[same], np.diff(are)[same]
    right = [float(np.mean(np.isclose(wanted * f, found))) for f in FACTORS]
    best = int(np.argmax(right))
    shifts = Counter(np.round(are - should * FACTORS[best]).astype(int).tolist())
    return right[best], max(shifts.values()) / len(are), best == 0


def f_measure(truth: Floats, found: Floats) -> float:
    """2 hits / (beats + found), each beat hit by one found beat at most."""
    hits, j = 0, 0
    for beat in truth:
        while j < len(found) and found[j] < beat - 0.07:
            j += 1
        if j < len(found) and abs(found[j] - beat) <= 0.07:
            hits, j = hits + 1, j + 1
    return 2 * hits / max(1, len(truth) + len(found))


def continuity(truth: Floats, found: Floats) -> float:
    """Share of the beats that are right in time and in period, against the more of both."""
    if len(found) < 2 or len(truth) < 2:
        return 0.0
    right = 0
    near = np.abs(found[:, None] - truth).argmin(axis=1)
    for i in range(1, len(found)):
        k = near[i]
        period = truth[k] - truth[k - 1] if k else truth[1] - truth[0]
        in_time = abs(found[i] - truth[k]) < 0.175 * period
        before = k > 0 and abs(found[i - 1] - truth[k - 1]) < 0.175 * period
        right += bool(in_time and before and abs(1 - (found[i] - found[i - 1]) / period) < 0.175)
    return right / max(len(found) - 1, len(truth) - 1)


def any_level(truth: Floats, found: Floats) -> float:
    """The best continuity with the beats, their double, both halves and the off-beats."""
    between = (truth[:-1] + truth[1:]) / 2
    double = np.sort(np.concatenate([truth, between]))
    return max(continuity(t, found) for t in (truth, double, truth[::2], truth[1::2], between))


def true_beats(score: Score, played: Played) -> Floats:
    """The felt beats (dotted in compound meters) from the first to the last onset, in seconds."""
    onsets = [n.onset for n in score.notes()]
    ticks = [t for b in score.bars() for t in range(b.end - b.meter.beat, b.start - 1, -b.meter.beat)]
    inside = sorted({t for t in ticks if min(onsets) <= t <= max(onsets)})
    return np.interp(np.array(inside) / TPQ, np.arange(len(played.quarters)), played.quarters)


def beat_rows(scores: Sequence[Score], how: Playing, way: str, seed: int) -> list[float]:
    """IOI, onset, level, F, CMLt and AMLt of one way, mean over pieces."""
    retimed, track = WAYS[way]
    rows = []
    for number, score in enumerate(scores):
        played = play(score, how, seed * 1000 + number)
        ioi, onset, level = note_values(score, quantise(retimed(played.score)))
        truth, found = true_beats(score, played), track(played.score) if track else np.zeros(0)
        found = found[(found > truth[0] - 0.07) & (found < truth[-1] + 0.07)]
        rows.append([ioi, level, onset, f_measure(truth, found), continuity(truth, found), any_level(truth, found)])
    return np.mean(np.array(rows, float), axis=0).tolist()


def beats_report(sets: dict[str, list[Score]], seed: int) -> Iterator[str]:
    """Tables of conditions and of ways."""
    head = ["IOI", "level", "onset", "F", "CMLt", "AMLt"]
    rows = []
    for name, scores in sets.items():
        for condition, how in CONDITIONS.items():
            figures = beat_rows(scores, how, "tunesmith", seed)
            rows.append([name, condition, *(f"{f:.3f}" for f in figures)])
    yield table(["music", "played", *head], rows)
    rows = []
    for way in WAYS:
        for condition in ("steady, 20 ms", "8% rubato, 20 ms", "20% rubato, 20 ms"):
            figures = [beat_rows(scores[:8], CONDITIONS[condition], way, seed) for scores in sets.values()]
            rows.append([way, condition, *(f"{f:.3f}" for f in np.mean(figures, axis=0))])
    yield table(["way (8 pieces of each)", "played", *head], rows)


# --- the grid of the file -----------------------------------------------------------------------------------------


def to_a_click(score: Score, jitter: float, seed: int) -> Score:
    """Played to a click: onsets off by some seconds (standard deviation), in the score's own ticks."""
    chance = np.random.default_rng(seed)
    ticks = jitter * score.tempo_at(0).bpm / 60 * TPQ
    parts = [
        Part(tuple(Note(max(0, n.onset + round(chance.normal(0, ticks))), n.duration, n.pitch) for n in p.notes))
        for p in score.parts
    ]
    return score.replace(parts=tuple(parts))


def grid_report(sets: dict[str, list[Score]], seed: int) -> Iterator[str]:
    """How often `fits_grid` says that a file is on its own grid."""
    kinds: dict[str, Callable[[Score, int], Score]] = {
        "exact": lambda score, _: score,
        "to a click, 10 ms": lambda score, i: to_a_click(score, 0.01, i),
        "to a click, 20 ms": lambda score, i: to_a_click(score, 0.02, i),
        "to a click, 30 ms": lambda score, i: to_a_click(score, 0.03, i),
        "free, constant tempo": lambda score, i: play(score, Playing(0.015, 0.0), seed + i).score,
        "free, 4% rubato": lambda score, i: play(score, Playing(0.02, 0.04), seed + i).score,
        "free, 20% rubato": lambda score, i: play(score, Playing(0.02, 0.2), seed + i).score,
    }
    rows = []
    for kind, make in kinds.items():
        kept = [[fits_grid(make(s, i)) for i, s in enumerate(scores)] for scores in sets.values()]
        rows.append([kind, *(f"{sum(k)} of {len(k)}" for k in kept)])
    yield table(["said to be on its own grid", *sets], rows)


def harm_report(root: Path) -> str:
    """Every file of the exact MIDI collections: does it come back with the notes' onsets and tempos it had?"""
    rows = []
    for name, (folder, pattern) in COLLECTIONS.items():
        counts: Counter[str] = Counter()
        for file in sorted((root / folder).rglob(pattern)):
            for song in formats.read(file):
                if isinstance(song, Score):
                    counts["scores"] += 1
                    counts["kept"] += fits_grid(song)
        rows.append([name, counts["scores"], counts["kept"]])
    return table(["exact collection", "scores", "left on their own grid"], rows)


def speed_report(scores: Sequence[Score], seed: int) -> str:
    """10,000 notes."""
    big = max(scores, key=lambda s: s.note_count)
    times = -(-10_000 // big.note_count)
    length = -(-big.end // TPQ) * TPQ
    played = play(big.play([(0, length)] * times), CONDITIONS["8% rubato, 20 ms"], seed).score
    rows = []
    for name, work in (("fits_grid", fits_grid), ("retime", retime), ("quantise", quantise), ("prepare", prepare)):
        started = now()
        work(played)
        rows.append([name, f"{now() - started:.2f}"])
    return table([f"{played.note_count:,} notes", "seconds"], rows)


# --- repeats ------------------------------------------------------------------------------------------------------


def shape(repeats: Sequence[Repeat]) -> list[object]:
    """Repeats without where a last ending stops, which no one hears."""
    return [(r.start, r.times, [(e.start, e.passes) for e in r.endings] or r.end) for r in repeats]


def fold_report(root: Path, count: int, seed: int) -> str:
    """Printed, unfolded, written as MIDI, read, folded."""
    rows = []
    for name in COLLECTIONS:
        if COLLECTIONS[name][1] != "*.abc":
            continue
        found: Counter[str] = Counter()
        for score in songs(root, name, count, seed, repeats=True):
            heard = through_midi(score)
            folded = fold(heard)
            assert same_music(folded.unfold(), heard)
            kind = "with" if score.repeats or score.jumps else "without"
            found[kind] += 1
            found[f"{kind}, same"] += shape(folded.repeats) == shape(score.repeats) and folded.jumps == score.jumps
            found[f"{kind}, as short"] += folded.end <= score.end
            if kind == "with":
                for what, length in (("heard", heard.end), ("printed", score.end), ("folded", folded.end)):
                    found[what] += round(length / heard.meter_at(0).bar)
        cells = [found[k] for k in ("with", "with, same", "with, as short", "heard", "printed", "folded")]
        rows.append([name, *cells, found["without"], found["without"] - found["without, same"]])
    columns = [
        "music",
        "with repeats",
        "same repeats",
        "printed no longer",
        "bars heard",
        "bars printed",
        "bars folded",
    ]
    return table([*columns, "without repeats", "of these folded"], rows)


def through_midi(score: Score) -> Score:
    """The score as a MIDI file has it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mid"
        formats.write(score, path)
        return next(s for s in formats.read(path) if isinstance(s, Score))


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--pieces", type=int, default=8, help="of each collection")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    sets = {name: songs(given.folder, name, given.pieces, given.seed) for name in COLLECTIONS}
    print(f"## Beats of music played without a click\n\n{machine()}, seed {given.seed}, {given.pieces} pieces each\n")
    for text in (*beats_report(sets, given.seed), *grid_report(sets, given.seed)):
        print(text, flush=True)
    print(harm_report(given.folder), flush=True)
    print(speed_report(next(iter(sets.values())), given.seed), flush=True)
    print("## Repeats found in MIDI\n\nUnfolded, written as MIDI, read, folded; all unfold to the same music.\n")
    print(fold_report(given.folder, 400, given.seed), flush=True)


if __name__ == "__main__":
    main()
