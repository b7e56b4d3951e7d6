"""Performance, sampler and pack: what is struck when, and whether that is what sounds."""

import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.errors import FormatError, RequestError, StorageError
from tunesmith.score import TPQ, Meter, Note, Part, Repeat, Score, Tempo
from tunesmith.sound import SAMPLE_RATE, loudness, pack, pedal, performance, sampler
from tunesmith.sound.performance import perform


def melody(pitches, length=TPQ, velocity=80, **fields):
    notes = tuple(Note(i * length, length, pitch, velocity) for i, pitch in enumerate(pitches))
    return Score((Part(notes),), **fields)


def chords(bars, tops=(60, 64, 67, 72), bpm=120.0, velocity=80):
    notes = tuple(Note(i * TPQ, TPQ, p + (i % 5), velocity) for i in range(4 * bars) for p in tops)
    return Score((Part(notes),), tempos=(Tempo(0, bpm),))


def sound(score, **options):
    return np.concatenate(list(sampler.render(score, **options)))


SCALE = melody([60, 62, 64, 65, 67, 69, 71, 72] * 4)


# Performance


def test_feel_zero_is_exact():
    score = melody([60, 64, 67], velocity=93, tempos=(Tempo(0, 90.0), Tempo(TPQ, 45.0)))
    strikes = perform(score, feel=0.0, seed=5)
    assert [s.onset_seconds for s in strikes] == pytest.approx([0.0, 60 / 90, 60 / 90 + 60 / 45])
    assert [s.duration_seconds for s in strikes] == pytest.approx([60 / 90, 60 / 45, 60 / 45])
    assert [s.ring_seconds for s in strikes] == [s.duration_seconds for s in strikes]
    assert {s.velocity for s in strikes} == {93}
    assert [s.note for s in strikes] == list(score.notes())


def test_the_seed_decides_only_where_there_is_feel():
    assert perform(SCALE, 0.3, 1) == perform(SCALE, 0.3, 1)
    assert perform(SCALE, 0.3, 1) != perform(SCALE, 0.3, 2)
    assert perform(SCALE, 0.0, 1) == perform(SCALE, 0.0, 2)


def test_sloppy_is_less_even_than_careful():
    def unevenness(feel):
        onsets = np.array([s.onset_seconds for s in perform(melody([60] * 128), feel, 3)])[:100]
        return np.std(np.diff(onsets))

    assert 0.002 < unevenness(0.3) < 0.02 < unevenness(1.0) < 0.08


def test_the_bar_is_heard_in_the_velocities():
    strikes = [perform(melody([60] * 128), 0.3, seed) for seed in range(4)]
    by_beat = np.array([[s.velocity for s in played] for played in strikes]).reshape(-1, 4).mean(0)
    assert by_beat[0] > by_beat[2] > max(by_beat[1], by_beat[3])
    in_six_eight = [
        performance.place_in_bar(i * TPQ // 2, next(iter(melody([60] * 6, TPQ // 2, meters=(Meter(0, 6, 8),)).bars())))
        for i in range(6)
    ]
    assert in_six_eight == ["downbeat", "between", "between", "mid-bar", "between", "between"]


def test_a_pickup_is_counted_from_the_bar_line():
    score = melody([67, 60, 62, 64, 65], pickup=TPQ)
    bars = list(score.bars())
    assert performance.place_in_bar(0, bars[0]) == "beat"
    assert performance.place_in_bar(TPQ, bars[1]) == "downbeat"


def test_melody_stands_out_and_the_end_slows_down():
    high = tuple(Note(i * TPQ, TPQ, 76) for i in range(32))
    low = tuple(Note(i * TPQ, TPQ, 48) for i in range(32))
    strikes = perform(Score((Part(low), Part(high))), 0.3, 0)
    mean = [np.mean([s.velocity for s in strikes if s.part == part]) for part in (0, 1)]
    assert mean[1] - mean[0] > 5
    onsets = [s.onset_seconds for s in strikes if s.part == 1]
    assert onsets[-1] - onsets[-2] > 1.1 * (onsets[5] - onsets[4])


def test_repeats_are_played_and_drums_are_not():
    score = melody([60, 62, 64, 65]).replace(repeats=(Repeat(0, 4 * TPQ),))
    drums = Part((Note(0, TPQ, 36),), drums=True)
    strikes = perform(score.replace(parts=(drums, *score.parts)), 0.0)
    assert [s.pitch for s in strikes] == [60, 62, 64, 65] * 2
    assert {s.part for s in strikes} == {1}


@pytest.mark.parametrize("feel", [-0.1, 1.1, float("nan")])
def test_feel_outside_its_range(feel):
    with pytest.raises(RequestError, match="feel"):
        perform(SCALE, feel)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (Score(), "no notes"),
        (Score((Part(),)), "no notes"),
        (Score((Part((Note(0, TPQ, 36),), drums=True),)), "drums only"),
        (Score((Part((Note(0, TPQ, 60), Note(1 << 40, TPQ, 60))),)), "hours"),
    ],
)
def test_nothing_to_play(score, reason):
    with pytest.raises(FormatError, match=reason):
        perform(score)


