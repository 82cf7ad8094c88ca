//! The `dispatch` function on Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    platform::lambda::consume_with_queues(dispatch::handle).await
}
