"""The heading of a score: title and composer in their full size, in lines that fit."""

from __future__ import annotations

from collections.abc import Callable

TITLE_LINES, COMPOSER_LINES = 3, 6  # the most; the last of more ends in dots
LONGEST = 2000  # characters that are looked at; no lines hold more
CREDITS = "; "  # between several who are named as composer

Fits = Callable[[str], bool]  # whether a text fits in a line


def title_lines(title: str, fits: Fits) -> list[str]:
    """A title in lines."""
    return _shortened(_filled(title, fits), TITLE_LINES, fits)


def composer_lines(composer: str, fits: Fits) -> list[str]:
    """Who a piece is by, in lines that end between two credits wherever they can."""

    def with_sign(text: str) -> bool:
        return fits(text + CREDITS.rstrip())

    lines: list[str] = []
    for credit in composer[:LONGEST].split(CREDITS):
        joined = CREDITS.join([*lines[-1:], credit])
        if lines and with_sign(joined):
            lines[-1] = joined
            continue
        lines[-1:] = [line + CREDITS.rstrip() for line in lines[-1:]]
        lines += _filled(credit, with_sign)
    return _shortened(lines, COMPOSER_LINES, fits)


def _filled(text: str, fits: Fits) -> list[str]:
    """Words in lines, as many as fit."""
    lines: list[str] = []
    for word in text[:LONGEST].split():
        if lines and fits(f"{lines[-1]} {word}"):
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines += _broken(word, fits)
    return lines


def _broken(word: str, fits: Fits) -> list[str]:
    """A word in pieces that fit, as a rule one."""
    if fits(word):
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and not fits(pieces[-1] + letter):
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _shortened(lines: list[str], most: int, fits: Fits) -> list[str]:
    if len(lines) <= most:
        return lines
    last = lines[most - 1].rstrip(CREDITS)
    while last and not fits(last + "..."):
        last = last[:-1]
    return [*lines[: most - 1], last + "..."]
