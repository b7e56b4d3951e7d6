"""Instruments: the codes of `*Ivioln` and `*ICstr`, their names, and General MIDI programs.

Codes: https://www.humdrum.org/instrument-codes/. Programs: General MIDI Level 1 (MIDI Association), from 0 here.
Where General MIDI has no such instrument, the one nearest in sound stands for it. Voices are "Choir Aahs".
"""

from __future__ import annotations

from dataclasses import dataclass

_VOICE = 52
_DRUM_KEYS = {  # General MIDI percussion keys
    "bdrum": ("Bass drum", 36),
    "sdrum": ("Snare drum", 38),
    "piatt": ("Cymbals", 49),
    "crshc": ("Crash cymbal", 49),
    "spshc": ("Splash cymbal", 55),
    "ridec": ("Ride cymbal", 51),
    "fingc": ("Finger cymbals", 80),
    "trngl": ("Triangle", 81),
    "tambn": ("Tambourine", 54),
    "tom": ("Tom-tom", 45),
    "gong": ("Gong", 52),
    "casts": ("Castanets", 75),
    "marac": ("Maracas", 70),
    "drumP": ("Percussion", 38),
}
DEFAULT_DRUM_KEY = 38
_STROKES = {"timpa": 41}  # no percussion key is a kettledrum: a low floor tom is nearest

# program -> (code, name), ...
_BY_PROGRAM: dict[int, tuple[tuple[str, str], ...]] = {
    0: (("piano", "Piano"), ("forte", "Fortepiano"), ("klav", "Keyboard")),
    6: (("cemba", "Harpsichord"), ("clavi", "Clavichord"), ("cembc", "Harpsichord")),
    4: (("rhode", "Electric piano"),),
    8: (("clest", "Celesta"),),
    9: (("glock", "Glockenspiel"),),
    11: (("vibra", "Vibraphone"),),
    12: (("marim", "Marimba"),),
    13: (("xylo", "Xylophone"),),
    14: (("campn", "Bell"), ("caril", "Carillon"), ("chime", "Chimes")),
    15: (("dulc", "Dulcimer"), ("psalt", "Psaltery")),
    16: (("hammd", "Hammond organ"),),
    19: (("organ", "Organ"), ("porta", "Portative organ"), ("calpe", "Calliope")),
    20: (("reedo", "Reed organ"), ("physh", "Harmonium"), ("harmn", "Harmonium")),
    21: (("accor", "Accordion"),),
    22: (("armon", "Harmonica"),),
    23: (("ctina", "Concertina"), ("bando", "Bandoneon")),
    24: (
        ("guitr", "Guitar"), ("liuto", "Lute"), ("archl", "Archlute"), ("tiorb", "Theorbo"), ("cetra", "Cittern"),
        ("quitr", "Gittern"), ("mando", "Mandolin"), ("ukule", "Ukulele"), ("vihue", "Vihuela"),
    ),
    27: (("eguit", "Electric guitar"),),
    33: (("bguit", "Bass guitar"),),
    40: (("violn", "Violin"), ("violp", "Violino piccolo"), ("rebec", "Rebec"), ("kit", "Kit")),
    41: (("viola", "Viola"), ("viold", "Viola d'amore"), ("viols", "Treble viol"), ("violt", "Tenor viol")),
    42: (("cello", "Violoncello"), ("violb", "Bass viol"), ("viole", "Viola da gamba")),
    43: (("cbass", "Contrabass"), ("viono", "Violone")),
    46: (("arpa", "Harp"),),
    47: (("timpa", "Timpani"),),
    48: (("str", "Strings"),),
    _VOICE: (
        ("soprn", "Soprano"), ("canto", "Canto"), ("cant", "Canto"), ("mezzo", "Mezzo-soprano"), ("alto", "Alto"),
        ("calto", "Contralto"), ("ctenor", "Countertenor"), ("tenor", "Tenor"), ("barit", "Baritone"),
        ("bass", "Bass"), ("bspro", "Basso profondo"), ("bscan", "Basso cantante"), ("vox", "Voice"),
        ("feme", "Female voice"), ("male", "Male voice"), ("nfant", "Child's voice"), ("recit", "Recitative"),
        ("lyrsp", "Lyric soprano"), ("drmsp", "Dramatic soprano"), ("colsp", "Coloratura soprano"),
        ("heltn", "Heldentenor"), ("lyrtn", "Lyric tenor"), ("false", "Falsetto"), ("castr", "Castrato"),
    ),
    56: (
        ("tromp", "Trumpet"), ("clrno", "Clarino"), ("tromc", "Trumpet"), ("cornt", "Cornet"), ("flugh", "Flugelhorn"),
    ),
    57: (("tromt", "Trombone"), ("tromb", "Bass trombone"), ("troma", "Alto trombone"), ("troms", "Soprano trombone")),
    58: (
        ("tuba", "Tuba"), ("serp", "Serpent"), ("ophic", "Ophicleide"), ("bombd", "Bombardon"), ("euph", "Euphonium"),
    ),
    60: (("cor", "Horn"),),
    61: (("bras", "Brass"), ("brass", "Brass")),
    64: (("saxS", "Soprano saxophone"), ("saxN", "Sopranino saxophone")),
    65: (("saxA", "Alto saxophone"),),
    66: (("saxT", "Tenor saxophone"),),
    67: (("saxR", "Baritone saxophone"), ("saxB", "Bass saxophone"), ("saxC", "Contrabass saxophone")),
    68: (("oboe", "Oboe"), ("oboeD", "Oboe d'amore"), ("chlms", "Shawm"), ("chlma", "Alto shawm")),
    69: (("cangl", "English horn"), ("chlmt", "Tenor shawm")),
    70: (("fagot", "Bassoon"), ("fag_c", "Contrabassoon"), ("dulcn", "Dulcian"), ("rackt", "Racket")),
    71: (
        ("clars", "Clarinet"), ("clarp", "Piccolo clarinet"), ("clara", "Alto clarinet"), ("clarb", "Bass clarinet"),
        ("baset", "Basset horn"), ("calam", "Chalumeau"), ("krums", "Crumhorn"), ("corno", "Cornett"),
    ),
    72: (("picco", "Piccolo"), ("fife", "Fife")),
    73: (("flt", "Flute"), ("flt_a", "Alto flute"), ("flt_b", "Bass flute"), ("ww", "Woodwind")),
    74: (
        ("fltds", "Recorder"), ("fltdn", "Sopranino recorder"), ("fltda", "Alto recorder"),
        ("fltdt", "Tenor recorder"), ("fltdb", "Bass recorder"),
    ),
    75: (("panpi", "Panpipe"),),
    77: (("shaku", "Shakuhachi"),),
    79: (("ocari", "Ocarina"),),
    104: (("sitar", "Sitar"),),
    105: (("banjo", "Banjo"),),
    106: (("shami", "Shamisen"),),
    107: (("koto", "Koto"),),
    109: (("bagpS", "Bagpipes"), ("bagpI", "Bagpipes"), ("cornm", "Cornemuse")),
    114: (("steel", "Steel drum"),),
}  # fmt: skip  # a table, read across

