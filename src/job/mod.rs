//! The basic types of a job: its id, its request, its cost and its status.
//!
//! Everything here is pure: no clock, no file system, no network.

mod backend;
mod borrowed;
mod cents;
mod choice;
mod content_hash;
mod duration;
mod fingerprint;
mod folded;
mod held_back;
mod hex;
mod hex_text;
mod id;
mod id_pattern;
mod normal_form;
mod partition;
mod rate;
mod request;
mod signed_url;
mod status;
mod status_counts;
mod stop_kind;
mod text;
mod time_of_day;
mod uncertain_policy;
mod url;

pub use backend::Backend;
pub use borrowed::{ImageRef, ImageRefs, JobRef, RequestRef};
pub use cents::Cents;
pub use choice::UnknownWord;
pub(crate) use choice::words;
pub use content_hash::ContentHash;
pub use duration::duration;
pub use fingerprint::{Fingerprint, RequestHash};
pub(crate) use folded::folded;
pub use held_back::HeldBack;
pub use hex::{Hex, HexError};
pub use hex_text::DigestError;
pub use id::{JobId, JobIdError, JobIdRef, is_shortened_number};
pub use id_pattern::IdPattern;
pub use partition::{Partition, PartitionError};
pub use rate::{Per, Rate, RateError, SubmitRate};
pub use request::{
    DEFAULT_MODEL, EditRequest, ImageSource, Job, MAX_IMAGE_BYTES, MAX_IMAGES, Seed, SeedError, Size, Switches,
};
pub use signed_url::{SignedPeriod, UrlSignature};
pub use status::{ErrorClass, JobStatus};
pub use status_counts::StatusCounts;
pub use stop_kind::StopKind;
pub use time_of_day::{TimeOfDay, TimeOfDayError};
pub use uncertain_policy::UncertainPolicy;
pub use url::UrlRef;
pub(crate) use url::extension;
