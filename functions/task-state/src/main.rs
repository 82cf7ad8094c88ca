//! The `task-state` function on Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    platform::lambda::consume(task_state::handle).await
}
