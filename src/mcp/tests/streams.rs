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

#[test]
fn calls_that_end_together_are_answered_once_each_however_late_somebody_reads() {
    // More answers than the stream and the queue before it have room for.
    const CALLS: usize = 1_200;
    for wire in [wire, direct] {
        let server = Fixtures::default();
        let (gate, running) = (Arc::clone(&server.gate), Arc::clone(&server.running));
        let limits = Limits { running: CALLS, accepted: CALLS, ..Limits::default() };
        let mut talk = Talk::of(server, limits, false, wire);
        for id in 0..CALLS {
            talk.line(&request(&id.to_string(), "tools/call", "\"name\":\"wait\""));
        }
        while running.load(Ordering::SeqCst) < CALLS {
            std::thread::yield_now();
        }
        gate.notify_waiters();
        while running.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        let mut ids: Vec<u64> = (0..CALLS).filter_map(|_| talk.next()["id"].as_u64()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..CALLS as u64).collect::<Vec<_>>());
        assert_eq!(talk.end(), (Vec::new(), Ending::InputEnded));
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

/// No thread is started for a list of tools, which is longer than what a pipe holds at first.
#[cfg(target_os = "linux")]
#[test]
fn a_list_of_tools_is_written_at_once_though_nobody_reads_yet() {
    use crate::mcp::at_once::Output;
    use crate::mcp::writer::{self, Part};

    for pieces in [1, 10, 3_000] {
        let (output, writes) = std::io::pipe().expect("a pipe");
        let direct = Output::new(writes.try_clone().expect("a handle").into());
        let (writer, _) = writer::start(Box::new(writes), direct);
        let line = (0..pieces).map(|_| Part::Text("x".repeat(210_000 / pieces))).collect();
        writer.try_send(line).expect("room");
        let holds = rustix::pipe::fcntl_getpipe_size(&output).expect("a pipe");
        assert!(holds > 210_000, "the person has no more pages for pipes: {holds} bytes");
        assert!(!writer.has_thread(), "a thread for {pieces} pieces");
        assert_eq!(rustix::io::ioctl_fionread(&output).expect("a pipe"), 210_001);
    }
}

/// Writes lines of many pieces, of large ones and of such with line breaks in them.
#[cfg(target_os = "linux")]
fn pieces(
    mut output: impl Read + Send + 'static,
    writes: impl Write + Send + 'static,
    handle: std::os::fd::OwnedFd,
    is_awaited: bool,
) {
    use crate::mcp::at_once::Output;
    use crate::mcp::writer::{self, Part};

    const LARGE: usize = 64 << 10;
    let broken = |size: usize| "{\n\"é\":\r\n1}".chars().cycle().take(size).collect::<String>();
    let plain = |size: usize| "0123456789".chars().cycle().take(size).collect::<String>();
    let mut lines = Vec::from([0, 1, 999, 1_000, 1_001, 3_000].map(|count| vec![broken(9); count]));
    for size in [LARGE - 1, LARGE, LARGE + 1, 3 * LARGE, 4 * LARGE - 1, 4 * LARGE, 4 * LARGE + 1, 300_000] {
        for piece in [broken, plain] {
            lines.push(vec![piece(size)]);
            lines.push(vec![piece(7), piece(size - 8), piece(1)]);
            lines.push(vec![piece(7), piece(size), piece(size), piece(40)]);
        }
    }
    let (writer, _) = writer::start(Box::new(writes), Output::new(handle));
    let (arrived, waits) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let (mut text, mut piece) = (Vec::new(), [0; 4_000]);
        loop {
            let size = output.read(&mut piece).expect("read");
            text.extend_from_slice(&piece[..size]);
            for _ in piece[..size].iter().filter(|byte| **byte == b'\n') {
                let _ = arrived.send(());
            }
            if size == 0 {
                return String::from_utf8(text).expect("UTF-8");
            }
        }
    });
    for line in &lines {
        writer.try_send(line.iter().cloned().map(Part::Text).collect()).expect("room");
        if is_awaited {
            waits.recv_timeout(Duration::from_secs(20)).expect("a line");
        }
    }
    drop(writer);
    let expected: String = lines.iter().map(|line| line.concat().replace(['\n', '\r'], " ") + "\n").collect();
    assert!(reading.join().expect("no panic") == expected, "other lines than were written");
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_arrives_whole_whatever_its_pieces_are() {
    // One after the other, so that each may be written past the thread, and all at once.
    for is_awaited in [true, false] {
        let (output, writes) = std::io::pipe().expect("a pipe");
        let handle = writes.try_clone().expect("a handle").into();
        pieces(output, writes, handle, is_awaited);
        let (output, writes) = std::os::unix::net::UnixStream::pair().expect("sockets");
        let handle = writes.try_clone().expect("a handle").into();
        pieces(output, writes, handle, is_awaited);
    }
}

/// A runtime makes a task wait that has done much at once, also where nothing keeps it waiting.
#[cfg(target_os = "linux")]
#[test]
fn nobody_gets_between_the_beginning_of_a_line_and_its_rest() {
    use crate::mcp::at_once::Output;
    use crate::mcp::writer::{self, Part};

    let (mut output, writes) = std::io::pipe().expect("a pipe");
    let direct = Output::new(writes.try_clone().expect("a handle").into());
    let (writer, _) = writer::start(Box::new(writes), direct);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let reading = runtime.block_on(async {
        let (fill, mut filled) = tokio::sync::mpsc::unbounded_channel();
        while tokio::task::coop::has_budget_remaining() {
            fill.send(()).expect("room");
            filled.recv().await;
        }
        let mut sending = Box::pin(writer.send(vec![Part::Text("x".repeat(600_000))]));
        let is_sent =
            std::future::poll_fn(|context| std::task::Poll::Ready(sending.as_mut().poll(context).is_ready())).await;
        writer.try_send(vec![Part::Static("another")]).expect("room");
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        });
        if !is_sent {
            sending.await.expect("a reader");
        }
        reading
    });
    drop(writer);
    let text = reading.join().expect("no panic").expect("UTF-8");
    let lines: Vec<(usize, &str)> = text.lines().map(|line| (line.len(), line.get(..7).unwrap_or_default())).collect();
    assert_eq!(lines, [(600_000, "xxxxxxx"), (7, "another")]);
}
