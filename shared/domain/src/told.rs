//! How an error is told to whoever called.

use std::error::Error;

use crate::input::FieldError;

/// What a caller is told of an error; causes are for the log alone.
#[derive(Debug)]
pub enum Told {
    /// These fields of the request are at fault.
    Faults(Vec<FieldError>),
    /// A table or a service is busy: the same call may well succeed in a while.
    Busy(Box<dyn Error + Send + Sync>),
    /// The fault is on this side.
    Broken(Box<dyn Error + Send + Sync>),
}

/// An error that says what a caller is told of it.
pub trait Tell {
    /// What a caller is told.
    fn tell(self) -> Told;
}

impl Tell for FieldError {
    fn tell(self) -> Told {
        Told::Faults(vec![self])
    }
}

impl Tell for Vec<FieldError> {
    fn tell(self) -> Told {
        Told::Faults(self)
    }
}
