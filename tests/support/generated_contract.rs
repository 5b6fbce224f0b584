//! Makes a contract of the size and make of a full CRM-ERP contract: about 1 MB, 52 resource kinds, a service
//! operation, a second namespace, and every liberty that deployed contracts take.
//!
//! Include it with `#[path = "support/generated_contract.rs"] mod generated_contract;`.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// Namespace of the contract.
pub const NAMESPACE: &str = "urn:sdata-sync:generated:1";
/// Namespace of the types it imports.
pub const COMMON: &str = "urn:sdata-sync:generated-common:1";
/// Resource kinds of the main schema.
pub const KINDS: usize = 52;
/// Scalar properties of every kind.
pub const SCALARS: usize = 42;

const AREAS: [&str; 4] = ["sales", "purchase", "transfer", "service"];
const DOCUMENTS: [&str; 6] = ["Order", "Quote", "Invoice", "Credit", "Return", "Shipment"];
const MASTERS: [&str; 4] = ["account", "contact", "product", "taxRate"];

const ENUMERATION: [&str; 4] = ["Unknown", "Not Set", "Some", "All & More"];

/// Type and value of a scalar property, by its position.
fn scalar(position: usize) -> (&'static str, &'static str) {
    const TYPES: [(&str, &str); 12] = [
        ("xs:normalizedString", "a text of some words"),
        ("xs:decimal", "1234.50"),
        ("xs:boolean", "true"),
        ("xs:date", "2009-05-31"),
        ("xs:time", "13:20:00"),
        ("xs:dateTime", "2009-05-31T13:20:00Z"),
        ("xs:duration", "P1DT2H"),
        ("state--enum", "All &amp; More"),
        ("sc:code--type", "AB-12"),
        ("sc:short--type", "short"),
        ("xs:string", " kept as it is "),
        ("sc:percent--type", "12.5"),
    ];
    TYPES[position % TYPES.len()]
}

/// Names of the document kinds: `salesOrder`, `salesQuote` …
fn documents() -> impl Iterator<Item = String> {
    AREAS.iter().flat_map(|area| DOCUMENTS.iter().map(move |document| format!("{area}{document}")))
}

/// Singular names of all kinds of the main schema; the plural has an `s` more.
pub fn kinds() -> Vec<String> {
    let masters = MASTERS.iter().map(|name| (*name).to_owned());
    masters.chain(documents().flat_map(|name| [name.clone(), format!("{name}Line")])).collect()
}

/// Writes the contract into `folder`.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_to(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join("generated.xsd");
    std::fs::write(&path, main_schema())?;
    std::fs::write(folder.join("generated-common.xsd"), common_schema())?;
    Ok(path)
}

fn head(namespace: &str, more: &str) -> String {
    format!(
        "\u{feff}<?xml-stylesheet type=\"text/xsl\" href=\"schema.xslt\"?>\n<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:sme=\"http://schemas.sage.com/sdata/sme/2007\" xmlns=\"{namespace}\" {more} targetNamespace=\"{namespace}\" \
         elementFormDefault=\"qualified\" version=\"1.1.0\">\n"
    )
}

/// The main schema.
pub fn main_schema() -> String {
    let mut xsd = head(NAMESPACE, &format!("xmlns:sc=\"{COMMON}\""));
    let _ = writeln!(xsd, "  <xs:import namespace=\"{COMMON}\" schemaLocation=\"generated-common.xsd\"/>");
    for (position, name) in kinds().iter().enumerate() {
        kind(&mut xsd, name, position);
    }
    polymorphic(&mut xsd);
    service_operation(&mut xsd);
    let values: String = ENUMERATION
        .iter()
        .map(|value| format!("<xs:enumeration value=\"{}\"/>", value.replace('&', "&amp;")))
        .collect();
    let _ = writeln!(
        xsd,
        "  <xs:simpleType name=\"state--enum\"><xs:restriction base=\"xs:string\">{values}</xs:restriction></xs:simpleType>"
    );
    xsd.push_str("</xs:schema>\n");
    xsd
}

