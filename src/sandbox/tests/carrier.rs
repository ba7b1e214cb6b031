//! What happens on the wire: broken requests, broken fakes, pieces, many at once, and the end.

use std::thread;

use super::*;

fn host(bench: &Bench) -> &str {
    bench.sandbox.url().strip_prefix("http://").unwrap()
}

#[test]
fn one_connection_carries_many_requests() {
    let bench = Bench::new();
    let mut stream = TcpStream::connect(host(&bench)).unwrap();
    for _ in 0..3 {
        let request = format!("GET /as/jwks HTTP/1.1\r\nHost: {}\r\n\r\n", host(&bench));
        stream.write_all(request.as_bytes()).unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"}]}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        assert_eq!(Answer::of(&read).status, 200);
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let bench = Bench::new();
    for length in ["1048577", "99999999999", "9223372036854775807"] {
        let request = format!(
            "POST /as/token HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\nx",
            host(&bench)
        );
        let mut stream = TcpStream::connect(host(&bench)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        drop(stream.shutdown(Shutdown::Write));
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("413 ") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
    }
    assert_eq!(bench.get("/as/jwks").status, 200, "the process and the server are still there");
}

#[test]
fn a_chunked_body_is_read_and_limited() {
    let bench = Bench::new();
    let (_, tokens) = bench.login(&[]);
    let head = format!(
        "POST /echo/x HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        host(&bench),
        tokens.text("access_token")
    );
    let small = format!("{head}5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(Answer::of(&exchange(&bench.sandbox, small.as_bytes())).json()["bytes"], 5);
    let large = format!("{head}{:x}\r\n{}\r\n0\r\n\r\n", (1 << 20) + 1, "x".repeat((1 << 20) + 1));
    assert_eq!(Answer::of(&exchange(&bench.sandbox, large.as_bytes())).status, 413);
}

#[test]
fn a_request_that_can_be_read_two_ways_is_refused() {
    let bench = Bench::new();
    for framing in [
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: x",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999999",
    ] {
        let request =
            format!("POST /as/token HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{framing}\r\n\r\nx", host(&bench));
        let answer = Answer::of(&exchange(&bench.sandbox, request.as_bytes()));
        assert_eq!(answer.status, 400, "{framing}");
    }
}

#[test]
fn pieces_arrive_one_by_one_and_a_broken_one_is_no_end() {
    let bench = Bench::new();
    let whole = bench.get("/echo/pieces");
    assert_eq!(whole.header("transfer-encoding"), "chunked");
    assert_eq!(whole.body, "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
    // Many times: what breaks it off may be there before the piece has left.
    for _ in 0..200 {
        let broken = bench.get("/echo/broken").body;
        assert_eq!(broken, "3\r\none\r\n", "the last chunk, which is empty, is missing");
    }
    let old = format!("GET /echo/pieces HTTP/1.0\r\nHost: {}\r\n\r\n", host(&bench));
    let old = Answer::of(&exchange(&bench.sandbox, old.as_bytes()));
    assert_eq!(old.body, "onetwothree", "without chunks the end of the connection is the end");
}

#[test]
fn a_head_request_gets_no_body() {
    let bench = Bench::new();
    let answer = bench.send("HEAD", "/as/jwks", &[], "");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_ne!(answer.header("content-length"), "0");
    assert_eq!(bench.send("HEAD", "/echo/pieces", &[], "").body, "");
}

#[test]
fn blocked_requests_do_not_block_others() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    control.hold();
    thread::scope(|scope| {
        let all: Vec<_> =
            (0..64).map(|_| scope.spawn(|| bench.post("/as/token", &[("grant_type", "x")]).status)).collect();
        assert!(control.wait_for_held(64, std::time::Duration::from_secs(30)));
        assert_eq!(bench.get("/as/jwks").status, 200);
        control.release();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 401));
    });
}

#[test]
fn connections_that_break_do_not_stop_the_server() {
    let bench = Bench::new();
    for junk in
        ["", "GET", "\r\n", "GET / HTTP/1.1\r\nHost", "\0\0\0\0", "GET / HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n"]
    {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(host(&bench)).unwrap();
            stream.write_all(junk.as_bytes()).unwrap();
        }
    }
    assert_eq!(bench.get("/as/jwks").status, 200);
}

#[test]
fn stopping_closes_the_port() {
    let bench = Bench::new();
    let address = host(&bench).to_owned();
    assert_eq!(bench.get("/as/jwks").status, 200);
    bench.sandbox.stop();
    // The threads let go of the port one after the other; connecting is refused as soon as the last one has.
    let open = |_: &u32| TcpStream::connect(&address).map(drop).is_ok();
    assert!((0..1_000_000).take_while(open).count() < 1_000_000);
}
