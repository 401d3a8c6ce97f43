//! Attacks and odd input; each module is named after one.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it stands")]

mod a_grant_that_nothing_uses;
mod a_machines_token;
mod a_request_that_costs_much;
mod a_template_that_carries_the_password_away;
mod an_operator_of_another_division;
mod another_divisions_sender;
mod another_name;
mod the_wrong_object;
mod who_is_no_customer_any_more;
