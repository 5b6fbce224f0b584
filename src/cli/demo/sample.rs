//! The data the applications begin with: plainly samples, so that nobody takes them for somebody.

use super::application::Application;

/// The namespace of the sample contract.
const NAMESPACE: &str = "urn:sdata-sync:sample:1";

/// Accounts that crm begins with.
const CRM_ACCOUNTS: u32 = 12;
/// Contacts that crm begins with.
const CRM_CONTACTS: u32 = 8;
/// Accounts that erp begins with, numbered after those of crm.
const ERP_ACCOUNTS: u32 = 4;
/// Products that erp begins with.
const ERP_PRODUCTS: u32 = 6;

/// Keys of what was made, in order of its numbers.
pub(super) struct Made {
    /// Accounts of crm, from 1.
    pub(super) accounts: Vec<String>,
    /// Contacts of crm, from 1.
    pub(super) contacts: Vec<String>,
    /// Products of erp, from 1.
    pub(super) products: Vec<String>,
}

/// Fills both applications, each with its own.
pub(super) async fn fill(crm: &Application, erp: &Application) -> anyhow::Result<Made> {
    let mut made = Made { accounts: Vec::new(), contacts: Vec::new(), products: Vec::new() };
    for number in 1..=CRM_ACCOUNTS {
        made.accounts.push(crm.create("accounts", &account(number)).await?);
    }
    for (number, account) in (1..=CRM_CONTACTS).zip(made.accounts.iter().cycle()) {
        made.contacts.push(crm.create("contacts", &contact(number, account)).await?);
    }
    for number in 1..=ERP_PRODUCTS {
        made.products.push(erp.create("products", &product(number)).await?);
    }
    for number in 1..=ERP_ACCOUNTS {
        let key = erp.create("accounts", &account(CRM_ACCOUNTS + number)).await?;
        erp.create("salesOrders", &order(number, &key, &made.products)).await?;
    }
    Ok(made)
}

/// An account that neither application has.
pub(super) fn new_account() -> String {
    account(CRM_ACCOUNTS + ERP_ACCOUNTS + 1)
}

/// An order of an account, by the account's key; neither application has it.
pub(super) fn new_order(account: &str) -> String {
    order(ERP_ACCOUNTS + 1, account, &[])
}

/// Some properties of a resource, to change these alone.
pub(super) fn change(kind: &str, properties: &[(&str, &str)]) -> String {
    let properties: String = properties.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<{kind} xmlns=\"{NAMESPACE}\">{properties}</{kind}>")
}

fn account(number: u32) -> String {
    let (code, name) = (format!("A-{number:03}"), format!("Account {number}"));
    let limit = format!("{}.00", number * 1000);
    change("account", &[("code", &code), ("name", &name), ("creditLimit", &limit), ("currency", "EUR")])
}

fn contact(number: u32, account: &str) -> String {
    format!(
        "<contact xmlns=\"{NAMESPACE}\" xmlns:sdata=\"{}\"><firstName>Contact</firstName>\
         <lastName>Number {number}</lastName><email>contact{number}@example.com</email>\
         <account sdata:key=\"{account}\"/></contact>",
        crate::wire::names::SDATA
    )
}

fn product(number: u32) -> String {
    let (sku, name, price) = (format!("P-{number:03}"), format!("Product {number}"), format!("{number}.50"));
    change("product", &[("sku", &sku), ("name", &name), ("price", &price), ("currency", "EUR"), ("unit", "piece")])
}

fn order(number: u32, account: &str, products: &[String]) -> String {
    let line = |(index, product): (usize, &String)| {
        format!(
            "<salesOrderLine><lineNumber>{0}</lineNumber><product sdata:key=\"{product}\"/>\
             <quantity>{0}</quantity></salesOrderLine>",
            index + 1
        )
    };
    let lines: String = products.iter().take(3).enumerate().map(line).collect();
    format!(
        "<salesOrder xmlns=\"{NAMESPACE}\" xmlns:sdata=\"{}\"><orderNumber>SO-{number:03}</orderNumber>\
         <status>Confirmed</status><account sdata:key=\"{account}\"/><currency>EUR</currency>\
         <orderLines>{lines}</orderLines></salesOrder>",
        crate::wire::names::SDATA
    )
}
