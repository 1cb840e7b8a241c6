//! A client's JSON → a checked event, or the answer that says why not.
//!
//! Strings are borrowed from the body while it is parsed, and those that are kept are copied once, all into one text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{json, Value};

use crate::timestamps;

const MAX_USERNAME_CHARACTERS: usize = 256;
const MAX_HOSTNAME_CHARACTERS: usize = 255;
const MAX_OS_CHARACTERS: usize = 256;
const MAX_HARDWARE_BYTES: usize = 64 * 1024;
const MAX_HARDWARE_LEVELS: usize = 200;
const FIELDS: usize = 8;

/// What a workstation reports, checked: eight texts one after the other in one allocation.
pub struct Event {
    text: Box<str>,
    ends: [u32; FIELDS],
    present: u8,
}

impl Event {
    fn new(fields: [Option<&str>; FIELDS]) -> Event {
        let mut text = String::with_capacity(fields.iter().flatten().map(|field| field.len()).sum());
        let (mut ends, mut present) = ([0; FIELDS], 0);
        for (at, field) in fields.iter().enumerate() {
            if let Some(field) = field {
                text.push_str(field);
                present |= 1 << at;
            }
            ends[at] = text.len() as u32;
        }
        Event { text: text.into_boxed_str(), ends, present }
    }

    fn field(&self, at: usize) -> Option<&str> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        (self.present >> at & 1 == 1).then(|| &self.text[start..self.ends[at] as usize])
    }

    pub fn username(&self) -> &str {
        self.field(0).unwrap_or_default()
    }

    /// `C`, `D` or `M`.
    pub fn action(&self) -> &str {
        self.field(1).unwrap_or_default()
    }

    /// In the form that is stored.
    pub fn timestamp(&self) -> &str {
        self.field(2).unwrap_or_default()
    }

    pub fn hostname(&self) -> Option<&str> {
        self.field(3)
    }

    pub fn os_name(&self) -> Option<&str> {
        self.field(4)
    }

    pub fn os_version(&self) -> Option<&str> {
        self.field(5)
    }

    pub fn kernel_version(&self) -> Option<&str> {
        self.field(6)
    }

    /// Compact JSON.
    pub fn hardware_info(&self) -> Option<&str> {
        self.field(7)
    }
}

/// The event in `body`, or the JSON object with which it is refused.
pub fn decode(body: &[u8]) -> Result<Event, Value> {
    if body.is_empty() {
        return Err(json!({"error": "Empty request body"}));
    }
    let fields = parse(body).map_err(|details| json!({"error": "Invalid JSON", "details": details}))?;
    let mut wrong = serde_json::Map::new();
    let Some(fields) = fields else {
        wrong.insert("body".into(), "must be a JSON object".into());
        return Err(structure(wrong));
    };
    let mut check = Check { wrong: &mut wrong };
    let username = check.required("username", &fields.username, MAX_USERNAME_CHARACTERS);
    let action = check.required("action", &fields.action, usize::MAX);
    let timestamp = check.required("timestamp", &fields.timestamp, usize::MAX);
    let hostname = check.optional("hostname", &fields.hostname, MAX_HOSTNAME_CHARACTERS);
    check.no_control("username", username);
    check.no_control("hostname", hostname.unwrap_or_default());
    if fields.os_info.is_wrong {
        check.fault("os_info", "must be an object or null");
    }
    let os_name = check.optional("os_info.os_name", &fields.os_info.os_name, MAX_OS_CHARACTERS);
    let os_version = check.optional("os_info.os_version", &fields.os_info.os_version, MAX_OS_CHARACTERS);
    let kernel_version = check.optional("os_info.kernel_version", &fields.os_info.kernel_version, MAX_OS_CHARACTERS);
    let hardware = check.hardware(fields.hardware_info);
    if !wrong.is_empty() {
        return Err(structure(wrong));
    }
    if !matches!(action, "C" | "D" | "M") {
        return Err(json!({"error": format!("Invalid action: {action}")}));
    }
    let Some(timestamp) = timestamps::stored_form(timestamp) else {
        return Err(json!({"error": "Invalid timestamp format (expected ISO 8601)"}));
    };
    let hostname = hostname.filter(|name| !name.is_empty());
    let (username, action, timestamp) = (Some(username), Some(action), Some(&*timestamp));
    let hardware = hardware.as_deref();
    Ok(Event::new([username, action, timestamp, hostname, os_name, os_version, kernel_version, hardware]))
}

/// None when it is JSON and not an object.
fn parse(body: &[u8]) -> Result<Option<Fields<'_>>, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let fields = parser.deserialize_any(BodyVisitor).map_err(|error| error.to_string())?;
    parser.end().map_err(|error| error.to_string())?;
    Ok(fields)
}

fn structure(wrong: serde_json::Map<String, Value>) -> Value {
    json!({"error": "Invalid JSON structure: missing required fields", "details": wrong})
}

/// Collects everything that is wrong with the fields.
struct Check<'a> {
    wrong: &'a mut serde_json::Map<String, Value>,
}

