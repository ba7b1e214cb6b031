//! Every kind of stream that a host can connect: pipes, sockets and files, with and without threads in between.

use std::fs::File;
use std::io::{Read, Seek as _};

use super::*;

const SIZES: [usize; 6] = [10, 5_000, 62_000, 64 << 10, 70_000, 300_000];

/// Asks much before it reads anything, and then reads in small pieces.
fn crowd(wire: Wire, mut input: impl Write + Send + 'static, mut output: impl Read) {
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(wire, identity(), Arc::new(Fixtures::default()), Limits::default()))
    });
    let asking = std::thread::spawn(move || {
        for number in 0..60 {
            let text = "é".repeat(SIZES[number % SIZES.len()] / 2);
            let call = format!("\"name\":\"echo\",\"arguments\":{{\"text\":\"{text}\"}}");
            let lines = request(&format!("\"{number}\""), "tools/call", &call)
                + "\n"
                + &request(&number.to_string(), "ping", "");
            input.write_all((lines + "\n").as_bytes()).expect("written");
        }
    });
    let (mut text, mut piece) = (Vec::new(), [0; 777]);
    loop {
        match output.read(&mut piece).expect("read") {
            0 => break,
            size => text.extend_from_slice(&piece[..size]),
        }
    }
    asking.join().expect("no panic");
    assert_eq!(serving.join().expect("no panic"), Ending::InputEnded);
    let text = String::from_utf8(text).expect("UTF-8");
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect();
    let pings: Vec<u64> = answers.iter().filter_map(|answer| answer["id"].as_u64()).collect();
    assert_eq!(pings, (0..60).collect::<Vec<u64>>());
    for number in 0..60_usize {
        let answer =
            answers.iter().find(|answer| answer["id"].as_str() == Some(&*number.to_string())).expect("an answer");
        let echoed = answer["result"]["structuredContent"]["text"].as_str().expect("a text");
        assert_eq!(echoed.len(), SIZES[number % SIZES.len()] / 2 * 2);
    }
    assert_eq!(answers.len(), 120);
}

#[test]
fn lines_of_any_size_arrive_whole_and_in_order_over_pipes() {
    for wire in [wire, direct] {
        let (reads, input) = std::io::pipe().expect("a pipe");
        let (output, writes) = std::io::pipe().expect("a pipe");
        crowd(wire(reads, writes), input, output);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn lines_of_any_size_arrive_whole_and_in_order_over_sockets() {
    use std::os::unix::net::UnixStream;

    let (reads, input) = UnixStream::pair().expect("sockets");
    let (output, writes) = UnixStream::pair().expect("sockets");
    let handles = [reads.try_clone().expect("a handle").into(), writes.try_clone().expect("a handle").into()];
    let wire = Wire {
        input: Box::new(BufReader::new(reads)),
        output: Box::new(writes),
        handles: Some(handles),
        in_flight: InFlight::default(),
    };
    crowd(wire, input, output);
}

#[cfg(target_os = "linux")]
#[test]
fn files_and_what_can_only_be_read_by_waiting_are_read_on_a_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let (asked, told) = (folder.path().join("asked"), folder.path().join("told"));
    std::fs::write(&asked, request("1", "ping", "") + "\n" + &request("2", "ping", "")).expect("written");
    let reads = File::open(&asked).expect("a file");
    let mut writes = File::create(&told).expect("a file");
    writes.write_all(b"before\n").expect("written");
    let handles = [reads.try_clone().expect("a handle").into(), writes.try_clone().expect("a handle").into()];
    let wire = Wire {
        input: Box::new(BufReader::new(reads)),
        output: Box::new(writes.try_clone().expect("a handle")),
        handles: Some(handles),
        in_flight: InFlight::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ending = runtime.block_on(run(wire, identity(), Arc::new(Fixtures::default()), Limits::default()));
    assert_eq!(ending, Ending::InputEnded);
    assert_eq!(writes.stream_position().expect("a place"), std::fs::metadata(&told).expect("a file").len());
    let lines = std::fs::read_to_string(&told).expect("a file");
    let ids: Vec<Value> =
        lines.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone()).collect();
    assert_eq!((lines.lines().next(), ids), (Some("before"), vec![json!(1), json!(2)]));
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_written_after_the_last_words() {
    use crate::mcp::at_once::Output;
    use crate::mcp::writer::{self, Part};

    let (mut output, writes) = std::io::pipe().expect("a pipe");
    let direct = Output::new(writes.try_clone().expect("a handle").into());
    let (writer, _) = writer::start(Box::new(writes), direct);
    writer.try_send(vec![Part::Static("before")]).expect("room");
    assert!(writer.end_direct());
    writer.give(vec![Part::Static("the last words")]).expect("room");
    let (written, all) = std::sync::mpsc::sync_channel(1);
    writer.give(vec![Part::Written(written)]).expect("room");
    all.recv().expect("written");
    drop(writer.try_send(vec![Part::Static("after")]));
    drop(writer);
    let mut text = String::new();
    output.read_to_string(&mut text).expect("read");
    assert_eq!(text, "before\nthe last words\n");
}
