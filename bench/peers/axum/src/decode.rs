//! A client's JSON → a checked event, or the answer that says why not.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use serde_json::{json, Map, Value};

const MAX_USERNAME_CHARACTERS: usize = 256;
const MAX_HOSTNAME_CHARACTERS: usize = 255;
const MAX_OS_CHARACTERS: usize = 256;
const MAX_HARDWARE_BYTES: usize = 64 * 1024;
const MAX_TIMESTAMP_CHARACTERS: usize = 64;

/// What a workstation reports, checked.
pub struct Event {
    pub username: String,
    /// `C`, `D` or `M`.
    pub action: String,
    /// In the form that is stored.
    pub timestamp: String,
    pub instant: DateTime<Utc>,
    pub hostname: Option<String>,
    pub os_name: Option<String>,
    pub os_version: Option<String>,
    pub kernel_version: Option<String>,
    /// Compact JSON.
    pub hardware_info: Option<String>,
}

/// The event in `body`, or the JSON object with which it is refused.
pub fn decode(body: &[u8]) -> Result<Event, Value> {
    if body.is_empty() {
        return Err(json!({"error": "Empty request body"}));
    }
    let value: Value =
        serde_json::from_slice(body).map_err(|error| json!({"error": "Invalid JSON", "details": error.to_string()}))?;
    let Value::Object(mut fields) = value else {
        return Err(structure(json!({"body": "must be a JSON object"})));
    };
    let mut wrong = Map::new();
    let username = required(&mut fields, "username", MAX_USERNAME_CHARACTERS, &mut wrong);
    let action = required(&mut fields, "action", usize::MAX, &mut wrong);
    let timestamp = required(&mut fields, "timestamp", usize::MAX, &mut wrong);
    let hostname = optional(&mut fields, "hostname", MAX_HOSTNAME_CHARACTERS, &mut wrong);
    for (name, text) in [("username", Some(&username)), ("hostname", hostname.as_ref())] {
        if text.is_some_and(|text| text.chars().any(char::is_control)) {
            wrong.insert(name.into(), "must not hold control characters".into());
        }
    }
    let mut os_info = match fields.remove("os_info") {
        Some(Value::Object(os_info)) => os_info,
        Some(Value::Null) | None => Map::new(),
        Some(_) => {
            wrong.insert("os_info".into(), "must be an object or null".into());
            Map::new()
        }
    };
    let [os_name, os_version, kernel_version] = ["os_name", "os_version", "kernel_version"]
        .map(|name| optional(&mut os_info, name, MAX_OS_CHARACTERS, &mut wrong));
    let hardware_info = fields.remove("hardware_info").filter(|value| !value.is_null()).map(|value| value.to_string());
    if hardware_info.as_ref().is_some_and(|text| text.len() > MAX_HARDWARE_BYTES) {
        wrong.insert("hardware_info".into(), format!("must have at most {MAX_HARDWARE_BYTES} bytes").into());
    }
    if !wrong.is_empty() {
        return Err(structure(Value::Object(wrong)));
    }
    if !matches!(action.as_str(), "C" | "D" | "M") {
        return Err(json!({"error": format!("Invalid action: {action}")}));
    }
    let Some((timestamp, instant)) = stored_form(timestamp) else {
        return Err(json!({"error": "Invalid timestamp format (expected ISO 8601)"}));
    };
    let hostname = hostname.filter(|name| !name.is_empty());
    Ok(Event { username, action, timestamp, instant, hostname, os_name, os_version, kernel_version, hardware_info })
}

fn structure(details: Value) -> Value {
    json!({"error": "Invalid JSON structure: missing required fields", "details": details})
}

fn required(fields: &mut Map<String, Value>, name: &str, limit: usize, wrong: &mut Map<String, Value>) -> String {
    let fault = match fields.remove(name) {
        Some(Value::String(text)) if text.is_empty() => "must not be empty".to_owned(),
        Some(Value::String(text)) if is_long(&text, limit) => format!("must have at most {limit} characters"),
        Some(Value::String(text)) => return text,
        Some(_) => "must be a string".to_owned(),
        None => "is missing".to_owned(),
    };
    wrong.insert(name.into(), fault.into());
    String::new()
}

fn optional(
    fields: &mut Map<String, Value>,
    name: &str,
    limit: usize,
    wrong: &mut Map<String, Value>,
) -> Option<String> {
    let fault = match fields.remove(name) {
        Some(Value::String(text)) if is_long(&text, limit) => format!("must have at most {limit} characters"),
        Some(Value::String(text)) => return Some(text),
        Some(Value::Null) | None => return None,
        Some(_) => "must be a string or null".to_owned(),
    };
    wrong.insert(name.into(), fault.into());
    None
}

fn is_long(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

/// A timestamp in UTC is stored as it came, another one is rewritten to UTC.
fn stored_form(text: String) -> Option<(String, DateTime<Utc>)> {
    if text.len() > MAX_TIMESTAMP_CHARACTERS {
        return None;
    }
    let instant = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
    if !(1970..=9998).contains(&instant.year()) {
        return None;
    }
    let is_stored_form = text.as_bytes()[10] == b'T' && (text.ends_with('Z') || text.ends_with("+00:00"));
    Some((if is_stored_form { text } else { instant.to_rfc3339_opts(SecondsFormat::AutoSi, false) }, instant))
}
