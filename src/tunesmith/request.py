"""What to compose: a request, checked, from Python, from words or from a file."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from tunesmith import theory
from tunesmith.errors import RequestError
from tunesmith.files import read_bytes
from tunesmith.habits import Opening
from tunesmith.scheme import vocabulary as v
from tunesmith.score import Key, Meter
from tunesmith.wording import CADENCES, WORDS, Chords

MAX_BARS = 512
MAX_PARTICLES = 1024
LEAST_CAP = 4  # notes: runs of three are in all music
MAX_FILE = 1 << 20  # bytes of a request file
OFF = 0  # of `max_copy`: no cap


def _whole(value: object, low: int = -(2**63)) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _chord(root: object, quality: object) -> bool:
    return root in range(12) and quality in range(len(theory.QUALITIES))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# what values from Python must be, beside their bounds
VALUES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("bars", "seed", "pieces", "breath", "repeats", "max_copy", "particles"), _whole),
    **dict.fromkeys(("temperature", "rhythm_temperature", "top_p", "chromatic", "tempo"), _number),
    **dict.fromkeys(("shortest", "steps", "leap"), lambda value: _whole(value, 1)),
    **dict.fromkeys(("texture", "form"), lambda value: isinstance(value, str)),
    "rests": lambda value: isinstance(value, bool),
    "key": lambda value: isinstance(value, Key) and -7 <= value.fifths <= 7 and value.mode in theory.MODES,
    "meter": lambda value: isinstance(value, Meter),
    "range": lambda told: all(_whole(voice, 0) and 0 <= low <= high <= 127 for voice, low, high in told),
    "density": lambda told: len(told) == 2 and _whole(told[0], 0) and _whole(told[1], max(1, told[0])),
    "chords": lambda bars: all(bar and all(_chord(*chord) for chord in bar) for bar in bars),
    "cadence": lambda told: all(kind in CADENCES and _whole(bar, 0) for kind, bar in told),
    "contour": lambda heights: not heights or (len(heights) > 1 and all(map(_number, heights))),
    "notes": lambda told: all(_whole(bar, 0) and beat >= 1 and 0 <= pitch <= 127 for bar, beat, pitch in told),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What to compose. What is None is as in the songs learned; see docs/composing.md.

    `texture`: one of `vocabulary.STYLES`; the base, which has no songs, writes a melody where none is named. `bars`:
    full bars, 1 to 512. `tempo`: quarter notes a minute. `temperature`, of pitches and chords: 0.1 (safe) to 2
    (wild), 1 = as learned. `rhythm_temperature`, of lengths: the same. `top_p`: the share of probability to choose
    among. `chromatic`: how likely notes outside the key are left, 0 (none) to 1 (as the model likes).

    `range`: (voice, lowest, highest pitch), voice 0 = all. `shortest`: ticks. `density`: fewest and most notes a bar.
    `leap`: semitones. `chords`: bar by bar, over and over. `cadence`: (kind, bar), bar 0 = the last. `form`: letters.
    `rests`: False = none. `breath`: the first voice rests at the end of every so many bars. `contour`: heights.
    `notes`: (bar, beat from 1, pitch) in the first voice. `repeats`: the longest run of notes that may come back.
    `steps`: every note and rest has this length, ticks.
    `max_copy`: notes in a row that may stand in the songs learned or the base's; None = as songs have of each other,
    0 = no cap. `particles`: pieces tried side by side; None = as the wishes need.
    """

    bars: int = 16
    texture: str | None = None
    key: Key | None = None
    meter: Meter | None = None
    tempo: float | None = None
    temperature: float = 1.0
    rhythm_temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 1
    pieces: int = 1
    chromatic: float | None = None
    range: tuple[tuple[int, int, int], ...] = ()
    shortest: int | None = None
    density: tuple[int, int] | None = None
    leap: int | None = None
    chords: Chords = ()
    cadence: tuple[tuple[str, int], ...] = ()
    form: str | None = None
    rests: bool = True
    breath: int | None = None
    contour: tuple[float, ...] = ()
    notes: tuple[tuple[int, Fraction, int], ...] = ()
    repeats: int | None = None
    steps: int | None = None
    max_copy: int | None = None
    particles: int | None = None

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Request:
        """From names and words, as a file or the command line has them; None = not said.

        Raises:
            RequestError: a name is unknown, or a word makes no sense.
        """
        known = {field.name: field.default for field in fields(cls)}
        found: dict[str, Any] = {}
        words = {name.replace("-", "_"): value for name, value in words.items() if value is not None}
        if "preset" in words:
            words = _preset(words.pop("preset")) | words
        for name, value in words.items():
            if name not in known:
                near = difflib.get_close_matches(name, [*known, "preset"], 1, 0.5)
                fix = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}, preset"
                raise RequestError(f"there is no wish {name!r}", fix=fix)
            found[name] = WORDS[name](_said(name, value)) if name in WORDS else _plain(name, value, known[name])
        request = cls(**found)
        request.check()
        return request

    def changed(self, **options: Any) -> Request:
        """The same with some fields changed, which may be words ("D minor", "| Dm | G7 |").

        Raises:
            RequestError: a name is unknown, or a word makes no sense.
        """
        if "preset" in options:
            options = _preset(options["preset"]) | {name: value for name, value in options.items() if name != "preset"}
        unknown = set(options) - {field.name for field in fields(self)}
        if unknown:
            Request.of(dict.fromkeys(unknown, 0))  # says what is near
        read = {n: WORDS[n](value) if isinstance(value, str) and n in WORDS else value for n, value in options.items()}
        return replace(self, **read)

    def check(self) -> None:
        """Raise `RequestError` for what makes no sense."""
        for name, good in VALUES.items():
            value = getattr(self, name)
            try:
                fine = value is None or good(value)
            except (TypeError, ValueError, AttributeError):
                fine = False
            if not fine:
                raise RequestError(f"{name} is {value!r}", fix="see docs/composing.md, or write it in words")
        if self.texture is not None and self.texture not in v.STYLES:
            raise RequestError(f"unknown texture {self.texture!r}", fix=f"choose from {', '.join(v.STYLES)}")
        _within("bars", self.bars, 1, MAX_BARS)
        _within("temperature", self.temperature, 0.1, 2.0)
        _within("rhythm temperature", self.rhythm_temperature, 0.1, 2.0)
        _within("top-p", self.top_p, 0.01, 1.0)
        _within("pieces", self.pieces, 1, 1000)
        _within("seed", self.seed, 0, 2**63 - 1)
        for name, low, high in (("tempo", 20, 400), ("chromatic", 0.0, 1.0), ("breath", 1, MAX_BARS)):
            if getattr(self, name) is not None:
                _within(name, getattr(self, name), low, high)
        for name, low, high in (("repeats", 2, 1000), ("particles", 1, MAX_PARTICLES)):
            if getattr(self, name) is not None:
                _within(name, getattr(self, name), low, high)
        if self.max_copy not in (None, OFF):
            if 0 < self.max_copy < LEAST_CAP:
                fix = f"allow at least {LEAST_CAP} notes, or 0 for no cap"
                raise RequestError(f"a cap of {self.max_copy} notes leaves no music", fix=fix)
            _within("max-copy", self.max_copy, LEAST_CAP, 1000)
        if self.meter is not None and not (
            1 <= self.meter.beats <= v.METER.size and self.meter.unit in v.UNITS and self.meter.bar <= 8 * v.TICKS[-1]
        ):
            raise RequestError(
                f"meter {self.meter.beats}/{self.meter.unit} cannot be composed in", fix="try 4/4 or 6/8"
            )
        self._check_places()

    def _check_places(self) -> None:
        """Raise `RequestError` for what lies beyond the piece, or is too narrow for it."""
        for kind, bar in self.cadence:
            if bar > self.bars:
                raise RequestError(f"a {kind} cadence in bar {bar} of a piece of {self.bars} bars", fix="ask for more")
        for bar, _, _ in self.notes:
            if not 1 <= bar <= self.bars:
                raise RequestError(f"a note in bar {bar} of a piece of {self.bars} bars", fix="bars count from 1")
        if len(self.chords) > self.bars:
            raise RequestError(f"chords for {len(self.chords)} bars in a piece of {self.bars}", fix="ask for more bars")
        letters = len((self.form or "").replace("'", ""))
        if letters and self.bars % letters:
            fix = f"ask for {letters * max(1, round(self.bars / letters))}"
            raise RequestError(f"{self.bars} bars cannot be parted in the {letters} sections of {self.form}", fix=fix)
        for _, low, high in self.range:
            if self.form and high - low < 12:
                fix = "allow an octave, or leave the form out"
                raise RequestError(f"a form needs more than the {high - low} semitones of this range", fix=fix)
        if self.rests is False and self.breath is not None:
            raise RequestError("no rests, and a breath: both cannot be", fix="leave one out")

    @property
    def asked(self) -> Opening:
        """What is asked of the beginning. With chords and no texture it is a lead sheet, in the key that suits them."""
        texture, key = self.texture or ("lead sheet" if self.chords else None), self.key
        if self.chords and key is None:
            key = Key(0, *theory.key_of_chords([chord for bar in self.chords for chord in bar]))
        return Opening(texture, key, self.meter, self.tempo)

    @property
    def wished(self) -> bool:
        """Whether anything is asked that pieces may fail to reach."""
        hopes = (self.density, self.leap, self.chords, self.cadence, self.form, self.breath, self.contour, self.notes)
        return any(hopes) or self.repeats is not None

    def told(self) -> dict[str, Any]:
        """As JSON holds it; `back` reads it."""
        found = asdict(self)
        found["notes"] = [[bar, str(beat), pitch] for bar, beat, pitch in self.notes]
        return found

    @classmethod
    def back(cls, told: Mapping[str, Any]) -> Request:
        """A request from what `told` gave, after a way through JSON.

        Raises:
            RequestError: it is none.
        """
        try:
            found = {field.name: told[field.name] for field in fields(cls) if field.name in told}
            for name, kind in (("key", Key), ("meter", Meter)):
                found[name] = kind(**found[name]) if found.get(name) else None
            for name in ("range", "chords", "cadence", "contour", "density"):
                found[name] = (
                    _tuples(found[name]) if found.get(name) is not None else cls.__dataclass_fields__[name].default
                )
            notes = found.get("notes") or ()
            if any(not re.fullmatch(r"\d{1,4}(/\d{1,6})?", str(beat)) for _, beat, _ in notes):
                raise ValueError("no beat")
            found["notes"] = tuple((int(bar), Fraction(beat), int(pitch)) for bar, beat, pitch in notes)
            request = cls(**found)
            request.check()
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError):
            raise RequestError("the request in the piece is damaged") from None
        return request


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _preset(name: object) -> dict[str, Any]:
    """What a preset wishes: "historical", the recipe this program began as: one voice, C3 to B4, equal steps."""
    if name != "historical":
        raise RequestError(f"there is no preset {name!r}", fix="known is: historical")
    return {"texture": "melody", "range": "C3-B4", "steps": "1/4"}