# instrument classes (*ICstr): the program where no instrument is named
_CLASSES = {"vox": _VOICE, "str": 48, "ww": 73, "bras": 61, "brass": 61, "klav": 0, "idio": 0}
_KEYBOARDS = {"piano", "forte", "klav", "cemba", "cembc", "clavi", "organ", "porta", "reedo", "physh", "harmn",
              "hammd", "clest", "rhode", "accor", "arpa"}  # fmt: skip  # a table, read across


@dataclass(frozen=True, slots=True)
class Instrument:
    """A name, a General MIDI program (0 to 127), and the percussion key of a drum without pitch.

    `stroke`: the key for notes that an instrument with pitch has without pitch, on the skin of a kettledrum perhaps.
    """

    name: str = ""
    program: int = 0
    drum: int | None = None
    stroke: int = DEFAULT_DRUM_KEY


INSTRUMENTS = {
    code: Instrument(name, program, stroke=_STROKES.get(code, DEFAULT_DRUM_KEY))
    for program, group in _BY_PROGRAM.items()
    for code, name in group
} | {code: Instrument(name, 0, key) for code, (name, key) in _DRUM_KEYS.items()}


def instrument_of(code: str, family: str) -> Instrument:
    """The instrument of a code (`violn`), or where that says nothing, of a class (`str`).

    Two instruments on one staff (`oboe&Iclars`) are the first that is known.
    """
    for one in code.split("&"):
        found = INSTRUMENTS.get(one.removeprefix("I"))
        if found:
            return found
    return Instrument(program=_CLASSES.get(family.partition("&")[0], 0))


def is_keyboard(code: str, family: str) -> bool:
    """Whether one player plays several staves of it."""
    return code.partition("&")[0] in _KEYBOARDS or (family == "klav" and code not in INSTRUMENTS)
