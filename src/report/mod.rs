//! The report folder: what the person who ordered the batch sees.
