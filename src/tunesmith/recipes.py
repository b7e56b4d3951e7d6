"""How to learn, model by model: from songs in a corpus to a model and a report of how well it predicts new ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, cast

import numpy as np

from tunesmith import checkpoint, corpus, scheme
from tunesmith.checkpoint import Learned
from tunesmith.corpus import Corpus
from tunesmith.errors import CorpusError
from tunesmith.evaluation import Bits, evaluate, total
from tunesmith.feeding import as_it_is
from tunesmith.files import make_folder
from tunesmith.models import Model, Song, Tensors
from tunesmith.models.alphabet import Alphabet, small_spec
from tunesmith.models.mixture import HEADS, Mixture, start
from tunesmith.models.ngram import Ngram
from tunesmith.models.ngram import Settings as Counting
from tunesmith.models.rnn import Rnn
from tunesmith.models.spec import Spec
from tunesmith.plans import (
    BASE,
    SEED_PLAN,
    SEED_WIDTH,
    LearnRequest,
    adding_plan,
    network_of,
    plan_for,
    start_of,
    tuning_plan,
)
from tunesmith.scheme import steps
from tunesmith.train import Epoch, Outcome, Plan, train
from tunesmith.yardsticks import by_meter, compared, counted, token_scores

COUNTING = Counting()  # the n-gram part of a mixture
PARTS = ("rnn", "ngram")  # of a mixture that is learned
# their weights before any song says better; a network that was tuned knows more
SHARES, SHARES_TUNED = (0.5, 0.5), (0.85, 0.15)
ASKED = 50  # songs known that are measured when others are added
REPLAYED = 12_000  # events of an epoch in which songs are added


def _spec_of(songs: Corpus) -> Spec:
    """The world of a model of these songs: features that never change in them are left out."""
    world = scheme.spec()
    low = np.full(world.columns, 32767)
    high = np.full(world.columns, -32768)
    for song in songs:
        np.minimum(low, song.frames.min(0), out=low)
        np.maximum(high, song.frames.max(0), out=high)
    varied = {f.name for f in world.features if low[f.place] != high[f.place]}
    return scheme.spec(frozenset(varied | {"bars left"}))


Result = tuple[Model, dict[str, Any]]
Recipe = Callable[[LearnRequest, Corpus, Path], Generator[Epoch, None, Result]]


@dataclass(frozen=True, slots=True)
class _Networks:
    """What training gave: the network of all songs, and the one that never saw those held out (None: none were)."""

    final: Model
    measured: Model | None
    report: dict[str, Any]
    kept: Sequence[int]
    held: Sequence[int]


def _networks(
    request: LearnRequest, songs: Corpus, folder: Path, before: Learned | None
) -> Generator[Epoch, None, _Networks]:
    """Train, from scratch or from a network that was learned before."""
    network = network_of(before) if before else None
    spec = network.spec if network else _spec_of(songs)
    plan = tuning_plan(request, songs, network) if network else plan_for(request, songs)
    kept, held = corpus.split(songs, request.seed)
    start = network.tensors() if network else None
    outcome = yield from train(songs, kept, held, spec, plan, folder, mark=_mark(songs, start), start=start)
    report = compared(songs, kept, held) | {
        "refit": plan.refit,
        "from_base": before is not None and request.start == BASE,
    }
    final = Rnn.load(spec, plan.settings, outcome.tensors)
    measured = Rnn.load(spec, plan.settings, outcome.measured) if held else None
    bits = report["bits_per_note"]
    for name, model in (("base", network), ("network", measured)):
        if held and model:  # whole songs, as the mixture will be; training measures stretches of long ones
            bits[name] = total(evaluate(model, (songs[i] for i in held))).per_note
    if held and network and bits["network"] > bits["base"]:
        final, measured = (Rnn.load(spec, plan.settings, network.tensors()) for _ in range(2))
        bits["network"], outcome = bits["base"], dataclasses.replace(outcome, best_epoch=0)
    report |= {"plan": dataclasses.asdict(plan), "history": outcome.history, "best_epoch": outcome.best_epoch}
    return _Networks(final, measured, report, kept, held)


def _mark(songs: Corpus, start: Tensors | None) -> str:
    """What tells the training on these songs from there from any other."""
    return str(songs.about["mark"]) + (checkpoint.mark_of(start) if start else "")


def _learn_rnn(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The network alone."""
    before = start_of(request)
    if before and len(before.songs):
        return (yield from _added(request, songs, folder, before))
    found = yield from _networks(request, songs, folder, before)
    if found.measured is not None:
        _measured_alone(found, songs)
    return found.final, found.report


