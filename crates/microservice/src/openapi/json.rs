//! JSON values, made by code that is small: `serde_json::json!` puts the whole insertion into a map wherever a member
//! stands, which was a tenth of the module.

use serde_json::{Map, Value};

/// An object.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    collect(&mut members.into_iter().map(|(name, value)| (name.to_owned(), value)))
}

/// An object of members whose names are made.
#[inline(never)]
pub(super) fn collect(members: &mut dyn Iterator<Item = (String, Value)>) -> Value {
    let mut map = Map::new();
    for (name, value) in members {
        map.insert(name, value);
    }
    Value::Object(map)
}

/// Sets a member of an object.
#[inline(never)]
pub(super) fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        let _: Option<Value> = members.insert(name.to_owned(), value);
    }
}

/// A reference to a part that operations share.
pub(super) fn reference(kind: &str, name: &str) -> Value {
    object([("$ref", format!("#/components/{kind}/{name}").into())])
}

/// The value of a text that is JSON, as all schemas are. A text that is not becomes a string; a test finds it.
#[inline(never)]
pub(super) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// An example of a value with this schema: a string, unless the schema says otherwise.
pub(super) fn example(schema: &Value, text: &str) -> Value {
    let is_string = schema.get("type").is_none_or(|name| name == "string");
    if is_string { text.into() } else { parse(text) }
}
