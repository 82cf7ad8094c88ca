//! The `dispatch` function on Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    platform::lambda::consume_in_time(dispatch::handle_in_time).await
}