/// Some kinds synchronize both ways, some are only sources and cannot be created, some do not synchronize but
/// have an order all the same, and some say nothing.
fn annotations(position: usize) -> &'static str {
    match position % 4 {
        _ if position < 3 => {
            "sme:canGet=\"true\" sme:canPut=\"true\" sme:canPost=\"true\" sme:canDelete=\"true\" sme:hasUuid=\"true\" sme:isSyncSource=\"true\" sme:isSyncTarget=\"true\""
        }
        0 => {
            "sme:canGet=\"true\" sme:canPut=\"true\" sme:canPost=\"true\" sme:hasUuid=\"true\" sme:isSyncSource=\"true\" sme:isSyncTarget=\"true\""
        }
        1 => "sme:canGet=\"true\" sme:isSyncSource=\"true\"",
        2 => "sme:canGet=\"true\" sme:compliance=\"may\" sme:unheardOf=\"yes\"",
        _ => "",
    }
}

fn kind(xsd: &mut String, name: &str, position: usize) {
    let order = (position + 1) * 10;
    let annotations = annotations(position);
    let _ = writeln!(
        xsd,
        "  <xs:element name=\"{name}\" type=\"{name}--type\" sme:role=\"resourceKind\" sme:pluralName=\"{name}s\" {annotations} sme:syncOrder=\"{order}\"/>\n  <xs:complexType name=\"{name}--type\">"
    );
    let group = if position % 3 == 2 { "sequence" } else { "all" };
    let _ = writeln!(xsd, "    <xs:{group}>");
    for number in 0..SCALARS {
        let (value, _) = scalar(number);
        let more = match number {
            0 => "sme:isMandatory=\"true\" sme:isUniqueKey=\"True\"",
            1 => "minOccurs=\"0\"",
            2 => "minOccurs=\"0\" sme:isReadOnly=\"true\"",
            _ => "nillable=\"true\" minOccurs=\"0\"",
        };
        property(xsd, name, &format!("property{number}"), value, more);
    }
    relationships(xsd, name);
    let _ = writeln!(
        xsd,
        "    </xs:{group}>\n    <xs:anyAttribute/>\n  </xs:complexType>\n  <xs:complexType name=\"{name}--list\">\n    <xs:sequence>\n      \
         <xs:element name=\"{name}\" type=\"{name}--type\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\n    </xs:sequence>\n    \
         <xs:anyAttribute/>\n  </xs:complexType>"
    );
}

fn property(xsd: &mut String, kind: &str, name: &str, value: &str, more: &str) {
    let _ = writeln!(
        xsd,
        "      <xs:element name=\"{name}\" type=\"{value}\" {more} sme:label=\"{kind} {name}\">\n        <xs:annotation>\n          <xs:documentation>\n            \
         What the property {name} of the resource kind {kind} means to the applications that share it; long enough\n            \
         to be like the documentation of a real contract, with an example here and a default there.\n          \
         </xs:documentation>\n        </xs:annotation>\n      </xs:element>"
    );
}

fn relationships(xsd: &mut String, name: &str) {
    let optional = "nillable=\"true\" minOccurs=\"0\" sme:isCollection=\"false\" sme:relationship=\"reference\"";
    let children = "minOccurs=\"0\" sme:isCollection=\"true\" sme:relationship=\"child\"";
    let associated = "nillable=\"true\" minOccurs=\"0\" sme:isCollection=\"true\" sme:relationship=\"association\"";
    property(xsd, name, "addresses", "sc:address--list", children);
    match name.strip_suffix("Line") {
        Some(document) => {
            property(xsd, name, document, &format!("{document}--type"), "minOccurs=\"0\" sme:relationship=\"parent\"");
            property(xsd, name, "product", "product--type", optional);
        }
        None if name == "contact" => property(xsd, name, "account", "account--type", optional),
        None if documents().any(|document| document == name) => {
            let mandatory = "minOccurs=\"0\" sme:relationship=\"reference\" sme:isMandatory=\"true\"";
            property(xsd, name, "account", "account--type", mandatory);
            property(xsd, name, "contact", "contact--type", optional);
            property(xsd, name, &format!("{name}Lines"), &format!("{name}Line--list"), children);
            property(xsd, name, "originator", "document--type", "minOccurs=\"0\" sme:relationship=\"reference\"");
            property(xsd, name, "related", "document--list", associated);
            property(xsd, name, "deliveryAddress", "sc:address--type", "nillable=\"true\" minOccurs=\"0\"");
        }
        None => property(xsd, name, "taxRates", "taxRate--list", associated),
    }
}

