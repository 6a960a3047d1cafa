//! The program's recording against the grammar of value change dumps, token by token.
//!
//! A reading of IEEE 1364-2005 section 18.2 of its own, which knows nothing of the writer: white space
//! separates tokens and nothing else does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers fail as tests do"
)]

use core::str::SplitAsciiWhitespace;
use core::time::Duration;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use netdev::StdPlatform;
use netdev_sim::tunnel::Server;
use netdev_sim::{Faults, Loopback, SpiBench, Vcd};
use wifinina_sim::{Chip, Config};

/// What a dump declares, and what has become of it so far.
#[derive(Default)]
struct Dump<'a> {
    /// Width and reference by identifier code.
    variables: HashMap<&'a str, (usize, &'a str)>,
    /// Those that have a value.
    known: HashMap<&'a str, String>,
    time: Option<u64>,
    changes: usize,
}

impl<'a> Dump<'a> {
    fn check(text: &'a str) -> Self {
        let mut dump = Self::default();
        let mut tokens = text.split_ascii_whitespace();
        dump.declarations(&mut tokens);
        dump.simulation(&mut tokens);
        dump
    }

    /// `declaration_command`s up to `$enddefinitions`.
    fn declarations(&mut self, tokens: &mut SplitAsciiWhitespace<'a>) {
        let (mut depth, mut timescales) = (0, 0);
        loop {
            let keyword = tokens.next().expect("no $enddefinitions");
            let words: Vec<&str> = tokens.by_ref().take_while(|word| *word != "$end").collect();
            match (keyword, &words[..]) {
                ("$comment" | "$date" | "$version", _) => {}
                ("$timescale", [number, unit]) => {
                    timescales += 1;
                    assert!(["1", "10", "100"].contains(number), "{number}");
                    assert!(["s", "ms", "us", "ns", "ps", "fs"].contains(unit), "{unit}");
                }
                ("$scope", [kind, name]) => {
                    depth += 1;
                    let kinds = ["begin", "fork", "function", "module", "task"];
                    assert!(kinds.contains(kind) && is_identifier(name), "{kind} {name}");
                }
                ("$upscope", []) => depth -= 1,
                ("$var", [kind, size, code, reference]) => {
                    assert!(VARIABLES.contains(kind), "{kind}");
                    assert!(code.bytes().all(|byte| byte.is_ascii_graphic()), "{code}");
                    assert!(is_identifier(reference) && depth > 0, "{reference}");
                    let size = size.parse().unwrap();
                    assert!(size > 0);
                    let before = self.variables.insert(code, (size, reference));
                    assert_eq!(before, None, "{code} twice");
                }
                ("$enddefinitions", []) => break,
                _ => panic!("{keyword} {words:?}"),
            }
            assert!(depth >= 0, "$upscope without $scope");
        }
        assert_eq!((depth, timescales), (0, 1));
    }

    /// `simulation_command`s up to the end of the text.
    fn simulation(&mut self, tokens: &mut SplitAsciiWhitespace<'a>) {
        let mut dumping = None;
        while let Some(token) = tokens.next() {
            match token {
                "$comment" => assert!(tokens.any(|word| word == "$end")),
                "$dumpall" | "$dumpoff" | "$dumpon" | "$dumpvars" => {
                    assert_eq!(dumping.replace(token), None, "{token} in another");
                }
                "$end" => {
                    assert!(dumping.take().is_some(), "$end of nothing");
                    assert_eq!(self.known.len(), self.variables.len(), "all have a value");
                }
                _ if token.starts_with('#') => self.time(&token[1..], dumping),
                _ => self.change(token, tokens),
            }
        }
        assert_eq!(dumping, None);
    }

    fn time(&mut self, digits: &str, dumping: Option<&str>) {
        assert_eq!(dumping, None, "time passes in {dumping:?}");
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        let time = digits.parse().unwrap();
        assert!(self.time.is_none_or(|before| before < time), "time goes on: {time}");
        self.time = Some(time);
    }

    fn change(&mut self, token: &'a str, tokens: &mut SplitAsciiWhitespace<'a>) {
        let (first, rest) = token.split_at(1);
        let (value, code) = match first {
            "b" | "B" => (rest, tokens.next().expect("an identifier code")),
            "0" | "1" | "x" | "X" | "z" | "Z" => (first, rest),
            _ => panic!("{token} is no value change"),
        };
        let (size, reference) = self.variables[code];
        assert!((1..=size).contains(&value.len()), "{reference}: {value}");
        assert!((size == 1) == (value == first), "{reference}: a {size} bit value as {token}");
        assert!(value.bytes().all(|digit| b"01xXzZ".contains(&digit)), "{reference}: {value}");
        assert!(self.time.is_some(), "before the first time");
        self.known.insert(code, value.to_owned());
        self.changes += 1;
    }
}

/// A simple identifier of the language.
fn is_identifier(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'$')
}

const VARIABLES: [&str; 18] = [
    "event",
    "integer",
    "parameter",
    "real",
    "realtime",
    "reg",
    "supply0",
    "supply1",
    "time",
    "tri",
    "triand",
    "trior",
    "trireg",
    "tri0",
    "tri1",
    "wand",
    "wire",
    "wor",
];

/// A chip behind a tunnel, recorded, with these faults on its bus: what the file is like after somebody
/// has reset it and asked it things.
fn recorded(faults: Option<&Faults>, name: &str) -> String {
    let path = std::env::temp_dir().join(format!("wifinina-{}-{name}.vcd", std::process::id()));
    let chip = Chip::new(Config::default(), Box::new(Loopback::new()));
    let bench = SpiBench::new(chip, StdPlatform::new(), 8_000_000);
    let file = std::fs::File::create(&path).unwrap();
    bench.observe(Box::new(Vcd::new(file).unwrap()));
    if let Some(faults) = faults {
        bench.set_faults(faults);
    }
    let server = Server::builder(bench).listen("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(server.addr()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut ask = |request: &[u8], length: usize| {
        client.write_all(request).unwrap();
        client.read_exact(&mut vec![0; length]).unwrap();
    };
    for _ in 0..20 {
        ask(b"\x04\x00\xE0\x37\x00\xEE", 4);
        ask(b"\xFD\xFF\x14\x00\x01\x00", 1);
        ask(&[&b"\x0C\x00"[..], &[0xFF; 12]].concat(), 12);
        ask(b"\xFD\xFF\x14\x00\x01\x00", 1);
    }
    ask(b"\xFE\xFF", 1);
    drop(client);
    drop(server);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    text
}

#[test]
fn a_recording_keeps_to_the_grammar() {
    let text = recorded(None, "clean");
    let dump = Dump::check(&text);
    let mut names: Vec<&str> = dump.variables.values().map(|(_, name)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, ["byte", "cs", "gpio0", "miso", "mosi", "ready", "reset"]);
    assert!(dump.changes > 20 * 16 * 4, "every byte changes something");
}

#[test]
fn a_recording_of_a_faulty_bus_keeps_to_it_too() {
    let rates = "flip=0.01,drop=0.01,double=0.01,insert=0.01".parse().unwrap();
    let faults = Faults::random(7, rates);
    Dump::check(&recorded(Some(&faults), "faulty"));
    assert!(faults.struck() > 0);
}
