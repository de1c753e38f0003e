use serde::{Deserialize, Serialize};

use super::words;

/// The service that edits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The provider, which costs money.
    #[default]
    Vibedream,
    /// The server and the editor in this program.
    Embedded,
}

words!(Backend, "vibedream" => Backend::Vibedream, "embedded" => Backend::Embedded);
