//! An empty function: it answers every request with the same small JSON.

use lambda_http::{Error, Request, service_fn};

async fn answer(_: Request) -> Result<&'static str, Error> {
    Ok(r#"{"status":"ok"}"#)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(answer)).await
}
