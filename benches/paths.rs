//! `cargo bench --bench paths`: hot paths inside the program, one by one. Built quickly, so that its times are not those of
//! the release binary; they are for seeing what a change does to one path.

use std::error::Error;
use std::io::{self, BufRead, Cursor, Write};
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use keyward::app::{App, token};
use keyward::backends::{self, Agreed, Call, Host, Progress, outside};
use keyward::machine::{Environment, Folders, Machine};
use keyward::mcp::{
    self, BoxFuture, CallError, Definitions, Found, Kind, Outcome, ReadError, ReadRequest, ToolRequest, ToolResult,
};
use keyward::secret::Secret;
use keyward::serve::{Catalog, Choice};
use keyward::store::memory::Memory;
use serde_json::{Map, json};
use tokio::runtime::{Builder, Runtime};

#[path = "process/texts.rs"]
mod texts;

type Outcomes<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Messages of one session.
const MESSAGES: usize = 1_000;

/// A server whose one tool has its result ready.
struct Ready(String);

impl mcp::Server for Ready {
    fn offers(&self, kind: Kind) -> bool {
        kind == Kind::Tools
    }

    fn list(&self, _: Kind) -> Arc<Definitions> {
        Arc::new("[]".to_owned().into())
    }

    fn call(&self, _: ToolRequest) -> BoxFuture<'static, Result<Outcome, CallError>> {
        let (content, structured) = (self.0.clone(), Some(self.0.clone()));
        Box::pin(async { Ok(Outcome::Done(ToolResult { content, structured, failed: false, meta: None })) })
    }

    fn read(&self, _: ReadRequest) -> BoxFuture<'static, Result<Found, ReadError>> {
        Box::pin(async { Err(ReadError::NotFound { uri: String::new(), why: String::new() }) })
    }
}

/// A host that reads everything and keeps nothing.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn session(method: &str, params: &str) -> Vec<u8> {
    let hello = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}"#;
    let mut text = format!("{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{hello}}}\n");
    for id in 1..MESSAGES {
        text += &format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n");
    }
    text.into_bytes()
}

fn runtime() -> Outcomes<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Reading lines, finding out what they are, and answering them.
fn dispatch(criterion: &mut Criterion) -> Outcomes<()> {
    let runtime = runtime()?;
    let pages: Vec<_> =
        (0..6).map(|page| json!({ "title": page, "content": "A login ends with a token. ".repeat(35) })).collect();
    let server = Arc::new(Ready(serde_json::to_string(&pages)?));
    let identity = mcp::Identity { name: "b".into(), title: "b".into(), version: "1".into(), instructions: None };
    let mut group = criterion.benchmark_group("session of 1,000 messages");
    group.throughput(Throughput::Elements(MESSAGES as u64)).sample_size(20);
    for (name, method, params) in [
        ("framing and dispatch", "ping", "{}"),
        ("calls with a result of 6 KB", "tools/call", r#"{"name":"t","arguments":{"query":"what is OAuth"}}"#),
    ] {
        let lines = session(method, params);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let input: Box<dyn BufRead + Send> = Box::new(Cursor::new(lines.clone()));
                let server = Arc::clone(&server) as Arc<dyn mcp::Server>;
                let wire =
                    mcp::Wire { input, output: Box::new(Nowhere), handles: None, in_flight: mcp::InFlight::default() };
                runtime.block_on(mcp::run(wire, identity.clone(), server, mcp::Limits::default()))
            });
        });
    }
    group.finish();
    Ok(())
}

/// The program on a machine of its own, with this configuration and this variable.
fn app(folder: &Path, configuration: &str) -> Outcomes<App> {
    // Its own folders beside the documents: none of the two may lie in the other.
    let own = folder.join("own");
    std::fs::create_dir_all(&own)?;
    let (file, state) = (own.join("config.toml"), own.join("state"));
    std::fs::write(&file, configuration)?;
    let folders = Folders { config: own, shared: state.clone(), state, home: None };
    let environment = Environment::of([("KEYWARD_TOKEN_KEYED", "tvly-benchmark")]);
    let machine = Machine { environment, folders: Some(folders), ..Machine::real() };
    Ok(App::open(machine, Arc::new(Memory::new()), Some(&file))?)
}

