//! Accounts, what they are granted, and their access tokens.

use super::{Store, StoreError, Txn, retrying};
use crate::protocol::Stamp;
use crate::protocol::access::{Grant, Role};
use entities::{access_token, account, account_grant};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use std::collections::{BTreeSet, HashMap};

/// Longest name of an account that can be kept, in characters.
pub const MAX_ACCOUNT_NAME_CHARS: usize = 64;
/// Longest label of a token that can be kept, in characters.
pub const MAX_TOKEN_LABEL_CHARS: usize = 255;

/// An account in this database. An id is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// An access token in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub i64);

/// Somebody the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// The hash of its password, as a PHC string.
    pub password_hash: String,
    /// When it was made.
    pub created: Stamp,
}

/// An access token; the token itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created: Stamp,
    /// From when on it is good for nothing; `None` for never.
    pub expires: Option<Stamp>,
    /// When it was last used, exact to an hour.
    pub last_used: Option<Stamp>,
}

/// Whether something was changed: false where what is named is not there.
type Changed = Result<bool, StoreError>;

impl Store {
    /// The account with this name.
    ///
    /// # Errors
    /// Those of any read, as for all that read below.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        account_named(&self.inner.read, name).await
    }

    /// What an account is granted.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the database holds a role or scope that is none.
    pub async fn grants(&self, account: AccountId) -> Result<BTreeSet<Grant>, StoreError> {
        let rows = account_grant::Entity::find().filter(account_grant::Column::AccountId.eq(account.0));
        rows.all(&self.inner.read).await?.iter().map(grant).collect()
    }

    /// Every account by name, with what it is granted.
    pub async fn accounts(&self) -> Result<Vec<(Account, BTreeSet<Grant>)>, StoreError> {
        let mut grants: HashMap<i64, BTreeSet<Grant>> = HashMap::new();
        for row in account_grant::Entity::find().all(&self.inner.read).await? {
            grants.entry(row.account_id).or_default().insert(grant(&row)?);
        }
        let rows = account::Entity::find().order_by_asc(account::Column::Name).all(&self.inner.read).await?;
        let found = rows.into_iter().map(|row| {
            let granted = grants.remove(&row.id).unwrap_or_default();
            (account_of(row), granted)
        });
        Ok(found.collect())
    }

    /// The token with this hash, and whose it is.
    pub async fn token(&self, hash: &[u8]) -> Result<Option<(AccessToken, Account)>, StoreError> {
        let found = access_token::Entity::find().filter(access_token::Column::TokenHash.eq(hash));
        let Some(row) = found.one(&self.inner.read).await? else { return Ok(None) };
        let account = account::Entity::find_by_id(row.account_id).one(&self.inner.read).await?;
        Ok(account.map(|account| (token_of(row), account_of(account))))
    }

    /// Every token in the order they were made, with the name of its account.
    pub async fn tokens(&self) -> Result<Vec<(AccessToken, String)>, StoreError> {
        let accounts = account::Entity::find().all(&self.inner.read).await?;
        let names: HashMap<_, _> = accounts.into_iter().map(|row| (row.id, row.name)).collect();
        let rows = access_token::Entity::find().order_by_asc(access_token::Column::Id).all(&self.inner.read).await?;
        let named = rows.into_iter().filter_map(|row| {
            let name = names.get(&row.account_id)?.clone();
            Some((token_of(row), name))
        });
        Ok(named.collect())
    }

    /// Makes an account; false where the name is taken.
    ///
    /// # Errors
    /// Those of any write, as for all that write below.
    pub async fn add_account(&self, name: &str, password_hash: &str, grant: &Grant, now: Stamp) -> Changed {
        retrying(|| async {
            let txn = self.begin().await?;
            if account_named(&txn.transaction, name).await?.is_some() {
                return Ok(false);
            }
            let row = account::ActiveModel {
                name: Set(name.to_owned()),
                password_hash: Set(password_hash.to_owned()),
                created_at: Set(now.to_micros()),
                ..Default::default()
            };
            let inserted = account::Entity::insert(row).exec(&txn.transaction).await.map_err(StoreError::from);
            let id = match inserted {
                Ok(inserted) => inserted.last_insert_id,
                // Somebody else was a moment faster.
                Err(StoreError::Duplicate { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            txn.insert_grant(id, grant).await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Removes an account with all it is granted and its tokens.
    pub async fn remove_account(&self, name: &str) -> Changed {
        retrying(|| async {
            let Some((txn, id)) = self.begin_on(name).await? else { return Ok(false) };
            let of_account = access_token::Column::AccountId.eq(id);
            access_token::Entity::delete_many().filter(of_account).exec(&txn.transaction).await?;
            let of_account = account_grant::Column::AccountId.eq(id);
            account_grant::Entity::delete_many().filter(of_account).exec(&txn.transaction).await?;
            account::Entity::delete_by_id(id).exec(&txn.transaction).await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Gives an account another password.
    pub async fn set_password(&self, name: &str, password_hash: &str) -> Changed {
        retrying(|| async {
            let Some((txn, id)) = self.begin_on(name).await? else { return Ok(false) };
            account::Entity::update_many()
                .col_expr(account::Column::PasswordHash, Expr::value(password_hash))
                .filter(account::Column::Id.eq(id))
                .exec(&txn.transaction)
                .await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Grants an account something; what it is granted already stays.
    pub async fn add_grant(&self, name: &str, grant: &Grant) -> Changed {
        retrying(|| async {
            let Some((txn, id)) = self.begin_on(name).await? else { return Ok(false) };
            txn.delete_grant(id, grant).await?;
            match txn.insert_grant(id, grant).await {
                Ok(()) => txn.commit().await?,
                // Somebody else has granted it at the same moment.
                Err(StoreError::Duplicate { .. }) => {}
                Err(error) => return Err(error),
            }
            Ok(true)
        })
        .await
    }

    /// Takes a grant back; false where there is no such account, or it was not granted that.
    pub async fn remove_grant(&self, name: &str, grant: &Grant) -> Changed {
        retrying(|| async {
            let Some((txn, id)) = self.begin_on(name).await? else { return Ok(false) };
            let removed = txn.delete_grant(id, grant).await?;
            txn.commit().await?;
            Ok(removed > 0)
        })
        .await
    }

    /// Keeps a token of an account by its hash.
    pub async fn add_token(&self, name: &str, label: &str, hash: &[u8], now: Stamp, expires: Option<Stamp>) -> Changed {
        retrying(|| async {
            let Some((txn, id)) = self.begin_on(name).await? else { return Ok(false) };
            let row = access_token::ActiveModel {
                account_id: Set(id),
                label: Set(label.to_owned()),
                token_hash: Set(hash.to_vec()),
                created_at: Set(now.to_micros()),
                expires_at: Set(expires.map(Stamp::to_micros)),
                last_used_at: Set(None),
                ..Default::default()
            };
            access_token::Entity::insert(row).exec_without_returning(&txn.transaction).await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Revokes a token.
    pub async fn remove_token(&self, id: TokenId) -> Changed {
        // Not a statement by itself: done twice, because its answer was lost, it would say that there is none.
        retrying(|| async {
            let txn = self.begin().await?;
            let deleted = access_token::Entity::delete_by_id(id.0).exec(&txn.transaction).await?;
            txn.commit().await?;
            Ok(deleted.rows_affected > 0)
        })
        .await
    }

    /// Notes that a token was used `now`.
    pub async fn note_token_used(&self, id: TokenId, now: Stamp) -> Result<(), StoreError> {
        access_token::Entity::update_many()
            .col_expr(access_token::Column::LastUsedAt, Expr::value(now.to_micros()))
            .filter(access_token::Column::Id.eq(id.0))
            .exec(self.single_write())
            .await?;
        Ok(())
    }

    /// Begins a transaction about the account with this name; none where there is no such account.
    async fn begin_on(&self, name: &str) -> Result<Option<(Txn, i64)>, StoreError> {
        let txn = self.begin().await?;
        let account = account_named(&txn.transaction, name).await?;
        Ok(account.map(|account| (txn, account.id.0)))
    }
}

impl Txn {
    async fn insert_grant(&self, account: i64, grant: &Grant) -> Result<(), StoreError> {
        let row = account_grant::ActiveModel {
            account_id: Set(account),
            role: Set(grant.role.as_str().to_owned()),
            scope: Set(grant.scope.to_string()),
        };
        account_grant::Entity::insert(row).exec_without_returning(&self.transaction).await?;
        Ok(())
    }

    async fn delete_grant(&self, account: i64, grant: &Grant) -> Result<u64, StoreError> {
        let deleted = account_grant::Entity::delete_many()
            .filter(account_grant::Column::AccountId.eq(account))
            .filter(account_grant::Column::Role.eq(grant.role.as_str()))
            .filter(account_grant::Column::Scope.eq(grant.scope.to_string()))
            .exec(&self.transaction)
            .await?;
        Ok(deleted.rows_affected)
    }
}

async fn account_named(connection: &impl ConnectionTrait, name: &str) -> Result<Option<Account>, StoreError> {
    let found = account::Entity::find().filter(account::Column::Name.eq(name)).one(connection).await?;
    Ok(found.map(account_of))
}

fn account_of(row: account::Model) -> Account {
    Account {
        id: AccountId(row.id),
        name: row.name,
        password_hash: row.password_hash,
        created: Stamp::from_micros(row.created_at),
    }
}

fn token_of(row: access_token::Model) -> AccessToken {
    AccessToken {
        id: TokenId(row.id),
        account: AccountId(row.account_id),
        label: row.label,
        created: Stamp::from_micros(row.created_at),
        expires: row.expires_at.map(Stamp::from_micros),
        last_used: row.last_used_at.map(Stamp::from_micros),
    }
}

fn grant(row: &account_grant::Model) -> Result<Grant, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("{what} of account {}", row.account_id));
    let role = Role::parse(&row.role).ok_or_else(|| damaged(&format!("role '{}'", row.role)))?;
    let scope = row.scope.parse().map_err(|_| damaged(&format!("scope '{}'", row.scope)))?;
    Ok(Grant { role, scope })
}
