use super::words;

/// The policy for uncertain submits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UncertainPolicy {
    /// They wait for the user's decision.
    #[default]
    Hold,
    /// They are submitted again, and may be paid for twice.
    Resubmit,
}

words!(UncertainPolicy, "hold" => UncertainPolicy::Hold, "resubmit" => UncertainPolicy::Resubmit);
