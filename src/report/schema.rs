//! The JSON Schema (draft 2020-12) of `summary.json`, which `dyehouse schema summary` prints.

use serde_json::{Map, Value, json};

use crate::job::{ErrorClass, StopKind};

/// Returns the schema of version 1. Within a version, fields may be added, but none is removed or changes its meaning.
/// Readers should ignore unknown fields.
pub(crate) fn summary_schema() -> Value {
    let count = |description: &str| json!({"description": description, "type": "integer", "minimum": 0});
    let text = |description: &str| json!({"description": description, "type": "string"});
    let or_null = |kind: &str, description: &str| json!({"description": description, "type": [kind, "null"]});
    let time =
        |description: &str| json!({"description": description, "type": ["string", "null"], "format": "date-time"});
    let object = |description: &str, properties: Value| {
        let required: Vec<_> = properties.as_object().map(Map::keys).into_iter().flatten().cloned().collect();
        json!({"description": description, "type": "object", "required": required, "properties": properties})
    };
    let classes: Map<String, Value> =
        ErrorClass::ALL.iter().map(|class| (class.to_string(), count(class.hint()))).collect();
    let stops: Vec<Value> = StopKind::NAMES.iter().map(|name| json!(name)).chain([Value::Null]).collect();
    let mut last_run = object(
        "The last run of the folder; `null` before the first.",
        json!({
            "started_at": time("When it started."),
            "ended_at": time("When it ended; `null` if it is still running, or if its process was killed."),
            "seconds": or_null("number", "How long it took."),
            "submits": or_null("integer", "Its submits, refused ones and re-rolls included; `null` if an older program has compacted the journal since."),
            "spent_cents": or_null("integer", "The cost of its submits, in cents; `null` if `submits` is."),
            "stop": {"description": "The kind of reason why it stopped early; `null` if it did not, or if its process was killed.", "enum": stops},
        }),
    );
    last_run["type"] = json!(["object", "null"]);
    let mut schema = object(
        "The whole batch.",
        json!({
            "version": {"description": "The version of this format.", "const": 1},
            "title": text("The manifest's name."),
            "manifest": text("The manifest, as it was named."),
            "backend": text("The backend: `vibedream` or `embedded`."),
            "state": {"description": "The state of the batch.", "enum": ["running", "finished", "partial", "stopped"]},
            "as_of": time("The time of the last known event, while the state is `running`. It is long ago if the process could not record the end."),
            "stopped_because": or_null("string", "Why it ended early."),
            "started_at": time("When the first submit was made."),
            "finished_at": time("When the last job ended, once nothing is left to do."),
            "seconds": or_null("number", "From the first submit to the end of the last job."),
            "working_seconds": or_null("number", "The time of work, without breaks of more than an hour; `null` before the first job ends."),
            "last_run": last_run,
            "jobs": object("Jobs by status.", json!({
                "total": count("All of them."),
                "completed": count("With verified pictures."),
                "failed": count("Ended without a picture."),
                "uncertain": count("Of unknown fate: they may have been charged."),
                "pending": count("Not submitted yet, or in work."),
            })),
            "open": count("Predictions that are open at the provider, or were when the run ended. They are paid for, and `pending` among the jobs."),
            "removed": count("Jobs with pictures in `results/` that the manifest no longer has."),
            "outdated": count("Jobs that were edited, but have no new picture yet: the one in `results/` is of the earlier request."),
            "held_back": object("Jobs that the last run did not submit, because pictures that the journal does not know are in the place of their results.", json!({
                "jobs": count("How many."),
                "pictures": {"description": "The first of the pictures.", "type": "array", "items": {"type": "string"}},
            })),
            "cost_cents": object("Money, in cents.", json!({
                "charged": {"description": "Whether the sums were charged. They were not with the embedded backend, whose sums are what the provider would charge.", "type": "boolean"},
                "spent": count("The cost of all submits."),
                "reserved": count("What uncertain submits may have cost in addition."),
                "budget": or_null("integer", "The budget that was set."),
            })),
            "colors": object("Results by the verdict on their color, of those that were checked.", json!({
                "on": count("Within the tolerance."),
                "near": count("A little beyond it."),
                "off": count("Far beyond it."),
                "unmeasurable": count("Could not be determined."),
            })),
            "corrected": count("Results that the color lock has corrected."),
            "retouched": count("Jobs whose results were changed by hand since they were saved."),
            "rerolls": count("Submits repeated because the color was wrong."),
            "errors": {
                "description": "Failed jobs by error class; classes that no job has are left out.",
                "type": "object", "properties": classes, "additionalProperties": false,
            },
            "attempts": count("Submits, refused ones and re-rolls included."),
            "pictures": object("The pictures in `results/`.", json!({
                "files": count("How many."),
                "bytes": count("Their size together."),
            })),
            "alike": object("Jobs that show exactly the same picture as an earlier job with another request.", json!({
                "jobs": count("How many."),
                "ids": {"description": "The first of them.", "type": "array", "items": {"type": "string"}},
                "new": object("Those that the last run has made, or that show a picture that it has made.", json!({
                    "jobs": count("How many."),
                    "ids": {"description": "The first of them.", "type": "array", "items": {"type": "string"}},
                })),
            })),
            "notes": {"description": "Further notes.", "type": "array", "items": {"type": "string"}},
        }),
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("summary.json of dyehouse, version 1");
    schema
}
