//! The JSON Schema of YAML manifests, generated from the tables that the reader uses.

use serde_json::{Map, Value, json};

use crate::job::{Backend, Seed, Size, UncertainPolicy};

use super::field::Field;
use super::formats::document::TOP_KEYS;
use super::formats::entries::COLUMNS;
use super::settings::{ImagesVia, RUN_KEYS};

/// Returns the schema, draft 2020-12.
pub fn schema() -> Value {
    let top: Map<String, Value> = TOP_KEYS.iter().map(|key| ((*key).to_owned(), top(key))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A manifest of dyehouse",
        "description": "A batch of image edits: either a list of jobs, or rows times a matrix through a template.",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
        "oneOf": [
            {"required": ["jobs"]},
            {
                "required": ["template"],
                "allOf": [
                    {"anyOf": [{"required": ["rows"]}, {"required": ["matrix"]}]},
                    {"anyOf": [
                        {"properties": {"template": {"required": ["images"]}}},
                        {"properties": {"defaults": {"required": ["images"]}}, "required": ["defaults"]},
                    ]},
                ],
            },
        ],
    })
}

fn top(key: &str) -> Value {
    match key {
        "version" => json!({"description": "The version of the format.", "enum": [1, "1"]}),
        "backend" => json!({"description": "Who edits.", "enum": Backend::NAMES}),
        "model" => json!({
            "description": "The model's name in the API's URLs.", "type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*$",
        }),
        "run" => {
            let settings: Map<String, Value> = RUN_KEYS.iter().map(|key| ((*key).to_owned(), setting(key))).collect();
            json!({
                "description": "Settings of the run; the command line wins over them.",
                "type": ["object", "null"], "properties": settings, "additionalProperties": false,
            })
        }
        "defaults" => map_of("Defaults for all jobs.", |field| field != Field::Id, value, None),
        "jobs" => {
            let own = (
                COLUMNS,
                json!({
                    "description": "Your own columns; they are copied to results.csv.",
                    "type": ["object", "null"], "additionalProperties": single(),
                }),
            );
            json!({
                "description": "The jobs.", "type": "array", "minItems": 1,
                "items": map_of("A job.", |_| true, value, Some(own)),
            })
        }
        "rows" => json!({
            "description": "A table (.csv, .tsv, .jsonl), a pattern of pictures such as photos/*.jpg, or a list of rows.",
            "oneOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "items": {"type": "object"}},
            ],
        }),
        "matrix" => {
            let entry = json!({"oneOf": [given(), {"type": "object", "additionalProperties": given()}]});
            json!({
                "description": "Lists that are combined with every row.",
                "type": "object", "propertyNames": {"pattern": "^[^A-Z \\-]+$"},
                "additionalProperties": {"type": "array", "minItems": 1, "items": entry},
            })
        }
        _ => {
            let when = (
                "when",
                json!({
                    "description": "The condition for making a job, as in {{ stock | int > 0 }}.", "type": ["string", "boolean", "number"],
                }),
            );
            map_of("The job to make from each row: texts with {{ names }}.", |_| true, templated, Some(when))
        }
    }
}

/// Returns the schema of a map whose keys are the `wanted` columns of a job, and one more key.
fn map_of(
    description: &str,
    wanted: impl Fn(Field) -> bool,
    value: impl Fn(Field) -> Value,
    more: Option<(&str, Value)>,
) -> Value {
    let fields = Field::ALL.into_iter().filter(|field| wanted(*field));
    let mut properties: Map<String, Value> = fields
        .map(|field| {
            let mut schema = value(field);
            schema["description"] = describe(field).into();
            (field.key().to_owned(), schema)
        })
        .collect();
    properties.extend(more.map(|(key, schema)| (key.to_owned(), schema)));
    json!({
        "description": description, "type": ["object", "null"], "properties": properties, "additionalProperties": false,
    })
}

/// Returns a pattern that matches exactly one of `words`, ignoring case and surrounding whitespace.
fn in_any_case(words: &[&str]) -> String {
    let letter = |letter: char| format!("[{letter}{}]", letter.to_ascii_uppercase());
    let words: Vec<String> = words.iter().map(|word| word.chars().map(letter).collect()).collect();
    format!("^\\s*({})\\s*$", words.join("|"))
}

fn describe(field: Field) -> &'static str {
    match field {
        Field::Id => "Identifies the job and names its picture; derived from the row's content if it is left out.",
        Field::Prompt => "What to do, such as: Change the mug's color to #1E90FF (ocean).",
        Field::Images => "One to eight URLs or paths; several in one text are separated by |.",
        Field::Size => "The size of the output.",
        Field::Seed => "The seed of the generator.",
        Field::SyncMode => "Wait for the result in the answer to the submit.",
        Field::Base64Output => "Return outputs as base64 text instead of URLs.",
        Field::SafetyChecker => "The provider's content check.",
        Field::Color => "The requested color, a hex or a CSS name; the result is checked against it.",
    }
}

