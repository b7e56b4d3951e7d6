"""The engraver in its own process: whatever happens to that process, the program goes on and says what was wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tunesmith.errors import FormatError
from tunesmith.formats import musicxml, picture
from tunesmith.formats.picture import engraver
from tunesmith.formats.picture.engraver import Engraver
from tunesmith.formats.picture.scroll import OPTIONS
from tunesmith.score import TPQ, Note, Part, Score

TEXT = musicxml.document(Score((Part((Note(0, TPQ, 60),)),))).text
LATE = 20  # seconds that are far too long for anything here

# A worker that does what `{do}` says with each job; it knows the job's options, and how many came before.
WORKER = """
import json, os, sys, time
sys.path.insert(0, {folder!r})
from worker import read_frame, write_frame
jobs, answers = sys.stdin.buffer, sys.stdout.buffer
def answer(*pages):
    write_frame(answers, json.dumps({{"pages": len(pages)}}).encode())
    for page in pages:
        write_frame(answers, page.encode())
    answers.flush()
{before}
write_frame(answers, b"")
answers.flush()
for number in range(1000):
    options, text = json.loads(read_frame(jobs))["options"], read_frame(jobs).decode()
{do}
"""
Fake = Callable[..., Engraver]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Makes an engraver whose process does as it is told."""
    made: list[Engraver] = []

    def make(do: str, before: str = "") -> Engraver:
        script = tmp_path / f"fake{len(made)}.py"
        folder = str(engraver.WORKER.parent)
        script.write_text(WORKER.format(folder=folder, before=before, do=textwrap.indent(do, "    ")))
        made.append(Engraver(script))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def real() -> Iterator[Engraver]:
    own = Engraver()
    yield own
    own.close()


def process_of(own: Engraver) -> subprocess.Popen[bytes]:
    assert own._process
    return own._process


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + LATE
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def test_one_process_does_all_jobs_and_the_same_way(real: Engraver) -> None:
    real.start()
    process = process_of(real)
    first = real.engrave(TEXT, OPTIONS | {"xmlIdSeed": 1})
    assert real.engrave(TEXT, OPTIONS | {"xmlIdSeed": 1}) == first
    assert process_of(real) is process
    assert "p1n1" in first[0]
    assert "verovio" not in sys.modules, "the program itself must not load it"


