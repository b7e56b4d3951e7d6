"""From what was read to the score: parts, keys, chords, form, and what the reader of the score should be told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tunesmith.errors import FormatError, SongWarning
from tunesmith.formats.form import Grid, grid, repeats
from tunesmith.formats.humdrum.chords import chord_of
from tunesmith.formats.humdrum.instruments import Instrument, instrument_of, is_keyboard
from tunesmith.formats.humdrum.marks import marks_of, measured, placed
from tunesmith.formats.humdrum.reader import MUSIC, Piece
from tunesmith.formats.humdrum.sections import Order, endings_of, fault_of, names_in, order_of, sections_of
from tunesmith.formats.humdrum.signs import key_of
from tunesmith.formats.humdrum.source import Records
from tunesmith.formats.humdrum.spines import Spine
from tunesmith.formats.humdrum.timeline import Sign, Tally, where
from tunesmith.score import Chord, Key, Note, Part, Score, Tempo, cut

_WRITTEN_OUT = {True: "the piece is written out", False: "it is too long to be written out, and played once"}

Signs = list[tuple[int, Sign]]


def score_of(piece: Piece, records: Records) -> Iterator[Score | FormatError]:
    """The score of a piece that was read, then what is doubtful in it.

    Raises:
        FormatError: there are no notes.
    """
    total = piece.total
    music = [spine for spine in piece.spines if spine.kind == MUSIC]
    if not any(spine.notes for spine in music):
        kinds = ", ".join(dict.fromkeys(spine.kind for spine in piece.spines))
        what = "there are no notes" if music else f"there is no **kern spine, only {kinds[:60]}"
        raise FormatError(what, where=where(piece.line), fix="only **kern spines hold notes that can be read")
    signs = list(placed(measured(piece.time.signs)))
    sections = sections_of([(time, str(sign.value)) for time, sign in signs if sign.kind == "label"], total)
    marks = marks_of(signs, {} if piece.expansion else endings_of(sections))
    bars = grid(marks, total)
    written = repeats(marks, total)
    known = {section.name for section in sections}
    names = names_in(piece.expansion, known)
    fault = fault_of(names, known) if piece.expansion else ""
    order = order_of(names, sections, written) if names and not fault else Order(written)
    players = list(_players(music))
    heard = [(time, sign) for time, sign in signs if time < total]  # a signature at the end warns of nothing to come
    score = Score(
        parts=tuple(_part(staves) for staves in players),
        meters=tuple(bars.meters),
        keys=tuple(_keys(heard)),
        tempos=tuple(_tempos(heard)),
        chords=tuple(_chords(piece, total)),
        pickup=bars.pickup,
        repeats=order.repeats,
        jumps=order.jumps,
        title=records.title,
        composer=records.composer,
    )
    short = score.note_count * len(order.spans) <= cut.MOST_PLAYED  # more is refused
    yield score.play(order.spans) if order.spans and short else score
    yield from _counted(_strokes_left_out(players), "strokes without pitch (R) in a part with pitches are left out")
    yield from _doubts(piece, bars)
    yield from _doubts_about_order(piece, fault, order, short)


# --- parts


def _players(music: list[Spine]) -> Iterator[list[Spine]]:
    """The staves of each part, from top to bottom: Humdrum begins with the lowest. One keyboard makes one part."""
    moved = {spine.transposed for spine in music}
    staves: list[Spine] = []
    for spine in reversed(music):
        if len(moved) == 1:  # the whole piece has been moved, which is as it was meant
            spine.transposed = (0, 0)
        if staves and not _one_player(staves[-1], spine):
            yield staves
            staves = []
        staves.append(spine)
    yield staves


def _one_player(upper: Spine, lower: Spine) -> bool:
    """Whether two neighbouring staves are those of one keyboard."""
    keyboard = any(is_keyboard(spine.instrument, spine.family) for spine in (upper, lower))
    if upper.part is not None or lower.part is not None:
        return keyboard and upper.part == lower.part
    return keyboard and upper.instrument == lower.instrument and lower.name in ("", upper.name)


def _part(staves: list[Spine]) -> Part:
    """One part; the voices of its staves are numbered from top to bottom."""
    instrument = _instrument(staves)
    drums = _is_drums(staves)
    notes: list[Note] = []
    above = 0
    for spine in staves:
        fifths, semitones = _moved(spine)
        for n in spine.notes:
            if n.stroke and not drums:
                continue  # its pitch is only a place on the staff
            pitch = (instrument.drum or instrument.stroke) if drums else n.pitch - semitones
            place = None if drums else n.fifths - fifths
            notes.append(Note(n.onset, n.end - n.onset, pitch, n.velocity, above + n.layer, place))
        above += max((n.layer for n in spine.notes), default=1)
    name = next((spine.name for spine in staves if spine.name), instrument.name)
    return Part(tuple(notes), name, instrument.program, drums)


def _instrument(staves: list[Spine]) -> Instrument:
    code = next((spine.instrument for spine in staves if spine.instrument), "")
    family = next((spine.family for spine in staves if spine.family), "")
    return instrument_of(code, family)


def _is_drums(staves: list[Spine]) -> bool:
    """Whether a part is one of drums: named so, or at least half of its notes have no pitch."""
    notes = [n for spine in staves for n in spine.notes]
    return _instrument(staves).drum is not None or 0 < len(notes) <= 2 * sum(n.stroke for n in notes)


def _strokes_left_out(players: list[list[Spine]]) -> Tally:
    """The notes without pitch of parts that are not drums."""
    left_out = Tally()
    for spine in [spine for staves in players if not _is_drums(staves) for spine in staves]:
        if spine.stroke:
            left_out.add(*spine.stroke, sum(n.stroke for n in spine.notes))
    return left_out


def _moved(spine: Spine) -> tuple[int, int]:
    """How far a spine's notes have been moved from sounding pitch: on the line of fifths, and in semitones.

    Raises:
        FormatError: moved back they would leave the range of MIDI pitches.
    """
    steps, semitones = spine.transposed
    if semitones and not all(0 <= n.pitch - semitones <= 127 for n in spine.notes):
        text = f"*Trd{steps}c{semitones}"
        raise FormatError(f"{text} moves notes out of the range of pitches", where=f"spine {spine.number}")
    fifths = 7 * semitones - 12 * steps
    return fifths if abs(fifths) <= 7 else (fifths + 6) % 12 - 6, semitones  # no interval: the semitones count


# --- what holds for all parts


def _keys(signs: Signs) -> Iterator[Key]:
    """The keys; a tonic without a new signature counts at the beginning only, for later it is an analyst's remark."""
    found: dict[int, dict[str, object]] = {}
    for time, sign in signs:
        if sign.kind in ("signature", "tonic"):
            found.setdefault(time, {})[sign.kind] = sign.value
    last: Key | None = None
    for time, said in sorted(found.items()):
        if "signature" not in said and last:
            continue
        key = key_of(said.get("signature"), said.get("tonic"))  # type: ignore[arg-type]  # what such signs hold
        if key and (last is None or key != (last.fifths, last.mode)):
            last = Key(time, *key)
            yield last


