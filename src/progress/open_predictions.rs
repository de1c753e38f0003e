use crate::job::Backend;
use crate::words::counted;

/// Returns the text about `open` predictions that were left at the provider; `None` if there are none.
pub(crate) fn open_text(open: u64, backend: Backend) -> Option<String> {
    let predictions = counted(open, "prediction");
    let (is, it) = if open == 1 { ("is", "it") } else { ("are", "they") };
    match (open, backend.charges()) {
        (0, _) => None,
        (_, true) => Some(format!(
            "{predictions} at the provider {is} paid for: run again soon, because pictures may be deleted ten minutes after \
             {it} {is} finished"
        )),
        (_, false) => Some(format!("{predictions} {is} left to a later run")),
    }
}
