//! Which log lines are written, and which spans are there for them.

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::{EnvFilter, Layer};

/// Whether it is this program's, and not for those alone who look for a mistake in it.
pub(super) fn is_own(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("sdata_sync") && *metadata.level() <= Level::INFO
}

fn is_own_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && is_own(metadata)
}

/// What the filter lets pass, and every span of this program: a warning tells of its request and run also where nothing but warnings
/// is asked for.
///
/// It holds for all that take note of lines and spans. Filters of each of them would lose what comes after a mere question
/// whether a line would be written, as `sqlx` asks at every slow statement.
pub(super) struct Wanted(pub(super) EnvFilter);

impl<S: Subscriber> Layer<S> for Wanted {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // It is told in any case: directives that name spans need that.
        let interest = Layer::<S>::register_callsite(&self.0, metadata);
        if is_own_span(metadata) { Interest::always() } else { interest }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        is_own_span(metadata) || self.0.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint().map(|hint| hint.max(LevelFilter::INFO))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tracing_subscriber::layer::SubscriberExt;

    /// What is written of a warning and another line within a span.
    fn written(filter: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
        let wanted = Wanted(EnvFilter::try_new(filter).unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines).with(wanted), || {
            tracing::info_span!("request", tracking_id = "T7").in_scope(|| {
                tracing::warn!("slow");
                tracing::info!("usual");
            });
        });
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn a_warning_tells_of_its_span_also_where_nothing_else_is_asked_for() {
        let text = written("warn");
        assert!(text.contains("request{tracking_id=\"T7\"}") && text.contains("slow"), "{text}");
        assert!(!text.contains("usual"), "{text}");
        assert!(written("info").contains("usual"));
        assert_eq!(written("error"), "");
    }
}
