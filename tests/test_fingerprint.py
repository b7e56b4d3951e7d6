"""The fingerprint of much music: what stands in it is always found, little else is, and a damaged file says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as unpacked
from safetensors.numpy import save as packed

from tunesmith.errors import ModelError, StorageError
from tunesmith.originality import BASE_MUSIC, LEAST, Fingerprint, lines, windows
from tunesmith.originality.fingerprint import CHUNK, FORMAT, MAX_BYTES, MOST_SIZE, window
from tunesmith.score import TPQ, Note, Part, Score

SIZE = LEAST - 1
some_steps = st.lists(st.integers(0, 2**32), max_size=40).map(lambda steps: np.array(steps, np.int64))
some_hashes = st.lists(st.integers(0, 2**64 - 1), max_size=200).map(lambda hashes: np.array(hashes, np.uint64))


def nonsense(seed: int, count: int) -> np.ndarray:
    """Hashes by chance."""
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def line(notes: list[tuple[int, int]], semitones: int = 0, length: int = TPQ // 4) -> np.ndarray:
    """The steps of a melody of pitches and lengths, moved and stretched."""
    found, onset = [], 0
    for pitch, times in notes:
        found.append(Note(onset, times * length, pitch + semitones))
        onset += times * length
    return lines(Score((Part(tuple(found)),)))[0].steps()


# ---- hashes of windows


def by_hand(steps: list[int]) -> int:
    """The hash of a window in whole numbers, which are the same everywhere."""

    def mixed(number: int) -> int:
        number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
        return number ^ number >> 31

    factor, total = 0x9E3779B97F4A7C15, 0
    for step in steps:
        total = (total * factor + mixed((step + factor) % 2**64)) % 2**64
    return mixed(total)


@given(some_steps, st.integers(1, 9))
def test_the_hashes_are_those_of_every_machine(steps: np.ndarray, size: int) -> None:
    """Other values would make the file that ships useless."""
    expected = [by_hand(steps[at : at + size].tolist()) for at in range(max(0, len(steps) - size + 1))]
    assert windows(steps, size).tolist() == expected
    assert windows(np.arange(SIZE)).tolist() == [10598593934005551101]


@given(some_steps, st.integers(1, 9))
def test_the_hashes_are_the_same_however_a_line_is_cut(steps: np.ndarray, size: int) -> None:
    whole = windows(steps, size)
    assert whole.shape == (max(0, len(steps) - size + 1),)
    assert whole.dtype == np.uint64
    alone = [windows(steps[at : at + size], size) for at in range(len(whole))]
    assert whole.tolist() == [value for one in alone for value in one.tolist()]
    for cut in range(len(whole)):
        again = np.concatenate([windows(steps[: cut + size - 1], size), windows(steps[cut:], size)])
        np.testing.assert_array_equal(again, whole)


@given(st.lists(st.lists(st.integers(0, 2**32), min_size=20, max_size=20), min_size=1, max_size=4).map(np.array))
def test_many_lines_are_hashed_at_once(rows: np.ndarray) -> None:
    np.testing.assert_array_equal(windows(rows, 5), [windows(row, 5) for row in rows])


@given(st.lists(st.integers(0, 3), min_size=SIZE, max_size=30).map(np.array))
def test_windows_are_alike_only_where_their_steps_are(steps: np.ndarray) -> None:
    hashes = windows(steps).tolist()
    stretches = [tuple(steps[at : at + SIZE].tolist()) for at in range(len(hashes))]
    assert len(set(hashes)) == len(set(stretches))
    assert len(dict(zip(stretches, hashes, strict=True))) == len(set(zip(stretches, hashes, strict=True)))


tunes = st.lists(st.tuples(st.integers(48, 72), st.integers(1, 4)), min_size=LEAST, max_size=30)


@given(tunes, st.integers(-24, 24), st.sampled_from([TPQ // 8, TPQ // 2, TPQ]))
def test_moved_and_at_another_speed_the_windows_are_the_same(
    notes: list[tuple[int, int]], semitones: int, length: int
) -> None:
    np.testing.assert_array_equal(windows(line(notes, semitones, length)), windows(line(notes)))


def test_another_rhythm_or_pitch_is_another_window() -> None:
    notes = [(60 + at, 1) for at in range(LEAST)]
    for other in ((64, 2), (65, 1)):
        assert windows(line(notes)) != windows(line([*notes[:4], other, *notes[5:]]))


# ---- the filter


@given(some_hashes, st.floats(0.5, 20), some_hashes)
def test_what_was_put_in_is_always_found(hashes: np.ndarray, bits_each: float, others: np.ndarray) -> None:
    made = Fingerprint.of(hashes, bits_each)
    assert made.has(hashes).all()
    assert made.count == len(set(hashes.tolist()))
    order = np.random.default_rng(0).permutation(len(hashes))
    np.testing.assert_array_equal(Fingerprint.of(hashes[order], bits_each).bits, made.bits)
    both = np.concatenate([others, hashes])
    np.testing.assert_array_equal(made.has(both), [made.has(each) for each in both])


def test_of_many_none_is_missed() -> None:
    hashes = nonsense(1, 3 * CHUNK + 5)
    assert Fingerprint.of(hashes, 6).has(hashes).all()


@pytest.mark.parametrize("bits_each", [4, 8, 12])
def test_few_others_are_found_and_so_many_as_said(bits_each: float) -> None:
    made, tried = Fingerprint.of(nonsense(1, 50_000), bits_each), 200_000
    said = made.false_positives
    assert said == pytest.approx(0.6185**bits_each, rel=0.1)  # what theory has for the best number of probes
    assert made.has(nonsense(2, tried)).mean() == pytest.approx(said, abs=5 * (said / tried) ** 0.5)


def test_an_empty_one_has_nothing() -> None:
    made = Fingerprint.of(np.empty(0, np.uint64), 8)
    assert not made.has(nonsense(1, 1000)).any()
    assert made.false_positives == 0
    assert made.longest(np.arange(100)) == 0


@given(some_steps, some_steps, st.integers(1, 8))
def test_no_run_is_longer_than_the_bound(known: np.ndarray, steps: np.ndarray, size: int) -> None:
    """With the run put in the middle of steps that are not known, which have numbers of their own."""
    made, other = Fingerprint.of(windows(known, size), 4000, size), steps + 2**33
    run = np.concatenate([other, known, other + 1])
    notes = len(known) + 1
    assert made.longest(run) == (notes if notes > size else 0)


@pytest.mark.parametrize("steps", range(SIZE + 1))
def test_less_than_a_window_is_no_run(steps: int) -> None:
    made = Fingerprint.of(windows(np.arange(SIZE)), 4000)
    assert made.longest(np.arange(steps)) == (LEAST if steps == SIZE else 0)


# ---- the file


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A small one on disk."""
    path = tmp_path / "small.safetensors"
    Fingerprint.of(nonsense(1, 100), 8).save(path)
    return path