def _tempos(signs: Signs) -> Iterator[Tempo]:
    found = {time: float(str(sign.value)) for time, sign in reversed(signs) if sign.kind == "tempo"}
    for time, bpm in sorted(found.items()):
        yield Tempo(time, bpm)


def _chords(piece: Piece, total: int) -> Iterator[Chord]:
    """The chord symbols of the first spine of them; each lasts until the next."""
    symbols = next((spine.symbols for spine in piece.spines if spine.symbols), [])
    for (onset, text), (end, _) in pairwise([*symbols, (total, "")]):
        chord = chord_of(text, onset, end - onset) if end > onset else None
        if chord:
            yield chord


# --- what is doubtful


def _doubts(piece: Piece, bars: Grid) -> Iterator[SongWarning]:
    """One warning for each kind of thing that is not as written, with its first place and how often it happens."""
    time = piece.time
    yield from _counted(time.slips, "a note begins before the one in front of it has ended, or after a gap")
    yield from _counted(time.lost, "a token is no note or rest with a length, and makes no sound")
    yield from _counted(time.graces, "grace notes are left out")
    faults = bars.faults()
    if faults:
        more = f" ({len(faults)} bars of the piece do not add up)" if len(faults) > 1 else ""
        yield SongWarning(
            f"{faults[0]}{more}", where=where(faults[0].at[0]), fix="kept as written; look at its lengths"
        )
    if piece.columns:
        yield SongWarning(
            "the spines do not end (*-)", where=where(piece.line), fix="the end of the file may be missing"
        )


def _doubts_about_order(piece: Piece, fault: str, order: Order, written_out: bool) -> Iterator[SongWarning]:
    if fault:
        yield SongWarning(
            f"the expansion list [{piece.expansion[:60]}] {fault}", fix="its repeat signs are followed instead"
        )
    if order.spans:
        yield SongWarning(f"[{piece.expansion[:60]}] is more than repeat signs can say", fix=_WRITTEN_OUT[written_out])


def _counted(tally: Tally, what: str) -> Iterator[SongWarning]:
    if tally.count:
        yield SongWarning(f"{what} ({tally.count} in all)", where=where(*tally.first))
