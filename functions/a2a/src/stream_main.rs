//! The `a2a-stream` function on Lambda: the same routes behind a Function URL, whose answers go out as they come.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::lambda::serve_live(a2a::router()).await
}
