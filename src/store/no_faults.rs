//! No faults are planned in the program that is shipped (`faults.rs` is the other side).

use sea_orm::{ConnectionTrait, DbErr};

/// The kinds of steps of a store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Statement,
    Alone,
    Begin,
    Commit,
}

/// Nothing is planned.
#[derive(Debug, Clone)]
pub(super) struct Faults;

/// Nothing is to happen.
pub(super) struct Ahead;

impl Faults {
    /// Whatever the environment says.
    #[expect(clippy::unnecessary_wraps, reason = "the other side reads a plan, which can be wrong")]
    pub(super) const fn of_environment() -> Result<Self, DbErr> {
        Ok(Self)
    }

    /// Lets every step pass.
    #[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "the other side may wait, and fail")]
    pub(super) async fn pass(&self, _: &impl ConnectionTrait, _: Step, _: &str) -> Result<Ahead, DbErr> {
        Ok(Ahead)
    }
}

impl Ahead {
    /// The step is done.
    #[expect(clippy::unused_async, clippy::unnecessary_wraps, reason = "the other side may wait, and fail")]
    pub(super) async fn done(self) -> Result<(), DbErr> {
        Ok(())
    }
}
