//! The service behind every program that is measured: plain HTTP on loopback, as fast as this machine allows.
//!
//! An address says what it answers: `/d50/s6000/search` waits 50 ms and gives a result of about 6,000 bytes in the form of
//! Tavily, `/d0/s6000/mcp` is an MCP server whose one tool gives the same.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;

/// The service, ended with this.
pub struct Service {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Service {
    pub fn start() -> Outcome<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    let answer = service_fn(answer);
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Ok(Self { address, _runtime: runtime })
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The path under which it waits so long and answers so much.
    pub fn path(delay: u64, size: usize) -> String {
        format!("/d{delay}/s{size}")
    }

    pub fn url(&self, delay: u64, size: usize) -> String {
        format!("http://{}{}", self.address, Self::path(delay, size))
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let number = |mark: char| {
        let word = path.split('/').find_map(|word| word.strip_prefix(mark).and_then(|rest| rest.parse::<usize>().ok()));
        word.unwrap_or_default()
    };
    let (delay, size) = (number('d'), number('s'));
    let is_post = request.method() == Method::POST;
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (code, text) = match path.rsplit('/').next() {
        Some("search") if is_post => (StatusCode::OK, result(size)),
        Some("mcp") if is_post => rpc(&body, size),
        Some("mcp") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay as u64)).await;
    }
    let response = Response::builder().status(code).header("content-type", "application/json").body(Full::from(text));
    Ok(response.unwrap_or_default())
}

/// A result of Tavily's form of about this size: pages of a kilobyte, or of as much as ten of them need.
pub fn result(size: usize) -> String {
    let pages = (size / 1_000).clamp(1, 10);
    let each = (size / pages).saturating_sub(110);
    let words = "A login ends with a token that is kept where no program reads it without being asked. ";
    let content: String = words.chars().cycle().take(each).collect();
    let page = |number: usize| {
        format!(
            "{{\"title\":\"Page {number}\",\"url\":\"https://example.com/{number}\",\"content\":\"{content}\",\"score\":0.9}}"
        )
    };
    let pages: Vec<String> = (0..pages).map(page).collect();
    format!("{{\"query\":\"what is OAuth\",\"results\":[{}],\"response_time\":0.1}}", pages.join(","))
}

/// What an MCP server of the older revisions answers.
fn rpc(body: &[u8], size: usize) -> (StatusCode, String) {
    let message: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let (Some(id), Some(method)) = (message.get("id"), message.get("method").and_then(|method| method.as_str())) else {
        return (StatusCode::ACCEPTED, String::new());
    };
    let result = match method {
        "initialize" => {
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"service","version":"1"}}"#.to_owned()
        }
        "tools/list" => {
            r#"{"tools":[{"name":"search","description":"Searches.","inputSchema":{"type":"object","properties":{"query":{"type":"string"}}}}]}"#.to_owned()
        }
        "tools/call" => {
            let structured = result(size);
            let text = serde_json::to_string(&structured).unwrap_or_default();
            format!("{{\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"structuredContent\":{structured}}}")
        }
        "ping" => "{}".to_owned(),
        _ => {
            let refusal = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32601,\"message\":\"unknown\"}}}}");
            return (StatusCode::OK, refusal);
        }
    };
    (StatusCode::OK, format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"))
}
