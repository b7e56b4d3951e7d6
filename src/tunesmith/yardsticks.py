"""What a learned model is held against: simple models on the same held-out songs, and guesses counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith import scheme
from tunesmith.corpus import KEPT, Corpus
from tunesmith.evaluation import Bits, evaluate, total
from tunesmith.models import Model, Song

COMPARED = 300  # songs that the n-gram beside the network learns from, at the most: it is only a yardstick


def token_scores(model: Model, songs: Sequence[Song]) -> dict[str, float]:
    """Nats per token and the share of tokens that the model would have guessed."""
    nats, right, count = 0.0, 0, 0
    for song in songs:
        state = model.begin(1)
        for row, symbol in zip(song.frames, song.symbols, strict=True):
            log_p = model.symbols(state, row[None])[0]
            model.durations(state, np.array([symbol]))
            nats -= float(log_p[symbol])
            right += int(np.argmax(log_p) == symbol)
            count += 1
    return {"nats_per_token": nats / count, "accuracy": right / count, "tokens": count}


def counted(name: str, songs: Corpus, numbers: Sequence[int]) -> Model:
    """The n-gram model of these songs, or the uniform model."""
    from tunesmith.models.ngram import Ngram, Settings
    from tunesmith.models.uniform import Uniform

    if name == "uniform":
        return Uniform(scheme.spec())
    return Ngram(scheme.spec(), Settings()).fit(songs[i] for i in numbers)


def compared(songs: Corpus, kept: Sequence[int], held: Sequence[int]) -> dict[str, Any]:
    """The report of a learning: counts, the songs held out, and bits per note of simple models on those.

    The n-gram model learns from `COMPARED` of the songs kept at the most, drawn evenly.
    """
    names = songs.names()
    chosen = [kept[i] for i in np.linspace(0, len(kept) - 1, min(len(kept), COMPARED)).astype(int).tolist()]
    measured = [songs[i] for i in held]
    bits = {
        name: total(evaluate(counted(name, songs, chosen), measured)).per_note
        for name in (("uniform", "ngram") if held else ())
    }
    return {
        "songs": len(songs),
        "notes": songs.about["notes"],
        "held_out_songs": len(held),
        "held_out": [names[i] for i in held],
        "ngram_songs": len(chosen),
        "bits_per_note": bits,
    }


def by_meter(songs: Corpus, kept: Sequence[int], held: Sequence[int], found: Sequence[Bits]) -> dict[str, Any]:
    """For each meter of the songs held out: how many songs of it were learned and held out, and their bits per note."""
    meters = [entry.meter for entry in songs.entries() if entry.status == KEPT]
    report = {}
    for meter in sorted({meters[number] for number in held}):
        own = [bits for number, bits in zip(held, found, strict=True) if meters[number] == meter]
        learned = sum(meters[number] == meter for number in kept)
        report[meter] = {"songs": learned, "held_out": len(own), "bits_per_note": total(own).per_note}
    return report
