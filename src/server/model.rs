//! The description of the server's one model, as on the provider's page.

use crate::job::{Cents, DEFAULT_MODEL};

/// The model's id.
pub(super) const ID: &str = DEFAULT_MODEL;
/// The model's name for people.
pub(super) const NAME: &str = "FLUX.2 [pro] Edit";
/// The cost of a submit.
pub(super) const PRICE: Cents = Cents(7);
/// The page's own words.
pub(super) const ESTIMATED_TIME: &str = "Variable, depending on task";
