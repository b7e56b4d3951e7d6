"""The words of the page: how a run differs from where it stands in a song, bars, numbers of things, names."""

from __future__ import annotations

from html import escape

INTERVALS = (  # by semitones
    "",
    "a semitone",
    "a whole tone",
    "a minor third",
    "a major third",
    "a fourth",
    "a tritone",
    "a fifth",
    "a minor sixth",
    "a major sixth",
    "a minor seventh",
    "a major seventh",
)
NUMBERS = ("", "an octave", "two octaves", "three octaves", "four octaves", "five octaves")  # octaves
MULTIPLES = (  # those that have a name
    (1 / 4, "a quarter as"),
    (1 / 3, "a third as"),
    (1 / 2, "half as"),
    (2 / 3, "two thirds as"),
    (3 / 4, "three quarters as"),
    (3 / 2, "one and a half times as"),
    (2.0, "twice as"),
    (3.0, "three times as"),
    (4.0, "four times as"),
)
MOST_LETTERS = 200  # of a name
ALIKE = 0.015  # of a tempo: 120 and 121 beats a minute are one


def difference(semitones: int, speed: float, values: float) -> str:
    """The difference in words: "a fifth higher, half as fast, in notes twice as long".

    `semitones` up; `speed`: how many times as fast it sounds; `values`: how many times as long its notes are written.
    """
    written = [] if values == 1 else [f"in notes {times(values)} long"]
    return ", ".join([interval(semitones), tempo(speed), *written])


def interval(semitones: int) -> str:
    """ "a fifth higher", "an octave and a whole tone lower", "at the same pitch"."""
    if semitones == 0:
        return "at the same pitch"
    octaves, rest = divmod(abs(semitones), 12)
    many = NUMBERS[octaves] if octaves < len(NUMBERS) else f"{octaves} octaves"
    size = " and ".join(part for part in (many, INTERVALS[rest]) if part)
    return f"{size} {'higher' if semitones > 0 else 'lower'}"


def tempo(speed: float) -> str:
    """ "twice as fast", "at the same speed"."""
    return "at the same speed" if abs(speed - 1) <= ALIKE else f"{times(speed)} fast"


def times(ratio: float) -> str:
    """ "twice as", "half as", "1.2 times as"."""
    named = (words for number, words in MULTIPLES if abs(ratio / number - 1) <= ALIKE)
    return next(named, f"{ratio:.2g} times as" if ratio < 10 else f"{ratio:.0f} times as")


def bars(numbers: tuple[int, int], word: str = "") -> str:
    """ "bar 3", "bars 3-5"; without a word the numbers alone."""
    first, last = numbers
    told = str(first) if first == last else f"{first}-{last}"
    return f"{word}{'s' if first != last else ''} {told}" if word else told


def counted(number: int, thing: str) -> str:
    """ "1 note", "2,000 notes"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def plain(name: str) -> str:
    """A name as one line that is not too long."""
    line = "".join(c if c.isprintable() else " " for c in name).strip() or "untitled"
    return line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 3] + "..."


def shown(name: str) -> str:
    """A name as HTML."""
    return escape(plain(name))