impl Check<'_> {
    #[cold]
    fn fault(&mut self, name: &str, what: &str) {
        self.wrong.insert(name.into(), what.into());
    }

    fn required<'f>(&mut self, name: &str, field: &'f Field<'_>, limit: usize) -> &'f str {
        match field {
            Field::Text(text) if text.is_empty() => self.fault(name, "must not be empty"),
            Field::Text(text) => return self.short(name, text, limit),
            Field::Missing => self.fault(name, "is missing"),
            Field::Null | Field::Wrong => self.fault(name, "must be a string"),
        }
        ""
    }

    fn optional<'f>(&mut self, name: &str, field: &'f Field<'_>, limit: usize) -> Option<&'f str> {
        match field {
            Field::Text(text) => return Some(self.short(name, text, limit)),
            Field::Missing | Field::Null => (),
            Field::Wrong => self.fault(name, "must be a string or null"),
        }
        None
    }

    fn short<'f>(&mut self, name: &str, text: &'f str, limit: usize) -> &'f str {
        if text.len() > limit && text.chars().count() > limit {
            self.fault(name, &format!("must have at most {limit} characters"));
        }
        text
    }

    fn no_control(&mut self, name: &str, text: &str) {
        let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !plain && text.chars().any(char::is_control) {
            self.fault(name, "must not hold control characters");
        }
    }

    fn hardware(&mut self, raw: Option<&RawValue>) -> Option<String> {
        let raw = raw?.get();
        if levels(raw) > MAX_HARDWARE_LEVELS {
            self.fault("hardware_info", &format!("must not be nested deeper than {MAX_HARDWARE_LEVELS} levels"));
            return None;
        }
        // Looked at for its depth above, so that serde_json's own limit of 128 levels is not needed.
        let mut parser = serde_json::Deserializer::from_str(raw);
        parser.disable_recursion_limit();
        match Value::deserialize(&mut parser) {
            Ok(value) => {
                let text = value.to_string();
                if text.len() > MAX_HARDWARE_BYTES {
                    self.fault("hardware_info", &format!("must have at most {MAX_HARDWARE_BYTES} bytes"));
                }
                return Some(text);
            }
            Err(error) => self.fault("hardware_info", &error.to_string()),
        }
        None
    }
}

/// How deep arrays and objects are nested in valid JSON text.
fn levels(text: &str) -> usize {
    let (mut level, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => level += 1,
            b'}' | b']' => level -= 1,
            _ => (),
        }
        deepest = deepest.max(level);
    }
    deepest
}

// ── how serde reads it: nothing is an error but bad syntax, and of a doubled key the last counts ──────────────────

#[derive(Default)]
struct Fields<'a> {
    username: Field<'a>,
    action: Field<'a>,
    timestamp: Field<'a>,
    hostname: Field<'a>,
    os_info: OsInfo<'a>,
    hardware_info: Option<&'a RawValue>,
}

#[derive(Default)]
struct OsInfo<'a> {
    os_name: Field<'a>,
    os_version: Field<'a>,
    kernel_version: Field<'a>,
    is_wrong: bool,
}

#[derive(Default)]
enum Field<'a> {
    #[default]
    Missing,
    Null,
    Text(Cow<'a, str>),
    Wrong,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Username,
    Action,
    Timestamp,
    Hostname,
    OsInfo,
    HardwareInfo,
    #[serde(other)]
    Other,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum OsKey {
    OsName,
    OsVersion,
    KernelVersion,
    #[serde(other)]
    Other,
}

/// What the scalars, arrays and objects that are not wanted become.
macro_rules! unwanted {
    ($value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            Ok($value)
        }
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an event")
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Wrong)
    }

    unwanted!(Field::Wrong);
}

impl<'de: 'a, 'a> Deserialize<'de> for OsInfo<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OsInfoVisitor)
    }
}

struct OsInfoVisitor;

impl OsInfoVisitor {
    fn wrong<'a>() -> OsInfo<'a> {
        OsInfo { is_wrong: true, ..OsInfo::default() }
    }
}

impl<'de> Visitor<'de> for OsInfoVisitor {
    type Value = OsInfo<'de>;

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OsInfo<'de>, A::Error> {
        let mut info = OsInfo::default();
        while let Some(key) = map.next_key()? {
            match key {
                OsKey::OsName => info.os_name = map.next_value()?,
                OsKey::OsVersion => info.os_version = map.next_value()?,
                OsKey::KernelVersion => info.kernel_version = map.next_value()?,
                OsKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(info)
    }

    fn visit_unit<E>(self) -> Result<OsInfo<'de>, E> {
        Ok(OsInfo::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<OsInfo<'de>, E> {
        Ok(OsInfoVisitor::wrong())
    }

    unwanted!(OsInfoVisitor::wrong());
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Option<Fields<'de>>;

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Username => fields.username = map.next_value()?,
                Key::Action => fields.action = map.next_value()?,
                Key::Timestamp => fields.timestamp = map.next_value()?,
                Key::Hostname => fields.hostname = map.next_value()?,
                Key::OsInfo => fields.os_info = map.next_value()?,
                Key::HardwareInfo => fields.hardware_info = map.next_value()?,
                Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(fields))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    unwanted!(None);
}