/// Collecting the tools of every backend, and writing their definitions.
fn listing(criterion: &mut Criterion) -> Outcomes<()> {
    let folder = tempfile::tempdir()?;
    let mut text = String::new();
    for backend in backends::ALL {
        let url = if backend.takes_folders { "" } else { "url = \"https://service.example.com/\"\n" };
        text += &format!("[connections.x-{0}]\nbackend = \"{0}\"\n{url}", backend.name);
        text += if backend.name == "cisco" || backend.name == "smart-bonding" { "client_id = \"x\"\n" } else { "" };
    }
    let app = Arc::new(app(folder.path(), &text)?);
    let whole = || Catalog::new(Arc::clone(&app), &Choice::default()).map(|catalog| catalog.definitions());
    whole()?;
    criterion.bench_function("tools of every backend, collected and listed", |bencher| bencher.iter(whole));
    let catalog = Catalog::new(Arc::clone(&app), &Choice::default())?;
    criterion.bench_function("tools of every backend, listed again", |bencher| bencher.iter(|| catalog.definitions()));
    Ok(())
}

/// A token from the environment, and one from the store, which a session holds.
fn check(criterion: &mut Criterion) -> Outcomes<()> {
    let folder = tempfile::tempdir()?;
    let text = "[connections.keyed]\nbackend = \"tavily\"\nway = \"api-key\"\n\n[connections.stored]\nbackend = \"tavily\"\nway = \"api-key\"\n";
    let (app, runtime) = (app(folder.path(), text)?, runtime()?);
    let stored = app.connection("stored")?;
    runtime.block_on(keyward::app::key::keep(
        &app,
        stored,
        backends::Way::ApiKey,
        Secret::new(String::from("tvly-stored")),
    ))?;
    for name in ["keyed", "stored"] {
        let connection = app.connection(name)?;
        runtime.block_on(token::run(&app, connection, 60))?;
        criterion.bench_function(&format!("token of a connection, {name}"), |bencher| {
            bencher.iter(|| runtime.block_on(token::run(&app, connection, 60)).map(|token| token.expires_at));
        });
    }
    Ok(())
}

/// Cleaning what a service wrote.
fn shaping(criterion: &mut Criterion) -> Outcomes<()> {
    let mut group = criterion.benchmark_group("text of a service, cleaned");
    for (name, text) in [
        ("plain", "A login ends with a token. ".repeat(230)),
        ("marked", "A login\u{200b} ends — with a token. ".repeat(200)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| outside::clean(text.clone())));
    }
    group.finish();
    Ok(())
}

/// Searching documents after the first look at them.
fn searching(criterion: &mut Criterion) -> Outcomes<()> {
    let runtime = runtime()?;
    for count in [100, 10_000] {
        let folder = tempfile::tempdir()?;
        let texts = folder.path().join("texts");
        texts::write(&texts, count)?;
        let text = format!("[connections.documents]\nfolders = [{:?}]\n", texts.display().to_string());
        let catalog = Catalog::new(Arc::new(app(folder.path(), &text)?), &Choice::default())?;
        let mut group = criterion.benchmark_group(format!("search in {count} documents"));
        group.sample_size(10);
        for (tool, key, query) in [
            ("search_processes", "keyword", "the storage of network"),
            ("search_documents", "query", "release storage audit"),
        ] {
            let tool = catalog.require(&format!("documents_{tool}"))?;
            let search = || {
                let arguments = Map::from_iter([(key.to_owned(), query.into())]);
                runtime
                    .block_on(tool.call(Call {
                        arguments,
                        progress: Progress::default(),
                        agreed: Agreed::default(),
                        host: Host::default(),
                    }))
                    .map(drop)
            };
            search()?;
            group.bench_function(key, |bencher| bencher.iter(search));
        }
        group.finish();
    }
    Ok(())
}

fn main() -> Outcomes<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for path in [dispatch, listing, check, shaping, searching] {
        path(&mut criterion)?;
    }
    criterion.final_summary();
    Ok(())
}
