//! What a stack costs: units of DynamoDB and SQS per thing done, as counted at the gate in front of every request, and the
//! monthly bill that they make. `cargo run -p tests --example cost` prints the README's table.

use std::fmt::Write as _;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

/// Billed units of DynamoDB on demand, and requests to SQS.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Read request units.
    pub reads: f64,
    /// Write request units.
    pub writes: f64,
    /// Requests.
    pub sqs: f64,
}

/// One message, from the sender's request to its settled answer, its sender not waiting: accept, then one drain for it.
pub const MESSAGE: Usage = Usage { reads: 23.0, writes: 38.0, sqs: 6.0 };
/// One fire of a schedule, placed and delivered.
pub const FIRE: Usage = Usage { reads: 34.5, writes: 62.0, sqs: 6.0 };
/// A further reminder of a fire that is placed.
pub const FOUND_PLACED: Usage = Usage { reads: 4.0, writes: 0.0, sqs: 0.0 };
/// A sweep over a fleet in which nothing happens, without the reading of its leases.
pub const SWEEP: Usage = Usage { reads: 21.0, writes: 3.0, sqs: 0.0 };
/// A tick with nothing due.
pub const TICK: Usage = Usage { reads: 2.0, writes: 1.0, sqs: 1.0 };

impl Usage {
    /// What a request is billed, as far as the request itself tells: each item read is one of up to 4 KB, an update stays
    /// within 1 KB, and what an index is given costs two units, for the entry that goes and the one that comes.
    pub fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null);
        let (service, operation) = target.split_once('.').unwrap_or_default();
        if service == "AmazonSQS" {
            return Self { sqs: 1.0, ..Self::default() };
        }
        let read = |items: usize, consistent: &Value| {
            let unit = if *consistent == Value::Bool(true) { 1.0 } else { 0.5 };
            Self { reads: count(items) * unit, ..Self::default() }
        };
        let write = |writes: f64| Self { writes, ..Self::default() };
        match operation {
            "GetItem" | "Query" => read(1, &body["ConsistentRead"]),
            "BatchGetItem" => values(&body["RequestItems"])
                .map(|table| read(table["Keys"].as_array().map_or(0, Vec::len), &table["ConsistentRead"]))
                .fold(Self::default(), Self::and),
            "PutItem" => write(put(&body["Item"])),
            "UpdateItem" | "DeleteItem" => write(1.0),
            "BatchWriteItem" => {
                let requests = values(&body["RequestItems"]).flat_map(|table| table.as_array().into_iter().flatten());
                write(requests.map(|request| put(&request["PutRequest"]["Item"])).sum())
            }
            "TransactWriteItems" => {
                let items = body["TransactItems"].as_array().into_iter().flatten();
                write(items.map(|item| size(&item["Put"]["Item"]) + put(&item["Put"]["Item"])).sum())
            }
            _ => Self::default(),
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { reads: self.reads + other.reads, writes: self.writes + other.writes, sqs: self.sqs + other.sqs }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, n: f64) -> Self {
        Self { reads: self.reads * n, writes: self.writes * n, sqs: self.sqs * n }
    }

    /// In US dollars.
    pub fn usd(self) -> f64 {
        (self.reads * READ + self.writes * WRITE + self.sqs * SQS) / MILLION
    }
}

fn values(map: &Value) -> impl Iterator<Item = &Value> {
    map.as_object().into_iter().flat_map(|map| map.values())
}

#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
fn count(items: usize) -> f64 {
    items as f64
}

/// Each begun KB of a put. Anything but a put is taken for one.
fn size(item: &Value) -> f64 {
    count(item.to_string().len().div_ceil(1024))
}

/// Write units of a put: its size, and what its index takes. A transaction pays for the size twice.
fn put(item: &Value) -> f64 {
    size(item) + if item["gsi1pk"].is_object() { 2.0 } else { 0.0 }
}

