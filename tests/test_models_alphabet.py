"""A model of a small alphabet: what its settings may say."""

from __future__ import annotations

from typing import Any

import pytest
from test_models_rnn import DURATIONS, SYMBOLS, make_spec

from tunesmith.errors import ModelError
from tunesmith.models.alphabet import Alphabet
from tunesmith.models.spec import Spec

SPEC = make_spec()
GOOD = {"symbols": [5, 3, 30], "durations": [0, 2], "width": 8, "name": "uniform", "inner": {}}
BAD: dict[str, dict[str, Any]] = {
    "symbols outside the vocabulary": {"symbols": [3, SYMBOLS]},
    "durations outside the vocabulary": {"durations": [DURATIONS]},
    "negative symbols": {"symbols": [-1]},
    "negative durations": {"durations": [-1, 2]},
    "a symbol twice": {"symbols": [3, 3]},
    "a duration twice": {"durations": [2, 2]},
    "durations that fall": {"durations": [2, 0]},
    "no symbols": {"symbols": []},
    "no durations": {"durations": []},
    "symbols that are no whole numbers": {"symbols": [3.0]},
    "symbols that are truths": {"symbols": [True]},
    "lists of symbols": {"symbols": [[3], [4]]},
    "symbols as text": {"symbols": "34"},
    "symbols as a table": {"symbols": {"3": 4}},
    "a width of zero": {"width": 0},
    "a width beyond memory": {"width": 2**60},
    "a width as text": {"width": "8"},
    "an alphabet in the alphabet": {"name": "alphabet", "inner": GOOD},
    "a model we do not have": {"name": "transformer"},
    "a name that is no text": {"name": ["uniform"]},
    "settings that are no table": {"inner": [1]},
}


def test_good_settings_come_back():
    assert Alphabet.load(SPEC, GOOD, {}).settings() == GOOD


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_settings_that_make_no_sense_are_a_clear_error(change):
    with pytest.raises(ModelError):
        Alphabet.load(SPEC, GOOD | change, {})


@pytest.mark.parametrize("missing", GOOD)
def test_missing_settings_are_a_clear_error(missing):
    with pytest.raises(ModelError):
        Alphabet.load(SPEC, {name: value for name, value in GOOD.items() if name != missing}, {})


def test_an_alphabet_needs_the_previous_symbol():
    deaf = Spec(**{name: getattr(SPEC, name) for name in Spec.__dataclass_fields__} | {"features": SPEC.features[1:]})
    with pytest.raises(ModelError, match="previous symbol"):
        Alphabet.load(deaf, GOOD, {})
