//! What differs between the firmware lines, as tables.

use core::time::Duration;

/// The releases that the model knows, in their order.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// 1.7, ESP8266 with the `NonOS` SDK.
    V1_7,
    /// 2.0 to 2.2.
    V2_1,
    /// 2.4 to 3.2.
    V2_4,
    /// 3.3 to 4.1.
    V4_1,
    /// 5.x.
    V5_0,
}

/// One firmware: everything about it that a host can see and that is not the same everywhere.
#[derive(Debug)]
#[non_exhaustive]
pub struct Persona {
    /// The name that options and traces use, such as `4.1`.
    pub name: &'static str,
    /// The version that `AT+GMR` tells, such as `4.1.1.0`.
    pub version: &'static str,
    /// Where it belongs: which commands there are.
    pub series: Series,
    /// What stands in the brackets behind the version.
    pub core: &'static str,
    /// The chip, empty where `AT+GMR` does not name it.
    pub chip: &'static str,
    /// The SDK's version.
    pub sdk: &'static str,
    /// The line with the compile time.
    pub compiled: &'static str,
    /// The line with the version of the image.
    pub image: &'static str,
    /// Largest length of `AT+CIPSEND`.
    pub send_limit: usize,
    /// How the prompt comes.
    pub prompt: Prompt,
    /// `AT+CIPRECVMODE`, and so `AT+CIPSTATUS`, are there.
    pub legacy: bool,
    /// `AT+CIPRECVTYPE` is there.
    pub receive_type: bool,
    /// Datagrams and TLS bytes can be received passively, too.
    pub passive_datagrams: bool,
    /// A partial read of a datagram loses the rest of it.
    pub cuts_datagrams: bool,
    /// `CIPRECVTYPE` and `CIPRECVDATA` know single datagrams.
    pub whole_datagrams: bool,
    /// `+CIPRECVDATA,n:` instead of `+CIPRECVDATA:n,`.
    pub old_receive_layout: bool,
    /// Bytes that are left after a read are told by a new `+IPD`.
    pub tells_rest: bool,
    /// What `AT+CIPRECVLEN?` says of a link that is not open.
    pub free_length: i32,
    /// Addresses in `+IPD` stand in quotes.
    pub quotes_peer: bool,
    /// `\r\n` follows the data of `+IPD`.
    pub tail: bool,
    /// Most bytes in one `+IPD`.
    pub block: usize,
    /// The address in `+CIPDOMAIN` stands in quotes.
    pub quotes_domain: bool,
    /// Bytes that come while a send is under way: the answer to them.
    pub while_sending: WhileSending,
    /// Says in words why a command fails (`ALREADY CONNECTED` and the like).
    pub says_why: bool,
    /// A peer's close is told at once, although there are unread bytes.
    pub closes_early: bool,
    /// Links with unread bytes survive the loss of the access point.
    pub keeps_unread: bool,
    /// Fields of `+CWJAP`.
    pub join_fields: usize,
    /// Fields of `+CWLAP` by default.
    pub scan_fields: usize,
    /// `AT+CIPSTART` takes a timeout, `AT+CIPSERVER?` has five fields, `+ERRNO` is said.
    pub timeouts: bool,
    /// `+TIME_UPDATED` is said.
    pub tells_time: bool,
    /// `AT+CIPDINFO?` is there.
    pub asks_details: bool,
    /// Wi-Fi mode as it comes from the factory.
    pub factory_mode: u8,
    /// The ROM's boot log comes on the same line, at another rate.
    pub boot_log: bool,
    /// The highest rate of the UART.
    pub baud_limit: u32,
    /// From the loss of power to `ready`, if nothing else is said.
    pub boot: Duration,
}

/// How the prompt comes after `AT+CIPSEND`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// `OK`, and a moment later `> `.
    Blank,
    /// `OK`, and a moment later `\r\n>`.
    Apart,
    /// All in one literal.
    Whole,
}

/// What becomes of bytes that come while a payload is handed to the network.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileSending {
    /// `busy s...`
    BusySending,
    /// `busy p...`
    BusyProcessing,
    /// They are lost without a word.
    Silent,
}

