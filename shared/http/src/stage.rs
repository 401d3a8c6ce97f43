//! Variables of the API's stage, for values that can't be in a function's environment, because they depend on the API,
//! and the API depends on the function.

use axum::http::Extensions;
use lambda_http::RequestExt;

use crate::Problem;

/// A variable of the stage is missing or invalid: a fault of the deployment.
pub fn bad_variable(name: &str) -> Problem {
    Problem::internal(format_args!("the stage variable {name} is missing or no address"))
}

/// The value of a variable; every request has them.
pub fn variable<'a>(extensions: &'a Extensions, name: &str) -> Result<&'a str, Problem> {
    let value = extensions.stage_variables_ref().and_then(|variables| variables.first(name));
    value.filter(|value| !value.is_empty()).ok_or_else(|| bad_variable(name))
}

/// Address under which the pages are reached, without a trailing slash.
pub fn public_url(extensions: &Extensions) -> Result<&str, Problem> {
    Ok(variable(extensions, "publicUrl")?.trim_end_matches('/'))
}
