//! The same with hyper, in one thread.

use std::convert::Infallible;
use std::rc::Rc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use net_http_bench::{Count, FILE, HELLO, announce};
use tokio::net::TcpListener;
use tokio::sync::Notify;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, serve());
}

async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    announce(listener.local_addr().expect("an address"));
    let shared = Rc::new((Count::from_arguments(), Notify::new()));
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.set_nodelay(true);
            let shared = shared.clone();
            tokio::task::spawn_local(async move {
                let answer = service_fn(|request: Request<Incoming>| {
                    let response = answer(&request);
                    if shared.0.is_last() {
                        shared.1.notify_one();
                    }
                    async { Ok::<_, Infallible>(response) }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shared.1.notified() => tokio::task::yield_now().await,
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/hello" => (StatusCode::OK, Bytes::from_static(HELLO)),
        "/file" => (StatusCode::OK, Bytes::from_static(&FILE)),
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
