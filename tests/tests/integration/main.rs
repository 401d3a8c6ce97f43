//! Tests of the functions on AWS in memory, in one program: linking is most of what a program of tests costs. Those
//! that switch fail points or logging for the whole process are programs of their own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

mod activation;
mod answers;
mod audit;
mod campaign_list;
mod contract;
mod control;
mod delivery;
mod erasure;
mod feedback;
mod if_match;
mod import;
mod lists;
mod load;
mod other_versions;
mod pace;
mod people;
mod person_data;
mod requests;
mod resend;
mod resend_limit;
mod retention;
mod schedule_preview;
mod schedules;
mod send;
mod templates;
