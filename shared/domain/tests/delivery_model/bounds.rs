//! The variant of the protocol that is checked, and bounds on its events.

/// The corrections in the protocol. Without one, it is the protocol as it was before.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// `record` leaves a claim open whose recipient was put back to `queued`, until a message is queued for them.
    pub claims_stay_open_until_queued: bool,
    /// A withdrawal binds every campaign that began before it, and the one whose invitation was withdrawn.
    pub withdrawals_bind: bool,
    /// A claim is written on the condition that the row's attempt is the one that was read.
    pub claims_check_the_attempt: bool,
}

impl Protocol {
    /// All mends.
    pub const MENDED: Self =
        Self { claims_stay_open_until_queued: true, withdrawals_bind: true, claims_check_the_attempt: true };
}

/// How many times events may still happen that could otherwise repeat for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Passwords made in all. With the last of them SES puts nobody back to `queued`, and nobody retries.
    pub passwords: u8,
    /// Functions killed.
    pub deaths: u8,
    /// Claims that run out while the function that made them still records.
    pub zombies: u8,
    /// Pauses by a person.
    pub pauses: u8,
    /// Pauses for the daily quota.
    pub quota_pauses: u8,
    /// Resumes by a person.
    pub resumes: u8,
    /// Cancellations.
    pub cancels: u8,
    /// Retries, of the failed or the unconfirmed.
    pub retries: u8,
    /// Decisions of a person about an unconfirmed e-mail.
    pub settles: u8,
    /// Withdrawals.
    pub withdrawals: u8,
    /// Acceptances.
    pub acceptances: u8,
    /// E-mails of another campaign.
    pub other_mails: u8,
    /// Reports of SES that an e-mail left.
    pub confirmations: u8,
    /// Messages that die.
    pub dead_letters: u8,
}

impl Budget {
    /// No optional events.
    pub const NOTHING: Self = Self {
        passwords: 1,
        deaths: 0,
        zombies: 0,
        pauses: 0,
        quota_pauses: 0,
        resumes: 0,
        cancels: 0,
        retries: 0,
        settles: 0,
        withdrawals: 0,
        acceptances: 0,
        other_mails: 0,
        confirmations: 0,
        dead_letters: 0,
    };

    /// Numbers in the order of the fields, separated by commas.
    pub fn parse(numbers: &str) -> Self {
        let numbers: Vec<u8> = numbers.split(',').map(|number| number.parse().expect("a number")).collect();
        let [
            passwords,
            deaths,
            zombies,
            pauses,
            quota_pauses,
            resumes,
            cancels,
            retries,
            settles,
            withdrawals,
            acceptances,
            other_mails,
            confirmations,
            dead_letters,
        ] = numbers[..]
        else {
            panic!("a budget has 14 numbers")
        };
        Self {
            passwords,
            deaths,
            zombies,
            pauses,
            quota_pauses,
            resumes,
            cancels,
            retries,
            settles,
            withdrawals,
            acceptances,
            other_mails,
            confirmations,
            dead_letters,
        }
    }
}
