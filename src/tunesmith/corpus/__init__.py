"""Songs -> event arrays on disk, and a report of every file.

`ingest` reads songs, here or in worker processes with limits of time and memory, and writes a corpus: see `store`
for its files. `Corpus` opens it, `split` says which of its songs are held out.
"""

from tunesmith.corpus.dividing import split
from tunesmith.corpus.entries import DUPLICATE, KEPT, Entry
from tunesmith.corpus.finding import WORK, find_files, request_key
from tunesmith.corpus.importing import Gathered, ImportRequest, Ingested, gathered, importing
from tunesmith.corpus.ingesting import ingest
from tunesmith.corpus.reasons import Kind, Summary
from tunesmith.corpus.shards import SHARD_EVENTS
from tunesmith.corpus.songs import MAX_EVENTS, MIN_NOTES
from tunesmith.corpus.store import INDEX, Corpus, ready
from tunesmith.corpus.table import Table
from tunesmith.corpus.workers import Limits

__all__ = [
    "DUPLICATE",
    "INDEX",
    "KEPT",
    "MAX_EVENTS",
    "MIN_NOTES",
    "SHARD_EVENTS",
    "WORK",
    "Corpus",
    "Entry",
    "Gathered",
    "ImportRequest",
    "Ingested",
    "Kind",
    "Limits",
    "Summary",
    "Table",
    "find_files",
    "gathered",
    "importing",
    "ingest",
    "ready",
    "request_key",
    "split",
]