def test_threads_take_turns(real: Engraver) -> None:
    texts = [musicxml.document(Score((Part(tuple(Note(n * TPQ, TPQ, 60) for n in range(k))),))).text for k in (1, 2, 3)]
    found: dict[int, int] = {}

    def work(place: int) -> None:
        found[place] = real.engrave(texts[place % 3], OPTIONS)[0].count('class="note"')

    threads = [threading.Thread(target=work, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n % 3 + 1 for n in range(9)}


@pytest.mark.parametrize("death", ["os.abort()", "os._exit(0)", "os.kill(os.getpid(), 11)", "raise ValueError"])
def test_a_process_that_dies_costs_one_job(fake: Fake, death: str) -> None:
    own = fake(f"if text == 'odd': {death}\nanswer('a page')")
    with pytest.raises(FormatError, match="could not be engraved"):
        own.engrave("odd", {})
    assert own.engrave("fine", {}) == ("a page",)
    with pytest.raises(FormatError, match="could not be engraved"):
        own.engrave("odd", {})
    assert own.engrave("fine", {}) == ("a page",)


def test_a_job_that_only_a_used_process_cannot_do_is_done_by_a_new_one(fake: Fake) -> None:
    own = fake("if number == 1: os.abort()\nanswer(str(os.getpid()))")
    (first,), (second,) = own.engrave("", {}), own.engrave("", {})
    assert first != second


def test_a_process_that_died_between_jobs_is_replaced(real: Engraver) -> None:
    real.engrave(TEXT, OPTIONS)
    process_of(real).kill()
    assert real.engrave(TEXT, OPTIONS)


def test_the_real_process_killed_in_the_midst_of_a_job(real: Engraver) -> None:
    notes = tuple(Note(n * TPQ // 4, TPQ // 4, 60 + n % 9) for n in range(6000))
    text = musicxml.document(Score((Part(notes),))).text
    real.engrave(TEXT, OPTIONS)
    given_up = threading.Event()

    def kill() -> None:
        while not given_up.wait(0.01):  # its replacements as well: one that was killed while idle costs no job
            process = real._process
            if process and real._ready:
                process.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(FormatError, match="could not be engraved"):
        while True:
            real.engrave(text, OPTIONS)
    given_up.set()
    thread.join()
    assert real.engrave(TEXT, OPTIONS)


def test_a_job_that_takes_too_long_is_stopped(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraver, "SECONDS", 1)
    own = fake("if text == 'slow': time.sleep(1000)\nanswer('a page')")
    own.engrave("fine", {})
    process, started = process_of(own), time.monotonic()
    with pytest.raises(FormatError, match="longer than 1 seconds"):
        own.engrave("slow", {})
    assert time.monotonic() - started < LATE
    assert process.poll() is not None
    assert own.engrave("fine", {}) == ("a page",)


def test_a_process_that_never_gets_ready_is_stopped(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraver, "SECONDS", 0)
    monkeypatch.setattr(engraver, "START_SECONDS", 1)
    with pytest.raises(FormatError, match="longer than 1 seconds"):
        fake("pass", before="time.sleep(1000)").engrave("", {})


@pytest.mark.parametrize("answer", ["b'not json'", "b'[]'", "b'{}'", 'b\'{"pages": "x"}\'', "b'{\"pages\": 2}'"])
def test_an_answer_that_makes_no_sense(fake: Fake, answer: str) -> None:
    own = fake(f"write_frame(answers, {answer})\nanswers.flush()\nos._exit(0)")
    with pytest.raises(FormatError, match="could not be engraved"):
        own.engrave("", {})


def test_what_cannot_be_engraved_is_told_and_leaves_the_process(real: Engraver) -> None:
    assert real.engrave("<not-music/>", OPTIONS) == ()
    process = process_of(real)
    assert real.engrave(TEXT, OPTIONS)
    assert process_of(real) is process
    with pytest.raises(FormatError, match="cannot be engraved"):
        engraver.engrave("no XML", OPTIONS)


ODD = {
    "nothing": "",
    "cut": TEXT[: len(TEXT) * 2 // 3],
    "no measure": '<score-partwise version="4.0"><part-list/></score-partwise>',
    "null": TEXT.replace("quarter", "\0"),
    "no duration": TEXT.replace("<duration>1</duration>", "<duration>-9999999999</duration>"),
    "no step": TEXT.replace("<step>C</step>", "<step>H</step>"),
    "octave": TEXT.replace("<octave>4</octave>", "<octave>99999</octave>"),
    "staves": TEXT.replace("<clef>", "<staves>999</staves><clef>"),
    "divisions": TEXT.replace("<divisions>1</divisions>", "<divisions>0</divisions>"),
    "nested": "<a>" * 100_000,
    "MEI": '<mei xmlns="http://www.music-encoding.org/ns/mei"/>',
    "ABC": "X:1\nT:x\nK:C\n[[[[CDE|]]]",
    "Humdrum": "**kern\n4c\n*^\n*-",
}


@pytest.mark.parametrize("name", ODD)
def test_no_input_brings_the_program_down(name: str, real: Engraver) -> None:
    try:
        pages = real.engrave(ODD[name], OPTIONS)
    except FormatError as error:
        assert "\n" not in str(error)  # either is right: a picture, or one line
    else:
        assert all(page.startswith("<svg") for page in pages)
    assert real.engrave(TEXT, OPTIONS), "the next score is engraved"


def test_what_the_process_prints_is_not_taken_for_an_answer(real: Engraver) -> None:
    real.engrave("<odd>", OPTIONS)  # Verovio has a word to say
    assert real.engrave(TEXT, OPTIONS)[0].startswith("<svg")


def test_without_verovio_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engraver.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FormatError, match="pip install verovio"):
        Engraver().engrave(TEXT, OPTIONS)


def test_a_python_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(FormatError, match="cannot be started"):
        Engraver().engrave(TEXT, OPTIONS)


def test_ctrl_c_ends_the_job_and_the_process(fake: Fake) -> None:
    own = fake("if text == 'slow': time.sleep(1000)\nanswer('a page')")
    own.engrave("", {})
    process = process_of(own)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        own.engrave("slow", {})
    assert process.poll() is not None
    assert own.engrave("", {}) == ("a page",)


PROGRAM = """
import sys
from tunesmith.formats.picture import engraver
from tunesmith.formats.picture.scroll import OPTIONS
engraver.start()
engraver.engrave(open(sys.argv[1]).read(), OPTIONS)
print(engraver._engraver._process.pid, flush=True)
{then}
"""


def program(then: str, folder: Path) -> subprocess.Popen[str]:
    """A program that engraves, says which process did so, and goes on."""
    (folder / "score.musicxml").write_text(TEXT)
    command = [sys.executable, "-c", PROGRAM.format(then=then), str(folder / "score.musicxml")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "then", ["", "raise SystemExit(1)", "import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"]
)
def test_the_process_ends_with_the_program(then: str, tmp_path: Path) -> None:
    with program(then, tmp_path) as running:
        pid = int(running.communicate()[0])
    assert until(lambda: not alive(pid))


@pytest.mark.skipif(os.name != "posix", reason="sends signals to a group")
def test_ctrl_c_in_a_terminal_prints_nothing_of_the_process(tmp_path: Path) -> None:
    # said inside the `try`, or the signal could come before it
    waiting = "print('waiting', flush=True); time.sleep(1000)"
    then = f"import time\ntry: {waiting}\nexcept KeyboardInterrupt: print('stopped')"
    with program(then, tmp_path) as running:
        assert running.stdout
        pid = int(running.stdout.readline())
        assert running.stdout.readline() == "waiting\n"
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=LATE)
    assert (out, err) == ("stopped\n", "")
    assert until(lambda: not alive(pid))


def _engrave_in_child(text: str) -> str:
    return str(len(engraver.engrave(text, OPTIONS)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_program_has_a_process_of_its_own() -> None:
    engraver.engrave(TEXT, OPTIONS)
    process = engraver._engraver._process
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_engrave_in_child, [TEXT] * 6) == ["1"] * 6
    assert engraver.engrave(TEXT, OPTIONS)
    assert engraver._engraver._process is process


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds address space")
def test_the_memory_of_the_process_is_bounded(real: Engraver) -> None:
    real.engrave(TEXT, OPTIONS)
    limits = Path(f"/proc/{process_of(real).pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max address space"))
    assert int(line.split()[3]) == 2 * 2**30


@pytest.mark.skipif(os.name != "posix", reason="there is no alarm")
def test_a_process_that_nobody_waits_for_ends_by_itself() -> None:
    command = [sys.executable, "-c", "import worker; worker.bound_time(1)\nwhile True: pass"]
    environment = os.environ | {"PYTHONPATH": str(engraver.WORKER.parent)}
    assert subprocess.run(command, env=environment, timeout=LATE, check=False).returncode == -signal.SIGALRM


def test_a_score_is_engraved_once_for_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    engraver.engrave_once.cache_clear()
    monkeypatch.setattr(engraver, "engrave", lambda text, options: asked.append(text) or ("<svg viewBox='0 0 1 1'/>",))
    score = Score((Part((Note(0, TPQ, 61),)),))
    with pytest.raises(FormatError):
        picture.svg(score)  # the page that stands for it has no size
    with pytest.raises(FormatError):
        picture.svg(score)
    engraver.engrave_once.cache_clear()
    assert len(asked) == 1
