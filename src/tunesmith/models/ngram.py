"""The n-gram model: what followed the last few events, in the songs learned from and in the song so far.

Symbols are predicted from the preceding symbols, durations from the class of the symbol chosen and the
preceding durations, both by `ppm`: for each length of context, what followed it in the songs learned from, and on
top of it, so that many songs do not drown the one at hand, what followed it in the song itself. Preceding means: in
the same stream, where the value of one feature says what stream an event belongs to. Symbols in the range of an
anchor count as their distance from its reference, so that what was counted in one key is known in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ModelError
from tunesmith.models import Distributions, Song, Tensors, settings_of, stretches
from tunesmith.models.ppm import Counts, Found, Ints, heard, interpolated
from tunesmith.models.spec import Anchor, FloatArray, IntArray, Spec

MAX_ORDER = 16  # also keeps the products of so many steps' weights far from the smallest float


@dataclass(frozen=True, slots=True)
class Settings:
    """What the model counts; plain values, ready for JSON.

    `order`, `duration_order`: how long contexts are in the songs learned from, for durations with the symbol's
    class. `adaptive`: also what happened in the song so far (known as LTM+), in contexts up to `song_order`.
    `relative`: symbols count as distances from the reference of an anchor: of the one named `reference`, or where
    it covers none of them, of the last that does. `stream`: the feature that tells streams apart; one that the spec
    does not have means one stream. The default orders are those that predicted held-out songs best, over folk songs,
    chorales and lead sheets.
    """

    order: int = 3
    duration_order: int = 4
    song_order: int = 8
    adaptive: bool = True
    relative: bool = True
    reference: str = ""
    stream: str = "voice"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Settings from JSON.

        Raises:
            ModelError: a name is unknown or a value makes no sense.
        """
        made = settings_of(cls, values, "the n-gram model")
        if not all(0 <= order <= MAX_ORDER for order in (made.order, made.duration_order, made.song_order)):
            raise ModelError(f"an order of the n-gram model is not a whole number from 0 to {MAX_ORDER}")
        return made


class _Range(NamedTuple):
    """Symbols that count as their distance from a reference."""

    first: int
    size: int
    place: int  # the reference's column
    modulus: int  # 0 = distances on a line, else on circles of so many symbols, one after another
    token: int  # the first of 2 * size tokens


class _Tokens:
    """Symbols <-> tokens: a symbol itself, or its distance from a reference, or `start`, before the first event.

    Of several anchors for a range the last gives the reference, if none was asked for: a key tells more than the
    note before. If any of them knows no modulus, the symbols lie on a line, and no octave is lost.
    """

    def __init__(self, spec: Spec, settings: Settings) -> None:
        self.start, self.size = spec.symbols, spec.symbols + 1
        self.ranges = []
        if settings.reference not in ("", *(anchor.name for anchor in spec.anchors)):
            raise ModelError(f"the n-gram model counts from {settings.reference!r}, which is no anchor here")
        anchors: dict[tuple[int, int], Anchor] = {}
        for anchor in spec.anchors if settings.relative else ():
            known = anchors.get((anchor.first, anchor.last))
            if known is None or known.name != settings.reference:
                anchors[anchor.first, anchor.last] = anchor
        for (first, last), anchor in anchors.items():
            line = any(not other.modulus for other in spec.anchors if (other.first, other.last) == (first, last))
            self.ranges.append(_Range(first, last - first, anchor.place, 0 if line else anchor.modulus, self.size))
            self.size += 2 * (last - first)

    def of(self, symbols: IntArray, frames: IntArray) -> Ints:
        """The tokens (...) of symbols (...) chosen in frames (..., F)."""
        tokens = symbols.astype(np.int64)
        for first, size, column, modulus, token in self.ranges:
            reference, place = frames[..., column].astype(np.int64), symbols - first
            line = place - reference + size
            distance = place - place % modulus + (place - reference) % modulus if modulus else line
            fits = (reference >= 0) & (place >= 0) & (place < size) & (distance >= 0) & (distance < 2 * size)
            tokens = np.where(fits, token + distance, tokens)
        return tokens

    def symbols(self, tokens: Ints, frames: IntArray) -> Ints:
        """The symbols (n,) that tokens (n,) mean in frames (n, F); -1 where none."""
        symbols = np.where(tokens < self.start, tokens, -1)
        for first, size, column, modulus, token in self.ranges:
            mine = np.flatnonzero((tokens >= token) & (tokens < token + 2 * size))
            distance, reference = tokens[mine] - token, frames[mine, column].astype(np.int64)
            if modulus:
                place = distance - distance % modulus + (distance + reference) % modulus
            else:
                place = distance + reference - size
            fits = (reference >= 0) & (place >= 0) & (place < size)
            symbols[mine] = np.where(fits, place + first, -1)
        return symbols