def _said(name: str, value: object) -> str:
    """Words, also where a file has a number or a list of them."""
    if isinstance(value, list):
        return {"contour": " ", "chords": " | ", "density": "-"}.get(name, ", ").join(map(str, value))
    return str(value)


def _plain(name: str, value: object, default: object) -> object:
    """A number, a yes or no, or a word.

    Raises:
        RequestError: it is of the wrong kind.
    """
    kinds: dict[str, tuple[type, ...]] = {"texture": (str,), "rests": (bool,)}
    numbers = (int, float) if name in ("tempo", "chromatic") or isinstance(default, float) else (int,)
    wanted = kinds.get(name, numbers)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        what = {str: "a word", bool: "true or false", int: "a whole number"}.get(wanted[0], "a number")
        raise RequestError(f"{name} is {value!r}", fix=f"write {'a number' if float in wanted else what}")
    return value


def request_file(path: Path) -> dict[str, Any]:
    """The names and words of a request file, TOML or JSON.

    Raises:
        StorageError: it cannot be read.
        RequestError: it is no such file.
    """
    text = read_bytes(path, MAX_FILE).decode("utf-8-sig", "replace")  # some editors begin files with a mark
    as_json = path.suffix.lower() == ".json"
    try:
        found = json.loads(text, object_pairs_hook=_once) if as_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        fix = 'write JSON, such as: {"bars": 16}' if as_json else "write TOML, such as: bars = 16"
        raise RequestError(f"this is no request: {error}", path=path, fix=fix) from None
    if not isinstance(found, dict):
        raise RequestError("this is no request", path=path, fix="write names and values")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose names stand there once, as in TOML."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"{twice!r} stands there twice")
    return found


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also false for nan
        raise RequestError(f"{name} {value} is out of range", fix=f"choose from {low} to {high}")
