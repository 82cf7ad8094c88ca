//! Traces: a request goes on with its caller's, or begins one; a message keeps its trace until its agent has it.

use rules::trace::Trace;

use crate::http::Call;
use crate::platform::Platform;

impl Platform {
    /// A span of the caller's trace, or the first of a new one where it names none that can be read.
    pub fn trace_of(&self, call: &Call) -> Trace {
        let given = call.header("traceparent").and_then(|parent| Trace::read(parent, call.header("tracestate")));
        match given {
            Some(trace) => trace.span(self.span()),
            None => self.new_trace(),
        }
    }

    /// A trace that begins here: the turn of a schedule, a message of the platform's own.
    pub fn new_trace(&self) -> Trace {
        Trace::begin(self.entropy.uuid().as_u128(), self.span())
    }

    fn span(&self) -> u64 {
        self.entropy.uuid().as_u64_pair().1
    }
}
