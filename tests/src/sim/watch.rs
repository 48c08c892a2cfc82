//! Listens to what the code under test logs: an ERROR in a run is a failure.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Collects ERROR events of the current thread until dropped.
pub struct Watch {
    errors: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

struct Errors(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String does not fail.
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
        }
    }
}

impl Watch {
    /// Starts listening.
    pub fn start() -> Self {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Errors(Arc::clone(&errors)));
        Self {
            errors,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// What was logged so far.
    pub fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_are_kept() {
        let watch = Watch::start();
        tracing::warn!("not this");
        assert!(watch.errors().is_empty());
        tracing::error!(code = 7, "this");
        assert_eq!(watch.errors().len(), 1);
        assert!(watch.errors()[0].contains("code=7"));
    }
}
