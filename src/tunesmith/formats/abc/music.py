"""Music lines: every token of the table does something to the voice it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable

from tunesmith import theory
from tunesmith.formats.abc.fields import Fault, parse_chord
from tunesmith.formats.abc.timeline import Element, Placed, Sound, Timeline
from tunesmith.formats.abc.tokens import (
    ALTER,
    MAX_PASSES,
    OUTER_LENGTH,
    TOKEN,
    TUPLET_TIME,
    Fractional,
    count_of,
    length_of,
    passes_of,
    place_of,
    times,
    unexpected,
)
from tunesmith.formats.form import WHOLE

MAX_NESTING = 4  # tuplets inside tuplets
MAX_LAYERS = 32  # voices by `&`
_FIFTHS = {letter: theory.fifths_of(letter, 0) for letter in "ABCDEFG"}


class Voice(Timeline):
    """A voice that reads its music."""

    __slots__ = ()

    def play(self, line: int, text: str, inline: Callable[[str, str, int], Voice]) -> Voice:
        """Read a music line; `inline` takes fields such as [V:2] and says which voice goes on. Returns that voice.

        Raises:
            Fault: something that is no music.
        """
        voice, position, end = self, 0, len(text)
        voice.line = line
        while position < end:
            found = TOKEN.match(text, position)
            if not found:
                raise Fault(unexpected(text[position]), position + 1)
            kind = found.lastgroup or ""
            position = found.end()
            if kind == "inline":
                voice = inline(found["field"], found["text"], found.start("text") + 1)
                voice.line = line
            elif kind == "chord":
                position = voice.read_chord(text, found)
            else:
                handler = _HANDLERS.get(kind)
                if handler:
                    handler(voice, found)
        return voice

    # --- what takes time

    def read_note(self, found: re.Match[str]) -> None:
        """A note of its own."""
        self.place()
        sound = self.sound(found)
        self.hold(Element([sound], sound.length), found.start())

    def sound(self, found: re.Match[str]) -> Sound:
        """A note token with its accidental resolved: own, tied, earlier in the bar, or of the key."""
        sign, written, marks, length = found.group("sign", "letter", "octave", "length")
        place, natural = place_of(written, marks)
        letter = place[0]
        if sign:
            alter = self.altered[place] = ALTER[sign]
        else:
            alter = self.altered.get(place, self.signature[letter])
            ties = self.ties.get(self.layer)
            if ties:
                alter = self.tied_alter(ties, place, alter)
        pitch = natural + alter
        if not 0 <= pitch <= 127:
            raise Fault(f"the note {written}{marks[:9]} is outside the range of pitches", found.start() + 1)
        return Sound(place, pitch, _FIFTHS[letter] + 7 * alter, length_of(length, found.start()), explicit=bool(sign))

    def tied_alter(self, ties: list[tuple[Sound, Placed]], place: tuple[str, int], alter: int) -> int:
        """The accidental that a tie brings to a letter; `alter`, where no tie comes in or one that agrees with it."""
        tied = [
            theory.letter_and_alter(sound.fifths)[1]
            for sound, note in ties
            if sound.place == place and note[0] + note[1] == self.time
        ]
        return alter if alter in tied or not tied else tied[-1]

    def read_chord(self, text: str, opening: re.Match[str]) -> int:
        """Notes in brackets; returns the position after it. The first note says how long it takes."""
        self.place()
        sounds: list[Sound] = []
        length: Fractional | None = None
        position = opening.end()
        while text[position : position + 1] != "]":
            found = TOKEN.match(text, position)
            kind = found.lastgroup if found else None
            if not found or kind not in ("note", "rest", "tie", "passed_over", "space", "quoted", "grace"):
                raise Fault("the bracket that opens here does not close", opening.start() + 1, "write chords as [CEG]")
            if kind == "note":
                sounds.append(self.sound(found))
                length = length or sounds[0].length
            elif kind == "rest":
                length = length or length_of(found["rest_length"], found.start())
            elif kind == "tie" and sounds:
                sounds[-1].tied = True
            elif kind == "quoted":
                self.read_quoted(found)
            position = found.start() + 1 if found[0][0] == "+" else found.end()  # [+CE]: a habit of old books
        outside = OUTER_LENGTH.match(text, position + 1)
        written = outside[0] if outside else ""
        if length:
            outer = length_of(written, position)
            for sound in sounds:
                sound.length = times(sound.length, outer)
            self.hold(Element(sounds, times(length, outer)), opening.start())
        return position + 1 + len(written)

    def read_rest(self, found: re.Match[str]) -> None:
        """A rest, seen or not."""
        self.place()
        self.hold(Element([], length_of(found["rest_length"], found.start())), found.start())

    def read_bars_rest(self, found: re.Match[str]) -> None:
        """Whole bars of rest."""
        self.place()
        count = count_of(found["count"], "bars of rest", found.start()) if found["count"] else 1
        beats, unit = self.meter or (4, 4)
        self.hold(Element([], (1, 1)), found.start())
        self.waiting = None
        for number in range(count):
            if number:
                self.mark("bar")
            self.advance(beats * WHOLE // unit)
            self.bar_start = self.time if number < count - 1 else self.bar_start

    # --- what changes how it sounds

    def read_tie(self, found: re.Match[str]) -> None:
        """A tie from all notes of the last element."""
        if self.waiting:
            for sound in self.waiting.sounds:
                sound.tied = True

    def read_broken(self, found: re.Match[str]) -> None:
        """Dotted rhythm: A>B, A<B, and with more signs sharper."""
        count = len(found[0])
        if count > 4:
            raise Fault("more than four > or < in a row", found.start() + 1)
        long, short = (2 ** (count + 1) - 1, 2**count), (1, 2**count)
        first, self.broken = (long, short) if found[0][0] == ">" else (short, long)
        self.stretch(first)

    def read_tuplet(self, found: re.Match[str]) -> None:
        """(p:q:r, the next r elements in the time q/p."""
        p = count_of(found["p"], "notes in a tuplet", found.start())
        q = count_of((found["q"] or ":")[1:] or "0", "notes in a tuplet", found.start(), least=0)
        r = count_of((found["r"] or ":")[1:] or "0", "notes in a tuplet", found.start(), least=0)
        self.place()
        if len(self.tuplets) >= MAX_NESTING:
            raise Fault(f"more than {MAX_NESTING} tuplets inside each other", found.start() + 1)
        if not q and p not in (*TUPLET_TIME, 5, 7, 9):
            raise Fault(f"a tuplet of {p} must say its time", found.start() + 1, f"write ({p}:q")
        beats, unit = self.meter or (4, 4)
        compound = unit >= 8 and beats > 3 and beats % 3 == 0
        self.tuplets.append([p, q or TUPLET_TIME.get(p, 3 if compound else 2), r or p])

    def read_quoted(self, found: re.Match[str]) -> None:
        """A chord symbol for the next element, or a remark."""
        read = parse_chord(found["quote"])
        if self.symbol is True:
            self.symbol = read

    def read_overlay(self, found: re.Match[str]) -> None:
        """Back to the start of the bar, in another layer."""
        self.place()
        if len(found[0]) > 1:
            _refuse_long_overlay(self, found)
        self.layer += 1
        if self.layer >= MAX_LAYERS:
            raise Fault(f"more than {MAX_LAYERS} voices in one bar", found.start() + 1)
        self.bar_end, self.time = max(self.bar_end, self.time), self.bar_start
        self.signature = self.bar_signature
        self.forget()

    # --- the form

    def read_bar(self, found: re.Match[str]) -> None:
        """A bar line, with what its dots and a number after it say."""
        self.end_bar()
        line = found["line"].lstrip(".")
        before = len(line) - len(line.lstrip(":"))
        after = len(line) - len(line.rstrip(":"))
        if before == len(line):  # `::`
            before = after = 1
        if max(before, after) >= MAX_PASSES:
            raise Fault("too many colons at a repeat", found.start() + 1)
        if before:
            self.mark("close", before + 1)
        if not before and not after:
            self.mark("bar" if found["line"] == "|" else "double")
        if after:
            self.mark("open", after + 1)
        self.start_bar()
        if found["volta"]:
            self.mark("ending", passes_of(found["volta"], found.start()))

    def read_ending(self, found: re.Match[str]) -> None:
        """[1 or [2,3 away from a bar line."""
        self.end_bar()
        self.mark("ending", passes_of(found["named"] or found["passes"], found.start()))
        self.start_bar()


def _keep_stray(voice: Voice, found: re.Match[str]) -> None:
    voice.stray = voice.stray or (voice.line, found.start() + 1, found[0])


def _refuse_long_overlay(voice: Voice, found: re.Match[str]) -> None:
    raise Fault(
        "a second voice over several bars cannot be read", found.start() + 1, "write & in every bar, or V: voices"
    )


_HANDLERS: dict[str, Callable[[Voice, re.Match[str]], None]] = {
    "note": Voice.read_note,
    "bar": Voice.read_bar,
    "ending": Voice.read_ending,
    "quoted": Voice.read_quoted,
    "rest": Voice.read_rest,
    "bars_rest": Voice.read_bars_rest,
    "tuplet": Voice.read_tuplet,
    "broken": Voice.read_broken,
    "tie": Voice.read_tie,
    "overlay": Voice.read_overlay,
    "stray": _keep_stray,
    "long_overlay": _refuse_long_overlay,
}
