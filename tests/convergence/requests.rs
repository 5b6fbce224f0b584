//! What users write: resource elements of the sample contract, each with a marker that names the change.

use crate::kinds::marker_property;
use sdata_sync::wire::{Entry, ReadLimits, read_entry};
use uuid::Uuid;

const SAMPLE: &str = "urn:sdata-sync:sample:1";

/// How a change names another resource.
#[derive(Debug, Clone)]
pub(crate) enum Refer {
    Uuid(Uuid),
    Key(String),
}

impl Refer {
    fn attribute(&self) -> String {
        match self {
            Self::Uuid(uuid) => format!("sdata:uuid=\"{uuid}\""),
            Self::Key(key) => format!("sdata:key=\"{key}\""),
        }
    }
}

/// What a change sets beside the marker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// Set on creation: code, SKU, number or last name.
    pub(crate) name: Option<String>,
    /// Any scalar properties, `None` for `xsi:nil`.
    pub(crate) scalars: Vec<(&'static str, Option<String>)>,
    /// The account of a contact or an order.
    pub(crate) account: Option<Refer>,
    /// The lines of an order: product and quantity.
    pub(crate) lines: Option<Vec<(Refer, u32)>>,
}

/// The entry that a user sends.
pub(crate) fn entry(kind: &str, marker: &str, written: &Written) -> Entry {
    let element = kind.strip_suffix('s').unwrap();
    let mut xml = String::new();
    if let Some(name) = &written.name {
        let property = match kind {
            "accounts" => "code",
            "products" => "sku",
            "contacts" => "lastName",
            _ => "orderNumber",
        };
        xml.push_str(&format!("<{property}>{name}</{property}>"));
        if matches!(kind, "accounts" | "products") {
            xml.push_str(&format!("<name>{name}</name>"));
        }
    }
    for (property, value) in &written.scalars {
        match value {
            Some(value) => xml.push_str(&format!("<{property}>{value}</{property}>")),
            None => xml.push_str(&format!("<{property} xsi:nil=\"true\"/>")),
        }
    }
    if let Some(account) = &written.account {
        xml.push_str(&format!("<account {}/>", account.attribute()));
    }
    if let Some(lines) = &written.lines {
        let lines = lines.iter().map(|(product, quantity)| {
            let product = product.attribute();
            format!("<salesOrderLine><product {product}/><quantity>{quantity}</quantity></salesOrderLine>")
        });
        let lines: String = lines.collect();
        xml.push_str(&format!("<orderLines sdata:deleteMissing=\"true\">{lines}</orderLines>"));
    }
    let property = marker_property(kind);
    xml.push_str(&format!("<{property}>{marker}</{property}>"));
    let xml = format!(
        "<entry xmlns=\"http://www.w3.org/2005/Atom\" xmlns:sdata=\"http://schemas.sage.com/sdata/2008/1\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><sdata:payload><{element} xmlns=\"{SAMPLE}\">{xml}</{element}>\
         </sdata:payload></entry>"
    );
    read_entry(xml.as_bytes(), ReadLimits::default()).unwrap()
}
