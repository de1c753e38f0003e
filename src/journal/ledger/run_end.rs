/// How a run ended, as its journal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd<'l> {
    /// It is still going on, or its process was killed.
    Unknown,
    /// Nothing was left to do.
    Finished,
    /// It ended early; the text says why.
    Stopped(&'l str),
}

impl<'l> RunEnd<'l> {
    /// Why something is left to do, where no process works on it.
    pub fn why_unfinished(self) -> Option<&'l str> {
        match self {
            RunEnd::Unknown => Some("its process ended unexpectedly"),
            RunEnd::Finished => None,
            RunEnd::Stopped(reason) => Some(reason),
        }
    }
}
