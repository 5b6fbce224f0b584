//! Accounts, grants and tokens.

use crate::database::TestDatabase;
use crate::sample::at;
use sdata_sync::protocol::access::{Grant, Role};
use sdata_sync::store::{Store, TokenId};
use std::collections::BTreeSet;

fn grant(role: Role, scope: &str) -> Grant {
    Grant { role, scope: scope.parse().unwrap() }
}

async fn granted(store: &Store, name: &str) -> Vec<Grant> {
    let account = store.account(name).await.unwrap().unwrap();
    store.grants(account.id).await.unwrap().into_iter().collect()
}

pub(crate) async fn an_account_has_a_password_and_any_number_of_grants(db: TestDatabase) {
    let store = &db.store;
    let (reader, writer) = (grant(Role::Reader, "*"), grant(Role::Writer, "crm/sample/-/accounts"));
    assert!(store.add_account("ada", "hash", &reader, at(1)).await.unwrap());
    assert!(!store.add_account("ada", "other", &writer, at(2)).await.unwrap(), "taken");
    assert!(store.add_account("Ada", "hers", &writer, at(3)).await.unwrap(), "names are compared exactly");
    let found = store.account("ada").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.password_hash.as_str(), found.created), ("ada", "hash", at(1)));
    assert_eq!(store.account("nobody").await.unwrap(), None);
    assert!(store.add_grant("ada", &writer).await.unwrap());
    assert!(store.add_grant("ada", &writer).await.unwrap(), "granted already");
    assert_eq!(granted(store, "ada").await, [reader.clone(), writer.clone()]);
    assert!(store.remove_grant("ada", &reader).await.unwrap());
    assert!(!store.remove_grant("ada", &reader).await.unwrap());
    assert_eq!(granted(store, "ada").await, std::slice::from_ref(&writer));
    assert!(store.set_password("ada", "new").await.unwrap());
    assert_eq!(store.account("ada").await.unwrap().unwrap().password_hash, "new");
    let all = store.accounts().await.unwrap();
    let names: BTreeSet<_> = all.iter().map(|(account, grants)| (account.name.as_str(), grants.len())).collect();
    assert_eq!(names, BTreeSet::from([("Ada", 1), ("ada", 1)]));
    for changed in [
        store.add_grant("nobody", &reader).await,
        store.remove_grant("nobody", &reader).await,
        store.set_password("nobody", "hash").await,
        store.remove_account("nobody").await,
    ] {
        assert!(!changed.unwrap());
    }
}

pub(crate) async fn tokens_are_found_by_their_hash_and_go_with_their_account(db: TestDatabase) {
    let store = &db.store;
    store.add_account("ada", "hash", &grant(Role::Synchronizer, "*"), at(1)).await.unwrap();
    let (one, other) = ([1u8; 32], [2u8; 32]);
    assert!(store.add_token("ada", "engine", &one, at(2), Some(at(9))).await.unwrap());
    assert!(store.add_token("ada", "", &other, at(3), None).await.unwrap());
    assert!(!store.add_token("nobody", "", &[3u8; 32], at(3), None).await.unwrap());
    let (token, account) = store.token(&one).await.unwrap().unwrap();
    assert_eq!((account.name.as_str(), token.label.as_str()), ("ada", "engine"));
    assert_eq!((token.created, token.expires, token.last_used), (at(2), Some(at(9)), None));
    assert!(store.token(&[4u8; 32]).await.unwrap().is_none());
    store.note_token_used(token.id, at(5)).await.unwrap();
    assert_eq!(store.token(&one).await.unwrap().unwrap().0.last_used, Some(at(5)));
    let listed: Vec<_> = store.tokens().await.unwrap().into_iter().map(|(token, name)| (token.label, name)).collect();
    assert_eq!(listed, [("engine".to_owned(), "ada".to_owned()), (String::new(), "ada".to_owned())]);
    assert!(store.remove_token(token.id).await.unwrap());
    assert!(!store.remove_token(token.id).await.unwrap());
    assert!(!store.remove_token(TokenId(4_711)).await.unwrap());
    assert!(store.token(&one).await.unwrap().is_none());
    assert!(store.remove_account("ada").await.unwrap());
    assert!(store.token(&other).await.unwrap().is_none());
    assert!(store.tokens().await.unwrap().is_empty() && store.accounts().await.unwrap().is_empty());
    store.add_account("ada", "hash", &grant(Role::Reader, "erp"), at(9)).await.unwrap();
    assert_eq!(granted(store, "ada").await, [grant(Role::Reader, "erp")], "nothing of before is left");
}
