/// How a run ended, according to its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd<'l> {
    /// It is still running, or its process was killed.
    Unknown,
    /// Nothing was left to do.
    Finished,
    /// It ended early; the text says why.
    Stopped(&'l str),
}

impl<'l> RunEnd<'l> {
    /// Returns why work is left, if no process works on the folder.
    pub fn why_unfinished(self) -> Option<&'l str> {
        match self {
            RunEnd::Unknown => Some("its process ended unexpectedly"),
            RunEnd::Finished => None,
            RunEnd::Stopped(reason) => Some(reason),
        }
    }
}