def test_the_pedal_follows_the_harmony():
    broken = melody([48, 55, 64, 60, 50, 57, 65, 62])  # C major, then D minor
    assert pedal.spans(broken, list(broken.bars())) == [(0, 4 * TPQ), (4 * TPQ, 8 * TPQ)]
    scale = melody([60, 62, 64, 65], TPQ // 2)  # no beat of it fits into a chord
    assert pedal.spans(scale, list(scale.bars())) == []
    strikes = perform(broken, 0.3, 0)
    change = strikes[4].onset_seconds
    ends = [s.onset_seconds + s.ring_seconds for s in strikes[:4]]
    assert ends == pytest.approx([change + pedal.CHANGE_SECONDS] * 4, abs=0.04)


@st.composite
def scores(draw):
    note = st.builds(
        Note,
        onset=st.integers(0, 16 * TPQ),
        duration=st.integers(1, 4 * TPQ),
        pitch=st.integers(0, 127),
        velocity=st.integers(1, 127),
        voice=st.integers(1, 3),
    )
    parts = draw(st.lists(st.lists(note, max_size=8), min_size=1, max_size=3).filter(any))
    meter = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8), (2, 2)]))
    return Score(
        tuple(Part(tuple(notes)) for notes in parts),
        meters=(Meter(0, *meter),),
        tempos=(Tempo(0, draw(st.sampled_from([40.0, 120.0, 300.0]))),),
        pickup=draw(st.sampled_from([0, TPQ // 2])),
    )


@settings(max_examples=60, deadline=None)
@given(scores(), st.sampled_from([0.0, 0.1, 0.3, 1.0]), st.integers(0, 3))
def test_every_note_is_struck_once_and_rings_at_least_as_long_as_it_is_held(score, feel, seed):
    strikes = perform(score, feel, seed)
    assert sorted(map(repr, (s.note for s in strikes))) == sorted(map(repr, score.notes()))
    assert list(strikes) == sorted(strikes, key=lambda s: s.onset_seconds)
    for strike in strikes:
        assert strike.onset_seconds >= 0
        assert strike.ring_seconds >= strike.duration_seconds >= performance.SHORTEST_SECONDS - 1e-9
        assert 1 <= strike.velocity <= 127


# Sampler


def rises(audio, onsets):
    """Where the energy rises after each expected onset: the first 1 ms with 5% of the attack's own power, in s."""
    power = np.convolve((audio.astype(float) ** 2).sum(1), np.ones(44) / 44)[: len(audio)]
    for onset in onsets:
        start = max(0, int((onset - 0.02) * SAMPLE_RATE))
        around = power[start : start + SAMPLE_RATE // 10]
        yield (start + int(np.argmax(around > 0.05 * around.max())) - 22) / SAMPLE_RATE


@pytest.mark.parametrize("velocity", [30, 58, 76, 100, 127])
def test_onsets_are_within_5_ms(velocity):
    pitches = [33, 40, 47, 52, 55, 60, 61, 62, 68, 73, 79, 84, 88, 95, 103]
    notes = tuple(Note(2 * i * TPQ, TPQ // 2, p, velocity) for i, p in enumerate(pitches))
    score = Score((Part(notes),), tempos=(Tempo(0, 70.0),))
    expected = [s.onset_seconds for s in perform(score, 0.0)]
    found = list(rises(sound(score, feel=0.0), expected))
    assert np.abs(np.subtract(found, expected)).max() < 0.005


def test_sixteen_decibels_between_velocity_30_and_100():
    levels = {
        v: loudness.measure(iter([sound(melody([60, 64, 67], velocity=v), feel=0.0)])).loudness for v in (30, 100)
    }
    assert levels[100] - levels[30] == pytest.approx(16.0, abs=1.0)


def test_louder_is_brighter():
    def centre(velocity):
        power = np.abs(np.fft.rfft(sound(melody([54], velocity=velocity), feel=0.0)[:22050].sum(1))) ** 2
        return (power * np.arange(len(power))).sum() / power.sum()

    assert centre(120) > 1.15 * centre(60) > 1.15 * centre(35)


def test_pitches_are_in_tune():
    for pitch in (45, 58, 59, 61, 69, 74):
        tone = sound(melody([pitch], 3 * TPQ), feel=0.0)[4410 : 4410 + SAMPLE_RATE].sum(1)
        spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 1 << 19))
        hertz = np.arange(len(spectrum)) * SAMPLE_RATE / (1 << 19)
        nominal = 440 * 2 ** ((pitch - 69) / 12)
        near = (hertz > nominal * 0.97) & (hertz < nominal * 1.03)
        assert abs(1200 * np.log2(hertz[np.argmax(spectrum * near)] / nominal)) < 8  # the piano's own stretch


def test_the_block_size_changes_nothing():
    score = chords(2)
    whole = sound(score)
    assert np.array_equal(whole, sound(score, block=1000))
    assert np.array_equal(whole, sound(score, block=44_100))


def test_the_seed_decides_the_sound():
    assert np.array_equal(sound(SCALE, seed=1), sound(SCALE, seed=1))
    first, second = sound(SCALE, seed=1), sound(SCALE, seed=2)
    shared = min(len(first), len(second))
    assert not np.allclose(first[:shared], second[:shared])
    assert np.array_equal(sound(SCALE, feel=0.0, seed=1), sound(SCALE, feel=0.0, seed=2))


@pytest.mark.parametrize("pitch", [0, 21, 60, 89, 96, 127])
def test_the_tail_is_kept_to_the_end(pitch):
    audio = np.abs(sound(melody([pitch], TPQ // 2), feel=0.0)).max(1)
    assert audio[-441:].max() < 1e-3 * audio.max()
    assert len(audio) > 0.35 * SAMPLE_RATE  # the key is held for 0.25 s


def test_dampers_fall_but_not_on_the_highest_strings():
    damped, undamped = (sound(melody([pitch], TPQ // 4), feel=0.0) for pitch in (84, 93))
    assert len(damped) < SAMPLE_RATE < 2 * SAMPLE_RATE < len(undamped)


def test_one_key_is_one_string():
    once = sound(melody([60]), feel=0.0)
    twice = Score((Part((Note(0, TPQ, 60),)), Part((Note(0, TPQ, 60),))))
    assert np.array_equal(sound(twice, feel=0.0), once)
    trill = melody([60] * 32, TPQ // 4)
    assert np.abs(sound(trill, feel=0.0)).max() < 1.8 * np.abs(once).max()
    longer = Score((Part((Note(0, 4 * TPQ, 60),)), Part((Note(TPQ, TPQ // 4, 60),))))  # the first hand holds on
    assert len(sound(longer, feel=0.0)) > 2.0 * SAMPLE_RATE


def test_memory_does_not_grow_with_the_piece():
    def peak(bars):
        pack.load_pack.cache_clear()
        strikes = perform(chords(bars))
        tracemalloc.start()
        for _ in sampler.play(strikes):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    short, long = peak(8), peak(64)
    assert long < 1.1 * short + 2e6  # what grows is a few hundred bytes a note


# Pack


def test_the_pack_names_its_maker_and_licence():
    credits = pack.load_pack().credits
    assert credits["author"] == "Alexander Holm"
    assert "3.0" in str(credits["licence"])
    assert str(credits["licence_url"]).startswith("https://creativecommons.org/licenses/by/3.0")


def test_the_pack_has_three_layers_of_thirty_notes_in_6_megabytes():
    piano = pack.load_pack()
    assert [len(layer) for layer in piano.recordings] == [30, 30, 30]
    assert piano.pitches[0] == 21
    assert piano.pitches[-1] == 108
    assert pack.PACKS["piano"].stat().st_size < 6.5e6


def test_the_cache_is_bounded_and_only_what_is_needed_is_decoded(monkeypatch):
    monkeypatch.setattr(pack, "CACHE_BYTES", 3_000_000)
    piano = pack.Pack(pack.PACKS["piano"].read_bytes())
    assert len(piano.note(0, 61, 10_000)) < 10_010
    long = piano.note(0, 61, 200_000)
    assert 200_000 <= len(long) < 200_010
    assert piano.note(0, 61, 50_000) is long
    for pitch in range(60, 70):
        piano.note(0, pitch, 100_000)
    assert sum(audio.nbytes for audio in piano._cache.values()) == piano._cached_bytes < 3_000_000


@pytest.mark.parametrize("damage", ["missing", "cut", "no index", "index of another kind"])
def test_a_damaged_pack(tmp_path, monkeypatch, damage):
    path = tmp_path / "piano.zip"
    if damage == "cut":
        path.write_bytes(pack.PACKS["piano"].read_bytes()[:100_000])
    elif damage != "missing":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("index.json" if damage != "no index" else "other", json.dumps({"notes": [{"a": 1}]}))
    monkeypatch.setitem(pack.PACKS, "piano", path)
    pack.load_pack.cache_clear()
    with pytest.raises(StorageError, match="damaged" if damage != "missing" else "no such file"):
        pack.load_pack()
    pack.load_pack.cache_clear()
