//! The contracts of a configuration, read and checked against it, and the offer that they make.

use crate::contract::{Contract, Kind};
use crate::provider::{KindOptions, Offer, ServedContract};
use crate::query::Scope;
use crate::settings::{ContractSettings, Settings, SettingsError};
use std::sync::Arc;

/// A contract with what the configuration says of it.
pub(super) struct Configured<'a> {
    pub(super) settings: &'a ContractSettings,
    pub(super) contract: Arc<Contract>,
}

impl Configured<'_> {
    /// What the configuration says of a resource kind, if it says anything.
    pub(super) fn options(&self, kind: &Kind) -> Option<KindOptions> {
        self.settings.kind(&kind.plural_name).map(|decided| KindOptions {
            sync_source: decided.sync_source,
            sync_target: decided.sync_target,
            conflict_priority: decided.conflict_priority,
            indexed: decided.indexed.clone(),
        })
    }

    fn served(self) -> ServedContract {
        let options = |kind: &Kind| Some((kind.plural_name.to_string(), self.options(kind)?));
        ServedContract {
            name: self.settings.name.clone(),
            datasets: self.settings.datasets.clone(),
            kinds: self.contract.kinds().iter().filter_map(options).collect(),
            contract: self.contract,
        }
    }
}

/// What a provider with these settings serves.
///
/// # Errors
/// As [`read_contracts`].
pub(super) fn offer(settings: &Settings) -> Result<Offer, SettingsError> {
    let contracts = read_contracts(settings)?;
    for warning in contracts.iter().flat_map(|configured| configured.contract.warnings()) {
        tracing::warn!("{warning}");
    }
    Ok(Offer {
        base_url: settings.server.base_url.clone(),
        application: settings.application.name.clone(),
        title: settings.application.title.clone(),
        contracts: contracts.into_iter().map(Configured::served).collect(),
        pages: settings.paging,
        contexts_kept: settings.tracking.retention,
    })
}

/// Reads every contract of the configuration.
///
/// # Errors
/// Every schema that cannot be read, and every configured resource kind that its contract does not have.
pub(super) fn read_contracts(settings: &Settings) -> Result<Vec<Configured<'_>>, SettingsError> {
    let mut mistakes = Vec::new();
    let mut configured = Vec::with_capacity(settings.contracts.len());
    for settings in &settings.contracts {
        let read = settings.schema.as_deref().map_or_else(Contract::sample, Contract::read);
        match read {
            Ok(contract) => {
                mistakes.extend(unknown_kinds(settings, contract.kinds()));
                mistakes.extend(unknown_properties(settings, &contract));
                configured.push(Configured { settings, contract: Arc::new(contract) });
            }
            Err(error) => mistakes.push(settings.written.mistake(format!("cannot be served: {error}"))),
        }
    }
    if mistakes.is_empty() { Ok(configured) } else { Err(SettingsError { mistakes }) }
}

fn unknown_kinds(settings: &ContractSettings, kinds: &[Kind]) -> Vec<crate::settings::Mistake> {
    let is_known = |name: &str| kinds.iter().any(|kind| kind.plural_name.eq_ignore_ascii_case(name));
    let names: Vec<&str> = kinds.iter().map(|kind| &*kind.plural_name).collect();
    let unknown = settings.kinds.iter().filter(|kind| !is_known(&kind.name));
    unknown
        .map(|kind| kind.written.mistake(format!("is no resource kind of this contract; it has {}", names.join(", "))))
        .collect()
}

/// Names among `indexed` that lead to no single value.
fn unknown_properties(settings: &ContractSettings, contract: &Contract) -> Vec<crate::settings::Mistake> {
    let mut mistakes = Vec::new();
    for kind in contract.kinds() {
        let scope = Scope { contract, kind, variables: &[], now: chrono::DateTime::UNIX_EPOCH };
        let Some(decided) = settings.kind(&kind.plural_name) else { continue };
        for name in decided.indexed.iter().filter(|name| scope.own_property(name).is_none()) {
            mistakes.push(decided.written.mistake(format!(
                "names '{name}' under indexed, which is no property with a single value; one in a structure is named \
                 with dots, as postalAddress.city"
            )));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Priority;
    use crate::settings::Sources;
    use std::fs;

    fn mistakes(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sdata-sync.toml");
        fs::write(&file, text).unwrap();
        fs::write(folder.path().join("broken.xsd"), "<xs:schema>").unwrap();
        let settings = Settings::read(&Sources { file: Some(file), ..Sources::default() }).unwrap();
        let error = read_contracts(&settings).err().map(|error| error.to_string()).unwrap_or_default();
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_configured_kind_that_the_contract_does_not_have_is_a_mistake() {
        let message = mistakes("[[contracts]]\n[contracts.kinds.Accounts]\n[contracts.kinds.invoices]\n");
        assert!(
            message.starts_with(
                "sdata-sync.toml:3: contracts.0.kinds.invoices is no resource kind of this contract; it has accounts"
            ),
            "{message}"
        );
    }

    #[test]
    fn an_indexed_property_that_the_contract_does_not_have_is_a_mistake() {
        let message =
            mistakes("[[contracts]]\n[contracts.kinds.accounts]\nindexed = [\"name\", \"postalAddress.zip\"]\n");
        assert!(
            message
                .starts_with("sdata-sync.toml:2: contracts.0.kinds.accounts names 'postalAddress.zip' under indexed"),
            "{message}"
        );
    }

    #[test]
    fn a_schema_that_cannot_be_read_is_named_with_the_key_that_names_it() {
        let missing = mistakes("[[contracts]]\nname = \"a\"\nschema = \"nowhere.xsd\"\n");
        assert!(
            missing.starts_with("sdata-sync.toml:3: contracts.0.schema cannot be served: nowhere.xsd: "),
            "{missing}"
        );
        let broken = mistakes("[[contracts]]\nname = \"a\"\nschema = \"broken.xsd\"\n");
        assert!(
            broken.starts_with("sdata-sync.toml:3: contracts.0.schema cannot be served: broken.xsd:1: "),
            "{broken}"
        );
    }

    #[test]
    fn the_offer_holds_what_is_decided_for_the_kinds_whatever_their_letter_case() {
        let flags = [("contracts.0.kinds.ACCOUNTS.conflict_priority", "3"), ("application.name", "erp")];
        let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let offer = offer(&Settings::read(&Sources { flags, ..Sources::default() }).unwrap()).unwrap();
        assert_eq!((offer.application.as_str(), offer.base_url.as_str()), ("erp", "http://127.0.0.1:5493"));
        let [served] = offer.contracts.as_slice() else { panic!("one contract") };
        assert_eq!((served.name.as_str(), served.datasets.as_slice()), ("sample", ["-".to_owned()].as_slice()));
        let options: Vec<_> = served.kinds.iter().map(|(name, options)| (&**name, options.conflict_priority)).collect();
        assert_eq!(options, [("accounts", Priority::new(3))]);
    }
}
