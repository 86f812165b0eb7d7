"""Names of networks and documents -> their audits, or the inspection of a table that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.audit import audit as audit_document
from archcalc.audit import audit_network, inspect
from archcalc.document import document, textfile
from archcalc.errors import SpecError
from archcalc.spec import library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archcalc.audit.figures import Known
    from archcalc.audit.findings import Paper
    from archcalc.audit.suspects import Inspection
    from archcalc.document.text import Scalar
    from archcalc.spec.inputs import GivenInput


def paper(
    name: str,
    settings: Mapping[str, Scalar] | None = None,
    input: GivenInput | None = None,
    known: Known | None = None,
) -> Paper:
    """The audit of a document by its own name or file, or of one network, which may be altered.

    Raises `SpecError` for a document that cannot be read or built, and `ArchcalcError` for an unknown name.
    """
    altered = bool(settings) or input is not None
    path = None if altered else _document(name)
    if path is None:
        network = library.find(name)
        outlines = library.networks(Path(network.document.file))
        return audit_network(network, outlines, settings, input)
    outlines = library.networks(path)
    return audit_document(outlines[0].document, outlines, known)


def inspection(name: str, fault: SpecError) -> Inspection | None:
    """What is wrong with the table of a document that `paper` refused with `fault`.

    None where the fault lies elsewhere, or where `name` is that of one network only.
    """
    path = _document(name)
    if path is None:
        return None
    try:
        outlines = library.networks(path)
    except SpecError as unread:
        return inspect(document.parse(textfile.read(path), str(path)), unread)
    result = inspect(outlines[0].document, fault, outlines)
    return result if result is not None and result.suspects else None


def _document(name: str) -> Path | None:
    """The file of the document that `name` means; None where it means one network of a document."""
    document = library.find_document(name)
    if document is not None:
        return document
    chosen = library.find(name)
    return Path(chosen.document.file) if chosen.name == str(chosen.document.front.get("name")) else None
