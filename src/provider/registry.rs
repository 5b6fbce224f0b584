//! The registry: which contracts this provider serves, and where (core 14). It is made from the offer whenever it is asked
//! for; nothing of it is stored.

use super::own_resource::OwnResource;
use super::{Error, Offer, Provider, ResourceQuery};
use crate::contract::{Contract, Kind};
use crate::protocol::Stamp;
use crate::protocol::url::segment;
use crate::query::{Field, ProtocolVariable, Scope, Target, Value, matches, order};
use crate::wire::Element;
use std::sync::{Arc, LazyLock};
use url::Url;

/// The schema of the registry's own contract.
pub const SCHEMA: &str = include_str!("../../contracts/registry.xsd");

/// What its resources can be filtered by beside their properties.
const VARIABLES: [ProtocolVariable; 3] = [ProtocolVariable::Key, ProtocolVariable::Updated, ProtocolVariable::Title];

/// A contract that this provider serves, as far as the registry tells of it.
#[derive(Debug, Clone, Copy)]
pub struct RegisteredContract<'a> {
    /// Its name in URLs.
    pub name: &'a str,
    /// What its schema says.
    pub contract: &'a Contract,
    /// The datasets it is served for.
    pub datasets: &'a [String],
}

/// The registry of one provider.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'a> {
    offer: &'a Offer,
    contracts: &'a [RegisteredContract<'a>],
    opened_at: Stamp,
    now: Stamp,
}

impl Provider {
    /// The registry of what this provider serves; `contracts` are those of its application.
    #[must_use]
    pub fn registry<'a>(&'a self, contracts: &'a [RegisteredContract<'a>]) -> Registry<'a> {
        Registry { offer: &self.offer, contracts, opened_at: self.opened_at, now: self.now() }
    }
}

/// The registry's own contract.
///
/// # Errors
/// None while `contracts/registry.xsd` is a contract.
pub fn contract() -> Result<&'static Arc<Contract>, Error> {
    static CONTRACT: LazyLock<Result<Arc<Contract>, String>> =
        LazyLock::new(|| Contract::from_text("registry.xsd", SCHEMA).map(Arc::new).map_err(|error| error.to_string()));
    CONTRACT.as_ref().map_err(|error| Error::Internal(error.clone()))
}

