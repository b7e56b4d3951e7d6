"""One piece of a Humdrum file, read line by line."""

from __future__ import annotations

from tunesmith.errors import FormatError
from tunesmith.formats.humdrum import signs
from tunesmith.formats.humdrum.dynamics import velocity_of
from tunesmith.formats.humdrum.sections import EXPANSION, LABEL
from tunesmith.formats.humdrum.spines import MOST_SPINES, PATHS, Column, Spine, follow
from tunesmith.formats.humdrum.timeline import Columns, Timeline, where

MUSIC = "**kern"
_DYNAMICS = "**dynam"
_CHORDS = frozenset(("**mxhm", "**harte", "**chord"))
_TEXT_LENGTH = 120  # of a name


class Piece:
    """A piece while it is read: `lines` are taken one by one until its spines have ended."""

    def __init__(self) -> None:
        self.line = 0
        self.columns: list[Column] = []
        self.music: Columns = []
        self.dynamics: list[tuple[int, list[Spine]]] = []
        self.chords: list[tuple[int, Spine]] = []
        self.spines: list[Spine] = []
        self.time = Timeline()
        self.expansion = ""
        self.total = 0  # its length in ticks, once it is over

    @property
    def begun(self) -> bool:
        """Whether spines have begun."""
        return bool(self.spines)

    @property
    def ended(self) -> bool:
        """Whether all of its spines have ended."""
        return self.begun and not self.columns

    def take(self, number: int, text: str) -> None:
        """Take a line that is no remark.

        Raises:
            FormatError: it cannot be read.
        """
        self.line = number
        fields = text.split("\t")
        if text.startswith("*"):
            self.interpret(self.fit(fields))
            return
        if len(fields) != len(self.columns):
            fields = self.fit(fields)
        if text.startswith("="):
            place = self.music[0][0] if self.music else 0
            self.time.sign("bar", fields[place], number)
        else:
            if self.dynamics:
                self.loudness(fields)
            self.time.play(number, self.music, fields)
            if self.chords:
                self.harmony(fields)

    def fit(self, fields: list[str]) -> list[str]:
        """The fields of a line, one for each column; empty ones at its end may be too many.

        Raises:
            FormatError: there are too few or too many.
        """
        if not self.begun:
            if not fields[0].startswith("*"):
                raise FormatError(
                    "notes before the first spine begins",
                    where=where(self.line),
                    fix="begin with a line such as **kern",
                )
            return fields
        open_spines = len(self.columns)
        while len(fields) > open_spines and not fields[-1].strip():
            fields = fields[:-1]
        if len(fields) != open_spines:
            found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            stand = "1 spine is" if open_spines == 1 else f"{open_spines} spines are"
            raise FormatError(
                f"{found} where {stand} open", where=where(self.line), fix="a line needs a field, if only '.', for each"
            )
        return [text or "." for text in fields] if "" in fields else fields

    # --- interpretations

    def interpret(self, fields: list[str]) -> None:
        """Take a line of interpretations."""
        if any(text.startswith("**") for text in fields):
            self.begin(fields)
        elif not self.begun:
            raise FormatError("an interpretation before the first spine begins", where=where(self.line))
        elif any(column.spine.kind == "" for column in self.columns):
            raise FormatError(
                "a spine added by *+ has no kind", where=where(self.line), fix="name it on the next line, as **kern"
            )
        else:
            self.tandem(fields)
            if PATHS.intersection(fields):
                self.follow(fields)

    def follow(self, fields: list[str]) -> None:
        """Spines split, join, change places, begin or end."""
        try:
            after = follow(self.columns, fields)
        except FormatError as error:
            error.where = where(self.line)
            raise
        if after:
            self.leave([column for place, column in self.music if fields[place] == "*-"])
        else:
            self.close()
        self.columns = after
        self.sort()

    def leave(self, columns: list[Column]) -> None:
        """Music ends in these columns, before the piece does perhaps."""
        self.total = max([self.total, *[self.time.ticks(column.end) for column in columns]])

    def close(self) -> None:
        """The piece is over; spines that ended before may have held the last note."""
        self.total = max(self.total, self.time.close(self.music, self.line))

    def begin(self, fields: list[str]) -> None:
        """Spines begin, or take another kind."""
        self.leave([c for place, c in self.music if fields[place].startswith("**")])
        if not self.begun:
            if len(fields) > MOST_SPINES:
                raise FormatError(f"more than {MOST_SPINES} spines", where=where(self.line))
            self.columns = [Column(Spine("", 0)) for _ in fields]
        for column, text in zip(self.columns, fields, strict=True):
            if text.startswith("**"):
                if column.spine.kind != text:
                    column.spine = Spine(text, len(self.spines) + 1)
                    self.spines.append(column.spine)
            elif not column.spine.kind:
                raise FormatError(
                    f"{text[:24]!r} where a spine begins",
                    where=where(self.line),
                    fix="begin it with its kind, as **kern",
                )
        self.sort()

    def sort(self) -> None:
        """Find the columns that matter."""
        self.music = [(place, column) for place, column in enumerate(self.columns) if column.spine.kind == MUSIC]
        self.chords = [(place, c.spine) for place, c in enumerate(self.columns) if c.spine.kind in _CHORDS]
        self.dynamics = []
        for place, column in enumerate(self.columns):
            if column.spine.kind == _DYNAMICS:
                self.dynamics.append((place, self.played_by(place)))

    def played_by(self, place: int) -> list[Spine]:
        """The music that a spine of dynamics is about: its part, or what stands to its left."""
        part = self.columns[place].spine.part
        if part is not None:
            return [spine for spine in self.spines if spine.kind == MUSIC and spine.part == part]
        left = [column.spine for column in self.columns[:place] if column.spine.kind == MUSIC]
        return left[-1:]

    def tandem(self, fields: list[str]) -> None:
        """Interpretations of single spines."""
        tonics: list[tuple[int, str]] = []
        signatures = False
        seen: set[str] = set()
        for column, text in zip(self.columns, fields, strict=True):
            if text == "*" or text in PATHS:
                continue
            spine = column.spine
            if text.startswith(("*part", "*staff", "*group")):
                self.number(spine, text)
            elif spine.kind != MUSIC:
                continue
            elif text.startswith("*I"):
                _instrument(spine, text)
            elif text.startswith("*Trd"):
                found = signs.TRANSPOSED.match(text)
                spine.transposed = (int(found[1]), int(found[2])) if found else spine.transposed
            elif text.startswith("*k["):
                spine.signature = signs.signature_of(text)
                signatures = True
            elif signs.TONIC.match(text):
                tonics += [found for found in [signs.tonic_of(text)] if found and not spine.transposed[1]]
            elif text not in seen:
                seen.add(text)
                self.whole(text)
        if signatures:
            self.time.sign("signature", self.signature(), self.line)
        if tonics:
            self.time.sign("tonic", max(set(tonics), key=tonics.count), self.line)

    def whole(self, text: str) -> None:
        """An interpretation that is about all spines."""
        if signs.METER.match(text) or signs.NO_METER.match(text):
            self.time.sign("meter", signs.meter_of(text), self.line)
        elif text.startswith("*MM"):
            bpm = signs.tempo_of(text)
            if bpm:
                self.time.sign("tempo", bpm, self.line)
        elif text.startswith("*>"):
            label, expansion = LABEL.match(text), EXPANSION.match(text)
            if label:
                self.time.sign("label", label[1][:_TEXT_LENGTH], self.line)
            elif expansion:
                self.expansion = self.expansion or expansion[1]

    def signature(self) -> int | None:
        """The signature of most spines, those in their own pitch and instruments without signature left out."""
        found = [c.spine.signature for _, c in self.music if not c.spine.transposed[1]]
        known = [signature for signature in found if signature is not None]
        return max(dict.fromkeys(known), key=known.count) if known else None

    def number(self, spine: Spine, text: str) -> None:
        """`*part2`, `*staff3/4`."""
        digits = text.lstrip("*abcdefghijklmnopqrstuvwxyz ")
        numbers = tuple(int(n) for n in digits.split("/") if n.isascii() and n.isdigit() and len(n) <= 4)
        if numbers and text.startswith("*part"):
            spine.part = numbers[0]
            self.sort()
        elif numbers and text.startswith("*staff"):
            spine.staves = numbers

    # --- beside the notes

    def loudness(self, fields: list[str]) -> None:
        """Dynamics of this line: they hold for its notes and those after."""
        for place, spines in self.dynamics:
            text = fields[place]
            velocity = None if text == "." else velocity_of(text)
            if velocity:
                for spine in spines:
                    spine.velocity = velocity

    def harmony(self, fields: list[str]) -> None:
        """Chord symbols of this line."""
        tick = self.time.ticks(max(self.time.now, 0))
        for place, spine in self.chords:
            if fields[place] != ".":
                spine.symbols.append((tick, fields[place]))


def _instrument(spine: Spine, text: str) -> None:
    """`*I"Violin`, `*Ivioln`, `*ICstr`; abbreviations, groups and transpositions say nothing more."""
    if text.startswith('*I""'):
        return  # the name of a group of parts
    if text.startswith('*I"'):
        spine.name = spine.name or " ".join(text[3:].split())[:_TEXT_LENGTH]
    elif text.startswith("*IC"):
        spine.family = spine.family or text[3:]
    elif not text.startswith(("*I'", "*IG", "*ITr", "*I#")):
        spine.instrument = spine.instrument or text[2:]
