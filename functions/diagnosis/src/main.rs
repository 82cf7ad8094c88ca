//! The `diagnosis` function on Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    platform::lambda::serve_with_engine(diagnosis::router()).await
}
