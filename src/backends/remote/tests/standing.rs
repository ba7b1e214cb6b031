//! What a server tells by itself, in both eras: lists that change, resources that are watched, sessions that end.

use tokio::sync::mpsc;

use super::*;
use crate::backends::Listener;
use crate::backends::passage::{Feed, News};

/// What arrived: the method of HTTP or of the message, and its parameters.
type Record = Arc<Mutex<Vec<(String, Value)>>>;

struct World {
    _host: Host,
    connection: Connection,
    record: Record,
    news: mpsc::UnboundedReceiver<News>,
}

impl World {
    fn count(&self, method: &str) -> usize {
        self.record.lock().expect("a healthy lock").iter().filter(|(seen, _)| seen == method).count()
    }

    fn all(&self, method: &str) -> Vec<Value> {
        let record = self.record.lock().expect("a healthy lock");
        record.iter().filter(|(seen, _)| seen == method).map(|(_, params)| params.clone()).collect()
    }

    async fn until(&self, method: &str, count: usize) {
        while self.count(method) < count {
            tokio::task::yield_now().await;
        }
    }

    async fn next(&mut self) -> News {
        self.news.recv().await.expect("news")
    }

    fn feed(&self) -> Arc<dyn Feed> {
        BACKEND.feed(&self.connection).expect("a standing connection")
    }
}

/// A server that answers the `n`th request for a stream with these messages; after the last of them it keeps one open.
fn world(modern: bool, streams: Vec<Vec<Value>>) -> World {
    let record = Record::default();
    let seen = Arc::clone(&record);
    let host = Host::answering(move |request| {
        let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let method = asked["method"].as_str().unwrap_or(request.method().as_str()).to_owned();
        let before = {
            let mut seen = seen.lock().expect("a healthy lock");
            seen.push((method.clone(), asked["params"].clone()));
            seen.iter().filter(|(before, _)| *before == method).count()
        };
        let capabilities = json!({
            "tools": {"listChanged": true}, "resources": {"subscribe": true, "listChanged": true}, "logging": {},
        });
        let answer =
            |result: Value| fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}));
        match method.as_str() {
            "server/discover" if modern => {
                answer(json!({"supportedVersions": ["2026-07-28"], "capabilities": capabilities}))
            }
            "server/discover" => fake::empty(StatusCode::BAD_REQUEST),
            "initialize" => {
                let mut reply = answer(json!({"protocolVersion": "2025-11-25", "capabilities": capabilities}));
                reply.headers_mut().insert("mcp-session-id", before.to_string().parse().expect("a value"));
                reply
            }
            "tools/list" => {
                answer(json!({"tools": [{"name": format!("t{before}"), "inputSchema": {"type": "object"}}]}))
            }
            "resources/list" => answer(json!({"resources": []})),
            "resources/templates/list" => answer(json!({"resourceTemplates": []})),
            "resources/read" => answer(json!({"contents": []})),
            "resources/subscribe" | "resources/unsubscribe" => answer(json!({})),
            "GET" | "subscriptions/listen" => match streams.get(before - 1) {
                Some(gone) if gone.is_empty() => fake::empty(StatusCode::NOT_FOUND),
                found => open(found.cloned().unwrap_or_default(), before >= streams.len()),
            },
            _ => fake::empty(StatusCode::ACCEPTED),
        }
    });
    let (tell, news) = mpsc::unbounded_channel();
    let mut connection = connection(host.at("/mcp"), Way::None, Tokens::new(None, None));
    connection.listener = Listener::to(move |news| tell.send(news).unwrap_or_default());
    World { _host: host, connection, record, news }
}

/// A stream of these messages, which stays open if it is the last: a comment now and then finds out that nobody reads.
fn open(messages: Vec<Value>, stays: bool) -> Reply {
    let first: String = messages.iter().map(|message| format!("retry: 0\ndata: {message}\n\n")).collect();
    let rest = std::iter::repeat_with(|| {
        fake::pause(std::time::Duration::from_millis(20));
        b": here\n\n".to_vec()
    });
    let pieces = std::iter::once(first.into_bytes()).chain(rest.take(if stays { 1_000 } else { 0 }));
    let mut reply = Reply::new(fake::pieces(pieces));
    reply.headers_mut().insert("content-type", "text/event-stream".parse().expect("a value"));
    reply
}

