//! Receipt handles: which receive of which message a consumer speaks of.

use super::error::{Error, ErrorCode, Result};

/// One receive of one message. The handle is its only form outside the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The run of the engine: handles of an earlier run match nothing, although its numbers come again.
    pub(super) incarnation: u64,
    /// The number of the queue in that run. A queue made anew under its old name has another one.
    pub(super) queue: u32,
    /// The number of the message in its queue.
    pub(super) message: u64,
    /// The how-manieth receive of the message it was. An older one than the last is stale.
    pub(super) receive: u32,
}

const HANDLE_LENGTH: usize = 48;

impl Receipt {
    pub(super) fn handle(&self) -> String {
        format!("{:016x}{:08x}{:016x}{:08x}", self.incarnation, self.queue, self.message, self.receive)
    }

    /// Reads a handle; `ReceiptHandleIsInvalid` when it has not the form of one.
    pub(super) fn parse(handle: &str) -> Result<Self> {
        let invalid =
            || Error::new(ErrorCode::ReceiptHandleIsInvalid, format!("The receipt handle \"{handle}\" is not valid."));
        if handle.len() != HANDLE_LENGTH || !handle.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let number = |from: usize, to: usize| u64::from_str_radix(&handle[from..to], 16).map_err(|_| invalid());
        let short = |from: usize, to: usize| u32::from_str_radix(&handle[from..to], 16).map_err(|_| invalid());
        Ok(Self {
            incarnation: number(0, 16)?,
            queue: short(16, 24)?,
            message: number(24, 40)?,
            receive: short(40, 48)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back() {
        let receipt = Receipt { incarnation: u64::MAX, queue: 7, message: 1 << 40, receive: u32::MAX };
        assert_eq!(Receipt::parse(&receipt.handle()), Ok(receipt));
    }

    #[test]
    fn anything_else_is_refused() {
        for handle in ["", "x", &"g".repeat(48), &"0".repeat(47), &"ü".repeat(24)] {
            let error = Receipt::parse(handle).unwrap_err();
            assert_eq!(error.code, ErrorCode::ReceiptHandleIsInvalid, "{handle}");
        }
    }
}