impl Persona {
    /// 4.1 on an ESP32-C3, the reference.
    pub const V4_1: Self = Self {
        name: "4.1",
        version: "4.1.1.0",
        series: Series::V4_1,
        core: "f8e9d39",
        chip: "ESP32C3",
        sdk: "v5.0.9-dirty",
        compiled: "compile time(c9a7f5b1):Jul 10 2025 08:12:14",
        image: "Bin version:v4.1.1.0(MINI-1)",
        send_limit: 8192,
        prompt: Prompt::Whole,
        legacy: true,
        receive_type: true,
        passive_datagrams: true,
        cuts_datagrams: false,
        whole_datagrams: true,
        old_receive_layout: false,
        tells_rest: true,
        free_length: 0,
        quotes_peer: true,
        tail: true,
        block: 2920,
        quotes_domain: true,
        while_sending: WhileSending::Silent,
        says_why: false,
        closes_early: false,
        keeps_unread: false,
        join_fields: 9,
        scan_fields: 11,
        timeouts: true,
        tells_time: true,
        asks_details: true,
        factory_mode: 0,
        boot_log: false,
        baud_limit: 5_000_000,
        boot: Duration::from_millis(300),
    };

    /// 5.0 on an ESP32-C5: without the commands of old.
    pub const V5_0: Self = Self {
        name: "5.0",
        version: "5.0.0.0",
        series: Series::V5_0,
        core: "3b7c2de",
        chip: "ESP32C5",
        sdk: "v5.5.1",
        compiled: "compile time(7d20e4aa):Nov 20 2025 09:41:33",
        image: "Bin version:v5.0.0.0(ESP32C5-4MB)",
        legacy: false,
        keeps_unread: true,
        ..Self::V4_1
    };

    /// 2.4 on an ESP32.
    pub const V2_4: Self = Self {
        name: "2.4",
        version: "2.4.0.0",
        series: Series::V2_4,
        core: "4c6eb5e",
        chip: "ESP32",
        sdk: "v4.3.3",
        compiled: "compile time(5d55eb7):May 20 2022 11:15:19",
        image: "Bin version:2.4.0(WROOM-32)",
        receive_type: false,
        cuts_datagrams: true,
        whole_datagrams: false,
        free_length: -1,
        timeouts: false,
        ..Self::V4_1
    };

    /// 2.1 on an ESP32.
    pub const V2_1: Self = Self {
        name: "2.1",
        version: "2.1.0.0",
        series: Series::V2_1,
        core: "883f7f2",
        sdk: "v4.0.1",
        compiled: "compile time(98b0a7e6):Sep 15 2020 06:20:15",
        image: "Bin version:2.1.0(WROOM-32)",
        send_limit: 2048,
        prompt: Prompt::Apart,
        tail: false,
        quotes_domain: false,
        while_sending: WhileSending::BusyProcessing,
        join_fields: 8,
        tells_time: false,
        asks_details: false,
        ..Self::V2_4
    };

    /// 1.7 on an ESP8266 with the `NonOS` SDK.
    pub const V1_7: Self = Self {
        name: "1.7",
        version: "1.7.6.0",
        series: Series::V1_7,
        core: "",
        chip: "",
        sdk: "3.0.6(b4a7d6b)",
        compiled: "compile time:Jan 24 2022 10:35:04",
        image: "Bin version(Wroom 02):1.7.6",
        prompt: Prompt::Blank,
        passive_datagrams: false,
        old_receive_layout: true,
        tells_rest: false,
        free_length: 0,
        quotes_peer: false,
        block: 1460,
        while_sending: WhileSending::BusySending,
        says_why: true,
        closes_early: true,
        join_fields: 5,
        scan_fields: 7,
        factory_mode: 2,
        boot_log: true,
        ..Self::V2_1
    };

    /// All of them.
    pub const ALL: [&'static Self; 5] =
        [&Self::V1_7, &Self::V2_1, &Self::V2_4, &Self::V4_1, &Self::V5_0];

    /// Before the rewrite: `_CUR` and `_DEF`, other literals.
    pub(crate) fn is_old(&self) -> bool {
        self.series == Series::V1_7
    }
}
