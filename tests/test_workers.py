"""Worker processes: in order, within limits, replaced when they fail, and gone when nobody needs them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.corpus import workers
from tunesmith.corpus.workers import Limits, Outcome, outcomes
from tunesmith.errors import TunesmithError

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
GIB = 2**30


def done(
    job: str, *requests: dict[str, Any], workers: int = 1, seconds: float = 60.0, memory: int = 0
) -> list[Outcome]:
    """The outcomes of a job of `jobs`."""
    return list(outcomes(f"jobs:{job}", [(request, seconds) for request in requests], workers, memory))


def test_outcomes_come_in_the_order_of_the_requests() -> None:
    found = done("double", *({"number": n, "sleep": 0.2 * (n == 0)} for n in range(40)), workers=2)
    assert [o.reply["double"] for o in found if o.reply] == [2 * n for n in range(40)]
    assert len({o.reply["process"] for o in found if o.reply}) == 2


def test_a_bad_request_stops_no_other() -> None:
    bad = ["hang", "leave", "crash", "fail"]
    requests = [{"number": 1}, *({"bad": name} for name in bad), {"number": 2}]
    found = list(outcomes("jobs:anything", [(r, 1.5 if r.get("bad") == "hang" else 60.0) for r in requests], 2))
    assert [o.failure for o in found[1:-1]] == [
        "took longer than 1.5 s",
        "crashed the reader (exit code 3)",
        found[3].failure,
        "a fault in Tunesmith (ZeroDivisionError: by nothing); please report it",
    ]
    assert found[3].failure.startswith("crashed the reader (")
    assert [o.reply and o.reply["double"] for o in (found[0], found[-1])] == [2, 4]


def test_what_goes_on_part_by_part_may_take_longer_than_a_part() -> None:
    requests = [({"parts": 5}, 2.0), ({"parts": 0}, 2.0)]
    assert list(outcomes("jobs:steady", requests, 1)) == [Outcome({}), Outcome({})]


@linux
def test_memory_is_limited() -> None:
    started = time.monotonic()
    (eaten, fine) = list(outcomes("jobs:anything", [({"bad": "eat"}, 60.0), ({"number": 3}, 60.0)], 1, GIB // 2))
    assert eaten == Outcome(None, "needs more than 0.5 GiB of memory")
    assert fine.reply is not None
    assert time.monotonic() - started < 30


@linux
def test_what_one_request_leaves_in_memory_does_not_count_against_the_next() -> None:
    found = done("kept", *[{}] * 12, memory=GIB // 4)
    assert [o.failure for o in found] == [""] * 12
    assert 2 < len({o.reply["process"] for o in found if o.reply}) <= 12


def test_too_deep_a_recursion_is_a_fault_and_no_end() -> None:
    (found,) = done("deep", {})
    assert "RecursionError" in found.failure or "crashed" in found.failure


def test_what_a_job_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert done("chatter", {}, {}) == [Outcome({}), Outcome({})]
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_is_raised() -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        done("fill", {})
    assert raised.value.errno == 28


def test_workers_that_cannot_start_say_why() -> None:
    with pytest.raises(TunesmithError, match=r"does not start \(.*no_such_module"):
        list(outcomes("no_such_module:job", [({}, 60.0)], 1))


def test_few_requests_are_taken_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "AHEAD", 3)
    taken: list[int] = []

    def requests() -> Iterator[tuple[dict[str, Any], float]]:
        for number in range(20):
            taken.append(number)
            yield {"number": number}, 60.0

    for turn, _ in enumerate(outcomes("jobs:double", requests(), 1)):
        time.sleep(0.01)
        assert len(taken) <= turn + 1 + 3
    assert len(taken) == 20


def test_nothing_is_left_running_when_the_outcomes_are_not_wanted() -> None:
    work = outcomes("jobs:double", _endless(), 2)
    process = next(o.reply["process"] for o in work if o.reply)
    work.close()
    for _ in range(100):
        if not _alive(process):
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


def _endless() -> Iterator[tuple[dict[str, Any], float]]:
    number = 0
    while True:
        yield {"number": number}, 60.0
        number += 1


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{process}/status").exists() or "zombie" not in Path(f"/proc/{process}/status").read_text()


def test_a_large_file_has_more_time() -> None:
    limits = Limits(60.0)
    assert limits.seconds_for(1000) == 60.0
    assert limits.seconds_for(5 * 2**20) == 160.0


def test_functions_are_named_where_they_can_be_found_again() -> None:
    assert workers.name_of(done) == f"{__name__}:done"
    assert workers.named(workers.name_of(Limits)) is Limits
    assert workers.name_of(lambda: 0) == ""
