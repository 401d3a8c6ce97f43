//! How an error is reported to the caller.

use std::error::Error;

use crate::input::FieldError;

/// The part of an error that the caller gets; causes go to the log only.
#[derive(Debug)]
pub enum Told {
    /// These fields of the request are at fault.
    Faults(Vec<FieldError>),
    /// A table or a service is busy; the same call may succeed later.
    Busy(Box<dyn Error + Send + Sync>),
    /// The fault is on this side.
    Broken(Box<dyn Error + Send + Sync>),
}

/// An error that knows what its caller gets.
pub trait Tell {
    /// What the caller gets.
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
