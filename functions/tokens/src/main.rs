//! The `tokens` function on Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::lambda::serve(tokens::router()).await
}
