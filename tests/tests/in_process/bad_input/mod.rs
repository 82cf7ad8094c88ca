//! Input that nobody should send, and input that looks wrong and is right.
