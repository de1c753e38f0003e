//! Integration tests, as one program with a module per subject.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]
#![allow(unreachable_pub, reason = "modules of one program share what they need")]

mod bad_input;
mod being_told;
mod budgets;
mod color;
mod compaction;
mod corpus;
mod crashes;
mod disks;
mod documents;
mod durability;
mod examples;
mod failed_rows;
mod folders;
mod fuzzing;
mod incremental;
mod logs;
mod manifests;
mod merging;
mod money;
mod nights;
mod older_journal;
mod partitions;
mod probing;
mod quickstart;
mod redoing;
mod releasing;
mod rerolls;
mod retouched;
mod same_edit;
mod secrets;
mod serve;
mod simulation;
mod support;
mod totals;