def test_it_comes_back_as_it_was(saved: Path) -> None:
    made, again = Fingerprint.of(nonsense(1, 100), 8), Fingerprint.load(saved)
    np.testing.assert_array_equal(made.bits, again.bits)
    assert (made.size, made.probes, made.count) == (again.size, again.probes, again.count)
    before = saved.read_bytes()
    again.save(saved)
    assert saved.read_bytes() == before


def test_whatever_byte_is_damaged_it_is_told(saved: Path) -> None:
    whole = saved.read_bytes()
    for place in range(len(whole)):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ModelError):
            Fingerprint.load(saved)


@pytest.mark.parametrize("keep", [0, 1, 8, 50, -1])
def test_a_part_of_a_file_is_told(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ModelError):
        Fingerprint.load(saved)


def shaped(path: Path, *shape: int) -> None:
    """Give the file another shape, under a mark that is right."""
    from tunesmith.originality.fingerprint import _mark

    tensors = unpacked(path.read_bytes())
    tensors["shape"] = np.array(shape, np.int64)
    tensors["mark"] = _mark(tensors["bits"], tensors["shape"])
    path.write_bytes(packed(tensors))


def test_only_what_is_bounded_is_taken(saved: Path) -> None:
    shaped(saved, FORMAT, SIZE, 6, 100)
    assert Fingerprint.load(saved).size == SIZE
    for shape in ((FORMAT, 0, 6, 1), (FORMAT, MOST_SIZE + 1, 6, 1), (FORMAT, SIZE, 10**9, 1), (FORMAT, SIZE, 0, 1)):
        shaped(saved, *shape)
        with pytest.raises(ModelError, match="damaged"):
            Fingerprint.load(saved)
    shaped(saved, FORMAT + 1, SIZE, 6, 100)
    with pytest.raises(ModelError, match="newer"):
        Fingerprint.load(saved)


def test_other_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(packed({"bits": np.zeros(8, np.float32)}))
    with pytest.raises(ModelError, match="not a fingerprint"):
        Fingerprint.load(path)
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelError, match="not a fingerprint"):
        Fingerprint.load(path)
    with pytest.raises(StorageError):
        Fingerprint.load(tmp_path / "none.safetensors")


# ---- what ships


@pytest.fixture(scope="module")
def shipped() -> Fingerprint:
    """The one of the base."""
    return Fingerprint.load(BASE_MUSIC)


def test_what_ships_is_small_and_finds_so_little_nonsense_as_it_says(shipped: Fingerprint) -> None:
    assert BASE_MUSIC.stat().st_size <= 5 * 10**6
    assert shipped.size == SIZE
    assert shipped.false_positives < 0.05
    tried, said = 200_000, shipped.false_positives
    assert shipped.has(nonsense(3, tried)).mean() == pytest.approx(said, abs=5 * (said / tried) ** 0.5)


def test_what_ships_knows_scales_and_not_walks_by_chance(shipped: Fingerprint) -> None:
    scale = [(pitch, 1) for pitch in (60, 62, 64, 65, 67, 69, 71, 72)]
    assert shipped.longest(line(scale)) == LEAST
    random = np.random.default_rng(4)
    walk = list(zip(random.integers(48, 84, 400).tolist(), random.integers(1, 8, 400).tolist(), strict=True))
    assert shipped.longest(line(walk)) <= LEAST + 2


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_one_window_has_the_hash_and_the_answer_that_many_have(steps):
    one = window(steps)
    many = windows(np.array(steps, np.int64), len(steps))
    assert many.tolist() == [one]
    print_ = Fingerprint.load(BASE_MUSIC)
    assert print_.has_one(one) == bool(print_.has(many)[0])
    held = Fingerprint.of(many, 10)
    assert held.has_one(one)


def test_the_model_card_names_the_file_that_ships():
    data = BASE_MUSIC.read_bytes()
    card = (Path(__file__).parent.parent / "MODEL_CARD.md").read_text("utf-8")
    assert hashlib.sha256(data).hexdigest() in card
    assert f"{Fingerprint.load(BASE_MUSIC).count:,}" in card
