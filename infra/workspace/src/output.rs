//! What is kept of a command's outputs: the beginning of one, the end of the other. All of both is read.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tracing::debug;

/// Reads a pipe to its end and shows each piece to `keep`.
pub async fn drain(mut pipe: impl AsyncRead + Unpin, mut keep: impl FnMut(&[u8])) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        match pipe.read(&mut piece).await {
            Ok(0) => return,
            Ok(length) => keep(&piece[..length]),
            Err(error) => return debug!(%error, "the command's output broke off"),
        }
    }
}

/// The first bytes of an output.
#[derive(Debug)]
pub struct Head {
    kept: Vec<u8>,
    limit: usize,
    discarded: usize,
}

impl Head {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, discarded: 0 }
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = bytes.len().min(self.limit - self.kept.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.discarded += bytes.len() - room;
    }

    /// As text, without the one newline that a command ends its output with. If something is missing, a last line
    /// says so.
    pub fn into_text(self) -> String {
        let text = into_text(self.kept);
        if self.discarded > 0 {
            return format!("{text}\n[{} more bytes of output were discarded]", self.discarded);
        }
        match text.strip_suffix('\n') {
            Some(without) => without.to_owned(),
            None => text,
        }
    }
}

/// The last bytes of an output.
#[derive(Debug)]
pub struct Tail {
    kept: VecDeque<u8>,
    limit: usize,
    cut: bool,
}

impl Tail {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), limit, cut: false }
    }

    /// Something came before what is kept.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.cut |= self.kept.len() + bytes.len() > self.limit;
        self.kept.extend(&bytes[bytes.len().saturating_sub(self.limit)..]);
        self.kept.drain(..self.kept.len().saturating_sub(self.limit));
    }

    /// As text.
    pub fn into_text(self) -> String {
        into_text(self.kept.into())
    }
}

/// What is not UTF-8 becomes U+FFFD.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(limit: usize, pieces: &[&[u8]]) -> String {
        let mut head = Head::new(limit);
        for piece in pieces {
            head.push(piece);
        }
        head.into_text()
    }

    #[test]
    fn one_trailing_newline_is_dropped_and_no_more() {
        assert_eq!(head(99, &[b"a\n", b"\n"]), "a\n");
        assert_eq!(head(99, &[b" a "]), " a ");
        assert_eq!(head(99, &[b"\n"]), "");
    }

    #[test]
    fn what_exceeds_the_limit_is_counted() {
        assert_eq!(head(3, &[b"ab", b"cd", b"ef"]), "abc\n[3 more bytes of output were discarded]");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(head(99, &[b"a\xffb"]), "a\u{fffd}b");
    }

    #[test]
    fn the_tail_is_the_end() {
        let mut tail = Tail::new(4);
        for piece in [&b"abc"[..], b"de", b"0123456789"] {
            tail.push(piece);
        }
        assert!(tail.is_cut());
        assert_eq!(tail.into_text(), "6789");
        let mut whole = Tail::new(4);
        whole.push(b"6789");
        assert!(!whole.is_cut());
    }
}
