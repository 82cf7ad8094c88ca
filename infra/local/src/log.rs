//! The log on stderr, for a person: `12:00:00.123 POST /registry/heartbeat 200 1.2ms`.

use std::fmt;

use chrono::Local;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of request lines, which stand for themselves.
const REQUESTS: &str = "http";

/// What is logged unless asked otherwise. A condition that does not hold is an everyday answer of DynamoDB, and dynoxide
/// warns of each.
const DEFAULT: &str = "info,dynoxide=error";

/// Installs the log of this process. `filter`, in the form of `RUST_LOG`, changes the default; one that is not in that
/// form leaves it.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_new(format!("{DEFAULT},{filter}")).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A reader of stderr that has gone must not take a request with it.
        .log_internal_errors(false)
        .event_format(Lines)
        .finish();
    // Whoever came first stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message").replace('\n', " ");
        tracing::error!(%place, "panic: {message}");
    }));
}

/// One line per event.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(line, "{} ", Local::now().format("%H:%M:%S%.3f"))?;
        let metadata = event.metadata();
        if metadata.target() != REQUESTS {
            if *metadata.level() != Level::INFO {
                write!(line, "{} ", metadata.level())?;
            }
            write!(line, "{}: ", metadata.target().split("::").next().unwrap_or_default())?;
        }
        context.field_format().format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}
