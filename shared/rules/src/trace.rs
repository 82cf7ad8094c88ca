//! W3C Trace Context: which trace a message belongs to, from its sender's `traceparent` to its agent's.

use serde::{Deserialize, Serialize};

/// A longer `tracestate` is left out, as the recommendation allows.
pub const MAX_STATE: usize = 512;
/// Version, trace, span and flags with their dashes.
const LENGTH: usize = 55;

/// A place in a trace: the two headers that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// `traceparent`: `00-<trace, 32 hex digits>-<span, 16>-<flags, 2>`.
    pub parent: String,
    /// `tracestate`, as the sender gave it.
    #[serde(default)]
    pub state: Option<String>,
}

impl Trace {
    /// From the headers of a request; none where `traceparent` is not valid, whatever `tracestate` says.
    pub fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let bytes = parent.as_bytes();
        let hex = |from: usize, to: usize| {
            bytes.get(from..to).filter(|part| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
        };
        let dashes = [2, 35, 52].iter().all(|at| bytes.get(*at) == Some(&b'-'));
        let (version, trace, span) = (hex(0, 2)?, hex(3, 35)?, hex(36, 52)?);
        hex(53, LENGTH)?;
        let nothing = |id: &[u8]| id.iter().all(|b| *b == b'0');
        // A later version may say more, behind one more dash.
        let ends = bytes.len() == LENGTH || (version != b"00" && bytes.get(LENGTH) == Some(&b'-'));
        if !dashes || !ends || version == b"ff" || nothing(trace) || nothing(span) {
            return None;
        }
        let readable = |state: &&str| {
            !state.is_empty() && state.len() <= MAX_STATE && state.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        Some(Self {
            parent: format!("00{}", parent.get(2..LENGTH)?),
            state: state.map(str::trim).filter(readable).map(str::to_owned),
        })
    }

    /// The first span of a new trace, sampled. Neither id may be 0.
    pub fn begin(trace: u128, span: u64) -> Self {
        Self { parent: format!("00-{:032x}-{:016x}-01", trace.max(1), span.max(1)), state: None }
    }

    /// Another span of the same trace, whose parent this one is.
    #[must_use]
    pub fn span(&self, span: u64) -> Self {
        let flags = self.parent.get(53..).unwrap_or("01");
        Self { parent: format!("00-{}-{:016x}-{flags}", self.id(), span.max(1)), state: self.state.clone() }
    }

    /// The id of the trace, 32 hex digits.
    pub fn id(&self) -> &str {
        self.parent.get(3..35).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_the_recommendation_calls_valid_is_read() {
        let trace = Trace::read(PARENT, Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).unwrap();
        assert_eq!((trace.parent.as_str(), trace.id()), (PARENT, "0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(trace.state.as_deref(), Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
        let later = format!("cc{}-what-the-future-holds", &PARENT[2..]);
        assert_eq!(Trace::read(&later, None).unwrap().parent, PARENT, "passed on as the version that we know");
    }

    #[test]
    fn whatever_else_is_no_trace() {
        let long = "x".repeat(MAX_STATE + 1);
        for parent in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
        ] {
            assert_eq!(Trace::read(parent, None), None, "{parent}");
        }
        for state in ["", "line\nfeed", long.as_str()] {
            assert_eq!(Trace::read(PARENT, Some(state)).unwrap().state, None, "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace: u128, first: u64, second: u64) {
            let begun = Trace::begin(trace, first);
            prop_assert_eq!(Trace::read(&begun.parent, None), Some(begun.clone()));
            let next = begun.span(second);
            prop_assert_eq!(next.id(), begun.id());
            prop_assert_eq!(Trace::read(&next.parent, None), Some(next));
        }

        #[test]
        fn nothing_breaks_the_reader(parent in ".{0,80}", state in ".{0,40}") {
            if let Some(read) = Trace::read(&parent, Some(&state)) {
                prop_assert_eq!(read.parent.len(), LENGTH);
            }
        }
    }
}
