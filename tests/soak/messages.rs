//! What writers send and read: resources of the sample contract, each with a marker that names its version.

use crate::kinds::marker_property;
use crate::support::app::child;
use crate::support::messages::{SAMPLE, entry};
use sdata_sync::wire::Element;

/// What a new version says.
#[derive(Default)]
pub(crate) struct Written {
    /// Of a resource that is created.
    pub(crate) name: Option<String>,
    /// The key of an account here.
    pub(crate) account: Option<String>,
    /// The keys of products here, one for each line of an order.
    pub(crate) products: Vec<String>,
    /// Anything; makes versions differ in more than their marker.
    pub(crate) number: u32,
}

/// The marker of a resource.
pub(crate) fn marker_of(kind: &str, resource: &Element) -> String {
    child(resource, marker_property(kind))
}

/// The resource element of a new version.
pub(crate) fn resource(kind: &str, marker: &str, written: &Written) -> String {
    let mut content = String::new();
    if let Some(name) = &written.name {
        content += &match kind {
            "accounts" => format!("<code>{name}</code><name>{name}</name>"),
            "products" => format!("<sku>{name}</sku><name>{name}</name>"),
            "contacts" => format!("<lastName>{name}</lastName>"),
            _ => format!("<orderNumber>{name}</orderNumber>"),
        };
    }
    let number = written.number;
    content += &match kind {
        "accounts" | "contacts" => format!("<phone>+49 {number}</phone><email>a{number}@example.com</email>"),
        "products" => format!("<price>{number}.50</price>"),
        _ => format!("<orderDate>2026-01-{:02}</orderDate>", number % 28 + 1),
    };
    if let Some(account) = &written.account {
        content += &format!("<account sdata:key=\"{account}\"/>");
    }
    if !written.products.is_empty() {
        let lines = written.products.iter().map(|product| {
            format!("<salesOrderLine><product sdata:key=\"{product}\"/><quantity>{number}</quantity></salesOrderLine>")
        });
        content += &format!("<orderLines sdata:deleteMissing=\"true\">{}</orderLines>", lines.collect::<String>());
    }
    let (element, property) = (kind.trim_end_matches('s'), marker_property(kind));
    format!("<{element} xmlns=\"{SAMPLE}\">{content}<{property}>{marker}</{property}></{element}>")
}

/// The same as the body of a request.
pub(crate) fn body(kind: &str, marker: &str, written: &Written) -> String {
    entry(&resource(kind, marker, written))
}

/// The body that links the resource at `url`.
pub(crate) fn link(kind: &str, url: &str) -> String {
    entry(&format!("<{} xmlns=\"{SAMPLE}\" sdata:url=\"{url}\"/>", kind.trim_end_matches('s')))
}
