//! Prints the README's table of monthly bills: `cargo run -p tests --example cost`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", tests::cost::table());
}