const MILLION: f64 = 1e6;
/// When the prices were list prices: us-east-1, US dollars, without free tiers.
pub const PRICES_OF: &str = "2025";
/// A million read request units.
const READ: f64 = 0.125;
/// A million write request units.
const WRITE: f64 = 0.625;
/// A million requests to SQS, at the price of FIFO queues.
const SQS: f64 = 0.50;
/// A million requests to an HTTP API, of the first 300 million of a month, and of the rest.
const API: (f64, f64) = (1.00, 0.90);
/// A million invocations of functions.
const INVOCATIONS: f64 = 0.20;
/// A GB-second on arm64.
const GB_SECOND: f64 = 0.000_013_333_4;
/// A GB of log.
const LOG_GB: f64 = 0.50;
/// A secret for a month.
const SECRET: f64 = 0.40;

/// Memory of a function, GB.
const MEMORY_GB: f64 = 0.25;
/// Seconds that a heartbeat is taken to run: one update and little else.
const BEAT_SECONDS: f64 = 0.010;
/// Seconds that a sweep of an empty fleet, and a tick, are taken to run.
const SWEEP_SECONDS: f64 = 0.3;
/// Seconds that a message's functions are taken to run together, besides its agent's turn.
const MESSAGE_SECONDS: f64 = 0.15;
/// Reminders of a fire besides the one that places it: four ticks and second looks see it, and who placed the one before it
/// where that was less than two minutes ago.
const FURTHER_REMINDERS: f64 = 4.0;
/// Seconds of an agent's turn for which the dispatch function is paid, where the agent answers in the same call.
const TURN_SECONDS: f64 = 5.0;
/// Long polls of an idle queue, which Lambda makes five of at a time, each of 20 seconds.
const POLLS: f64 = MINUTES * 5.0 * 3.0;
/// Queues that Lambda polls in every stack: wake-ups and reminders.
const POLLED: f64 = 2.0;
/// A million requests to standard queues.
const STANDARD_SQS: f64 = 0.40;
/// What an account has free each month, for good: requests to SQS and to Lambda, and GB-seconds.
const FREE: (f64, f64, f64) = (MILLION, MILLION, 400_000.0);
/// A line of access log, GB.
const LINE_GB: f64 = 350e-9;
/// A lease, KB.
const LEASE_KB: f64 = 0.7;
const MINUTES: f64 = 60.0 * 24.0 * 30.0;
/// A month's heartbeats of one workspace, one every 30 seconds.
const BEATS: f64 = MINUTES * 2.0;

fn lambda(invocations: f64, seconds: f64) -> f64 {
    invocations * INVOCATIONS / MILLION + invocations * seconds * MEMORY_GB * GB_SECOND
}

fn api(requests: f64) -> f64 {
    let first = requests.min(300.0 * MILLION);
    (first * API.0 + (requests - first) * API.1) / MILLION
}

/// One line of the monthly bill.
#[derive(Debug, Clone)]
pub struct Line {
    /// For what.
    pub what: &'static str,
    /// US dollars.
    pub usd: f64,
    /// It falls away where heartbeats go to the Function URL.
    pub only_through_api: bool,
}

/// The monthly bill of a fleet that only beats.
pub fn bill(workspaces: f64) -> Vec<Line> {
    let beats = workspaces * BEATS;
    let line = |what, usd| Line { what, usd, only_through_api: false };
    let read_leases = MINUTES * workspaces * (LEASE_KB / 4.0) * READ / MILLION;
    vec![
        line("the admin token in Secrets Manager", SECRET),
        line(
            "sweeps and ticks",
            SWEEP.times(MINUTES).and(TICK.times(2.0 * MINUTES)).usd() + lambda(3.0 * MINUTES, SWEEP_SECONDS),
        ),
        line("Lambda's polls of two idle queues", POLLED * POLLS * STANDARD_SQS / MILLION),
        line("the sweep's reading of leases", read_leases),
        line("heartbeats: DynamoDB, one write unit each", beats * WRITE / MILLION),
        line("heartbeats: Lambda, requests", beats * INVOCATIONS / MILLION),
        line("heartbeats: Lambda, 10 ms at 256 MB on arm64", beats * BEAT_SECONDS * MEMORY_GB * GB_SECOND),
        Line { what: "heartbeats: API Gateway", usd: api(beats), only_through_api: true },
        Line { what: "heartbeats: access log (`AccessLogs`)", usd: beats * LINE_GB * LOG_GB, only_through_api: true },
    ]
}

