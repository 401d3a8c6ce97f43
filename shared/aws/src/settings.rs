//! The settings of a function, from its environment.

use std::collections::HashMap;
use std::env;

use jiff::SignedDuration;

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSetting {
    /// It is missing or empty, although the template should set it.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is no number above zero.
    #[error("the environment variable {0} is not a number above zero")]
    NoNumber(&'static str),
    /// Rate or quota is overridden although the functions call AWS itself.
    #[error("SES_RATE_OVERRIDE and SES_QUOTA_OVERRIDE are for the local cloud only: AWS_ENDPOINT_URL is not set")]
    OverrideOnAws,
}

/// Names of tables, addresses of queues and the like, by the names of the environment variables that hold them.
#[derive(Clone, Debug)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    /// The settings of this process.
    pub fn from_env() -> Self {
        env::vars().collect()
    }

    /// The value of a required setting.
    pub fn required(&self, name: &'static str) -> Result<String, InvalidSetting> {
        self.text(name).map(str::to_owned).ok_or(InvalidSetting::Missing(name))
    }

    /// The value of a setting that is a number above zero, if it is set.
    pub fn number(&self, name: &'static str) -> Result<Option<f64>, InvalidSetting> {
        let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
        self.text(name).map(|text| number(text).ok_or(InvalidSetting::NoNumber(name))).transpose()
    }

    /// The value of a required setting that is a whole number above zero.
    pub fn required_count(&self, name: &'static str) -> Result<u64, InvalidSetting> {
        self.required(name)?.parse().ok().filter(|count| *count > 0).ok_or(InvalidSetting::NoNumber(name))
    }

    /// The value of a required setting that is a number of days of 24 hours.
    pub fn required_days(&self, name: &'static str) -> Result<SignedDuration, InvalidSetting> {
        let days = i32::try_from(self.required_count(name)?).map_err(|_| InvalidSetting::NoNumber(name))?;
        Ok(SignedDuration::from_hours(24).saturating_mul(days))
    }

    /// Whether the AWS SDK calls another endpoint than AWS.
    pub fn calls_another_endpoint(&self) -> bool {
        self.text("AWS_ENDPOINT_URL").is_some() && self.text("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != Some("true")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(settings: T) -> Self {
        Self(settings.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_number_is_above_zero_and_nothing_is_none() {
        let read = |value| settings(&[("N", value)]).number("N").ok();
        assert_eq!([read(""), read("14"), read("0.5")], [Some(None), Some(Some(14.0)), Some(Some(0.5))]);
        for wrong in ["0", "-1", "inf", "NaN", "many"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_count_is_whole_and_above_zero_and_must_be_there() {
        let read = |value| settings(&[("N", value)]).required_count("N").ok();
        assert_eq!(read("2000"), Some(2_000));
        for wrong in ["", "0", "-1", "0.5", "many"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_that_the_sdk_ignores_is_none() {
        let endpoint = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        assert!(settings(&[endpoint]).calls_another_endpoint());
        assert!(!settings(&[endpoint, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]).calls_another_endpoint());
        assert!(!settings(&[("AWS_ENDPOINT_URL", "")]).calls_another_endpoint());
    }
}
