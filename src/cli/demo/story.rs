//! What happens in the demonstration, step by step; what is said of it comes from reports and from the audit.

use super::application::{Application, property};
use super::comparison::Comparison;
use super::narration::Narration;
use super::sample::{self, Made};
use crate::cli::output::print;
use crate::cli::progress::Progress;
use crate::engine::{Authorities, PassEvent, Remote, RetryPolicy, RunOutcome, RunPlan, RunReport};
use crate::protocol::paging::PageRequest;
use crate::protocol::{Run, Stamp};
use crate::store::{AuditFilter, ChangeOutcome, ChangeRow};
use crate::wire::{Element, ReadLimits};
use anyhow::{Context, bail};
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Which property the two applications change differently.
const DISPUTED: &str = "creditLimit";
/// What lies between the two changes: enough for one to be the later one.
const A_MOMENT: Duration = Duration::from_millis(20);
/// Rows of the audit that are looked at.
const ROWS: PageRequest = PageRequest { start_index: 1, count: 100 };

/// Tells the whole story; whether both applications are identical at its end.
pub(super) async fn tell(crm: &Application, erp: &Application) -> anyhow::Result<bool> {
    let mut story = Story { crm, erp, narration: Narration::default() };
    print("Two applications that each have data of their own, and runs between them.\n")?;
    print(format_args!("   crm  {}\n   erp  {}", crm.dataset(), erp.dataset()))?;
    let made = sample::fill(crm, erp).await?;
    story.first_run().await?;
    story.changes(&made).await?;
    let order = story.order_without_account().await?;
    story.parked_entry_resolves(order).await?;
    story.last_run().await?;
    story.end().await
}

struct Story<'a> {
    crm: &'a Application,
    erp: &'a Application,
    narration: Narration,
}