/// The bill of an idle stack that has its account's free tiers of SQS and Lambda for itself.
pub fn idle_with_free_tiers() -> f64 {
    let invocations = 3.0 * MINUTES;
    let free = (POLLED * POLLS).min(FREE.0) * STANDARD_SQS / MILLION
        + invocations.min(FREE.1) * INVOCATIONS / MILLION
        + (invocations * SWEEP_SECONDS * MEMORY_GB).min(FREE.2) * GB_SECOND;
    bill(0.0).iter().map(|line| line.usd).sum::<f64>() - free
}

/// What a thousand messages cost, without and with the seconds that dispatch holds the line for an agent that answers in
/// the same call.
pub fn thousand_messages() -> (f64, f64) {
    let one = MESSAGE.usd() + lambda(2.0, MESSAGE_SECONDS / 2.0) + api(1.0) + LINE_GB * LOG_GB;
    (1000.0 * one, 1000.0 * (one + TURN_SECONDS * MEMORY_GB * GB_SECOND))
}

/// What a thousand fires cost, in the same two ways.
pub fn thousand_fires() -> (f64, f64) {
    let one = FIRE.and(FOUND_PLACED.times(FURTHER_REMINDERS)).usd() + lambda(2.0, MESSAGE_SECONDS / 2.0);
    (1000.0 * one, 1000.0 * (one + TURN_SECONDS * MEMORY_GB * GB_SECOND))
}

/// The README's table.
pub fn table() -> String {
    const SIZES: [f64; 4] = [0.0, 100.0, 1_000.0, 100_000.0];
    let bills = SIZES.map(bill);
    let mut text = String::from("| USD a month | idle | 100 workspaces | 1,000 | 100,000 |\n|---|--:|--:|--:|--:|\n");
    for (index, line) in bills[0].iter().enumerate() {
        let cells = bills.iter().map(|bill| money(bill[index].usd)).collect::<Vec<_>>().join(" | ");
        let _ = writeln!(text, "| {} | {cells} |", line.what);
    }
    for (what, through_api) in [("through API Gateway", true), ("through the Function URL", false)] {
        let sum = |bill: &Vec<Line>| {
            money(bill.iter().filter(|line| through_api || !line.only_through_api).map(|line| line.usd).sum())
        };
        let _ = writeln!(text, "| **together, {what}** | {} |", bills.iter().map(sum).collect::<Vec<_>>().join(" | "));
    }
    let _ = writeln!(
        text,
        "\nList prices of us-east-1, {PRICES_OF}, without free tiers; with those that last (a million requests to SQS and to \
         Lambda each,\n400,000 GB-s) an idle stack costs {:.2} USD.",
        idle_with_free_tiers()
    );
    let ((message, held_message), (fire, held_fire)) = (thousand_messages(), thousand_fires());
    let _ = writeln!(
        text,
        "A thousand messages cost {message:.3} USD, a thousand fires {fire:.3} USD, where agents answer 202 and bring the \
         result later,\nas the runtime does; where they answer in the same call after {TURN_SECONDS} s, {held_message:.3} and {held_fire:.3} USD."
    );
    text
}

/// With its cents, and thousands apart.
fn money(usd: f64) -> String {
    let text = format!("{usd:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let digits: Vec<char> = whole.chars().rev().collect();
    let groups: Vec<String> = digits.chunks(3).map(|group| group.iter().rev().collect()).collect();
    let whole = groups.into_iter().rev().collect::<Vec<_>>().join(",");
    format!("{whole}.{cents}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_cents_and_thousands_apart() {
        for (usd, shown) in
            [(0.0, "0.00"), (0.004, "0.00"), (7.0, "7.00"), (999.999, "1,000.00"), (1234567.8, "1,234,567.80")]
        {
            assert_eq!(money(usd), shown);
        }
    }

    #[test]
    fn the_api_gets_cheaper_after_300_million() {
        assert!((api(1e6) - 1.0).abs() < 1e-9);
        assert!((api(400e6) - 390.0).abs() < 1e-9);
    }
}
