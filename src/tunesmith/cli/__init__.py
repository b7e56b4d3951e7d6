"""The command line. Results go to standard output, progress and complaints to standard error.

Exit codes: 0 = done; 1 = done in part (import, convert, render, evaluate, info: not every song could be used; learning
goes on without bad songs and reports them); 2 = nothing useful could be done, and one line on standard error says why;
130 = stopped by Ctrl-C.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from tunesmith import outputs
from tunesmith.cli import composing, looking, pieces, songs  # with them come the commands
from tunesmith.cli.group import cli
from tunesmith.errors import TunesmithError

__all__ = ["DONE", "NOTHING", "STOPPED", "cli", "composing", "looking", "main", "pieces", "run", "songs"]

DONE, NOTHING, STOPPED = 0, 2, 130
DEBUG = "TUNESMITH_DEBUG"  # set in the environment, faults of ours show where they happened


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name or title that it cannot show must not end the program
            stream.reconfigure(errors="surrogateescape" if stream.encoding.lower() == "utf-8" else "backslashreplace")
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _with_dashed_files(arguments: Sequence[str]) -> list[str]:
    """Arguments with `./` before names that begin with a dash and are files, such as a `*` finds them."""
    # lexists: a name too long or with a null byte is no file, and click says what is wrong with it
    return [f"./{a}" if len(a) > 2 and a[0] == "-" and "\0" not in a and os.path.lexists(a) else a for a in arguments]


def run(arguments: Sequence[str]) -> int:  # noqa: PLR0911 - one return for each way to end
    """Run the command line; returns the exit code. Every failure is one line on standard error."""
    try:
        result = cli.main(_with_dashed_files(arguments), prog_name="tunesmith", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except TunesmithError as error:
        return _fail(error, NOTHING)
    except click.UsageError as error:
        hint = f"see: {error.ctx.command_path} --help" if error.ctx else None
        return _fail(TunesmithError(error.format_message().rstrip("."), fix=hint), NOTHING)
    except click.ClickException as error:
        return _fail(TunesmithError(error.format_message()), NOTHING)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped; the same command goes on or starts again", STOPPED)
    except BrokenPipeError:  # `tunesmith ... | head`
        _let_go_of_output()
        return DONE
    except OSError as error:  # what nothing nearer has put into words, such as results to a full disk
        if error.filename is None:
            _let_go_of_output()
        return _fail(TunesmithError(error.strerror or str(error), path=error.filename), NOTHING)
    except MemoryError:
        return _fail("not enough memory; try fewer or shorter songs", NOTHING)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else NOTHING
    except Exception as error:  # a fault of ours: said in one line, as everything
        if os.environ.get(DEBUG):
            raise
        what = f"a fault in Tunesmith itself ({type(error).__name__}: {error})"
        return _fail(TunesmithError(what, fix=f"please report it; {DEBUG}=1 shows where it happened"), NOTHING)


def _let_go_of_output() -> None:
    """Standard output takes no more: what is left for it goes nowhere, also when the program ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(line: object, code: int) -> int:
    outputs.say(line)
    return code
