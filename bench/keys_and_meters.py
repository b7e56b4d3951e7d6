"""Meters and keys found where they were hidden, against music21, partitura and plain baselines.

    python bench/keys_and_meters.py FOLDER [--share 0.25] [--seed 1]

Protocol: see `labelled.py`. Only songs that nothing was fitted to. "alone" is one half of the fitted model with the
other switched off, not fitted again. music21 has no estimator of meter for notes
without bars (`meter.bestTimeSignature` fits a signature to the length of one given measure), so it is not in the
first table; partitura's `estimate_time` gives a numerator alone, which is compared with the beats in a bar.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import music21
import numpy as np
import partitura
from labelled import Song, options, songs
from measure import machine, table
from numpy.typing import NDArray
from partitura.musicanalysis.meter import estimate_time

from tunesmith import theory
from tunesmith.prepare.keys import PROFILES, find_key
from tunesmith.prepare.meter_evidence import METERS, STEP, evidence
from tunesmith.prepare.meters import MeterModel, find_meter, log_scores, the_model
from tunesmith.score import TPQ, Key, Meter, Score

Groups = dict[str, list[Song]]
FinderOfMeters = Callable[[Score], tuple[Meter, int]]
FinderOfKeys = Callable[[Score], Key]
SLOW_SAMPLE, SLOW_NOTES = 60, 400  # songs of a group given to music21, and to partitura's speller; notes of one
SLOWEST_SAMPLE, SLOWEST_NOTES = 12, 120  # the same for partitura's beat finder, whose time grows with the square
MIREX = {"fifth": 0.5, "relative": 0.3, "parallel": 0.2}
MUSIC21 = ("krumhansl", "aarden", "temperley")  # aarden is what analyze("key") takes
PARTITURA = ("krumhansl_kessler", "temperley", "kostka_payne")


def main() -> None:
    """Measure, and print Markdown tables."""
    chosen = options("Meters and keys against what files say.", share=0.25)
    warnings.simplefilter("ignore")
    groups: Groups = defaultdict(list)
    for song in songs(chosen.folder, chosen.seed, chosen.share):
        if not song.fit:
            groups[f"{song.collection}, {song.kind}"].append(song)
    print(f"## Meters and keys found\n\n{machine()}, seed {chosen.seed}, share {chosen.share}\n")
    _meters(groups)
    _numerators(groups)
    _keys(groups)
    _spellings(groups)
    _speed(groups)


def _meters(groups: Groups) -> None:
    """Share of songs with the right meter, bar and downbeat, by method."""
    model = the_model()
    nothing = np.zeros_like(model.bias), np.zeros_like(model.periodicity)
    flat = np.zeros_like(model.weights)
    methods: dict[str, FinderOfMeters] = {
        "tunesmith": find_meter,
        "autocorrelation alone": _with(dataclasses.replace(model, weights=flat)),
        "places in the bar alone": _with(dataclasses.replace(model, bias=nothing[0], periodicity=nothing[1])),
        "always 4/4, no pickup": lambda score: (Meter(), 0),
    }
    rows = []
    for name, group in groups.items():
        said = [s for s in group if s.meter is not None]
        common = Counter((s.meter, s.pickup or 0) for s in said if s.meter).most_common(1)[0][0]
        for method, find in methods.items():
            rows.append([name, len(said), method, *_meter_scores([(s, *find(s.hidden)) for s in said])])
        rows.append([name, len(said), "the group's commonest", *_meter_scores([(s, *common) for s in said])])
    print("Hidden meters found (%). Bar: its length. Up to two: bars of half or twice the length count. Beat: the "
          "felt beat (dotted in 6/8). Pickup: bar and downbeat both right. Downbeat: right wherever bar lines of the "
          "shorter bar are compared. The last two where bar lines are known.\n")  # fmt: skip
    print(table(["songs", "n", "method", "meter", "bar", "up to two", "beat", "pickup", "downbeat"], rows))


def _with(model: MeterModel) -> FinderOfMeters:
    def find(score: Score) -> tuple[Meter, int]:
        seen = evidence(score)
        if seen is None:
            return Meter(), 0
        scores = log_scores(seen, model)
        best = max(range(len(METERS)), key=lambda index: float(scores[index].max()))
        return METERS[best], int(scores[best].argmax()) * STEP

    return find


def _meter_scores(found: Sequence[tuple[Song, Meter, int]]) -> list[str]:
    rows = []
    for song, meter, pickup in found:
        assert song.meter is not None
        true = song.meter
        ratio = meter.bar / true.bar
        right = [(meter.beats, meter.unit) == (true.beats, true.unit), ratio == 1, ratio in (0.5, 1, 2)]
        bars: list[float] = [np.nan, np.nan]
        if song.pickup is not None:
            off = pickup - song.pickup
            bars = [ratio == 1 and off % true.bar == 0, off % min(true.bar, meter.bar) == 0]
        rows.append([*right, meter.beat == true.beat, *bars])
    values = np.array(rows, float)
    return [_percent(column[~np.isnan(column)]) for column in values.T]


def _percent(values: NDArray[np.float64]) -> str:
    return f"{100 * values.mean():.1f}" if len(values) else "not known"


def _numerators(groups: Groups) -> None:
    """Beats in a bar: partitura's numerator and ours on the same songs."""
    rows = []
    for name, group in groups.items():
        said = [s for s in group if s.meter is not None and s.score.note_count <= SLOWEST_NOTES][:SLOWEST_SAMPLE]
        if not said:
            continue
        theirs, ours = [], []
        for song in said:
            assert song.meter is not None
            right = {song.meter.beats, song.meter.bar // song.meter.beat}
            theirs.append(int(estimate_time(_note_array(song.score))["meter_numerator"]) in right)
            ours.append(find_meter(song.hidden)[0].beats in right)
        rows.append([name, len(said), _percent(np.array(ours, float)), _percent(np.array(theirs, float))])
    print("Numerator right (%), as written or in felt beats\n")
    print(table(["songs", "n", "tunesmith", "partitura estimate_time"], rows))


def _keys(groups: Groups) -> None:
    """Exact keys, MIREX scores and signatures, by method."""
    fast: dict[str, FinderOfKeys] = {"tunesmith": find_key}
    for name in PROFILES:
        fast[f"{name}, as published"] = partial(find_key, profile=name, compression=1.0, final_bass=0.0)
    for name in PARTITURA:
        fast[f"partitura, {name}"] = partial(_partitura_key, profile=name)
    slow = {f"music21, {name}": partial(_music21_key, method=name) for name in MUSIC21}
    rows = []
    for name, group in groups.items():
        said = [s for s in group if s.key is not None and s.key.mode in ("major", "minor")]
        few = [s for s in said if s.score.note_count <= SLOW_NOTES][:SLOW_SAMPLE]
        if not said:
            continue
        rows += [[name, len(said), method, *_key_scores(said, find)] for method, find in fast.items()]
        rows.append([name, len(few), "tunesmith, songs as for music21", *_key_scores(few, find_key)])
        rows += [[name, len(few), method, *_key_scores(few, find)] for method, find in slow.items()]
    print("Hidden keys found (%). MIREX: a fifth off counts .5, the relative key .3, the parallel key .2. Exact and "
          "MIREX where the file says the mode. Songs in church modes left out.\n")  # fmt: skip
    print(table(["songs", "n", "method", "exact", "MIREX", "signature"], rows))


def _key_scores(group: Sequence[Song], find: FinderOfKeys) -> list[str]:
    exact, mirex, signature = [], [], []
    for song in group:
        assert song.key is not None
        found = find(song.hidden)
        signature.append((found.fifths - song.key.fifths) % 12 == 0)
        if song.mode_known:
            mirex.append(_mirex(found, song.key))
            exact.append(mirex[-1] == 1.0)
    return [_percent(np.array(x, float)) for x in (exact, mirex, signature)]


def _mirex(found: Key, true: Key) -> float:
    """The score of the MIREX audio key detection task, a fifth up or down."""
    if found.mode == true.mode:
        apart = (found.tonic - true.tonic) % 12
        return 1.0 if apart == 0 else MIREX["fifth"] if apart in (5, 7) else 0.0
    if (found.fifths - true.fifths) % 12 == 0:
        return MIREX["relative"]
    return MIREX["parallel"] if found.tonic == true.tonic else 0.0


def _note_array(score: Score) -> NDArray[np.void]:
    rows = sorted((n.onset / TPQ, n.duration / TPQ, n.pitch) for n in score.notes())
    return np.array(rows, [("onset_beat", "f4"), ("duration_beat", "f4"), ("pitch", "i4")])


def _partitura_key(score: Score, profile: str) -> Key:
    name = partitura.musicanalysis.estimate_key(_note_array(score), key_profiles=profile)
    fifths, mode = partitura.utils.music.key_name_to_fifths_mode(name)
    return Key(0, fifths, mode)


@lru_cache(maxsize=SLOW_SAMPLE)
def _stream(score: Score) -> music21.stream.Stream:
    stream = music21.stream.Stream()
    for n in score.notes():
        stream.insert(n.onset / TPQ, music21.note.Note(n.pitch, quarterLength=n.duration / TPQ))
    return stream


def _music21_key(score: Score, method: str) -> Key:
    found = _stream(score).analyze(f"key.{method}")
    return Key(0, found.sharps, found.mode)


def _spellings(groups: Groups) -> None:
    """Notes spelled as written, from nothing but their pitches."""
    rows = []
    for name, group in groups.items():
        said = [s for s in group if all(n.fifths is not None for n in s.score.notes())]
        said = [s for s in said if s.score.note_count <= SLOW_NOTES][:SLOW_SAMPLE]
        ours, theirs = [], []
        for song in said:
            key = find_key(song.hidden)
            notes = sorted(song.score.notes(), key=lambda n: (n.onset / TPQ, n.duration / TPQ, n.pitch))
            ours += [theory.spell(n.pitch, key.fifths, key.mode) == n.fifths for n in notes]
            spelled = partitura.musicanalysis.estimate_spelling(_note_array(song.score))
            places = [theory.fifths_of(str(s["step"]), int(s["alter"])) for s in spelled]
            theirs += [place == n.fifths for place, n in zip(places, notes, strict=True)]
        if ours:
            rows.append([name, len(said), len(ours), *(_percent(np.array(x, float)) for x in (ours, theirs))])
    print("Notes spelled as written (%), in the one key found\n")
    print(table(["songs", "n", "notes", "tunesmith", "partitura ps13s1"], rows))


def _speed(groups: Groups) -> None:
    """Milliseconds of processor time, by size."""
    everything = [s.hidden for group in groups.values() for s in group]
    rows = []
    for low, high in ((16, 100), (100, 1000), (1000, 5000)):
        some = [s for s in everything if low <= s.note_count < high][:50]
        if not some:
            continue
        row: list[object] = [f"{low} to {high}", len(some)]
        for find in (find_meter, find_key):
            started = time.process_time()
            for score in some:
                find(score)
            row.append(f"{1000 * (time.process_time() - started) / len(some):.1f}")
        rows.append(row)
    print(table(["notes", "n", "find_meter, ms", "find_key, ms"], rows))


if __name__ == "__main__":
    main()
