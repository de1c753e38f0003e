use serde::{Deserialize, Serialize};

use super::words;

/// The service that edits pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The provider, which costs money.
    #[default]
    Vibedream,
    /// The server and the editor in this program.
    Embedded,
}

impl Backend {
    /// Whether its submits cost money. If not, sums are what the provider would charge.
    pub fn charges(self) -> bool {
        match self {
            Backend::Vibedream => true,
            Backend::Embedded => false,
        }
    }
}

words!(Backend, "vibedream" => Backend::Vibedream, "embedded" => Backend::Embedded);
