//! The description of the server's only model, as documented by the provider.

use crate::job::{Cents, DEFAULT_MODEL};

/// The id of the model.
pub(super) const ID: &str = DEFAULT_MODEL;
/// The display name of the model.
pub(super) const NAME: &str = "FLUX.2 [pro] Edit";
/// The price of a submit.
pub(super) const PRICE: Cents = Cents(7);
/// The estimated time, in the provider's words.
pub(super) const ESTIMATED_TIME: &str = "Variable, depending on task";
