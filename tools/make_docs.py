"""Make what the README shows: `make docs`, or `python tools/make_docs.py [PART...]`.

Parts: `song` (picture, piano roll, sound and learning curve), `unseen` (bits per note on songs that the model never
saw), `seed` (the historical recipe), `gallery` (pieces of the base, three a texture), `ways` (a piece of each of the
five ways to compose); without a name all of them, some minutes each. What they measure is kept in docs/figures.json.
Always made, and alone with `text`: docs/commands.md, the page of the gallery, and the README's blocks from the figures.

Everything goes through the public command line and the public functions. The same versions on the same kind of
processor make the same files, but for the seconds.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any

import click

import tunesmith as ts
from tunesmith.api import Finished, Ingested, summed
from tunesmith.cli import cli
from tunesmith.habits import TEXTURES

ROOT = Path(__file__).parents[1]
DOCS, README = ROOT / "docs", ROOT / "README.md"
FIGURES, COMMANDS = DOCS / "figures.json", DOCS / "commands.md"
SONGS, DIGITS = "examples/songs", "examples/digits"
SHOWN = ("png", "mid", "mp3")  # what of the song is kept in docs/
SURPRISING = "examples/songs/ode_to_joy.abc"  # a song whose notes are coloured by how much they surprise
GALLERY, GALLERY_SEEDS, GALLERY_BARS = DOCS / "gallery", (1, 2, 3), 12
WAYS, BEGINNING = DOCS / "ways", "docs/ways/beginning.abc"
BEGUN = 2  # lines of music of the song that the beginning is taken from, four bars each
SHOWN_WAYS: dict[str, tuple[str, str, str]] = {  # how each way is shown: what it is, what is kept, what is asked
    "compose": (
        "From nothing",
        "key, meter, chords and ending are as asked",
        "--texture melody --key Am --meter 3/4 --chords '| Am | Dm | E7 | Am |' --cadence tonic --bars 8 --seed 7",
    ),
    "continue": (
        "Going on from a beginning",
        "the first eight bars, of Ode to Joy, are kept to the note",
        f"{BEGINNING} --bars 16 --cadence tonic --seed 3",
    ),
    "rewrite": (
        "Some bars anew",
        "bars 9 to 12 are new; all others are as they were",
        "examples/songs/ode_to_joy.abc --bars 9-12 --seed 2",
    ),
    "harmonise": (
        "Voices for a melody",
        "the melody is kept to the note",
        f"{BEGINNING} --with voices --cadence tonic --seed 2",
    ),
    "vary": (
        "A variation",
        "four notes in ten, those on strong beats, are kept",
        "examples/songs/greensleeves.abc --strength 0.6 --seed 3",
    ),
}
FOLDS = 6
LEARNED: dict[str, dict[str, str]] = {  # how each model learns; the base does not
    "uniform": {"model": "uniform"},
    "ngram": {"model": "ngram"},
    "scratch": {"start": "scratch"},
    "base": {},
    "mixture": {"model": "mixture"},
}
WIDTH = 88  # columns of the help texts

Figures = dict[str, Any]


def tunesmith(*arguments: str | Path) -> tuple[dict[str, Any], float]:
    """Run a command with `--json` from the root of the project; what it printed, and the seconds it took."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tunesmith", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return json.loads(done.stdout), time.perf_counter() - started


# what is measured, part by part


def song() -> Figures:
    """The song of `make song`, by the same two commands; its pictures and sound go to docs/."""
    with tempfile.TemporaryDirectory() as place:
        model, piece = Path(place) / "bundled.safetensors", Path(place) / "song"
        learned, learning = tunesmith("learn", SONGS, "-o", model)
        _, composing = tunesmith("compose", "-m", model, "-o", piece)
        tunesmith("evaluate", SURPRISING, "--picture", DOCS / "surprise.png")
        for ending in SHOWN:
            shutil.copy(piece.with_suffix(f".{ending}"), DOCS / f"song.{ending}")
        shutil.copy(learned["pictures"][0], DOCS / "learning.png")
        ts.save(ts.load_songs(DOCS / "song.mid")[0], DOCS / "roll.png", ts.WriteOptions(view="roll"))
    report, made = learned["report"], ts.info(DOCS / "song.mid")["songs"][0]
    return {
        "cores": os.cpu_count(),
        "learning_seconds": _rounded_up(learning),
        "composing_seconds": _rounded_up(composing),
        "songs": report["songs"],
        "held_out": report["held_out_songs"],
        "best_epoch": report["best_epoch"],
        "bits_per_note": report["bits_per_note"],
        "piece": {name: made[name] for name in ("bars", "notes", "key", "meter", "tempo", "seconds")},
    }


