"""What the songs learned have in common, for composing: headers, ranges, lengths and where they stand, chords.

A model without songs, as the base is, writes its header itself: meter, key, tempo and voices of a texture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tunesmith import scheme, theory
from tunesmith.checkpoint import Learned
from tunesmith.constraints import CHORD_FAMILY, Place, place_of
from tunesmith.errors import ModelError, RequestError
from tunesmith.models.spec import FloatArray
from tunesmith.scheme import Cursor, Event
from tunesmith.scheme import vocabulary as v
from tunesmith.scheme.cursor import KEY, METER, PARTS, STYLE, TEMPO
from tunesmith.score import Key, Meter

MOST_HEADER = 64  # events
MOST_HEARD = 20_000  # events of the songs learned that are looked through for their rhythms; a fraction of a second
DEFAULT_HEADER: list[Event] = [
    (v.STYLE[0], v.NONE),
    (v.METER[3], v.UNITS[4]),
    (v.key_symbol(0, "major"), v.NONE),
    (v.tempo_symbol(108), v.NONE),
    (v.PART[0], v.NONE),
]
NO_PLAYERS = (0, 6)  # families of programs: piano, which scores name that name nothing, and choirs; no ensembles
NETWORKS = ("rnn", "mixture")  # models that know how music begins
_STYLES = range(v.STYLE.first, v.STYLE.first + len(v.STYLES))
HEADER_TOP_P, KEY_TOP_P = 0.8, 0.95  # what is drawn from for a header that a model writes itself: nothing odd
LEAST_UNIT = 2  # of the base's meters: 2/1 is how motets are printed, and nobody asked for one
ACCIDENTAL = -0.5  # nats for every sharp or flat of its key: the base has heard all keys alike


@dataclass(frozen=True, slots=True)
class Opening:
    """What is asked of the beginning of a piece; None: as it comes."""

    texture: str | None = None
    key: Key | None = None
    meter: Meter | None = None
    tempo: float | None = None


@dataclass(frozen=True, slots=True)
class Textured:
    """A piece of a texture: fewest and most voices, with a chord voice (None: perhaps), lowest and highest pitch."""

    least: int
    most: int
    chords: bool | None
    low: int
    high: int


TEXTURES = {
    "melody": Textured(1, 1, False, 57, 84),
    "lead sheet": Textured(1, 1, True, 57, 84),
    "voices": Textured(4, 4, False, 38, 81),
    "keyboard": Textured(2, 5, False, 33, 93),
    "song": Textured(2, 6, None, 33, 88),
    "ensemble": Textured(2, 6, None, 33, 93),
}
ONE_BY_ONE = ("melody", "lead sheet", "voices")  # textures whose voices have no chords
# Lengths, in 48ths of a quarter, of music that has no songs to tell its lengths: with triplets, nothing rarer
PLAIN = (v.JOIN, *(v.DURATION[v.GRID * n] for n in (6, 8, 12, 16, 18, 24, 32, 36, 48, 72, 96, 144, 192)))


@dataclass(frozen=True, slots=True)
class Habits:
    """What the songs learned have in common: lowest and highest pitch, and the duration ids they use.

    `rhythms`: for a meter (beats, unit), the places in the bar where lengths stand. `chords`: degrees and kinds of
    the chord symbols; `chord_rests`: whether the chord voice ever rests. `silent`: whether rest follows rest.
    """

    low: int = 36
    high: int = 96
    lengths: tuple[int, ...] = tuple(range(v.JOIN, v.DURATIONS))
    rhythms: Mapping[tuple[int, int], frozenset[Place]] = field(default_factory=dict)
    chords: frozenset[tuple[int, int]] = frozenset()
    chord_rests: bool = False
    silent: bool = False


def habits_of(learned: Learned) -> Habits:
    """What the songs of a model have in common."""
    symbols, durations = learned.songs.events.T
    pitches = symbols[symbols < v.PITCH.end]
    if not len(pitches):
        return Habits()
    moving = durations[(symbols < v.CHORD.end) & (durations != v.NONE)]
    lengths, counts = np.unique(moving, return_counts=True)
    # A length met once in a thousand is a slip of the pen, and leads to places from which no other leads back.
    usual = lengths[counts >= max(1, len(moving) // 1000)]
    heard = list(_heard(learned))
    rhythms: dict[tuple[int, int], set[Place]] = {}
    for meter, place, _ in heard:
        rhythms.setdefault(meter, set()).add(place)
    return Habits(
        int(pitches.min()),
        int(pitches.max()),
        tuple(int(d) for d in usual),
        {meter: frozenset(places) for meter, places in rhythms.items()},
        frozenset(chord for _, _, chord in heard if chord),
        any(place[:2] == (True, True) for _, place, _ in heard),
        bool(((symbols[1:] == v.REST) & (symbols[:-1] == v.REST)).any()),
    )


def _heard(learned: Learned) -> Iterator[tuple[tuple[int, int], Place, tuple[int, int] | None]]:
    """Of every event that takes time: the meter, its place in the bar, and the degree and kind of a chord symbol."""
    events = 0
    for number in range(len(learned.songs)):
        song, head = learned.songs[number], header(learned, number)
        cursor = after(head)
        events += len(song)
        if events > MOST_HEARD:
            return
        for symbol, duration in song[len(head) :]:
            if symbol < v.CHORD.end and duration != v.JOIN:
                chord = None
                if symbol in v.CHORD:
                    root, quality = v.chord_of(symbol)
                    chord = (root - theory.tonic(cursor.fifths, cursor.mode)) % 12, quality
                yield (cursor.beats, cursor.unit), place_of(cursor, symbol, duration), chord
            cursor.advance(symbol, duration)


def after(head: Sequence[Event]) -> Cursor:
    """The cursor after a header.

    Raises:
        ModelError: it is none: a damaged or forged model file.
    """
    cursor, world = Cursor(), scheme.spec()
    for symbol, duration in head:
        allowed = world.allowed_symbols(np.array(scheme.frame(cursor)))
        if not (allowed[symbol] and world.allowed_durations(np.array(symbol))[duration]):
            break
        cursor.advance(symbol, duration)
    else:
        if any(voice.family < CHORD_FAMILY for voice in cursor.voices):
            return cursor
    raise ModelError("the songs in the model are no music", fix="learn it again, or copy it again")


def choose_header(heads: Sequence[list[Event]], request: Opening, random: np.random.Generator) -> list[Event]:
    """One of the headers, one that suits what is asked best, with the wishes put in.

    Raises:
        RequestError: none has this texture.
    """
    return _asked(_suitable(heads, request, random), request)


def _asked(head: list[Event], request: Opening) -> list[Event]:
    """A header with the wishes put in."""
    if request.key is not None:
        head = _replaced(head, "key", (v.key_symbol(request.key.fifths, request.key.mode), v.NONE))
    if request.tempo is not None:
        head = _replaced(head, "tempo", (v.tempo_symbol(request.tempo), v.NONE))
    if request.meter is not None:
        event = (v.METER[request.meter.beats - 1], v.UNITS[request.meter.unit])
        if event not in head:
            head = [e for e in _replaced(head, "meter", event) if e[0] != v.PICKUP]
    return head


def _suitable(heads: Sequence[list[Event]], request: Opening, random: np.random.Generator) -> list[Event]:
    """One of the headers with the meter and the mode wished for; if none has both, the meter weighs more.

    Only headers of the commonest texture are looked at: of the others too little was learned.
    """
    if request.texture is not None:
        heads = [head for head in heads if _style(head) == request.texture]
        if not heads:
            fix = "leave the texture out, or compose with the base model"
            raise RequestError(f"none of the songs learned has the texture {request.texture!r}", fix=fix)
    textures = Counter(_texture(head) for head in heads)
    heads = [head for head in heads if _texture(head) == textures.most_common(1)[0][0]]
    meter = request.meter and (v.METER[request.meter.beats - 1], v.UNITS[request.meter.unit])

    def suits(head: list[Event]) -> int:
        mode = next((v.key_of(s)[1] for s, _ in head if s in v.KEY), None)
        return 2 * (meter is None or meter in head) + (request.key is None or request.key.mode == mode)

    marks = [suits(head) for head in heads]
    best = [head for head, mark in zip(heads, marks, strict=True) if mark == max(marks)]
    return best[int(random.integers(len(best)))]


def _style(head: Sequence[Event]) -> str:
    """The texture that a header names."""
    return next((v.STYLES[s - v.STYLE.first] for s, _ in head if s in _STYLES), "")


def _texture(head: Sequence[Event]) -> tuple[int, ...]:
    """The style and the parts of a header."""
    return tuple(s for s, _ in head if s in v.STYLE or s in v.PART or s == v.VOICE)


def header(learned: Learned, song: int) -> list[Event]:
    """The events of a song learned before its first sound."""
    start, end = learned.songs.starts[song : song + 2].tolist()
    rows = learned.songs.events[start : min(end, start + MOST_HEADER)]
    sounding = np.flatnonzero(rows[:, 0] < v.CHORD.end)
    return [(int(s), int(d)) for s, d in rows[: sounding[0] if len(sounding) else None]]


def _replaced(head: list[Event], kind: str, event: Event) -> list[Event]:
    return [event if symbol in v.RANGES[kind] else (symbol, duration) for symbol, duration in head]


def imagined_habits(head: Sequence[Event]) -> Habits:
    """The habits of a piece with a header of this kind, by a network without songs."""
    style = _style(head)
    kind = TEXTURES.get(style, TEXTURES["ensemble"])
    return Habits(kind.low, kind.high, PLAIN[1:] if style in ONE_BY_ONE else PLAIN)


def imagined(learned: Learned, request: Opening, random: np.random.Generator) -> list[Event]:
    """A header that a model without songs writes itself, with the wishes put in.

    Only a network knows how music begins; any other model gets a melody.
    """
    if learned.name not in NETWORKS:
        if request.texture not in (None, "melody"):
            raise RequestError("this model writes melodies alone", fix="leave the texture out, or use the base model")
        return _asked(DEFAULT_HEADER, request)
    if request.texture is None and learned.about.get("base"):
        request = replace(request, texture="melody")
    model, cursor, events = learned.model, Cursor(), list[Event]()
    state = model.begin(1)
    wanted, base = _wanted(request), bool(learned.about.get("base"))
    while len(events) < MOST_HEADER:
        asked = wanted.get(cursor.phase)
        log_p = model.symbols(state, np.array([scheme.frame(cursor)], np.int16))[0]
        top_p = KEY_TOP_P if cursor.phase == KEY else HEADER_TOP_P
        symbol = asked[0] if asked else drawn(np.exp(_bounded(log_p, cursor, base)), top_p, random)
        if symbol < v.CHORD.end:
            return events
        log_p = model.durations(state, np.array([symbol]))[0]
        if cursor.phase == METER and base:
            log_p[[v.UNITS[unit] for unit in v.UNITS if unit < LEAST_UNIT]] = -np.inf
        event = asked or (symbol, drawn(np.exp(log_p), HEADER_TOP_P, random))
        events.append(event)
        cursor.advance(*event)
    raise ModelError("the model finds no end of its headers", fix="learn it again, or copy it again")


def _wanted(request: Opening) -> dict[int, Event]:
    """The events of a header that are asked for, by the phase of the grammar."""
    found: dict[int, Event] = {}
    if request.texture is not None:
        found[STYLE] = v.STYLE[v.STYLES.index(request.texture)], v.NONE
    if request.meter is not None:
        found[METER] = v.METER[request.meter.beats - 1], v.UNITS[request.meter.unit]
    if request.key is not None:
        found[KEY] = v.key_symbol(request.key.fifths, request.key.mode), v.NONE
    if request.tempo is not None:
        found[TEMPO] = v.tempo_symbol(request.tempo), v.NONE
    return found


def _bounded(log_p: FloatArray, cursor: Cursor, base: bool) -> FloatArray:
    """Log-probabilities of the next symbol of a header, within what its texture has."""
    found = log_p.copy()
    if cursor.phase == STYLE:
        found[_STYLES.stop : v.STYLE.end] = -np.inf
    if cursor.phase == KEY and base:
        found[v.KEY.first : v.KEY.end] += [ACCIDENTAL * abs(v.key_of(s)[0]) for s in range(v.KEY.first, v.KEY.end)]
    if cursor.phase == PARTS:
        kind = TEXTURES[v.STYLES[cursor.style]]
        if base and v.STYLES[cursor.style] == "ensemble":
            found[[v.PART[family] for family in NO_PLAYERS]] = -np.inf
        if base and v.STYLES[cursor.style] == "voices":
            found[v.VOICE] = -np.inf  # a staff for each: four on one are hard to read
        chords = bool(cursor.voices) and cursor.voices[0].family == CHORD_FAMILY
        voices = len(cursor.voices) - chords
        if not cursor.voices and kind.chords:
            found[v.PART.first : v.CHORDS] = -np.inf
        if kind.chords is False:
            found[v.CHORDS] = -np.inf
        if voices < kind.least:
            found[: v.CHORD.end] = -np.inf
        if voices >= kind.most:
            found[[*range(v.PART.first, v.PART.end), v.VOICE]] = -np.inf
    return found


def drawn(weights: FloatArray, top_p: float, random: np.random.Generator) -> int:
    """One of the likeliest choices, by their weights, which together have a share `top_p` of all weight.

    Source: A. Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020 (nucleus sampling).
    """
    likely = weights / weights.sum()
    order = np.argsort(-likely, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(likely[order]), top_p) + 1)]
    return int(random.choice(kept, p=likely[kept] / likely[kept].sum()))
