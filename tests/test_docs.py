"""The pages and pictures beside the README: there, of a sane size, and what the program would make again."""

from __future__ import annotations

import importlib.util
import re
import shlex
import struct
import tomllib
from pathlib import Path

import pytest

from tunesmith import __version__, api, checkpoint
from tunesmith.habits import TEXTURES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
PICTURES = {"song.png": 1000, "roll.png": 600, "learning.png": 600, "surprise.png": 600}  # the least width in pixels
MAX_BYTES = 700_000


def load_tool():
    """tools/make_docs.py as a module."""
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE_DOCS = load_tool()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_there(name):
    data = (DOCS / name).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert PICTURES[name] <= width <= 2400
    assert 200 <= height <= 2400
    assert 5_000 < len(data) < MAX_BYTES


def test_the_song_is_short_and_is_the_song():
    import soundfile

    assert (DOCS / "song.mp3").stat().st_size < MAX_BYTES
    info = soundfile.info(DOCS / "song.mp3")
    (described,) = api.info(DOCS / "song.mid")["songs"]
    assert described["bars"] in (8, 16)
    assert described["provenance"]["program"] == f"tunesmith {__version__}"
    assert described["seconds"] <= info.duration < described["seconds"] + 10, "the last note rings"


def test_the_figures_are_of_the_song():
    (described,) = api.info(DOCS / "song.mid")["songs"]
    piece = MAKE_DOCS.figures()["song"]["piece"]
    assert piece == {name: described[name] for name in piece}


def test_the_commands_page_is_what_the_program_says():
    assert MAKE_DOCS.COMMANDS.read_text("utf-8") == MAKE_DOCS.commands(), "run: python tools/make_docs.py text"


def test_the_page_of_the_gallery_is_what_was_made():
    page = (MAKE_DOCS.GALLERY / "README.md").read_text("utf-8")
    assert page == MAKE_DOCS.gallery_page(MAKE_DOCS.figures()), "run: python tools/make_docs.py text"


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_gallery_has_three_of_each_texture(texture):
    page = (MAKE_DOCS.GALLERY / "README.md").read_text("utf-8")
    for seed in (1, 2, 3):
        name = f"{texture.replace(' ', '-')}-{seed}"
        assert (MAKE_DOCS.GALLERY / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert 20_000 < (MAKE_DOCS.GALLERY / f"{name}.mp3").stat().st_size < MAX_BYTES
        assert f"]({name}.png)" in page
        assert f"]({name}.mp3)" in page


def test_the_gallery_is_of_the_base_that_ships():
    made_by = MAKE_DOCS.figures()["gallery"]["base"]
    assert made_by == api.info("base")["digest"], "run: python tools/make_docs.py gallery"


def test_the_ways_are_all_ways():
    assert tuple(MAKE_DOCS.SHOWN_WAYS) == api.WAYS
    assert set(MAKE_DOCS.figures()["ways"]["pieces"]) == set(api.WAYS)


@pytest.mark.parametrize("way", api.WAYS)
def test_a_way_is_shown_with_picture_and_sound(way):
    import soundfile

    picture, sound = (MAKE_DOCS.WAYS / f"{way}.{ending}" for ending in ("png", "mp3"))
    piece = MAKE_DOCS.figures()["ways"]["pieces"][way]
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert 20_000 < picture.stat().st_size < MAX_BYTES
    assert 20_000 < sound.stat().st_size < MAX_BYTES
    assert piece["seconds"] <= soundfile.info(sound).duration < piece["seconds"] + 10, "the last note rings"
    assert shlex.split(piece["command"])[:-4] == ["tunesmith", way, *shlex.split(MAKE_DOCS.SHOWN_WAYS[way][2])]
    text = MAKE_DOCS.README.read_text("utf-8")
    assert f"](docs/ways/{way}.png)" in text
    assert f"](docs/ways/{way}.mp3)" in text


def test_the_ways_are_of_the_base_that_ships():
    made_by = MAKE_DOCS.figures()["ways"]["base"]
    assert made_by == api.info("base")["digest"], "run: python tools/make_docs.py ways"


def test_the_beginning_is_that_of_the_song():
    assert (ROOT / MAKE_DOCS.BEGINNING).read_text("utf-8") == MAKE_DOCS.beginning()
    (piece,) = api.info(ROOT / MAKE_DOCS.BEGINNING)["songs"]
    assert piece["bars"] == 8


def test_the_figures_in_the_readme_are_those_measured():
    text = MAKE_DOCS.README.read_text("utf-8")
    made = MAKE_DOCS.readme(text, MAKE_DOCS.figures())
    assert text == made, "run: python tools/make_docs.py text"


def test_a_block_holds_the_figure():
    measured = MAKE_DOCS.figures()
    measured["unseen"]["bits_per_note"]["base"] = 1.239
    text = MAKE_DOCS.readme(MAKE_DOCS.README.read_text("utf-8"), measured)
    assert "| 1.24 |" in text


def test_make_docs_refuses_an_unknown_part():
    with pytest.raises(SystemExit, match="known are: song, unseen, seed, gallery, ways, text"):
        MAKE_DOCS.main(["all"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_place_on_a_machine(page):
    text = page.read_text("utf-8")
    # a path from the root of a disk or from a home, not a part of a web address or of a path of the project
    assert not re.findall(r"(?<![\w./:*)~])/(?:home|root|tmp|usr|work|Users|opt|var|mnt)/\S*|[A-Z]:\\\S+", text)
    assert "file://" not in text


def leaves(value: object) -> list[object]:
    """What stands at the ends of nested tables."""
    return [leaf for inner in value.values() for leaf in leaves(inner)] if isinstance(value, dict) else [value]


def test_the_figures_are_figures():
    measured = MAKE_DOCS.figures()
    texts = [leaf for leaf in leaves(measured) if not isinstance(leaf, int | float)]
    gallery, ways = measured["gallery"], measured["ways"]
    pieces = [measured["song"]["piece"], *gallery["pieces"].values(), *ways["pieces"].values()]
    told = [piece[name] for piece in pieces for name in ("key", "meter", "command") if name in piece]
    assert sorted(texts) == sorted([*told, gallery["base"], ways["base"]])


def dependencies() -> set[str]:
    """Every package that installing brings: what is asked for, and what constraints.txt pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    pinned = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in line]
    names = {re.match(r"[\w-]+", line)[0] for line in [*asked, *pinned]}
    return {name.replace("-", "_").lower() for name in names} - {"tunesmith"}


@pytest.mark.parametrize("package", sorted(dependencies()))
def test_a_dependency_is_listed_with_its_licence(package):
    libraries = (ROOT / "THIRD_PARTY.md").read_text("utf-8").split("\n## Libraries\n", 1)[1].replace("-", "_").lower()
    in_a_table = re.search(rf"^\| {package} \|.*\| [^|]+ \|$", libraries, re.MULTILINE)
    in_a_sentence = re.search(rf"\b{package}\s\([^)]+\)", libraries)
    assert in_a_table or in_a_sentence


def test_the_version_is_in_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert __version__ in text
    assert "## [Unreleased]" in text or f"## [{__version__}]" in text


def test_the_model_card_says_what_no_songs_leaves_in_the_file(tmp_path):
    card = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    assert "The names and hashes of the files stay" in " ".join(card.split())
    path = tmp_path / "model.safetensors"
    api.learn(ROOT / "examples" / "songs" / "ode_to_joy.abc", output=path, model="ngram", keep_songs=False)
    learned = checkpoint.load(path)
    assert len(learned.songs) == 0
    assert [file["name"] for file in learned.about["files"]] == ["ode_to_joy.abc"]
