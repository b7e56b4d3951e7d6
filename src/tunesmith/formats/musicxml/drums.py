"""The drum kit on paper: General MIDI's percussion map on a five-line staff, cymbals with stems up, drums down."""

from __future__ import annotations

# General MIDI drum -> name, place on a staff as in the treble clef, note head
DRUMS = {
    35: ("Acoustic Bass Drum", "E4", "normal"),
    36: ("Bass Drum", "F4", "normal"),
    37: ("Side Stick", "C5", "x"),
    38: ("Snare Drum", "C5", "normal"),
    39: ("Hand Clap", "C5", "x"),
    40: ("Electric Snare", "C5", "normal"),
    41: ("Low Floor Tom", "G4", "normal"),
    42: ("Closed Hi-Hat", "G5", "x"),
    43: ("High Floor Tom", "A4", "normal"),
    44: ("Pedal Hi-Hat", "D4", "x"),
    45: ("Low Tom", "B4", "normal"),
    46: ("Open Hi-Hat", "G5", "circle-x"),
    47: ("Low-Mid Tom", "D5", "normal"),
    48: ("High-Mid Tom", "E5", "normal"),
    49: ("Crash Cymbal", "A5", "x"),
    50: ("High Tom", "E5", "normal"),
    51: ("Ride Cymbal", "F5", "x"),
    53: ("Ride Bell", "F5", "diamond"),
    57: ("Crash Cymbal 2", "B5", "x"),
    59: ("Ride Cymbal 2", "F5", "x"),
}
UP, DOWN = "up", "down"


def drum(pitch: int) -> tuple[str, str, str]:
    """Name, place and note head of a General MIDI drum."""
    return DRUMS.get(pitch, (f"Drum {pitch}", "E5", "triangle"))


def drum_stem(pitch: int) -> str:
    """Where the stem of a drum's notes points: up for what has a cross or the like for a head."""
    return DOWN if drum(pitch)[2] == "normal" else UP
