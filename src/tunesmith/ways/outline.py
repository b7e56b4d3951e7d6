"""The outline of a piece: which of its notes matter most."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.scheme import vocabulary as v
from tunesmith.score import Bar
from tunesmith.ways.material import Material, Placed


def strongest(material: Material, share: float) -> list[Placed]:
    """This share of the chords and notes of every voice, those on strong beats, and all chord symbols.

    A note that is held goes with its holds; rests are kept where notes on both sides are.
    """
    kept, bars = list[Placed](), list(material.score.bars(material.end))
    for voice in range(material.voices):
        mine = [p for p in material.body if p.place[0] == voice]
        if voice == 0 and material.chord_voice:
            kept += mine
            continue
        onsets = sorted({p.place[1] for p in mine if p.event[0] < v.PITCH.end})
        ranked = sorted(onsets, key=lambda onset: (_weakness(bars, onset), onset))
        chosen = set(ranked[: round(share * len(ranked))])
        for placed in mine:
            tick = placed.place[1]
            before = next((onset for onset in reversed(onsets) if onset <= tick), None)
            after = next((onset for onset in onsets if onset > tick), None)
            between = placed.event[0] == v.REST and (after is None or after in chosen)
            note = placed.event[0] != v.REST
            if (note or between) and (before is None or before in chosen):
                kept.append(placed)
    return kept


def _weakness(bars: Sequence[Bar], onset: int) -> int:
    """0 at a bar line, 1 in the middle of a bar, 2 a quarter of it, ...; in threes, all beats alike."""
    bar = next(b for b in bars if b.start <= onset < b.end)
    position = onset - bar.start if bar.number else onset + bar.meter.bar - bar.end
    grains = [bar.meter.bar, bar.meter.bar // 2, bar.meter.beat, bar.meter.beat // 2, bar.meter.beat // 4]
    if bar.meter.bar % (2 * bar.meter.beat):
        grains[1] = bar.meter.beat
    return next((grain for grain, ticks in enumerate(grains) if position % ticks == 0), len(grains))