fn value(field: Field) -> Value {
    match field {
        Field::Id => json!({"type": ["string", "number", "boolean", "null"], "maxLength": 200}),
        Field::Prompt => single(),
        Field::Images => json!({
            "oneOf": [
                {"type": "null"},
                {"type": "string", "not": {"pattern": NO_PICTURE}},
                {"type": "array", "minItems": 1, "maxItems": 8, "items": {"type": "string", "minLength": 1, "not": {"pattern": NO_PICTURE}}},
            ],
        }),
        // The names are listed for completion in editors. The reader ignores case.
        Field::Size => json!({
            "anyOf": [
                {"enum": [Size::NAMES[0], Size::NAMES[1], Size::NAMES[2], null]},
                {"type": "string", "pattern": in_any_case(Size::NAMES)},
            ],
        }),
        Field::Seed => json!({
            "oneOf": [{"type": "integer", "minimum": 0, "maximum": Seed::MAX}, {"type": "string", "pattern": "^[0-9]{1,5}$"}, {"type": "null"}],
        }),
        Field::SyncMode | Field::Base64Output | Field::SafetyChecker => {
            json!({"enum": [true, false, null, "true", "false", "yes", "no", 0, 1]})
        }
        Field::Color => json!({"type": ["string", "null"]}),
    }
}

fn setting(key: &str) -> Value {
    let rate = |what: &str| json!({"description": what, "type": "string", "pattern": "^ *[0-9.]+ */ *(s|min|h|sec|second|minute|hour|m) *$"});
    let count = |what: &str| json!({"description": what, "oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+$"}]});
    let duration = |what: &str| json!({"description": what, "type": "string", "minLength": 2});
    let dollars = |what: &str| json!({"description": what, "type": ["number", "string"], "minimum": 0});
    match key {
        "rate" => json!({
            "description": "The rate of submits, such as 10/min; auto finds the provider's limit.",
            "anyOf": [{"const": "auto"}, {"type": "string", "pattern": in_any_case(&["auto"])}, rate("A rate.")],
        }),
        "polls" => rate("The rate of polls, such as 10/s."),
        "burst" => count("How many submits may be sent at once after a pause, with a fixed rate."),
        "in_flight" => count("How many predictions may be open at once."),
        "downloads" => count("How many downloads may run at once."),
        "budget" => dollars("The most that the run's folder may ever cost, in dollars."),
        "budget_per_run" => dollars("The most that each run may cost, in dollars."),
        "price_limit" => {
            dollars("The most that one submit may cost, in dollars. After one that costs more, nothing is submitted.")
        }
        "not_after" => {
            json!({"description": "Stop submitting at this time, such as \"06:00\".", "type": "string", "pattern": "^ *[0-9]{1,2}:[0-9]{2} *$"})
        }
        "deadline" => duration("Stop submitting after this time, such as 6h."),
        "job_timeout" => duration("How long a prediction may take, such as 30m."),
        "tolerance" => json!({
            "description": "The largest color difference (ΔE00) that counts as right.",
            "type": ["number", "string"], "exclusiveMinimum": 0,
        }),
        "color_check" => json!({
            "description": "Whether the colors of results are checked.",
            "enum": [true, false, "true", "false"],
        }),
        "reroll" => json!({
            "description": "How often a job whose color is wrong is submitted again with another seed; each is paid for.",
            "oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+$"}],
        }),
        "color_lock" => json!({
            "description": "Correct results on this machine whose color is nearly right: true, or the largest difference (ΔE00).",
            "anyOf": [
                {"enum": [true, false, "true", "false"]},
                {"type": ["number", "string"], "exclusiveMinimum": 0},
            ],
        }),
        "images_via" => json!({"description": "How local pictures reach the provider.", "enum": ImagesVia::NAMES}),
        "uncertain" => {
            json!({"description": "What to do with uncertain submits.", "enum": UncertainPolicy::NAMES})
        }
        "base_url" => json!({"description": "The API's origin.", "type": "string", "pattern": "^https?://"}),
        _ => json!({"description": "The run's folder.", "type": "string", "minLength": 1}),
    }
}

/// Returns the schema of a single value, which may be null.
fn single() -> Value {
    json!({"type": ["string", "number", "boolean", "null"]})
}

/// Returns the schema of a single value that is not null.
fn given() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

/// Matches texts that are neither paths nor URLs that the provider can fetch: other schemes, URLs without a scheme or
/// with a password, and paths that begin with `~/`.
const NO_PICTURE: &str =
    "^ *(//|www\\.|~/|(?![Hh][Tt][Tt][Pp][Ss]?:)[A-Za-z][A-Za-z0-9+.-]*://|[Hh][Tt][Tt][Pp][Ss]?://[^/?#]*@)";

/// Returns the schema of a column in a template: the column's own values, or a template that renders to one.
fn templated(field: Field) -> Value {
    match field {
        Field::Size | Field::Seed | Field::SyncMode | Field::Base64Output | Field::SafetyChecker => {
            json!({"anyOf": [value(field), {"type": "string", "pattern": "\\{[{%]"}]})
        }
        _ => json!({"oneOf": [single(), {"type": "array", "minItems": 1, "items": given()}]}),
    }
}