def _learn_mixture(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The network and the n-grams, of the songs and of the song so far, each weighed.

    Where the n-grams do not help the network to predict the songs held out, it stays alone.
    """
    before = start_of(request)
    if before and len(before.songs):
        return (yield from _added(request, songs, folder, before))
    found = yield from _networks(request, songs, folder, before)
    shares = SHARES_TUNED if before else SHARES
    mixture = _mixture(found.final, songs, range(len(songs)), shares)
    if found.measured is not None:
        held = [songs[i] for i in found.held]
        measured = _mixture(found.measured, songs, found.kept, shares)
        bits = _crossed(measured, held)
        if total(bits).per_note > found.report["bits_per_note"]["network"]:
            _measured_alone(found, songs)
            return found.final, found.report
        found.report["bits_per_note"]["learned"] = total(bits).per_note
        found.report["by_meter"] = by_meter(songs, found.kept, found.held, bits)
        mixture = Mixture(mixture.spec, mixture.names, mixture.parts, measured.fitted(held).gates)
    return mixture, found.report


def _measured_alone(found: _Networks, songs: Corpus) -> None:
    """Report on the network without n-grams."""
    bits = found.report["bits_per_note"]
    bits["learned"] = bits.pop("network")
    measured = evaluate(cast(Model, found.measured), [songs[i] for i in found.held])
    found.report["by_meter"] = by_meter(songs, found.kept, found.held, measured)


def _added(request: LearnRequest, songs: Corpus, folder: Path, before: Learned) -> Generator[Epoch, None, Result]:
    """A model that knows songs, the first of these, hears the others among them.

    Those known are what is measured: where their bits would rise, the network stays as it was.
    """
    known = _known(songs, before)
    random = np.random.default_rng(request.seed)
    asked = sorted(random.permutation(known)[:ASKED].tolist())
    heard = _heard_again(songs, known, random)
    network = network_of(before)
    plan = adding_plan(request, network, sum(len(songs[i].symbols) for i in heard))
    start = network.tensors()
    outcome = yield from train(songs, heard, asked, network.spec, plan, folder, mark=_mark(songs, start), start=start)
    model: Model = Rnn.load(network.spec, plan.settings, outcome.tensors)
    unheard: Model = before.model
    if not (request.model == "mixture" and request.keep_songs):
        unheard = network  # the counts are left out: like is held against like
    elif isinstance(before.model, Mixture):
        mixture = _mixture(model, songs, range(len(songs)), SHARES_TUNED)
        gates = before.model.gates if before.model.names == PARTS else mixture.gates
        model = Mixture(mixture.spec, PARTS, mixture.parts, gates)
    old, new = [songs[i] for i in asked], [songs[i] for i in range(known, len(songs))]
    report = compared(songs, range(len(songs)), ()) | {"refit": False, "history": (), "best_epoch": outcome.best_epoch}
    report["added"] = {
        "songs": len(new),
        "known": known,
        "new_before": total(evaluate(unheard, new)).per_note,
        "new_after": total(evaluate(model, new)).per_note,
        "known_before": total(evaluate(unheard, old)).per_note,
        "known_after": total(evaluate(model, old)).per_note,
    }
    return model, report | {"plan": dataclasses.asdict(plan)}


def _known(songs: Corpus, before: Learned) -> int:
    """How many of the songs kept, the first ones, the model knows already."""
    known = sum(entry.status == corpus.KEPT for entry in islice(songs.entries(), len(before.songs)))
    if known == len(songs):
        others = list(islice(songs.entries(), len(before.songs), None))
        bad = next((entry for entry in others if entry.status != corpus.DUPLICATE), None)
        if bad:
            raise CorpusError(f"no song there can be learned from ({bad.name}: {bad.reason})", path=bad.path or None)
        raise CorpusError("nothing new: the model has learned from all these songs already", fix="name other songs")
    return known


def _heard_again(songs: Corpus, known: int, random: np.random.Generator) -> list[int]:
    """The songs added, and so many of those known that hearing them all a few times takes seconds."""
    heard = list(range(known, len(songs)))
    events = sum(len(songs[i].symbols) for i in heard)
    for number in random.permutation(known).tolist():
        if events > REPLAYED:
            break
        heard.append(number)
        events += len(songs[number].symbols)
    return sorted(heard)


def _mixture(network: Model, songs: Corpus, numbers: Sequence[int], shares: Sequence[float] = SHARES) -> Mixture:
    spec = network.spec
    parts = network, Ngram(spec, COUNTING).fit(songs[i] for i in numbers)
    return Mixture(spec, PARTS, parts, {head: start(shares) for head in HEADS})


def _crossed(mixture: Mixture, held: Sequence[Song]) -> list[Bits]:
    """The cost of songs held out, each half under weights that were fitted on the other half alone."""
    even = evaluate(mixture.fitted(held[1::2]), held[::2])
    odd = evaluate(mixture.fitted(held[::2]), held[1::2])
    return [bits for pair in zip_longest(even, odd) for bits in pair if bits]


def _learn_counted(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The n-gram and the uniform model: no epochs."""
    kept, held = corpus.split(songs, request.seed)
    report = compared(songs, kept, held)
    if held:
        report["bits_per_note"]["learned"] = report["bits_per_note"][request.model]
    model = counted(request.model, songs, range(len(songs)))
    return model, report
    yield  # a generator, like its fellows


def _learn_seed(request: LearnRequest, songs: Corpus, folder: Path) -> Generator[Epoch, None, Result]:
    """The historical preset, and beside it what it does on a song left out."""
    inner = small_spec(len(steps.SYMBOLS), 1, SEED_WIDTH)
    plan = dataclasses.replace(SEED_PLAN, seed=request.seed, epochs=request.epochs or SEED_PLAN.epochs)

    def dressed(outcome: Outcome) -> Alphabet:
        model = Rnn.load(inner, plan.settings, outcome.tensors)
        return Alphabet(scheme.spec(), model, "rnn", steps.SYMBOLS, [steps.STEP])

    empty = Outcome(_initial(inner, plan), 0, ())
    inside = [dressed(empty).inside(song) for song in songs]
    held, mark = corpus.split(songs, request.seed)[1][:1], songs.about["mark"]
    report: dict[str, Any] = {"held_out_songs": len(held)}
    if held:
        kept = [i for i in range(len(songs)) if i not in held]
        place = make_folder(folder / "left-out")
        outcome = yield from train(inside, kept, (), inner, plan, place, as_it_is, mark)
        report["left_out"] = token_scores(dressed(outcome).inner, [inside[i] for i in held])
    outcome = yield from train(inside, range(len(inside)), (), inner, plan, folder, as_it_is, mark)
    model = dressed(outcome)
    report["training"] = token_scores(model.inner, inside)
    report["uniform_nats"] = math.log(len(steps.SYMBOLS))
    return model, report


def _initial(spec: Spec, plan: Plan) -> dict[str, Any]:
    from tunesmith.models.rnn import Settings
    from tunesmith.models.rnn_torch import initial

    return initial(spec, Settings.of(plan.settings), plan.seed)


RECIPES: dict[str, Recipe] = {
    "mixture": _learn_mixture,
    "rnn": _learn_rnn,
    "ngram": _learn_counted,
    "uniform": _learn_counted,
    "seed": _learn_seed,
}
