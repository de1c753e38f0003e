/// How a run ended, according to its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd<'l> {
    /// It is still running, or its process was killed.
    Unknown,
    /// Nothing was left to do.
    Finished,
    /// It stopped early. The text is the reason.
    Stopped(&'l str),
}

impl<'l> RunEnd<'l> {
    /// Returns the reason why work is left, assuming that no process works on the folder.
    pub fn why_unfinished(self) -> Option<&'l str> {
        match self {
            RunEnd::Unknown => Some("its process ended unexpectedly"),
            RunEnd::Finished => None,
            RunEnd::Stopped(reason) => Some(reason),
        }
    }
}
