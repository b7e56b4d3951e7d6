"""Effects, limiter and loudness, against their definitions and against other people's measurements."""

import dataclasses
import tracemalloc

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt, sosfreqz

from tunesmith.errors import FormatError, RequestError, StorageError
from tunesmith.score import TPQ, Note, Part, Score
from tunesmith.sound import SAMPLE_RATE, amplitude, decibels, effects, filters, loudness, mastering, streams
from tunesmith.sound.limiter import Limiter, true_peak
from tunesmith.sound.sampler import render


def noise(seconds=3.0, level=0.1, seed=0):
    frames = int(seconds * SAMPLE_RATE)
    white = np.random.default_rng(seed).standard_normal((frames, 2)) * level
    return sosfilt(butter(2, [40, 9000], "bandpass", fs=SAMPLE_RATE, output="sos"), white, axis=0).astype(np.float32)


def sine(hertz, seconds=2.0, level=0.5):
    wave = level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    return np.stack([wave, wave], 1).astype(np.float32)


def cut(audio, size):
    return (audio[i : i + size] for i in range(0, len(audio), size))


def run(effect, audio, size=65_536):
    return np.concatenate(list(effect(cut(audio, size))))


def oversampled_peak_db(audio):
    return decibels(float(np.abs(resample_poly(audio.astype(float), 4, 1, axis=0)).max()))


def blocks(tape):
    return np.concatenate(list(tape.blocks()))