def _rounded_up(seconds: float, to: int = 5) -> int:
    return int(-(-seconds // to) * to)


def unseen() -> Figures:
    """Every bundled song predicted by a model that learned from other songs only, in bits per note."""
    files = sorted((ROOT / SONGS).glob("*.abc"))
    bits: dict[str, float] = {}
    for name, options in LEARNED.items():
        found = []
        for fold in range(FOLDS):
            left_out = files[fold::FOLDS]
            model = ts.learn([f for f in files if f not in left_out], **options) if options else "base"
            found += list(ts.evaluate(model, *left_out))
        problems = [result.problem for result in found if result.problem]
        assert not problems, problems
        total = summed(found)
        bits[name] = total.per_note
    return {
        "songs": len(found),
        "notes": total.notes,
        "learned_from": len(files) - len(left_out),
        "bits_per_note": bits,
    }


def seed() -> Figures:
    """The historical recipe on the nine digit songs, and on the one that its own report leaves out."""
    started = time.perf_counter()
    left_out, report = "", {}
    for event in ts.learning(ts.LearnRequest((ROOT / DIGITS,), model="seed")):
        if isinstance(event, Ingested):
            left_out = event.held_out[0]
        elif isinstance(event, Finished):
            report = event.report
    rests = {"training": _rests("*"), "left_out": _rests(_file_name(left_out))}
    return {
        "learning_seconds": _rounded_up(time.perf_counter() - started),
        "songs": len(list((ROOT / DIGITS).glob("*.txt"))),
        "uniform_nats": report["uniform_nats"],
        **{name: report[name] | {"rests": share} for name, share in rests.items()},
    }


def _file_name(title: str) -> str:
    """Of the digits file of this title, without its ending."""
    files = (ROOT / DIGITS).glob("*.txt")
    (name,) = (f.stem for f in files if f"# title: {title}\n" in f.read_text("utf-8"))
    return name


def _rests(name: str) -> float:
    """The share of zeros in the digits files of this name; a song is over after its last note."""
    numbers: list[str] = []
    for path in (ROOT / DIGITS).glob(f"{name}.txt"):
        text = " ".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        numbers += re.sub(r"(\s0)+\s*$", "", text).split()
    return numbers.count("0") / len(numbers)


def gallery() -> Figures:
    """Pieces that the base composes, of every texture those of seed 1, 2, 3: pictures, sound, and the page of them."""
    made: Figures = {}
    digest = ts.load_model().digest
    for texture in TEXTURES:
        for seed in GALLERY_SEEDS:
            name = gallery_name(texture, seed)
            wish = ("--texture", texture, "--seed", str(seed), "--bars", str(GALLERY_BARS))
            with tempfile.TemporaryDirectory() as place:
                tunesmith("compose", *wish, "-o", Path(place) / name, "--formats", "png,mp3,mid")
                for ending in ("png", "mp3"):
                    shutil.copy(Path(place) / f"{name}.{ending}", GALLERY)
                piece = ts.info(Path(place) / f"{name}.mid")["songs"][0]
            about = {key: piece[key] for key in ("bars", "notes", "key", "meter", "seconds")}
            made[name] = about | {"command": shlex.join(("tunesmith", "compose", *wish))}
    return {"base": digest, "pieces": made}


def gallery_name(texture: str, seed: int) -> str:
    """Of its files, without the ending."""
    return f"{texture.replace(' ', '-')}-{seed}"


def gallery_page(measured: Figures) -> str:
    """The page of the gallery."""
    lines = [
        "# Gallery",
        "",
        "Written by `make docs`: what the base composes when it is given no songs, three pieces of every texture it "
        f"knows, {GALLERY_BARS} bars each. They are those of seed 1, 2 and 3, whatever came; nothing is chosen or "
        "edited.",
    ]
    for texture, seed in product(TEXTURES, GALLERY_SEEDS):
        name = gallery_name(texture, seed)
        piece = measured["gallery"]["pieces"][name]
        heading = [f"## {texture.capitalize()}", ""] if seed == GALLERY_SEEDS[0] else []
        about = f"{piece['key']}, {piece['meter']}, {piece['notes']} notes"
        lines += ["", *heading, f"![{about}]({name}.png)", ""]
        lines += [f"[Hear it]({name}.mp3) ({piece['seconds']:.0f} s). {about}; `{piece['command']}`"]
    return "\n".join(lines) + "\n"


def ways() -> Figures:
    """A piece of each of the five ways, by the base: picture and sound, and the beginning that one goes on from."""
    made: Figures = {}
    (ROOT / BEGINNING).write_text(beginning(), "utf-8")
    for way, (_, _, asked) in SHOWN_WAYS.items():
        wish = shlex.split(asked)
        with tempfile.TemporaryDirectory() as place:
            tunesmith(way, *wish, "-o", Path(place) / way, "--formats", "png,mp3,mid")
            for ending in ("png", "mp3"):
                shutil.copy(Path(place) / f"{way}.{ending}", WAYS)
            piece = ts.info(Path(place) / f"{way}.mid")["songs"][0]
        command = shlex.join(("tunesmith", way, *wish, "-o", f"my-{way}", "--formats", "png,mp3"))
        made[way] = {key: piece[key] for key in ("bars", "notes", "key", "meter", "seconds")} | {"command": command}
    return {"base": ts.load_model().digest, "pieces": made}


def beginning() -> str:
    """The first bars of the song that `continue` is shown on, as ABC."""
    lines = (ROOT / SURPRISING).read_text("utf-8").splitlines()
    music = next(i for i, line in enumerate(lines) if line.startswith("K:")) + 1
    return "\n".join(lines[: music + BEGUN]) + "\n"


MEASURED: dict[str, Callable[[], Figures]] = {
    "song": song,
    "unseen": unseen,
    "seed": seed,
    "gallery": gallery,
    "ways": ways,
}


# what is written


def figures() -> Figures:
    """What was measured last."""
    found: Figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    return found


def commands() -> str:
    """The command-line reference, from the help texts."""
    root = click.Context(cli, info_name="tunesmith", terminal_width=WIDTH, help_option_names=["-h", "--help"])
    pages = [("tunesmith", cli.get_help(root))]
    for name, command in cli.commands.items():
        inner = click.Context(command, info_name=name, parent=root, terminal_width=WIDTH)
        pages.append((f"tunesmith {name}", command.get_help(inner)))
    head = "# Commands\n\nWritten by `make docs` from `tunesmith --help` and the help of every command.\n"
    return "\n".join([head, *(f"## {name}\n\n```text\n{text}\n```\n" for name, text in pages)])


def readme(text: str, measured: Figures) -> str:
    """The README with every block between marks written anew from what was measured."""
    for name, block in BLOCKS.items():
        marks = re.compile(rf"(<!-- {name}: written by make docs -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = marks.subn(lambda m, b=block: f"{m[1]}{b(measured)}\n{m[2]}", text)
        assert found == 1, f"README.md has {found} blocks named {name}"
    return text


def _song_block(measured: Figures) -> str:
    s = measured["song"]
    piece = s["piece"]
    return (
        f"[Hear it](docs/song.mp3) (MP3, {piece['seconds']:.0f} s) or take the [MIDI file](docs/song.mid). "
        f"{piece['bars']} bars in {piece['key']}, {piece['meter']}, nothing edited: it is what `make song` makes.\n"
        f"On {s['cores']} CPU cores learning took {s['learning_seconds']} s, "
        f"composing and writing all the files {s['composing_seconds']} s."
    )


def _unseen_block(measured: Figures) -> str:
    u = measured["unseen"]
    names = {
        "uniform": "guessing: every note and length that notation allows is as likely",
        "ngram": "counting: the n-gram model (`--model ngram`)",
        "scratch": "network and counting that know these songs alone (`--from scratch`)",
        "base": "the base, untouched: music of other kinds, none of these songs",
        "mixture": "what `learn` makes: the base tuned to the songs, with counting, weighed note by note",
    }
    rows = [(what, f"{u['bits_per_note'][kind]:.2f}") for kind, what in names.items()]
    table = _table((f"{u['songs']} songs, {u['notes']:,} notes, none seen before", "bits per note"), rows)
    left_out = u["songs"] - u["learned_from"]
    how = f"Each model learned from {u['learned_from']} songs; the other {left_out} were never shown to it in any form."
    return "\n".join([*table, "", how])


def _curve_block(measured: Figures) -> str:
    s = measured["song"]
    return (
        f"The learning curve of the model that wrote the song above: {s['held_out']} of the {s['songs']} songs were "
        f"held out; the base, which never heard them either, needs {s['bits_per_note']['base']:.2f} bits a note for "
        f"them.\nAfter epoch {s['best_epoch']} of hearing the others the network needs "
        f"{s['bits_per_note'].get('network', s['bits_per_note']['learned']):.2f}, its least; "
        f"then it learned from all {s['songs']} for that long. "
        "That figure is a little kind, since the same songs chose when to stop."
    )


def _seed_block(measured: Figures) -> str:
    s = measured["seed"]
    rows = [
        (what, f"{row['nats_per_token']:.2f}", f"{row['accuracy']:.0%}", f"{row['rests']:.0%}")
        for what, row in (
            (f"the {s['songs']} songs it learned from", s["training"]),
            (f"a song left out, learned from the other {s['songs'] - 1}", s["left_out"]),
        )
    ]
    heads = ("the historical recipe on", "nats per number", "guessed right", "right by always saying “rest”")
    blind = f"Guessing blindly among {round(math.exp(s['uniform_nats']))} numbers costs {s['uniform_nats']:.2f} nats."
    return "\n".join([*_table(heads, rows), "", blind])


def _ways_block(measured: Figures) -> str:
    pieces = measured["ways"]["pieces"]
    lines = ["```sh", *(pieces[way]["command"] for way in SHOWN_WAYS), "```"]
    for way, (what, kept, _) in SHOWN_WAYS.items():
        piece = pieces[way]
        about = f"{piece['bars']} bars in {piece['key']}, {piece['meter']}"
        lines += ["", f"**{what}** (`{way}`): {kept}.", f"[Hear it](docs/ways/{way}.mp3) ({piece['seconds']:.0f} s)."]
        lines += ["", f"![{what}: {about}](docs/ways/{way}.png)"]
    return "\n".join(lines)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---", *["---:"] * (len(lines[0]) - 1)])
    return [f"| {' | '.join(cells)} |" for cells in lines]


BLOCKS: dict[str, Callable[[Figures], str]] = {
    "song": _song_block,
    "unseen": _unseen_block,
    "curve": _curve_block,
    "seed": _seed_block,
    "ways": _ways_block,
}


def main(parts: list[str]) -> None:
    """Measure these parts, or all, and write the texts."""
    known = (*MEASURED, "text")
    if set(parts) - set(known):
        sys.exit(f"unknown part; known are: {', '.join(known)}")
    for folder in (GALLERY, WAYS):
        folder.mkdir(parents=True, exist_ok=True)
    for part, measure in MEASURED.items():
        if part in parts or not parts:
            print(f"making {part} ...", file=sys.stderr, flush=True)
            found = measure()
            FIGURES.write_text(json.dumps(figures() | {part: found}, indent=1, sort_keys=True) + "\n", "utf-8")
    COMMANDS.write_text(commands(), "utf-8")
    (GALLERY / "README.md").write_text(gallery_page(figures()), "utf-8")
    README.write_text(readme(README.read_text("utf-8"), figures()), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
