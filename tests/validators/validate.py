"""Validates documents with libxml2, which shares no code with this project.

    validate.py SCHEMAS < MANIFEST

SCHEMAS is the folder of our schemas. The manifest is a JSON list of documents:
    document   the file
    what       what to call it
    grammar    the schema it must follow: a file of SCHEMAS without its extension
    contracts  XSDs its payloads must conform to: each payload to the one of its namespace

Answers a JSON list: for each document, in order, the list of what is wrong with it. An XSD that is none is the first
thing wrong with every document that names it.
"""

import json
import pathlib
import sys

import rnc2rng
from lxml import etree, isoschematron

SDATA = "{http://schemas.sage.com/sdata/2008/1}"
XS = "{http://www.w3.org/2001/XMLSchema}"
PAYLOAD = f"{SDATA}payload"


def parsed(path):
    """The document as it is; nothing is fetched for it."""
    return etree.parse(str(path), etree.XMLParser(resolve_entities=False, no_network=True))


class Schemas:
    """Our schemas, each read once. libxml2 reads RELAX NG in XML only, so the compact form is translated."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.grammars = {}
        self.contracts = {}
        self.rules = isoschematron.Schematron(parsed(self.folder / "rules.sch"), store_report=True)

    def grammar(self, name):
        if name not in self.grammars:
            xml = rnc2rng.dumps(rnc2rng.load(str(self.folder / f"{name}.rnc")))
            self.grammars[name] = etree.RelaxNG(etree.fromstring(xml.encode()))
        return self.grammars[name]

    def contract(self, path):
        """The XSD's namespace and its processor."""
        if path not in self.contracts:
            document = parsed(path)
            declare_parts(document.getroot())
            self.contracts[path] = (document.getroot().get("targetNamespace"), etree.XMLSchema(document))
        return self.contracts[path]


def declare_parts(contract):
    """Children have URLs of their own, and so are roots of payloads; the contract declares them only where they stand."""
    known = {element.get("name") for element in contract.iterfind(f"{XS}element")}
    structures = {structure.get("name") for structure in contract.iterfind(f"{XS}complexType")}
    for part in contract.findall(f".//{XS}complexType//{XS}element"):
        name, typed = part.get("name"), part.get("type", "")
        if name not in known and typed.rpartition(":")[2] in structures:
            known.add(name)
            etree.SubElement(contract, f"{XS}element", name=name, type=typed)


def without_protocol(payload):
    """A copy of the payload without what SData says of it in attributes: contracts do not declare those."""
    copy = etree.fromstring(etree.tostring(payload, with_tail=False))
    for element in copy.iter(etree.Element):
        for name in [name for name in element.attrib if name.startswith(SDATA)]:
            del element.attrib[name]
    return etree.fromstring(etree.tostring(copy))


def payload_faults(document, contracts):
    for payload in document.iterfind(f".//{PAYLOAD}/*"):
        namespace = etree.QName(payload).namespace
        if namespace not in contracts:
            continue
        contract = contracts[namespace]
        if not contract.validate(without_protocol(payload)):
            yield from (f"payload: {error.message}" for error in contract.error_log)


def inlined_faults(schemas, document):
    """What is wrong with a schema that was sent along."""
    for inlined in document.iterfind(f".//{SDATA}schema/*"):
        alone = etree.fromstring(etree.tostring(inlined, with_tail=False))
        grammar = schemas.grammar("contract")
        if not grammar.validate(alone):
            yield from (f"schema: {error.message}" for error in grammar.error_log)
        try:
            etree.XMLSchema(alone)
        except etree.XMLSchemaParseError as error:
            yield f"schema: {error}"


def failed_rules(report):
    for failed in report.iter("{http://purl.oclc.org/dsdl/svrl}failed-assert"):
        yield f"{failed.get('location')}: {' '.join(''.join(failed.itertext()).split())}"


def faults(schemas, entry):
    try:
        contracts = dict(schemas.contract(path) for path in entry["contracts"])
    except etree.Error as error:
        return [f"no XSD: {error}"]
    try:
        document = parsed(entry["document"])
    except etree.Error as error:
        return [f"no XML: {error}"]
    found = []
    grammar = schemas.grammar(entry["grammar"])
    if not grammar.validate(document):
        found += [f"line {error.line}: {error.message}" for error in grammar.error_log]
    if not schemas.rules.validate(document):
        found += failed_rules(schemas.rules.validation_report)
    found += payload_faults(document, contracts)
    found += inlined_faults(schemas, document)
    return found


def main():
    schemas = Schemas(sys.argv[1])
    json.dump([faults(schemas, entry) for entry in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