DENSE = Score((Part(tuple(Note(i * TPQ, TPQ, p, 127) for i in range(12) for p in range(29, 100, 4))),))
SHORT_AND_LOUD = Score((Part(tuple(Note(i * 4 * TPQ, TPQ // 8, p, 127) for i in range(4) for p in (36, 48, 60, 72))),))
TUNE = Score((Part(tuple(Note(i * TPQ, TPQ, 60 + i * 7 % 12, 80) for i in range(16))),))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.lists(st.integers(0, 9000), min_size=1, max_size=5), st.sampled_from([1, 2]))
def test_convolution_is_convolution_however_it_is_cut(taps, sizes, channels):
    random = np.random.default_rng(taps)
    kernel = random.standard_normal((taps, channels)).astype(np.float32)
    pieces = [random.standard_normal((size, 2)).astype(np.float32) for size in sizes]
    found = np.concatenate([np.zeros((0, 2), np.float32), *streams.convolved(iter(pieces), kernel)])
    whole = np.concatenate(pieces).astype(float)
    assert len(found) == len(whole) + taps - 1
    if len(whole):
        expected = fftconvolve(whole, np.broadcast_to(kernel, (taps, 2)), axes=0)
        assert np.abs(found - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=6), st.integers(1, 2000))
def test_reblocking_keeps_every_frame(sizes, size):
    pieces = [np.full((n, 2), i, np.float32) for i, n in enumerate(sizes)]
    found = list(streams.reblocked(iter(pieces), size))
    assert all(len(block) == size for block in found[:-1])
    assert np.array_equal(np.concatenate([np.zeros((0, 2)), *found]), np.concatenate([np.zeros((0, 2)), *pieces]))


def test_low_pass_response():
    response = filters.impulse_response((filters.low_pass(700.0),), 512)[:, 0]
    _, expected = sosfreqz(butter(2, 700, fs=SAMPLE_RATE, output="sos"), 256, fs=SAMPLE_RATE)
    assert np.fft.rfft(response, 512)[:256] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("hertz", "expected_db"), [(100, 0.0), (700, -3.0), (2800, -24.1)])
def test_low_pass_by_ear(hertz, expected_db):
    heard = run(effects.LowPass(700.0), sine(hertz))[SAMPLE_RATE // 2 : SAMPLE_RATE]
    assert decibels(np.abs(heard).max() / 0.5) == pytest.approx(expected_db, abs=0.3)


def test_tremolo_swings_by_its_depth_at_its_rate():
    swing = run(effects.Tremolo(rate=5.0, depth=0.3), np.ones((SAMPLE_RATE, 2), np.float32))[:, 0]
    assert swing.min() == pytest.approx(0.7, abs=1e-4)
    assert swing.max() == pytest.approx(1.0, abs=1e-4)
    assert np.argmax(np.abs(np.fft.rfft(swing - swing.mean()))) == 5


def test_reverb_fades_by_60_db_in_its_time_and_keeps_the_direct_sound():
    click = np.zeros((100, 2), np.float32)
    click[0] = 1.0
    room = run(effects.Reverb(seconds=1.4, wet_db=-11.0), click)
    assert room[0].tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    assert np.abs(room[1:500]).max() < 1e-5
    tail = room[500:]
    assert 10 * np.log10((tail**2).sum(0)) == pytest.approx([-11.0, -11.0], abs=0.1)
    middle = sosfilt(butter(4, [300, 900], "bandpass", fs=SAMPLE_RATE, output="sos"), tail, axis=0)
    left = np.cumsum((middle[::-1] ** 2).sum(1))[::-1]  # M. Schroeder's backward integration
    fall = 10 * np.log10(left / left[0])
    slope = (np.argmax(fall < -25) - np.argmax(fall < -5)) / SAMPLE_RATE
    assert 60 / 20 * slope == pytest.approx(1.4, rel=0.15)
    assert abs(np.corrcoef(tail.T)[0, 1]) < 0.1  # wide


@pytest.mark.parametrize("name", effects.CHAINS)
def test_chains_do_not_depend_on_the_block_size(name):
    audio = noise(2.5)
    apply = lambda stream: effects.apply(effects.chain(name), stream)  # noqa: E731 - one line says it
    small, large = run(apply, audio, 1000), run(apply, audio, 65_536)
    assert len(small) == len(large) >= len(audio)
    assert np.abs(small - large).max() < 1e-6


def test_an_effect_serves_two_streams_at_once():
    tremolo = effects.Tremolo()
    first, second = tremolo(cut(noise(1), 1000)), tremolo(cut(noise(1), 1000))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    with pytest.raises(dataclasses.FrozenInstanceError):
        tremolo.rate = 2.0


def test_an_unknown_sound_names_the_known():
    with pytest.raises(RequestError, match="piano classic"):
        effects.chain("organ")


# Loudness


@pytest.mark.parametrize("level", [0.5, 0.05, 0.004])
def test_loudness_agrees_with_pyloudnorm(level):
    audio = noise(6.0, level)
    audio[SAMPLE_RATE * 2 : SAMPLE_RATE * 3] *= 0.01  # for the relative gate
    audio[SAMPLE_RATE * 4 :] = 0  # for the absolute one
    expected = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(audio.astype(float))
    assert loudness.measure(cut(audio, 7000)).loudness == pytest.approx(expected, abs=0.1)


def test_loudness_of_the_sine_the_recommendation_names():
    audio = sine(997.0, 5.0, 1.0)
    audio[:, 1] = 0
    assert loudness.measure(cut(audio, 4096)).loudness == pytest.approx(-3.01, abs=0.05)


def test_loudness_of_next_to_nothing():
    assert loudness.measure(iter([])).loudness == loudness.SILENCE
    assert loudness.measure(iter([np.zeros((SAMPLE_RATE, 2), np.float32)])).loudness == loudness.SILENCE
    assert loudness.measure(iter([sine(997.0, 0.05, 1.0)])).loudness == pytest.approx(0.0, abs=1.0)


# Limiter


@pytest.mark.parametrize("seed", range(3))
def test_the_limiter_holds_the_true_peak_of_anything(seed):
    audio = noise(2.0, 1.5, seed)
    audio[: SAMPLE_RATE // 3] *= [1.0, 0.02, 3.0][seed]
    limited = run(Limiter(), audio)
    assert limited.shape == audio.shape
    assert oversampled_peak_db(audio) > 3
    assert oversampled_peak_db(limited) < -1.0
    assert np.array_equal(limited, run(Limiter(), audio, 777))


def test_the_limiter_leaves_alone_what_is_below_the_ceiling():
    audio = noise(1.0, 0.05)
    assert np.array_equal(run(Limiter(), audio), audio)


def test_the_limiter_turns_down_before_the_peak_and_back_up_slowly():
    audio = np.full((SAMPLE_RATE, 2), 0.25, np.float32)
    audio[20_000:20_100] = 2.0
    gain = run(Limiter(), audio)[:, 0] / audio[:, 0]
    assert gain[[19_000, -1000]] == pytest.approx([1.0, 1.0], abs=0.01)
    assert gain[20_000:20_100].max() < 0.45
    assert 0.5 < gain[22_000] < 0.9
    assert np.abs(np.diff(gain)).max() < 0.01  # no click


def test_true_peak_between_the_samples():
    audio = sine(SAMPLE_RATE / 4, 0.5, 1.0)
    turned = np.roll(audio, 0)
    phase = np.sin(np.pi / 2 * np.arange(SAMPLE_RATE // 2) + np.pi / 4).astype(np.float32)  # samples reach 0.707 only
    turned[: len(phase)] = phase[: len(turned), None]
    assert np.abs(turned).max() == pytest.approx(0.7071, abs=1e-3)
    middle = turned * np.hanning(len(turned))[:, None].astype(np.float32)
    assert true_peak(iter([middle])) == pytest.approx(1.0, abs=0.01)


# Mastering


@pytest.mark.parametrize("name", effects.CHAINS)
@pytest.mark.parametrize("score", [DENSE, TUNE, SHORT_AND_LOUD], ids=["dense", "tune", "short and loud"])
def test_loudness_and_true_peak_of_finished_pieces(name, score):
    audio = blocks(mastering.tape_of(score, name))
    assert pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(audio.astype(float)) == pytest.approx(-16.0, abs=0.5)
    assert oversampled_peak_db(audio) < -1.0
    assert np.abs(audio[-100:]).max() < 1e-3  # the tail is kept


@pytest.mark.parametrize("note", [Note(0, TPQ, 60, 127), Note(0, 1, 108, 1), Note(0, TPQ, 60, 1), Note(0, 9 * TPQ, 0)])
def test_a_single_note_is_heard_and_not_clipped(note):
    audio = blocks(mastering.tape_of(Score((Part((note,)),)), "piano", 0.0))
    assert 0.05 < np.abs(audio).max() < amplitude(-1.0)


def test_silence_is_refused():
    with pytest.raises(FormatError, match="silent"):
        mastering.mastered(iter([np.zeros((1000, 2), np.float32)]))
    with pytest.raises(FormatError, match="nothing to play"):
        mastering.tape_of(Score())


def test_the_last_tape_is_kept_and_no_other():
    first = mastering.tape_of(TUNE)
    assert mastering.tape_of(TUNE) is first
    assert mastering.tape_of(TUNE, seed=1) is not first
    assert mastering.tape_of(TUNE) is not first
    assert np.array_equal(blocks(first), blocks(mastering.tape_of(TUNE)))


def test_a_full_temporary_folder_is_said(monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mastering.Tape, "_put", full)
    with pytest.raises(StorageError, match="disk is full"):
        mastering.Tape(iter([noise(0.1)]))


def test_memory_of_mastering_does_not_grow_with_the_piece():
    def peak(seconds):
        audio = noise(1.0)
        tracemalloc.start()
        mastering.mastered(effects.apply(effects.chain("classic"), (audio for _ in range(seconds))))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(60) < 1.05 * peak(15) + 100_000


def test_rendering_says_what_it_gives():
    block = next(render(TUNE))
    assert block.dtype == np.float32
    assert block.shape[1] == 2