@dataclass(slots=True)
class NgramState:
    """A batch of songs so far."""

    frames: NDArray[Any]  # (batch, F): of the latest event
    recent: Ints  # (2, batch, streams, order): the last tokens and durations of each stream, latest first
    contexts: Ints  # (2, batch, capacity, order): of every symbol and duration
    past: Ints  # (2, batch, capacity): the tokens and durations that were chosen
    lengths: Ints  # (batch,): how many events each song has had


class Ngram:
    """Interpolated PPM on events. A `Model`."""

    def __init__(self, spec: Spec, settings: Settings) -> None:
        self.spec, self.options = spec, settings
        self._tokens = _Tokens(spec, settings)
        self._orders = (settings.order, settings.duration_order)
        self._depth = max(1, *self._orders, settings.song_order * settings.adaptive)
        self._durations = spec.durations + 1 + len(spec.duration_masks)  # durations, start, classes
        self._place = {name: spec.place(name) for name in ("previous symbol", "previous duration", settings.stream)}
        streams = [feature.size for feature in spec.features if feature.name == settings.stream]
        self._streams = streams[0] if streams else 1
        self._learn(np.empty((0, 4), np.int32), np.empty(0, np.int32))

    def fit(self, songs: Iterable[Song]) -> Self:
        """Count these songs, and no others."""
        events, lengths = [np.empty((0, 4), np.int32)], []
        for song in songs:
            tokens = self._tokens.of(song.symbols, song.frames)
            classes = self.spec.duration_classes[song.symbols]
            rows = np.stack((tokens, song.durations, classes, self._stream(song.frames)), 1)
            events.append(rows.astype(np.int32))
            lengths.append(len(rows))
        self._learn(np.concatenate(events), np.array(lengths, np.int32))
        return self

    def _learn(self, events: NDArray[np.int32], lengths: NDArray[np.int32]) -> None:
        """Count events (N, 4): token, duration, duration class, stream; songs of these lengths, one after another."""
        self._events, self._lengths = events, lengths
        songs = np.repeat(np.arange(len(lengths)), lengths)
        tokens, durations, classes, streams = events.T.astype(np.int64)
        contexts = self._contexts(tokens, durations, classes, songs * self._streams + streams)
        self._counts = (
            Counts.of(contexts[0, :, : self._orders[0]], tokens, self._tokens.size),
            Counts.of(contexts[1, :, : self._orders[1]], durations, self._durations),
        )

    def _contexts(self, tokens: Ints, durations: Ints, classes: Ints, streams: Ints) -> Ints:
        """The contexts (2, T, order) of symbols and durations of whole songs."""
        by_stream = np.argsort(streams, kind="stable")
        before = np.full(len(tokens) + 1, -1)  # the event before in the same stream; the last entry stands for none
        follows = streams[by_stream[1:]] == streams[by_stream[:-1]]
        before[by_stream[1:][follows]] = by_stream[:-1][follows]
        tokens, durations = np.append(tokens, self._tokens.start), np.append(durations, self.spec.durations)
        contexts = np.empty((2, len(streams), self._depth), np.int64)
        at = before[:-1]
        for index in range(self._depth):
            contexts[:, :, index] = tokens[at], durations[at]
            at = before[at]
        contexts[1] = self._with_class(classes, contexts[1])
        return contexts

    def _with_class(self, classes: IntArray, durations: Ints) -> Ints:
        """Preceding durations (n, order) with the class (n,) of the symbol chosen before them, same order."""
        first = self.spec.durations + 1 + classes.astype(np.int64)
        return np.concatenate((first[:, None], durations), 1)[:, : self._depth]

    @classmethod
    def load(cls, spec: Spec, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model that has counted the events in `tensors`.

        Raises:
            ModelError: they are missing, or no events of this spec.
        """
        made = cls(spec, Settings.of(settings))
        events, lengths = tensors.get("events"), tensors.get("lengths")
        limits = (made._tokens.size, spec.durations, len(spec.duration_masks), made._streams)
        if events is None or lengths is None or events.ndim != 2 or events.shape[1] != len(limits):
            raise ModelError("the events of the n-gram model are missing")
        whole = events.dtype.kind in "iu" and lengths.dtype.kind in "iu" and lengths.ndim == 1
        if not whole or (events < 0).any() or (events >= limits).any():
            raise ModelError("the events of the n-gram model are damaged")
        # Each by itself first: a sum of lengths that are too large may come round to the right one.
        if (lengths < 0).any() or (lengths > len(events)).any() or lengths.sum() != len(events):
            raise ModelError("the lengths of the songs of the n-gram model are damaged")
        made._learn(events.astype(np.int32), lengths.astype(np.int32))
        return made

    def settings(self) -> dict[str, Any]:
        """`Settings`, ready for JSON."""
        return asdict(self.options)

    def tensors(self) -> Tensors:
        """The events counted (N, 4) and the lengths of the songs; counting them again is quick."""
        return {"events": self._events, "lengths": self._lengths}

    def begin(self, batch: int) -> NgramState:
        """The state before the first event."""
        depth = self._depth
        recent = np.empty((2, batch, self._streams, depth), np.int64)
        recent[0], recent[1] = self._tokens.start, self.spec.durations
        return NgramState(
            frames=np.zeros((batch, self.spec.columns), np.int64),
            recent=recent,
            contexts=np.zeros((2, batch, 64, depth), np.int64),
            past=np.zeros((2, batch, 64), np.int64),
            lengths=np.zeros(batch, np.int64),
        )

    def symbols(self, state: NgramState, frames: IntArray) -> FloatArray:
        """Take the next frames (batch, F); log-probabilities (batch, symbols). Changes the state in place."""
        self._remember(state, frames)
        capacity = state.past.shape[2]
        if state.lengths.max(initial=0) == capacity:
            state.contexts, state.past = _widened(state.contexts, 2 * capacity), _widened(state.past, 2 * capacity)
        rows = np.arange(len(frames))
        contexts = state.recent[0, rows, self._stream(frames)]
        state.contexts[0, rows, state.lengths] = contexts
        state.frames = np.array(frames)
        state.lengths = state.lengths + 1
        return self._symbol_log_p(frames, contexts, state.contexts[0], state.past[0], state.lengths - 1)

    def durations(self, state: NgramState, symbols: IntArray) -> FloatArray:
        """Log-probabilities (batch, durations) given the symbols (batch,) chosen. Changes the state in place."""
        rows, before = np.arange(len(symbols)), state.lengths - 1
        recent = state.recent[1, rows, self._stream(state.frames)]
        contexts = self._with_class(self.spec.duration_classes[symbols], recent)
        state.contexts[1, rows, before] = contexts
        return self._duration_log_p(symbols, contexts, state.contexts[1], state.past[1], before)

    def select(self, state: NgramState, rows: IntArray) -> NgramState:
        """A state whose songs are copies of these rows of `state`."""
        return NgramState(
            state.frames[rows],
            state.recent[:, rows],
            state.contexts[:, rows],
            state.past[:, rows],
            state.lengths[rows],
        )

    def join(self, states: Sequence[NgramState]) -> NgramState:
        """One state of the songs of several, between two events."""
        capacity = max(state.past.shape[2] for state in states)
        return NgramState(
            np.concatenate([state.frames for state in states]),
            np.concatenate([state.recent for state in states], 1),
            np.concatenate([_widened(state.contexts, capacity) for state in states], 1),
            np.concatenate([_widened(state.past, capacity) for state in states], 1),
            np.concatenate([state.lengths for state in states]),
        )

    def distributions(self, song: Song) -> Iterator[Distributions]:
        """Log-probabilities of a whole song, stretch by stretch."""
        tokens = self._tokens.of(song.symbols, song.frames)
        durations = song.durations.astype(np.int64)
        classes = self.spec.duration_classes[song.symbols].astype(np.int64)
        contexts = self._contexts(tokens, durations, classes, self._stream(song.frames))
        for part in stretches(song):
            before = np.arange(part.start, part.stop)
            past = contexts[:, None, : before[-1]], tokens[None, : before[-1]], durations[None, : before[-1]]
            yield Distributions(
                part,
                self._symbol_log_p(song.frames[part], contexts[0, part], past[0][0], past[1], before),
                self._duration_log_p(song.symbols[part], contexts[1, part], past[0][1], past[2], before),
            )

    def _symbol_log_p(
        self, frames: IntArray, contexts: Ints, past_contexts: Ints, past: Ints, before: IntArray
    ) -> FloatArray:
        found = self._found(0, contexts, past_contexts, past, before)
        choices = (f._replace(tokens=self._tokens.symbols(f.tokens, frames[f.rows])) for f in found)
        return _log(interpolated(choices, self.spec.allowed_symbols(frames)))

    def _duration_log_p(
        self, symbols: IntArray, contexts: Ints, past_contexts: Ints, past: Ints, before: IntArray
    ) -> FloatArray:
        found = self._found(1, contexts, past_contexts, past, before)
        return _log(interpolated(found, self.spec.allowed_durations(symbols)))

    def _found(self, choice: int, contexts: Ints, past_contexts: Ints, past: Ints, before: IntArray) -> Iterator[Found]:
        """Order by order, what followed these contexts in the songs learned from, then in the song so far."""
        sources = [self._counts[choice].after(contexts)]
        if self.options.adaptive:
            sources.append(heard(contexts[:, : self.options.song_order], past_contexts, past, before))
        for order in zip_longest(*sources):
            yield from (found for found in order if found is not None)

    def _remember(self, state: NgramState, frames: IntArray) -> None:
        """Note what was chosen in the last event, as these frames, the next, tell it."""
        rows = np.flatnonzero(state.lengths)
        frames, told = frames[rows], state.frames[rows]
        streams = self._stream(told)
        symbol, duration = (self._place[name] for name in ("previous symbol", "previous duration"))
        symbols = np.zeros(len(rows), np.int64) if symbol is None else frames[:, symbol].astype(np.int64) - 1
        chosen = (self._tokens.of(symbols, told), 0 if duration is None else frames[:, duration] - 1)
        for choice, values in enumerate(chosen):
            state.past[choice, rows, state.lengths[rows] - 1] = values
            older = state.recent[choice, rows, streams][:, :-1]
            state.recent[choice, rows, streams] = np.insert(older, 0, values, 1)

    def _stream(self, frames: IntArray) -> Ints:
        place = self._place[self.options.stream]
        return np.zeros(len(frames), np.int64) if place is None else frames[:, place].astype(np.int64)


def _widened(values: Ints, size: int) -> Ints:
    """An array (2, batch, capacity, ...) with zeros added until its capacity is this."""
    return np.pad(values, [(0, size - values.shape[2] if axis == 2 else 0) for axis in range(values.ndim)])


def _log(probabilities: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(probabilities)
    return logs