impl Story<'_> {
    async fn first_run(&mut self) -> anyhow::Result<()> {
        self.narration.step(
            "The first run, in both directions. crm has accounts and contacts, erp has other accounts, products and \
             orders: each side gets what it lacks.",
        )?;
        self.run("first", None).await?;
        Ok(())
    }

    /// An update, a delete, and one account changed on both sides.
    async fn changes(&mut self, made: &Made) -> anyhow::Result<()> {
        let (Some(account), Some(disputed)) = (made.accounts.first(), made.accounts.get(1)) else {
            bail!("the sample has no accounts")
        };
        let (Some(contact), Some(product)) = (made.contacts.last(), made.products.first()) else {
            bail!("the sample has no contacts or products")
        };
        self.narration.step(
            "Work goes on. crm notes a phone number for Account 1 and deletes a contact, erp changes a price, and both \
             change the credit limit of Account 2: crm to 5000.00, then erp to 7500.00.",
        )?;
        self.crm.update("accounts", account, &sample::change("account", &[("phone", "555 0100")])).await?;
        self.crm.delete("contacts", contact).await?;
        self.erp.update("products", product, &sample::change("product", &[("price", "1.75")])).await?;
        let uuid = self.crm.uuid_of("accounts", disputed).await?;
        let there = self.erp.shared("accounts", uuid).await?.resource.key;
        self.crm.update("accounts", disputed, &sample::change("account", &[(DISPUTED, "5000.00")])).await?;
        tokio::time::sleep(A_MOMENT).await;
        self.erp.update("accounts", &there, &sample::change("account", &[(DISPUTED, "7500.00")])).await?;
        self.run("changes", None).await?;
        self.tell_conflict(uuid).await
    }

    /// Who won and why, as whoever decided it recorded it.
    async fn tell_conflict(&self, uuid: Uuid) -> anyhow::Result<()> {
        let (decider, row) = self.conflict(uuid).await?;
        let record = &row.record;
        let winning = if record.outcome == ChangeOutcome::ConflictWon { &record.source } else { &record.target };
        let endpoint = &winning.as_ref().context("the conflict's states are not in the audit")?.endpoint;
        let crm_won = self.crm.collection("accounts")?.endpoint == *endpoint;
        let (winner, loser) = if crm_won { (self.crm, self.erp) } else { (self.erp, self.crm) };
        let kept = record.losing_payload.as_deref().context("the losing version is not in the audit")?;
        let kept = Element::parse(kept.as_bytes(), &ReadLimits::default())?;
        let stands = loser.shared("accounts", uuid).await?.payload.unwrap_or_default();
        let stands = loser.collection("accounts")?.element(&stands)?;
        self.narration
            .say(&format!("Conflict over Account 2, from the audit of {}: {}.", decider.name, record.message))?;
        self.narration.say(&format!(
            "So {} won: the credit limit is {} on both sides. What {} lost is still in the audit: {}.",
            winner.name,
            property(&stands, DISPUTED),
            loser.name,
            property(&kept, DISPUTED)
        ))?;
        Ok(())
    }

    /// The conflict over a resource: in the audit of the side where the versions met.
    async fn conflict(&self, uuid: Uuid) -> anyhow::Result<(&Application, ChangeRow)> {
        for side in [self.crm, self.erp] {
            let filter = AuditFilter { uuid: Some(uuid), ..AuditFilter::default() };
            let rows = side.provider().store.changes(&filter, ROWS).await?.rows;
            let is_conflict = |row: &ChangeRow| {
                matches!(row.record.outcome, ChangeOutcome::ConflictWon | ChangeOutcome::ConflictLost)
            };
            if let Some(row) = rows.into_iter().find(is_conflict) {
                return Ok((side, row));
            }
        }
        bail!("no conflict was recorded")
    }

    /// An order that arrives before the account it must have; answers its UUID.
    async fn order_without_account(&mut self) -> anyhow::Result<Uuid> {
        self.narration.step(
            "crm has a new account with an order, and only the sales orders are synchronized: the order comes before \
             the account it must have.",
        )?;
        let account = self.crm.create("accounts", &sample::new_account()).await?;
        let order = self.crm.create("salesOrders", &sample::new_order(&account)).await?;
        self.run("orders only", Some("salesOrders")).await?;
        let uuid = self.crm.uuid_of("salesOrders", &order).await?;
        let parked = self.erp.provider().store.parked(&AuditFilter::default(), ROWS).await?.rows;
        let found = parked.iter().find(|(_, parked)| parked.entry.uuid == Some(uuid));
        let (_, parked) = found.context("the order is not parked at erp")?;
        self.narration.say(&format!("Parked at erp, nothing is lost: {}.", parked.message()))?;
        Ok(uuid)
    }

    async fn parked_entry_resolves(&mut self, order: Uuid) -> anyhow::Result<()> {
        self.narration.step("All kinds again: the account arrives, and with it the parked order can be applied.")?;
        self.run("all kinds", None).await?;
        let store = &self.erp.provider().store;
        if store.parked(&AuditFilter::default(), ROWS).await?.total > 0 {
            bail!("an entry is still parked at erp");
        }
        let filter = AuditFilter { uuid: Some(order), ..AuditFilter::default() };
        let rows = store.changes(&filter, ROWS).await?.rows;
        let applied = rows.iter().rfind(|row| row.record.outcome == ChangeOutcome::Created);
        let record = &applied.context("the parked order was not applied")?.record;
        self.narration.say(&format!(
            "The order, from the audit of erp: {} — {}.",
            record.outcome.as_str(),
            record.message
        ))?;
        Ok(())
    }

    async fn last_run(&mut self) -> anyhow::Result<()> {
        self.narration.step("A last run: what has arrived is never sent again.")?;
        self.run("last", None).await?;
        Ok(())
    }

    async fn end(&self) -> anyhow::Result<bool> {
        print(format_args!("\nWhat happened\n{}", self.narration.table()))?;
        let comparison = Comparison::of(self.crm, self.erp).await?;
        print(format_args!("\nBoth applications, compared\n{}", comparison.table(self.crm.name, self.erp.name)))?;
        let is_identical = comparison.is_identical();
        print(if is_identical {
            format!("Identical: all {} resources, one by one, by UUID.", comparison.identical())
        } else {
            "NOT identical.".to_owned()
        })?;
        Ok(is_identical)
    }

    /// One run in both directions, or of one kind from crm to erp.
    async fn run(&mut self, name: &'static str, kind: Option<&str>) -> anyhow::Result<()> {
        let run = Run { name: format!("demo: {name}"), stamp: Stamp::now().to_string() };
        let (source, target) = (self.crm.address(kind)?, self.erp.address(kind)?);
        let plan = RunPlan::new(source, target, run, kind.is_none(), None)?;
        let progress = Arc::new(Progress::fleeting(stderr().is_terminal()));
        let shown = Arc::clone(&progress);
        let observer = move |event: PassEvent| {
            // What is parked is part of the story, and told there.
            if !matches!(event, PassEvent::EntryFailed { .. }) {
                crate::engine::Observer::notice(&*shown, event);
            }
        };
        let authorities = Authorities::default();
        let remote = Remote::new(plan.urls(), [None, None], authorities, RetryPolicy::default(), Arc::new(observer))?;
        let report: RunReport = plan.make(&remote, &CancellationToken::new()).await;
        progress.finish();
        if report.outcome == RunOutcome::Failed {
            let reason = report.failure.map(|failure| failure.to_string()).unwrap_or_default();
            bail!("the run \"{name}\" failed: {reason}");
        }
        Ok(self.narration.ran(name, report)?)
    }
}
