//! Scripts, recordings, and the list of differences that are meant.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::answer::Answered;
use super::base64;
use crate::Outcome;

/// One connection's script.
pub(crate) struct Probe {
    pub(crate) id: String,
    category: String,
    /// The methods of its requests, without which answers cannot be told apart.
    pub(crate) methods: Vec<String>,
    /// Every server that mirrors Go should pass it; the others show Go's own choices.
    pub(crate) core: bool,
    /// How long without bytes ends it.
    pub(crate) quiet: Duration,
    pub(crate) steps: Vec<Step>,
}

/// What a script does.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Byte by byte.
    Trickle(Vec<u8>),
    Sleep(Duration),
    /// Waits until what came holds this, for a second at most.
    Await(Vec<u8>),
    /// Ends the sending side.
    Shut,
}

/// Reads a file of scripts.
pub(crate) fn load(path: &Path) -> Outcome<Vec<Probe>> {
    let file = read(path)?;
    let probes = file.get("probes").and_then(Value::as_array).ok_or("no scripts in the file")?;
    probes.iter().map(probe).collect::<Option<_>>().ok_or_else(|| "a malformed script".into())
}

pub(crate) fn read(path: &Path) -> Outcome<Value> {
    let fail = |error: &dyn core::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| fail(&error))?;
    serde_json::from_str(&text).map_err(|error| fail(&error))
}

fn probe(value: &Value) -> Option<Probe> {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let methods = value["methods"].as_array().map(Vec::as_slice).unwrap_or_default();
    Some(Probe {
        id: text("id"),
        category: text("category"),
        methods: methods.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        core: value["level"] == "core",
        quiet: Duration::from_millis(value["quiet_ms"].as_u64().unwrap_or(350)),
        steps: value["steps"].as_array().into_iter().flatten().map(step).collect::<Option<_>>()?,
    })
}

fn step(value: &Value) -> Option<Step> {
    let (name, value) = (value.as_object()?, value);
    let bytes = |name: &str| value[name].as_str().map(|text| text.as_bytes().to_vec());
    if let Some(text) = bytes("send") {
        Some(Step::Send(text))
    } else if name.contains_key("send_b64") {
        base64::decode(value["send_b64"].as_str()?).map(Step::Send)
    } else if let Some(text) = bytes("repeat") {
        Some(Step::Send(text.repeat(usize::try_from(value["times"].as_u64()?).ok()?)))
    } else if let Some(text) = bytes("trickle") {
        Some(Step::Trickle(text))
    } else if let Some(text) = bytes("await") {
        Some(Step::Await(text))
    } else if let Some(millis) = value["sleep_ms"].as_u64() {
        Some(Step::Sleep(Duration::from_millis(millis)))
    } else {
        (value["close_write"] == true).then_some(Step::Shut)
    }
}

impl Probe {
    /// Whether its id or category holds this text.
    pub(crate) fn is_named(&self, text: &str) -> bool {
        self.id.contains(text) || self.category.contains(text)
    }
}

/// What Go answered.
pub(crate) struct Recording(BTreeMap<String, Answered>);

impl Recording {
    pub(crate) fn load(path: &Path) -> Outcome<Self> {
        let file = read(path)?;
        let results =
            file.get("results").and_then(Value::as_array).ok_or("no recording in the file")?;
        let all = results
            .iter()
            .map(|result| Some((result["id"].as_str()?.to_owned(), Answered::recorded(result)?)));
        all.collect::<Option<_>>().map(Self).ok_or_else(|| "a malformed recording".into())
    }

    pub(crate) fn of(&self, id: &str) -> Option<&Answered> {
        self.0.get(id)
    }
}

/// The scripts whose answers differ on purpose.
pub(crate) struct Meant {
    everywhere: Vec<String>,
    on_chips: Vec<String>,
}

impl Meant {
    /// docs/porting.md names them as `probe:ID`, and as `probe-on-chips:ID` what the firmware of some
    /// chip makes impossible.
    pub(crate) fn load(root: &Path, device: &str) -> Outcome<Self> {
        let path = root.join("docs/porting.md");
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let named = |prefix: &str| -> Vec<String> {
            text.split('`')
                .filter_map(|word| word.strip_prefix(prefix))
                .map(str::to_owned)
                .collect()
        };
        let on_chips = if device == "host" { Vec::new() } else { named("probe-on-chips:") };
        Ok(Self { everywhere: named("probe:"), on_chips })
    }

    /// Whether a difference is meant, and whether there has to be one.
    pub(crate) fn is_meant(&self, id: &String) -> (bool, bool) {
        let everywhere = self.everywhere.contains(id);
        (everywhere || self.on_chips.contains(id), everywhere)
    }
}