impl Registry<'_> {
    /// What queries on a kind of the registry can be about.
    ///
    /// # Errors
    /// Those of [`contract`].
    pub fn scope<'k>(&self, kind: &'k Kind) -> Result<Scope<'k>, Error> {
        Ok(Scope { contract: contract()?, kind, variables: &VARIABLES, now: self.now.to_datetime() })
    }

    /// The resources of `kind` that `query` asks for, in its order. Nothing is searched for words.
    ///
    /// # Errors
    /// When the provider's URL is none.
    pub fn select(&self, kind: &Kind, query: &ResourceQuery) -> Result<Vec<OwnResource>, Error> {
        let mut found = if &*kind.plural_name == "contracts" { self.contracts(kind) } else { self.endpoints(kind)? };
        if let Some(filter) = &query.filter {
            found.retain(|registration| matches(filter, &|field| value(registration, field)));
        }
        found.sort_by(|left, right| order(&query.order, &|field| value(left, field), &|field| value(right, field)));
        Ok(found)
    }

    fn contracts(&self, kind: &Kind) -> Vec<OwnResource> {
        let registration = |served: &RegisteredContract<'_>| {
            let version = version(served.contract);
            let title = format!("{} {version}", served.name);
            let labels: Vec<_> = served.contract.kinds().iter().map(|kind| kind.label.as_str()).collect();
            let namespace = served.contract.namespace();
            self.registration(kind, served.name.to_owned(), &title)
                .with("name", Some(served.name))
                .with("version", Some(version))
                .with("title", Some(&title))
                .with("description", Some(&labels.join(", ")))
                .with("namespace", Some(namespace))
                .with("baseNamespace", Some(base_namespace(namespace)))
        };
        self.contracts.iter().map(registration).collect()
    }

    fn endpoints(&self, kind: &Kind) -> Result<Vec<OwnResource>, Error> {
        let application = &self.offer.application;
        let mut found = vec![self.endpoint(kind, "application", &[application], None)?];
        for served in self.contracts {
            found.push(self.endpoint(kind, "contract", &[application, served.name], Some(served.contract))?);
            for dataset in served.datasets {
                let path = [application, served.name, dataset];
                found.push(self.endpoint(kind, "dataSet", &path, Some(served.contract))?);
            }
        }
        Ok(found)
    }

    /// The endpoint at `path`: application, contract and dataset, as far as its type goes.
    fn endpoint(
        &self,
        kind: &Kind,
        endpoint_type: &str,
        path: &[&str],
        contract: Option<&Contract>,
    ) -> Result<OwnResource, Error> {
        let escaped: Vec<_> = path.iter().map(|name| segment(name)).collect();
        let url = format!("{}/sdata/{}", self.offer.base_url, escaped.join("/"));
        let parsed = Url::parse(&url).map_err(|error| Error::Internal(format!("{url}: {error}")))?;
        let names = path.get(1..).unwrap_or_default();
        let title = [&[self.offer.title.as_str()], names].concat().join(" ");
        let description = format!("The {endpoint_type} at {url}");
        let port = parsed.port_or_known_default().map(|port| port.to_string());
        let registration = self
            .registration(kind, path.join("/"), &title)
            .with("title", Some(&title))
            .with("description", Some(&description))
            .with("endpointType", Some(endpoint_type))
            .with("protocol", Some(parsed.scheme()))
            .with("host", parsed.host_str())
            .with("port", port.as_deref())
            .with("applicationName", Some(&self.offer.application))
            .with("contractName", path.get(1).copied())
            .with("contractVersion", contract.map(version))
            .with("dataSetName", path.get(2).copied())
            .with("url", Some(&url))
            .with("isBrowsable", Some("true"))
            .with("aliveStamp", Some(self.now));
        Ok(registration)
    }

    /// What is served does not change while the provider runs.
    fn registration(&self, kind: &Kind, key: String, title: &str) -> OwnResource {
        OwnResource::new(Element::new(&kind.namespace, &kind.name), key, title, self.opened_at)
    }
}

/// What a query reads of a resource.
fn value(resource: &OwnResource, field: &Field) -> Option<Value> {
    match &field.target {
        Target::Property(path) => {
            let name = path.first()?;
            let property = resource.element.children().find(|child| child.name == *name)?;
            if property.is_nil() { None } else { Value::read(field.value_type, &property.text()) }
        }
        Target::Protocol(ProtocolVariable::Key) => Some(Value::Text(resource.key.clone())),
        Target::Protocol(ProtocolVariable::Title) => Some(Value::Text(resource.title.clone())),
        Target::Protocol(ProtocolVariable::Updated) => Some(Value::Timestamp(resource.updated.to_datetime())),
        Target::Protocol(_) => None,
    }
}

/// The version a schema says it has; the first, where it says nothing.
fn version(contract: &Contract) -> &str {
    contract.version().unwrap_or("1.0.0")
}

/// A namespace without the version at its end: `http://example.com/crm` of `http://example.com/crm/2009/1`.
fn base_namespace(namespace: &str) -> &str {
    let is_version = |part: &str| {
        let digits = part.strip_prefix(['v', 'V']).unwrap_or(part);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let mut base = namespace;
    while let Some((before, last)) = base.rsplit_once(['/', ':']) {
        if !is_version(last) {
            break;
        }
        base = before;
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// CORE-14.2-01.
    #[rstest]
    #[case::the_specifications("http://schemas.sage.com/GCRM/2009/1", "http://schemas.sage.com/GCRM")]
    #[case::urn("urn:sdata-sync:sample:1", "urn:sdata-sync:sample")]
    #[case::dotted("http://example.com/crm/v1.2", "http://example.com/crm")]
    #[case::without_version("http://example.com/crm", "http://example.com/crm")]
    fn the_base_namespace_is_that_of_all_versions(#[case] namespace: &str, #[case] base: &str) {
        assert_eq!(base_namespace(namespace), base);
    }
}
