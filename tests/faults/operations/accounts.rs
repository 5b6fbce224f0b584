//! Accounts: what an operator changes while everything else goes on.

use super::{Operation, nothing, operation};
use crate::node::Node;
use sdata_sync::protocol::access::{Grant, GrantScope, Role};
use sdata_sync::provider::Error;
use sdata_sync::store::{StoreError, TokenId};

pub(super) static OPERATIONS: &[Operation] = &[
    operation("account add", nothing, |node| Box::pin(node.add_account())),
    operation(
        "account password",
        |node| Box::pin(node.add_account()),
        |node| Box::pin(async move { Ok(node.store().set_password(&node.name, "another").await.map(drop)?) }),
    ),
    operation(
        "account grant",
        |node| Box::pin(node.add_account()),
        |node| Box::pin(async move { Ok(node.store().add_grant(&node.name, &all(Role::Writer)).await.map(drop)?) }),
    ),
    operation(
        "account revoke",
        |node| Box::pin(node.add_account()),
        |node| Box::pin(async move { Ok(node.store().remove_grant(&node.name, &all(Role::Reader)).await.map(drop)?) }),
    ),
    operation(
        "account remove",
        |node| Box::pin(node.add_account_with_token()),
        |node| Box::pin(async move { Ok(node.store().remove_account(&node.name).await.map(drop)?) }),
    ),
    Operation {
        // There is the token of the first request.
        is_done: |error| matches!(error, Error::Store(StoreError::Duplicate { .. })),
        ..operation("token add", |node| Box::pin(node.add_account()), |node| Box::pin(node.add_token()))
    },
    operation(
        "token revoke",
        |node| {
            Box::pin(async move {
                node.add_account_with_token().await?;
                let tokens = node.store().tokens().await?;
                let (token, _) = tokens.iter().find(|(_, account)| *account == node.name).unwrap();
                node.remember("token", &token.id.0.to_string());
                Ok(())
            })
        },
        |node| {
            Box::pin(async move {
                let id = TokenId(node.remembered("token").parse().unwrap());
                Ok(node.store().remove_token(id).await.map(drop)?)
            })
        },
    ),
];

/// A role everywhere.
fn all(role: Role) -> Grant {
    Grant { role, scope: GrantScope::default() }
}

impl Node {
    /// An account with the application's name.
    async fn add_account(&self) -> Result<(), Error> {
        let (now, grant) = (self.provider().now(), all(Role::Reader));
        Ok(self.store().add_account(&self.name, "one", &grant, now).await.map(drop)?)
    }

    async fn add_account_with_token(&self) -> Result<(), Error> {
        self.add_account().await?;
        self.add_token().await
    }

    async fn add_token(&self) -> Result<(), Error> {
        let hash = blake3::hash(self.name.as_bytes());
        let now = self.provider().now();
        Ok(self.store().add_token(&self.name, "token", hash.as_bytes(), now, None).await.map(drop)?)
    }
}
