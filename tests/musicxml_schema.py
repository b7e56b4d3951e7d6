"""The MusicXML 4.0 schema, as two packages for developers carry it, without a network."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lxml import etree

MUSICXML = ("musicxml", "generate_classes/musicxml_4_0.xsd")
IMPORTED = {  # the end of an address -> package and path
    "xml.xsd": ("xmlschema", "schemas/XML/xml.xsd"),
    "xlink.xsd": ("xmlschema", "schemas/XLINK/xlink.xsd"),
}


class _Carried(etree.Resolver):
    def resolve(self, url: str, _: str | None, context: object) -> object:
        found = IMPORTED.get(url.rsplit("/", 1)[1])
        return self.resolve_string(_carried(*found), context) if found else None


def _carried(package: str, path: str) -> bytes:
    # One address for one schema: the parser refuses two schemas of the same namespace.
    text = files(package).joinpath(path).read_bytes()
    return text.replace(b"http://www.musicxml.org/xsd/xml.xsd", b"http://www.w3.org/2001/xml.xsd")


@cache
def _schema() -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Carried())
    return etree.XMLSchema(etree.fromstring(_carried(*MUSICXML), parser))


def faults(text: str) -> list[str]:
    """What the schema finds wrong in a MusicXML file."""
    schema = _schema()
    schema.validate(etree.fromstring(text.encode(), etree.XMLParser(no_network=True, load_dtd=False)))
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log]
