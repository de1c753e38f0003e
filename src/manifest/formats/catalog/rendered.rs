/// The result of a template, or the cell that overrides it.
pub(super) enum Rendered {
    Text(String),
    List(Vec<String>),
    /// The row's own cell, which overrides the template.
    Own(String),
    Refused,
}

/// Returns the hint for excluding rows in which a column is empty.
pub(super) fn leave_out_hint(name: &str) -> String {
    format!("to leave such rows out, write `when: \"{{{{ {name} }}}}\"` in the template")
}
