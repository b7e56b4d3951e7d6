"""The same files read by other people's libraries: (onset in quarter notes, pitch) of every note.

Nothing here is used by the program. MIDI: pretty_midi. MusicXML: partitura, music21; Humdrum:
these and Verovio, which the program uses to print, but not to read.
ABC: abc2midi, or music21 where
that program is not installed.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

Notes = list[tuple[float, int]]


def by_pretty_midi(path: Path) -> list[Notes]:
    """One song; onsets from ticks."""
    import pretty_midi

    music = pretty_midi.PrettyMIDI(str(path))
    notes = [note for part in music.instruments for note in part.notes if note.end > note.start]
    return [[(music.time_to_tick(n.start) / music.resolution, n.pitch) for n in notes]]


def by_partitura(path: Path) -> list[Notes]:
    """One song, ties merged, without grace notes."""
    import partitura

    # kern: partitura opens names ending in .krn; MusicXML: names ending in .musicxml or .xml
    score = partitura.load_score(str(path), force_note_ids=False)
    found: Notes = []
    for part in score.parts:
        rows = part.note_array(include_grace_notes=True)
        found += [(float(row["onset_quarter"]), int(row["pitch"])) for row in rows if not row["is_grace"]]
    return [found]


def by_music21(path: Path) -> list[Notes]:
    """One song, what a tie leads into left out, without grace notes."""
    import music21

    return [_of_music21(music21.converter.parse(str(path), forceSource=True))]


def by_verovio(path: Path) -> list[Notes]:
    """One song as written, with its grace notes; chords with an arpeggio are rolled, abbreviated bars are silent."""
    import mido
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions({"expandNever": True})
    toolkit.loadFile(str(path))
    music = mido.MidiFile(file=io.BytesIO(base64.b64decode(toolkit.renderToMIDI())))
    found: Notes = []
    for track in music.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                found.append((tick / music.ticks_per_beat, message.note))
    return [found]


def abc_tunes(path: Path) -> list[str]:
    """The tunes of a book, each with the book's head, without the lyrics that music21 takes for notes."""
    head, *tunes = re.split(r"(?m)^(?=X:)", path.read_text("utf-8", errors="replace"))
    kept = "".join(line for line in head.splitlines(keepends=True) if not line.startswith("%"))
    # R: makes abc2midi swing a hornpipe
    return [kept + re.sub(r"(?m)^[wWR]:.*\n", "", tune).strip() + "\n" for tune in tunes]


def by_abc2midi(tune: str) -> Notes:
    """One tune of `abc_tunes`, as played: repeats written out. Needs the program abc2midi (package abcmidi)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "tune.abc", Path(folder) / "tune.mid"
        source.write_text(tune, "utf-8")
        plain = ("-NGUI", "-NGRA", "-NFER", "-NCOM", "-silent")  # no accompaniment, grace notes, longer fermatas
        subprocess.run(["abc2midi", source, *plain, "-o", target], check=True, capture_output=True, timeout=60)
        return by_pretty_midi(target)[0]


def by_music21_abc(tune: str) -> Notes:
    """One tune of `abc_tunes`, as written."""
    import music21

    return _of_music21(music21.converter.parse(tune, format="abc"))


def _of_music21(score: object) -> Notes:
    import music21

    found: Notes = []
    for element in score.flatten().notes:  # type: ignore[attr-defined]  # music21 has no types
        if element.duration.isGrace or isinstance(element, music21.harmony.Harmony):
            continue
        for note in getattr(element, "notes", (element,)):
            if hasattr(note, "pitch") and (note.tie is None or note.tie.type == "start"):
                found.append((float(Fraction(element.offset)), note.pitch.midi))
    return found


READERS: dict[str, tuple[Callable[[Path], list[Notes]], ...]] = {
    ".mid": (by_pretty_midi,),
    ".musicxml": (by_partitura, by_music21),
    ".krn": (by_partitura, by_music21, by_verovio),
}


def readings(path: Path) -> Iterator[tuple[str, Notes]]:
    """What each reader that can read it makes of a file's first song, with the reader's name."""
    for reader in READERS[path.suffix]:
        with quiet():
            try:
                notes = reader(path)[0]
            except TimeoutError:
                raise
            except Exception:
                continue
        yield reader.__name__.removeprefix("by_"), notes


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings and prints of theirs."""
    out, err = io.StringIO(), io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        warnings.simplefilter("ignore")
        yield
