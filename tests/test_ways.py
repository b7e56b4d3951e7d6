"""The ways to work on a piece: what is kept is kept, to the note and to the byte, and what is new is new."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import melody
from test_sample import LEAD, MARCH, QUARTET, WALTZ, knowing
from test_wishes import Reciting, Resting

from tunesmith import api, checkpoint, formats, scheme, theory, ways
from tunesmith.errors import RequestError, TunesmithError
from tunesmith.originality import Index, originality
from tunesmith.prepare import prepare
from tunesmith.request import Request
from tunesmith.score import TPQ, Chord, Key, Meter, Note, Part, Repeat, Score
from tunesmith.ways import Material

SONGS = Path(__file__).parent.parent / "examples" / "songs"
PIECES = {"waltz": WALTZ, "march": MARCH, "quartet": QUARTET, "lead sheet": LEAD}


@cache
def base() -> checkpoint.Learned:
    return checkpoint.load(checkpoint.BASE)


@cache
def ode() -> Score:
    (song,) = (s for s in formats.read(SONGS / "ode_to_joy.abc") if isinstance(s, Score))
    return prepare(song)


def first(task: ways.Task, learned: checkpoint.Learned, **options: object) -> Score:
    return next(ways.written(learned, task, Request(**options), [0]))  # type: ignore[arg-type]  # fields of Request


def sounding(piece: Score) -> list[tuple[int, int, int, int, int]]:
    return sorted((i, n.voice, n.onset, n.duration, n.pitch) for i, p in enumerate(piece.parts) for n in p.notes)


@pytest.mark.parametrize("name", PIECES)
def test_material_and_back_is_the_same_piece(name):
    piece = prepare(PIECES[name])
    material = Material.of(piece)
    again = ways.put_back(material, scheme.encode(piece))
    assert again == piece
    assert material.bars == sum(bar.number > 0 for bar in piece.bars())


@given(st.sampled_from(sorted(PIECES)), st.integers(1, 4), st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_a_beginning_is_kept_to_the_note(name, more, seed):
    piece = prepare(PIECES[name])
    bars = sum(bar.number > 0 for bar in piece.bars()) + more
    request = Request(bars=bars, seed=seed, particles=2)
    learned = knowing(piece)
    whole = next(ways.written(learned, ways.carry_on(learned, piece, request), request, [0]))
    kept = set(sounding(piece))
    assert kept <= set(sounding(whole)), "no note of the beginning is lost, made longer or moved"
    new = set(sounding(whole)) - kept
    ends = {
        (i, n.voice): max(m.end for m in p.notes if m.voice == n.voice)
        for i, p in enumerate(piece.parts)
        for n in p.notes
    }
    assert all(onset >= ends[part, voice] for part, voice, onset, _, _ in new)
    assert sum(bar.number > 0 for bar in whole.bars(whole.pickup + 1)) <= bars
    assert max(n.end for n in whole.notes()) > piece.end


def test_a_continuation_goes_on_to_the_bars_asked_for():
    learned = knowing(MARCH)
    whole = first(ways.carry_on(learned, MARCH, Request(bars=9)), learned, bars=9)
    assert sum(bar.number > 0 for bar in whole.bars()) == 9
    with pytest.raises(RequestError, match="the beginning has 4 bars, the whole piece is to have 4"):
        ways.carry_on(learned, MARCH, Request(bars=4))


@given(st.sampled_from(sorted(PIECES)), st.integers(0, 500), st.data())
@settings(max_examples=30, deadline=None)
def test_all_but_the_bars_rewritten_stays(name, seed, data):
    piece = prepare(PIECES[name])
    count = sum(bar.number > 0 for bar in piece.bars())
    low = data.draw(st.integers(1, count))
    high = data.draw(st.integers(low, count))
    request = Request(seed=seed, particles=4, max_copy=0)
    learned = knowing(piece)
    made = next(ways.written(learned, ways.rewrite(learned, piece, (low, high), request), request, [0]))
    start = next(bar.start for bar in piece.bars() if bar.number == low)
    end = next(bar.end for bar in piece.bars() if bar.number == high)

    def outside(score: Score) -> list[tuple[int, int, int, int, int]]:
        return [note for note in sounding(score) if not start <= note[2] < end]

    assert outside(made) == outside(piece)
    assert made.chords == piece.chords
    assert (made.meters, made.keys, made.pickup, made.title) == (piece.meters, piece.keys, piece.pickup, piece.title)


def measures(path: Path) -> list[str]:
    """The measures of a MusicXML file, as text, without the running numbers of notes and rests."""
    text = re.sub(r' id="p\d+[nr][\d-]+"', "", path.read_text("utf-8"))
    return re.findall(r"<measure .*?</measure>", text, re.DOTALL)


def test_bars_that_are_not_rewritten_are_the_same_to_the_byte(tmp_path):
    """With dynamics, spelling, a repeat and a title, none of which the scheme carries."""
    notes = tuple(replace(n, velocity=40 + 3 * i) for i, n in enumerate(ode().parts[0].notes))
    piece = ode().replace(parts=(Part(notes, "Violin", 40),), repeats=(Repeat(0, 16 * TPQ),), composer="somebody")
    request = Request(seed=3, particles=8)
    made = next(ways.written(base(), ways.rewrite(base(), piece, (6, 7), request), request, [0]))
    for score, name in ((piece, "old"), (made, "new")):
        api.save(score, tmp_path / f"{name}.musicxml")
    old, new = measures(tmp_path / "old.musicxml"), measures(tmp_path / "new.musicxml")
    assert len(old) == len(new) == 16
    assert [number for number, (a, b) in enumerate(zip(old, new, strict=True), 1) if a != b] == [6, 7]
    assert made.repeats == piece.repeats


def test_a_note_that_reaches_into_the_bars_stays_and_one_that_reaches_out_is_written_anew():
    lengths = [3, 2, 3, 3, 2, 3]  # quarters: notes over bar lines
    onsets = np.cumsum([0, *lengths[:-1]]).tolist()
    notes = tuple(Note(t * TPQ, d * TPQ, 60 + 2 * i) for i, (t, d) in enumerate(zip(onsets, lengths, strict=True)))
    piece = prepare(Score((Part(notes),), meters=(Meter(0, 4, 4),), keys=(Key(),)))
    learned, request = knowing(piece), Request(particles=4, max_copy=0)
    made = next(ways.written(learned, ways.rewrite(learned, piece, (2, 2), request), request, [0]))
    old, new = sounding(piece), sounding(made)
    assert [n for n in new if n[2] < 4 * TPQ] == [n for n in old if n[2] < 4 * TPQ]
    assert [n for n in new if n[2] >= 11 * TPQ] == [n for n in old if n[2] >= 11 * TPQ]
    assert all(n[2] + n[3] <= 11 * TPQ for n in new if 5 * TPQ <= n[2] < 11 * TPQ)


@pytest.mark.parametrize("bars", [(4, 5), (0, 9), (60, 61)])
def test_bars_that_the_piece_does_not_have(bars):
    with pytest.raises(RequestError, match=r"bars .* of a piece of 4 bars"):
        ways.rewrite(knowing(MARCH), MARCH, bars, Request())


def test_chords_leave_the_melody_alone():
    made = first(ways.harmonise(base(), ode(), "chords", Request()), base(), seed=2)
    assert sounding(made) == sounding(ode())
    assert made.chords
    assert made.chords[0].onset == 0
    assert all(a.end <= b.onset for a, b in zip(made.chords, made.chords[1:], strict=False))
    assert max(c.end for c in made.chords) == 64 * TPQ
    inside = {2, 4, 6, 7, 9, 11, 1}  # D major
    assert sum(c.root in inside for c in made.chords) > 0.8 * len(made.chords)


def test_chords_fit_the_melody_better_than_those_of_another_key():
    """The melody is heard: an ode in D gets the chords of D, moved to E flat those of E flat."""
    moved = first(ways.harmonise(base(), ode().transpose(1), "chords", Request()), base(), seed=2)
    assert sum(c.root in {3, 5, 7, 8, 10, 0, 2} for c in moved.chords) > 0.8 * len(moved.chords)


def test_voices_are_put_under_the_melody():
    short = ode().slice(0, 16 * TPQ)
    made = first(ways.harmonise(base(), short, "voices", Request()), base(), seed=1, particles=4)
    assert [part.name for part in made.parts[1:]] == ["Alto", "Tenor", "Bass"]
    assert [(n.onset, n.pitch) for n in made.parts[0].notes] == [(n.onset, n.pitch) for n in short.parts[0].notes]
    assert all(part.notes for part in made.parts)
    assert max(n.end for n in made.notes()) <= 16 * TPQ
    bass = [n.pitch for n in made.parts[3].notes]
    assert np.mean(bass) < np.mean([n.pitch for n in made.parts[1].notes])


def test_the_skeleton_is_kept_and_the_rest_may_change():
    made = first(ways.vary(base(), ode(), "skeleton", 0.5, Request()), base(), seed=4)
    downbeats = [n for n in sounding(ode()) if n[2] % (4 * TPQ) == 0]
    assert set(downbeats) <= set(sounding(made))
    assert sounding(made) != sounding(ode())


def test_the_rhythm_is_kept():
    made = first(ways.vary(base(), ode(), "rhythm", 1.0, Request()), base(), seed=4)
    assert [n[2:4] for n in sounding(made)] == [n[2:4] for n in sounding(ode())]
    assert sounding(made) != sounding(ode())


def test_the_contour_is_followed():
    strength = 0.4
    made = first(ways.vary(base(), ode(), "contour", strength, Request()), base(), seed=4)
    line = [(n.onset, n.pitch) for n in ode().parts[0].notes]
    ticks, pitches = zip(*line, strict=True)
    reach = 1 + round(strength * 11)
    for note in made.parts[0].notes:
        assert abs(note.pitch - np.interp(note.onset, ticks, pitches)) <= reach
    assert sounding(made) != sounding(ode())


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ways.KINDS_OF_VARYING)
def test_every_texture_can_be_varied(name, strength, kind):
    piece, request = prepare(PIECES[name]), Request(particles=4, max_copy=0)
    learned = knowing(piece)
    made = next(ways.written(learned, ways.vary(learned, piece, kind, strength, request), request, [0]))
    assert len(made.parts) == len(piece.parts)
    assert made.chords == piece.chords
    if strength == 0 and kind != "contour":
        assert sounding(made) == sounding(piece)


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (lambda: ways.vary(base(), ode(), "melody", 0.5, Request()), "unknown outline 'melody'"),
        (lambda: ways.vary(base(), ode(), "rhythm", 1.5, Request()), "strength is 1.5"),
        (lambda: ways.harmonise(base(), ode(), "drums", Request()), "unknown harmony 'drums'"),
        (lambda: ways.rewrite(base(), ode(), (1, 2), Request(key=Key())), "the piece has its key already"),
        (lambda: ways.rewrite(base(), ode(), (1, 2), Request(form="AABA")), "the piece has its form already"),
        (lambda: ways.rewrite(base(), Score(), (1, 2), Request()), "no notes"),
    ],
)
def test_what_makes_no_sense_is_said(made, what):
    with pytest.raises(TunesmithError, match=what):
        made()


def test_pieces_stand_alone_and_the_same_seed_gives_the_same():
    request = Request(seed=5, particles=4)
    task = ways.rewrite(base(), ode(), (5, 6), request)
    both = list(ways.written(base(), task, request, [0, 1]))
    assert next(ways.written(base(), task, request, [1])) == both[1]
    assert both[0] != both[1]


def test_a_change_of_meter_is_kept():
    tune = melody([60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62], TPQ)
    piece = prepare(tune.replace(meters=(Meter(0, 4, 4), Meter(8 * TPQ, 3, 4)), keys=(Key(0), Key(8 * TPQ, 1))))
    learned, request = knowing(piece), Request(particles=4, max_copy=0)
    for bars in ((1, 1), (2, 3), (3, 4)):
        made = next(ways.written(learned, ways.rewrite(learned, piece, bars, request), request, [0]))
        assert (made.meters, made.keys) == (piece.meters, piece.keys)


SCALE = melody([60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62, 60, 62, 64, 65, 67, 69], TPQ)


def test_a_leap_is_no_larger_where_new_notes_meet_kept_ones():
    piece = prepare(SCALE.replace(meters=(Meter(0, 4, 4),), keys=(Key(),)))
    learned = knowing(piece)
    for seed in range(6):
        request = Request(seed=seed, leap=4, particles=48, max_copy=0)
        made = next(ways.written(learned, ways.rewrite(learned, piece, (3, 3), request), request, [0]))
        pitches = [n.pitch for n in made.parts[0].notes]
        assert all(abs(a - b) <= 4 for a, b in pairwise(pitches))


def test_what_is_wished_where_a_note_reaches_in_is_refused():
    notes = (Note(0, 3 * TPQ, 60), Note(3 * TPQ, 5 * TPQ, 64), Note(8 * TPQ, 4 * TPQ, 62), Note(12 * TPQ, 4 * TPQ, 60))
    piece = prepare(Score((Part(notes),), meters=(Meter(0, 4, 4),), keys=(Key(),)))
    with pytest.raises(RequestError, match="where one is kept"):
        ways.rewrite(knowing(piece), piece, (2, 3), Request(notes=((2, Fraction(1), 62),)))


def test_chords_wished_for_stand_above_what_is_new():
    learned, request = knowing(MARCH), Request.of({"chords": "| C | G |", "particles": 8, "max_copy": 0})
    made = next(ways.written(learned, ways.rewrite(learned, MARCH, (3, 4), request), request, [0]))
    bar = prepare(MARCH).meters[0].bar
    assert [(c.onset, c.root) for c in made.chords] == [(2 * bar, 0), (3 * bar, 7)]


def test_chords_of_any_bar_can_be_given():
    tune = melody([60, 64, 67] * 6, TPQ // 2, meters=(Meter(0, 9, 8),)).replace(keys=(Key(),))
    request = Request.of({"chords": "| C | G |", "particles": 4})
    made = next(ways.written(base(), ways.harmonise(base(), tune, "chords", request), request, [0]))
    assert {c.root for c in made.chords} <= {0, 7}


def test_a_cadence_is_in_the_key_of_its_bar():
    tune = melody([60, 62, 64, 65] * 6, TPQ).replace(meters=(Meter(0, 4, 4),), keys=(Key(0), Key(12 * TPQ, 2)))
    piece, learned = prepare(tune), knowing(tune)
    request = Request(cadence=(("tonic", 5),), particles=16, max_copy=0)
    made = next(ways.written(learned, ways.rewrite(learned, piece, (4, 5), request), request, [0]))
    last = max((n for n in made.parts[0].notes if n.onset < 20 * TPQ), key=lambda n: n.onset)
    assert last.pitch % 12 == 2


@pytest.mark.parametrize("bars", [(5, 8), (9, 12)])
def test_a_song_that_was_learned_can_be_rewritten(bars):
    """Long runs of it are kept on both sides of the gap: they are not what is capped, and lead to no dead end."""
    other = api.load_songs(SONGS / "silent_night.abc")[0]
    learned = replace(
        base(), songs=knowing(ode(), other).songs
    )  # two: their cap is lower than that of the base's music
    task = ways.rewrite(learned, ode(), bars, Request(bars=16))
    for seed in range(2):
        piece = first(task, learned, bars=16, seed=seed)
        start, end = ((bar - 1) * 4 * TPQ for bar in (bars[0], bars[1] + 1))
        new = [note for note in sounding(piece) if start <= note[2] < end]
        assert new != [note for note in sounding(ode()) if start <= note[2] < end]
        assert [n for n in sounding(piece) if n[2] >= end] == [n for n in sounding(ode()) if n[2] >= end]


def test_a_continuation_ends_as_much_earlier_as_it_has_a_pickup():
    tune = prepare(PIECES["waltz"])
    assert tune.pickup
    piece = next(api.continued(base(), tune, bars=Material.of(tune).bars + 4, cadence="tonic", particles=8))
    assert piece.end == (Material.of(tune).bars + 4) * tune.meters[0].bar


@pytest.mark.parametrize("kind", ["chords", "voices"])
def test_a_cadence_that_the_kept_melody_does_not_have_is_refused(kind):
    with pytest.raises(RequestError, match="half cadence in bar 16: what is kept of the piece does not end so"):
        api.harmonised(base(), ode(), kind, cadence="half").__next__()
    assert next(api.harmonised(base(), ode(), kind, cadence="tonic", particles=8)).note_count


def test_chords_suit_the_melody_that_they_are_written_to():
    """Nearly all have the note that they stand under; the last is the tonic's, as the tune ends on it."""
    fits = count = 0
    for name in ("ode_to_joy", "silent_night", "amazing_grace"):
        song = api.load_songs(SONGS / f"{name}.abc")[0]
        piece = next(api.harmonised(base(), song, "chords", seed=1))
        melody = sorted(piece.notes(), key=lambda note: note.onset)
        for chord in piece.chords:
            tones = {(chord.root + interval) % 12 for interval in theory.QUALITIES[chord.quality].intervals}
            (over,) = [n for n in melody if n.onset <= chord.onset < n.end] or [None]
            count += over is not None
            fits += over is not None and over.pitch % 12 in tones
        assert piece.chords[-1].root == piece.keys[-1].tonic
        assert all(a.onset % (TPQ // 2) == 0 for a in piece.chords)
    assert fits >= 0.9 * count > 20


def test_a_piece_may_be_a_file_and_bars_may_be_said():
    song = api.load_songs(SONGS / "ode_to_joy.abc")[0]
    for bars in ((3, 4), "3-4"):
        piece = next(api.rewritten(base(), SONGS / "ode_to_joy.abc", bars, seed=1))
        assert sounding(piece) == sounding(next(api.rewritten(base(), song, (3, 4), seed=1)))
    one = next(api.rewritten(base(), str(SONGS / "ode_to_joy.abc"), 3, seed=1))
    assert sounding(one) == sounding(next(api.rewritten(base(), song, (3, 3), seed=1)))
    with pytest.raises(TunesmithError, match="no such file"):
        api.continued(base(), "nothing.abc", bars=8)


def test_small_leaps_come_back_to_what_is_kept():
    """A gap between far notes: whoever waits in it does not arrive at the note after it."""
    quarters = [60, 60, 60, 60, 62, 64, 66, 68, 70, 72, 72, 72]
    tune = Score((Part(tuple(Note(i * TPQ, TPQ, p) for i, p in enumerate(quarters))),), meters=(Meter(0, 4, 4),))
    learned = knowing(tune)
    for seed in range(8):
        request = Request(bars=3, leap=2, shortest=TPQ, particles=1, max_copy=0, seed=seed)
        piece = next(ways.written(learned, ways.rewrite(learned, tune, (2, 2), request), request, [0]))
        assert all(abs(a.pitch - b.pitch) <= 2 for a, b in pairwise(sorted(piece.notes(), key=lambda n: n.onset)))


def test_a_last_bar_that_has_chords_alone_may_stay_so():
    notes = tuple(Note(i * TPQ, TPQ, 60 + i % 5) for i in range(16))
    song = Score(
        (Part(notes),), chords=tuple(Chord(i * 4 * TPQ, 4 * TPQ, 0, 0) for i in range(5)), meters=(Meter(0, 4, 4),)
    )
    task = ways.vary(base(), prepare(song), "rhythm", 1.0, Request(bars=5))
    piece = first(task, base(), bars=5, particles=8)
    assert [n.onset for n in piece.notes()] == [n.onset for n in song.notes()]


def test_a_voice_written_anew_does_not_leave_the_last_bar_silent():
    """Where the other voice rests there and is kept."""
    upper = [Note(i * TPQ, TPQ, 72 + i % 3) for i in range(16)]
    lower = [Note(i * 4 * TPQ, 4 * TPQ, 48) for i in range(3)]
    duet = Score((Part(tuple(upper)), Part(tuple(lower))), meters=(Meter(0, 4, 4),))
    learned = replace(knowing(prepare(duet)), model=Resting())
    for seed in range(20):
        task = ways.vary(learned, prepare(duet), "contour", 1.0, Request(bars=4, seed=seed))
        piece = first(task, learned, bars=4, seed=seed, particles=2, max_copy=0)
        assert any(note.end > 12 * TPQ for note in piece.notes()), seed


def test_chords_that_are_kept_need_not_be_of_the_key():
    """Wishes about chords and key hold for what is to come; what is there stays, whatever they say."""
    notes = tuple(Note(i * TPQ, TPQ, 62 + 2 * (i % 3)) for i in range(8))
    lead = Score(
        (Part(notes),),
        chords=tuple(Chord(i * 4 * TPQ, 4 * TPQ, 2, 0) for i in range(2)),
        meters=(Meter(0, 4, 4),),
        keys=(Key(),),
    )
    piece = next(api.continued(base(), lead, bars=4, chords="| D | D | C | C |", chromatic=0.0, particles=16))
    assert [chord.root for chord in piece.chords] == [2, 2, 0, 0]


def test_breaths_are_for_the_bars_to_come():
    piece = next(api.continued(base(), prepare(PIECES["march"]), bars=Material.of(PIECES["march"]).bars + 4, breath=1))
    assert piece.end > PIECES["march"].end


def test_a_voice_that_is_silent_at_the_end_of_a_beginning_stays_so():
    """Bars that are there are not written into, though a voice could come in there."""
    upper = [*(Note(i * TPQ, TPQ, 72 + i % 3) for i in range(4)), Note(4 * TPQ, 4 * TPQ, 72)]
    duet = Score((Part(tuple(upper)), Part((Note(0, 4 * TPQ, 48),))), meters=(Meter(0, 4, 4),))
    for seed in range(6):
        piece = next(api.continued(base(), duet, bars=4, seed=seed, particles=4))
        assert [n for n in sounding(piece) if n[2] < 8 * TPQ] == sounding(prepare(duet))


@pytest.mark.parametrize("name", ["waltz", "quartet", "lead sheet"])
def test_a_player_tells_one_bar_after_the_other_and_takes_nothing_back(name):
    """But that the last note of a voice may be held on."""
    tune = prepare(PIECES[name])
    begun = Material.of(tune).bars
    player = api.player(base(), bars=begun + 4, seed=5, particles=8)
    told = list(player.on(tune))
    assert len(told) >= 4
    for before, after in pairwise([tune, *told]):
        now = {note[:3] + note[4:]: note[3] for note in sounding(after)}
        ends = {note[:2]: note[2] for note in sounding(before)}  # sorted: the last note of each voice
        for note in sounding(before):
            grown = now[note[:3] + note[4:]] - note[3]
            assert grown == 0 or (grown > 0 and note[2] == ends[note[:2]])
        assert sounding(after) != sounding(before), "each has something new"
        new = [n for n in sounding(after) if n[:3] + n[4:] not in {m[:3] + m[4:] for m in sounding(before)}]
        assert all(note[2] >= tune.end for note in new), "what was there is not written into"
    assert sum(bar.number > 0 for bar in told[-1].bars()) == begun + 4
    assert [sounding(piece) for piece in player.on(tune)] == [sounding(piece) for piece in told], "the same again"


def test_a_player_keeps_wishes_and_the_cap():
    """Those of the whole piece that hold for the beginning too, and the cap, from a model that recites its song."""
    tune, song = prepare(PIECES["waltz"]), ode()
    begun = Material.of(tune).bars
    learned = replace(knowing(song), model=Reciting([song]))
    wished = {"range": "C4-G5", "cadence": "tonic", "rests": False}

    def played(most: int) -> tuple[Score, int]:
        """What comes after the beginning, and how long a run of it stands in the song."""
        piece = list(api.player(learned, bars=begun + 8, seed=2, max_copy=most, **wished).on(tune))[-1]
        new = Score((Part(tuple(n for n in piece.notes() if n.onset >= tune.end)),), meters=(Meter(0, 3, 4),))
        return new, originality(new, Index.of([song])).longest

    new, longest = played(8)
    assert longest <= 8 < played(0)[1]
    assert all(60 <= note.pitch <= 79 for note in new.notes())
    line = sorted(new.notes(), key=lambda note: note.onset)
    assert all(a.end == b.onset for a, b in pairwise(line)), "no rests"
    assert line[-1].pitch % 12 == tune.keys[0].tonic


def test_a_player_prints_the_chords_that_were_asked_for():
    tune = prepare(PIECES["march"])
    begun = Material.of(tune).bars
    told = list(api.player(base(), bars=begun + 2, chords="| C | F |", particles=8).on(tune))
    assert [(chord.root, chord.onset >= tune.end) for chord in told[-1].chords] == [
        ((0, 5)[bar % 2], True) for bar in range(begun, begun + 2)
    ]
    assert len(told[0].chords) < len(told[-1].chords)


def test_a_player_refuses_what_is_no_request_before_a_note_is_played():
    for wrong in ({"bars": 0}, {"pieces": 2}):
        with pytest.raises(RequestError):
            api.player(base(), **wrong)
