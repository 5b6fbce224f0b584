//! The contracts of a configuration, read and checked against it.

use crate::contract::{Contract, Kind};
use crate::settings::{ContractSettings, Settings, SettingsError};
use std::sync::Arc;

/// A contract with what the configuration says of it.
pub(super) struct Configured<'a> {
    pub(super) settings: &'a ContractSettings,
    pub(super) contract: Arc<Contract>,
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

#[cfg(test)]
mod tests {
    use super::*;
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
}