fn told(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

async fn read(connection: &Connection) {
    let open = BACKEND.open(connection).expect("addresses");
    open.reader.read("memo://a".to_owned(), Default::default()).await.expect("contents");
}

#[tokio::test]
async fn it_begins_only_when_it_is_wanted_and_the_connection_was_used() {
    let world = world(false, Vec::new());
    for _ in 0..5 {
        read(&world.connection).await;
    }
    assert_eq!(world.count("GET"), 0, "nobody listens");
    let feed = world.feed();
    assert_eq!(world.count("GET"), 0, "wanting it asks nobody");
    read(&world.connection).await;
    world.until("GET", 1).await;
    drop(feed);
}

#[tokio::test]
async fn news_of_a_server_arrive_with_our_addresses_in_both_eras() {
    for modern in [false, true] {
        let messages = vec![
            told("notifications/resources/updated", json!({"uri": "memo://a"})),
            told("notifications/resources/updated", json!({"uri": 5})),
            told("notifications/message", json!({"level": "info", "data": "hello"})),
            told("notifications/tools/list_changed", json!({})),
        ];
        let mut world = world(modern, vec![messages]);
        let feed = world.feed();
        feed.subscribe("c+memo://a".to_owned()).await.expect("a subscription");
        assert!(matches!(world.next().await, News::Updated(uri) if uri == "c+memo://a"), "{modern}");
        assert!(matches!(world.next().await, News::Logged(entry) if entry.data.get() == "\"hello\""));
        assert!(matches!(world.next().await, News::Tools));
        let (subscribed, listened) = (world.all("resources/subscribe"), world.all("subscriptions/listen"));
        match modern {
            true => {
                let wanted = json!({"toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["memo://a"]});
                assert_eq!(listened[0]["notifications"], wanted);
                assert!(subscribed.is_empty());
                feed.unsubscribe("c+memo://a".to_owned()).await.expect("an end");
                world.until("subscriptions/listen", 2).await;
                let wanted = json!({"toolsListChanged": true, "resourcesListChanged": true});
                assert_eq!(world.all("subscriptions/listen")[1]["notifications"], wanted);
            }
            false => {
                assert_eq!(subscribed, [json!({"uri": "memo://a"})]);
                feed.unsubscribe("c+memo://a".to_owned()).await.expect("an end");
                assert_eq!(world.all("resources/unsubscribe"), [json!({"uri": "memo://a"})]);
            }
        }
        for foreign in ["memo://a", "d+memo://a", ""] {
            assert!(matches!(feed.subscribe(foreign.to_owned()).await, Err(Error::Arguments(_))), "{foreign}");
        }
    }
}

#[tokio::test]
async fn a_list_that_did_not_change_is_no_news() {
    let message = || told("notifications/resources/list_changed", json!({}));
    let updated = told("notifications/resources/updated", json!({"uri": "x:y"}));
    let mut world = world(false, vec![vec![message(), message(), message(), updated]]);
    let learnt = learn(&world.connection).await.expect("a document");
    world.connection.remembered = Some(learnt);
    let before = world.count("resources/list");
    let feed = world.feed();
    feed.subscribe("c+memo://a".to_owned()).await.expect("a subscription");
    assert!(matches!(world.next().await, News::Updated(_)));
    world.until("resources/templates/list", before + 1).await;
    assert!(world.news.try_recv().is_err());
    assert_eq!(world.count("tools/list"), 1, "only what may have changed is asked for");
}

#[tokio::test]
async fn a_lost_session_is_begun_again_with_its_subscriptions() {
    // The first stream breaks off at once, the second finds the session gone.
    let first = vec![told("notifications/message", json!({"level": "info", "data": 1}))];
    let mut world = world(false, vec![first, Vec::new(), vec![told("x", json!({}))]]);
    let feed = world.feed();
    feed.subscribe("c+memo://a".to_owned()).await.expect("a subscription");
    assert!(matches!(world.next().await, News::Logged(_)));
    world.until("GET", 3).await;
    assert_eq!(world.count("initialize"), 2);
    assert_eq!(world.all("resources/subscribe"), [json!({"uri": "memo://a"}), json!({"uri": "memo://a"})]);
    drop(feed);
}

#[tokio::test]
async fn it_ends_with_its_connection_and_ends_the_session() {
    let World { _host, connection, record, news: _news } = world(false, Vec::new());
    let feed = BACKEND.feed(&connection).expect("a standing connection");
    read(&connection).await;
    let count = |method: &str| record.lock().expect("a healthy lock").iter().filter(|(seen, _)| seen == method).count();
    while count("GET") == 0 {
        tokio::task::yield_now().await;
    }
    drop((feed, connection));
    while count("DELETE") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((count("GET"), count("DELETE")), (1, 1));
}
