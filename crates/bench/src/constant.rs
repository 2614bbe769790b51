//! Servers that answer a constant: what HTTP alone costs here. Each runs in a child of its own.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::BenchError;

/// Says where a child listens.
pub(crate) const LISTENS: &str = "listens on ";

/// As long as an answer to a check.
fn constant(arguments: &[String]) -> Result<Bytes, BenchError> {
    let length = arguments.first().and_then(|length| length.parse().ok());
    let length: usize = length.ok_or(BenchError::Wrong("no length is named"))?;
    Ok(vec![b'a'; length].into())
}

/// axum with a handler that reads the body and answers a constant.
pub(crate) fn axum_part(arguments: &[String]) -> Result<(), BenchError> {
    let body = constant(arguments)?;
    let handler =
        move |_: Bytes| std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
    let router = Router::new()
        .route("/v1/check", post(handler.clone()))
        .route("/forward-auth", get(handler));
    runtime()?.block_on(async {
        let listener = listen().await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    })
}

/// hyper alone.
pub(crate) fn hyper_part(arguments: &[String]) -> Result<(), BenchError> {
    let body = constant(arguments)?;
    runtime()?.block_on(async {
        let listener = listen().await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let body = body.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let body = body.clone();
                async move {
                    // What a client sends is read, as every handler does.
                    let _ = request.into_body().collect().await;
                    let answer = Response::builder()
                        .header(CONTENT_TYPE, "application/json")
                        .body(Full::new(body))
                        .expect("its headers are constant");
                    Ok::<_, Infallible>(answer)
                }
            });
            tokio::spawn(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    })
}

async fn listen() -> Result<TcpListener, BenchError> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{LISTENS}{}", listener.local_addr()?);
    Ok(listener)
}

fn runtime() -> Result<tokio::runtime::Runtime, BenchError> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}
