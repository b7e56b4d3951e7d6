"""Audio files: what is written is what was played, with its tags, the same bytes every time, or a clear error."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tunesmith import formats
from tunesmith.errors import FormatError, RequestError, StorageError, TunesmithError
from tunesmith.formats import WriteOptions, audio
from tunesmith.score import TPQ, Note, Part, Score
from tunesmith.sound import mastering, ogg

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
PROVENANCE = json.dumps({"seed": 7, "request": {"bars": 4, "key": "D minor"}, "model": "0" * 64})
PIECE = Score(
    (Part(tuple(Note(i * TPQ, TPQ, 60 + i * 7 % 12, 80) for i in range(3))),),
    title="Grüße aus ♯ 曲",
    composer="Ada",
    provenance=PROVENANCE,
)


def played(score, **options):
    return np.concatenate(list(mastering.tape_of(score, **options).blocks()))


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_file_holds_what_was_played(tmp_path, ending):
    path = tmp_path / f"piece{ending}"
    formats.write(PIECE, path)
    found, rate = soundfile.read(path, dtype="float32")
    expected = played(PIECE)
    assert rate == 44_100
    assert found.shape == expected.shape
    error = float(np.sqrt(((found - expected) ** 2).mean() / (expected**2).mean()))
    assert error < (0.001 if ending in (".wav", ".flac") else 0.1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_title_composer_and_provenance_travel_in_the_file(tmp_path, ending):
    path = tmp_path / f"piece{ending}"
    formats.write(PIECE, path)
    with soundfile.SoundFile(path) as file:
        assert file.title == PIECE.title
        assert file.artist == PIECE.composer
        assert json.loads(file.comment) == json.loads(PROVENANCE)
        assert file.software.startswith("Tunesmith ")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_long_comment_is_in_the_file_whole(tmp_path, ending):
    path = tmp_path / f"piece{ending}"
    long = json.dumps({"wish": "x" * 20_000})
    formats.write(PIECE.replace(provenance=long), path)
    assert long.encode() in path.read_bytes() or ending == ".ogg"  # an Ogg page header falls into it
    if ending != ".wav":  # libsndfile does not read back more than 2 kB of a WAV comment
        with soundfile.SoundFile(path) as file:
            assert file.comment == long


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_request_and_seed_same_bytes(tmp_path, ending):
    def written(name, **options):
        mastering.tape_of(PIECE, "classic", 0.0)  # so that nothing is kept from before
        path = tmp_path / f"{name}{ending}"
        formats.write(PIECE, path, WriteOptions(**options))
        return path.read_bytes()

    assert written("a") == written("b")


def test_other_options_other_bytes(tmp_path):
    path = tmp_path / "a.wav"
    seen = set()
    for options in (WriteOptions(), WriteOptions(seed=1), WriteOptions(feel=0.0), WriteOptions(sound="classic")):
        formats.write(PIECE, path, options)
        seen.add(path.read_bytes())
    assert len(seen) == 4


def test_an_mp3_asked_for_twice_is_encoded_once(tmp_path, monkeypatch):
    formats.write(PIECE, tmp_path / "a.mp3")
    monkeypatch.setattr(audio, "_encode", None)
    formats.write(PIECE, tmp_path / "b.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == (tmp_path / "b.mp3").read_bytes()


def test_a_bare_score_has_only_our_name_in_it(tmp_path):
    formats.write(PIECE.replace(title="", composer="", provenance=""), tmp_path / "a.flac")
    with soundfile.SoundFile(tmp_path / "a.flac") as file:
        assert set(file.copy_metadata()) == {"software"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (WriteOptions(sound="organ"), "unknown sound 'organ'; known are: piano classic"),
        (WriteOptions(feel=1.5), "feel is 1.5"),
        (WriteOptions(feel=-0.1), "from 0 .* to 1"),
    ],
)
def test_requests_that_make_no_sense(tmp_path, options, words):
    with pytest.raises(RequestError, match=words):
        formats.write(PIECE, tmp_path / "a.wav", options)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_play(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"older")
    with pytest.raises(FormatError, match=r"a\.mp3: nothing to play"):
        formats.write(Score(), tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == b"older"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_folder_that_is_not_there(tmp_path, ending):
    with pytest.raises(StorageError, match="no such file or folder"):
        formats.write(PIECE, tmp_path / "none" / f"a{ending}")


FULL = """
import pathlib, resource, signal, sys
from tests.test_audio import PIECE
from tunesmith import formats
from tunesmith.errors import StorageError
from tunesmith.sound.mastering import tape_of
tape_of(PIECE)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    try:
        formats.write(PIECE, path)
        print("written", path.name)
    except StorageError as error:
        print(path.name, "refused" if str(error).startswith(name) else error)
"""


def test_a_disk_that_takes_no_more(tmp_path):
    pytest.importorskip("resource")  # Windows has no limit on file sizes to stand in for a full disk
    paths = [tmp_path / f"a{ending}" for ending in ENDINGS]
    for path in paths:
        path.write_bytes(b"older")
    done = subprocess.run([sys.executable, "-c", FULL, *map(str, paths)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{path.name} refused" for path in paths]
    assert done.stderr == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {path.name: b"older" for path in paths}


def test_what_the_encoder_refuses_is_our_error(tmp_path, monkeypatch):
    monkeypatch.setitem(audio._CONTAINERS, ".wav", ("WAV", "VORBIS"))
    with pytest.raises(TunesmithError, match="cannot write"):
        formats.write(PIECE, tmp_path / "a.wav")


def test_minutes_of_ogg_do_not_crash(tmp_path):
    # libsndfile's Vorbis encoder overflows its stack when it is given minutes in one call
    tape = mastering.Tape(np.zeros((44_100, 2), np.float32) for _ in range(200))
    audio._encode(tape, tmp_path / "a.ogg", ".ogg", {}, 0)
    assert soundfile.info(tmp_path / "a.ogg").duration == 200


def test_ogg_pages_get_a_serial_number_and_a_right_checksum(tmp_path):
    path = tmp_path / "a.ogg"
    soundfile.write(path, np.zeros((1000, 2), np.float32), 44_100)
    ogg.set_serial(path, 0x01020304)
    data = path.read_bytes()
    assert data.count(b"OggS") == data.count(b"\x04\x03\x02\x01") >= 2
    before = data
    ogg.set_serial(path, 0x01020304)
    assert path.read_bytes() == before
    assert soundfile.info(path).frames == 1000  # a wrong checksum would be refused


def test_the_known_bytes_of_a_checksum():
    # RFC 3533: CRC-32 with polynomial 0x04c11db7, start 0, not reflected, no final inversion
    assert ogg._checksum(b"123456789") == 0x89A1897F
