use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value as Variable;

use crate::manifest::diagnostic::quoted;
use crate::manifest::formats::dialect::snake_case;
use crate::manifest::node::{Key, Kind, Node};

/// One dimension of the matrix: a name and its values.
#[derive(Debug)]
pub(in crate::manifest) struct Axis {
    pub(super) name: Arc<str>,
    pub(super) entries: Vec<AxisEntry>,
}

/// One entry of an axis.
#[derive(Debug)]
pub(super) struct AxisEntry {
    pub(super) value: Variable,
    /// Its columns in the report: the axis's name, or `axis.key` for each key of a map.
    pub(super) columns: Vec<(String, String)>,
    /// The span in the manifest.
    pub(super) span: std::ops::Range<usize>,
}

/// An error of an axis, and its span.
pub(in crate::manifest) struct AxisError {
    pub(in crate::manifest) span: std::ops::Range<usize>,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) hint: String,
}

impl Axis {
    /// Parses an axis: a list of single values, or of maps of single values.
    pub(in crate::manifest) fn read(key: &Key, value: &Node) -> Result<Axis, AxisError> {
        let error = |node: &Node, message: String| AxisError {
            span: node.span.clone(),
            message,
            hint: "a part of the matrix is a list, as in `color: [{name: ocean, hex: \"#1E90FF\"}]`".to_owned(),
        };
        let Kind::List(items) = &value.kind else {
            return Err(error(value, format!("`matrix.{}` is {}, but must be a list", key.name, value.what())));
        };
        if items.is_empty() {
            return Err(error(value, format!("`matrix.{}` is empty, so there would be no jobs", key.name)));
        }
        if snake_case(&key.name) != key.name {
            let message = format!("{} cannot be used as a name in templates", quoted(&key.name));
            let hint = format!("call it `{}`", snake_case(&key.name));
            return Err(AxisError { span: key.span.clone(), message, hint });
        }
        let entries: Result<Vec<AxisEntry>, AxisError> = items
            .iter()
            .map(|item| match &item.kind {
                Kind::Scalar(text) => {
                    let columns = vec![(key.name.clone(), text.clone())];
                    Ok(AxisEntry { value: Variable::from(text.as_str()), columns, span: item.span.clone() })
                }
                Kind::Map(pairs) => {
                    let texts: Option<Vec<(String, String)>> = pairs
                        .iter()
                        .map(|(part, value)| Some((part.name.clone(), value.scalar()?.to_owned())))
                        .collect();
                    let texts =
                        texts.ok_or_else(|| error(item, "the values of an entry must be single values".to_owned()))?;
                    Ok(AxisEntry {
                        value: Variable::from(
                            texts
                                .iter()
                                .map(|(name, text)| (name.clone(), Variable::from(text.as_str())))
                                .collect::<BTreeMap<String, Variable>>(),
                        ),
                        columns: texts.into_iter().map(|(name, text)| (format!("{}.{name}", key.name), text)).collect(),
                        span: pairs.first().map_or(item.span.clone(), |(first, _)| first.span.clone()),
                    })
                }
                _ => Err(error(item, format!("an entry of `matrix.{}` is {}", key.name, item.what()))),
            })
            .collect();
        Ok(Axis { name: key.name.as_str().into(), entries: entries? })
    }

    /// Returns the names by which templates refer to the axis and its parts: `color`, `color.name`, `color.hex`.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let parts = self.entries.iter().flat_map(|entry| entry.columns.iter().map(|(name, _)| name.clone()));
        std::iter::once(self.name.to_string()).chain(parts)
    }
}