/// A document of whatever kind, and a list of such.
fn polymorphic(xsd: &mut String) {
    let members: String =
        documents().map(|name| format!("      <xs:element name=\"{name}\" type=\"{name}--type\"/>\n")).collect();
    let _ = write!(
        xsd,
        "  <xs:complexType name=\"document--type\">\n    <xs:choice minOccurs=\"0\">\n{members}    </xs:choice>\n  </xs:complexType>\n  \
         <xs:complexType name=\"document--list\">\n    <xs:choice minOccurs=\"0\" maxOccurs=\"unbounded\">\n{members}    </xs:choice>\n  </xs:complexType>\n"
    );
}

fn service_operation(xsd: &mut String) {
    xsd.push_str(
        "  <xs:element name=\"computePrice\" type=\"computePrice--type\" sme:role=\"serviceOperation\" sme:path=\"products/$service/computePrice\"/>\n  \
         <xs:complexType name=\"computePrice--type\">\n    <xs:all>\n      <xs:element name=\"request\" type=\"document--list\" minOccurs=\"0\"/>\n      \
         <xs:element name=\"response\" type=\"document--list\" minOccurs=\"0\"/>\n    </xs:all>\n  </xs:complexType>\n",
    );
}

/// The schema that the main one imports.
pub fn common_schema() -> String {
    let mut xsd = head(COMMON, "");
    xsd.push_str(
        r#"  <xs:element name="address" type="address--type" sme:role="resourceKind" sme:pluralName="addresses" sme:canGet="true"/>
  <xs:complexType name="place--type">
    <xs:sequence>
      <xs:element name="town" type="xs:normalizedString" nillable="true" minOccurs="0"/>
      <xs:element name="country" type="country--type" nillable="true" minOccurs="0"/>
    </xs:sequence>
    <xs:anyAttribute/>
  </xs:complexType>
  <xs:complexType name="address--type">
    <xs:complexContent>
      <xs:extension base="place--type">
        <xs:sequence>
          <xs:element name="line" type="short--type" minOccurs="0" maxOccurs="4"/>
          <xs:element name="zip" type="code--type" nillable="true" minOccurs="0"/>
        </xs:sequence>
      </xs:extension>
    </xs:complexContent>
  </xs:complexType>
  <xs:complexType name="address--list">
    <xs:sequence>
      <xs:element name="address" type="address--type" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:anyAttribute/>
  </xs:complexType>
  <xs:simpleType name="code--type">
    <xs:restriction base="xs:token"><xs:pattern value="[A-Z0-9]+(-[A-Z0-9]+)*"/><xs:maxLength value="20"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="short--type">
    <xs:restriction base="xs:normalizedString"><xs:minLength value="1"/><xs:maxLength value="60"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="country--type">
    <xs:restriction base="xs:token"><xs:length value="2"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="percent--type">
    <xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:maxInclusive value="100"/></xs:restriction>
  </xs:simpleType>
"#,
    );
    xsd.push_str("</xs:schema>\n");
    xsd
}

/// UUID of the account that every generated document refers to.
pub const ACCOUNT: &str = "11111111-1111-4111-8111-111111111111";

/// A resource of the kind `name` (singular) with all its scalar properties, an address, and, if it is a document,
/// its account, two lines and what it goes back to.
pub fn payload(name: &str, number: u64) -> String {
    let mut xml = format!(
        "<{name} xmlns=\"{NAMESPACE}\" xmlns:sdata=\"http://schemas.sage.com/sdata/2008/1\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{}<addresses><address xmlns=\"{COMMON}\"><town>Ulm</town>\
         <country>DE</country><line>first</line><line>second</line></address></addresses>",
        scalars(number)
    );
    if documents().any(|document| document == name) {
        let line = format!("<{name}Line>{}</{name}Line>", scalars(number));
        let _ = write!(
            xml,
            "<account sdata:uuid=\"{ACCOUNT}\"/><{name}Lines sdata:deleteMissing=\"true\">{line}{line}</{name}Lines>\
             <originator><salesQuote sdata:uuid=\"{ACCOUNT}\"/></originator>\
             <related><serviceOrder sdata:uuid=\"{ACCOUNT}\"/><salesQuote sdata:uuid=\"{ACCOUNT}\"/></related>"
        );
    }
    let _ = write!(xml, "</{name}>");
    xml
}

fn scalars(number: u64) -> String {
    let value =
        |position: usize| if position == 0 { format!("resource {number}") } else { scalar(position).1.to_owned() };
    (0..SCALARS).map(|position| format!("<property{position}>{}</property{position}>", value(position))).collect()
}
