//! What the names of the audit's contract stand for in its tables (contracts/audit.xsd).

use super::expression::Translator;
use super::flavor::{Form, Sql};
use crate::query::{ProtocolVariable, Target};
use crate::store::AuditKind;
use sea_orm::sea_query::{Alias, Expr};

impl AuditKind {
    const fn table(self) -> &'static str {
        match self {
            Self::Runs => "sync_run",
            Self::Events => "audit_event",
            Self::Changes => "audit_change",
            Self::Parked => "parked_entry",
        }
    }

    /// The table that says of which moment, run and tracking a row is.
    const fn shared(self) -> &'static str {
        match self {
            Self::Changes => "audit_chunk",
            _ => self.table(),
        }
    }

    /// The column that says when the row was made or changed last.
    const fn updated(self) -> &'static str {
        match self {
            Self::Runs => "last_seen",
            Self::Events | Self::Changes => "at",
            Self::Parked => "parked_at",
        }
    }
}

impl Translator<'_> {
    /// What a name stands for in rows of `kind`, joined with `sync_run`, but for runs and events with `collection`, and changes with `audit_chunk`.
    pub(super) fn audit_column(&self, kind: AuditKind, target: &Target) -> Sql {
        match target {
            Target::Protocol(ProtocolVariable::Updated | ProtocolVariable::Published) => {
                Sql::plain(column(kind.shared(), kind.updated()), Form::Micros)
            }
            Target::Protocol(_) => {
                let id = Sql::plain(column(kind.table(), "id"), Form::Text);
                Sql::made(self.flavor().as_text(id), Form::Text)
            }
            Target::Property(path) => self.named(kind, path.first().map_or("", |name| name)),
        }
    }

    fn named(&self, kind: AuditKind, name: &str) -> Sql {
        let flavor = self.flavor();
        let own = |name| column(kind.table(), name);
        let text = |name| Sql::plain(own(name), Form::Text);
        let number = |name| flavor.integer(own(name));
        let moment = |name| Sql::plain(own(name), Form::Micros);
        let endpoint =
            |name| Sql::made(flavor.sql("(SELECT url FROM endpoint WHERE id = $1)", vec![own(name)]), Form::Text);
        let of_run = |what: &str, table: &str| {
            let counted = format!("(SELECT {what} FROM {table} WHERE run_id = $1)");
            flavor.integer(flavor.sql(&counted, vec![own("id")]))
        };
        let is_parked = kind == AuditKind::Parked;
        match name {
            "runName" => Sql::plain(column("sync_run", "run_name"), Form::Text),
            "runStamp" => Sql::plain(column("sync_run", "run_stamp"), Form::Text),
            "firstSeen" => moment("first_seen"),
            "lastSeen" => moment("last_seen"),
            "events" => of_run("COUNT(*)", "audit_event"),
            "changes" => of_run("COALESCE(SUM(changes), 0)", "audit_chunk"),
            "failures" => of_run("COALESCE(SUM(failures), 0)", "audit_chunk"),
            "at" => Sql::plain(column(kind.shared(), "at"), Form::Micros),
            "trackingId" => Sql::plain(column(kind.shared(), "tracking_id"), Form::Text),
            "resourceKind" if kind == AuditKind::Events => text("resource_kind"),
            "resourceKind" => Sql::plain(column("collection", "resource_kind"), Form::Text),
            "operation" => text("operation"),
            "outcome" => text("outcome"),
            "httpStatus" => number("http_status"),
            "durationMillis" => number("duration_millis"),
            "principal" => text("principal"),
            "remoteAddress" => text("remote_address"),
            "message" if is_parked => Sql::made(flavor.json("parked_entry.diagnosis", &["message"]), Form::Text),
            "message" => text("message"),
            "uuid" => Sql::made(flavor.uuid_text(own("uuid")), Form::Text),
            "key" => text("resource_key"),
            "sourceEndpoint" if is_parked => endpoint("endpoint_id"),
            "sourceTick" if is_parked => number("tick"),
            "sourceStamp" if is_parked => moment("stamp"),
            "sourceEndpoint" => endpoint("source_endpoint_id"),
            "sourceTick" => number("source_tick"),
            "sourceStamp" => moment("source_stamp"),
            "targetEndpoint" => endpoint("target_endpoint_id"),
            "targetTick" => number("target_tick"),
            "targetStamp" => moment("target_stamp"),
            "losingPayload" => text("losing_payload"),
            "parkedAt" => moment("parked_at"),
            "attempts" => number("attempts"),
            "nextTryAt" => moment("next_try_at"),
            "payload" => Sql::made(flavor.text_of_bytes(own("payload")), Form::Text),
            // entries, created, updated, deleted, ignored, conflicts, failed
            counter => number(counter),
        }
    }
}

fn column(table: &str, name: &str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(name)))
}
