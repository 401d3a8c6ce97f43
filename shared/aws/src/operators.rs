//! Asks the user pool about operators, for what is done in their name while they are away.

use crate::context::Context;
use crate::settings::InvalidSetting;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::{DisplayErrorContext, SdkError};
use portal_domain::DivisionId;
use portal_domain::permission::Permission;

/// The user pool could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("Cognito could not be asked for an operator: {0}")]
pub struct OperatorsError(String);

impl OperatorsError {
    fn of<E: std::error::Error + Send + Sync + 'static>(error: SdkError<E>) -> Self {
        Self(DisplayErrorContext(error).to_string())
    }
}

/// The operators' user pool.
#[derive(Clone, Debug)]
pub struct Operators {
    client: Client,
    pool: String,
}

impl Operators {
    /// The pool with this id.
    pub fn new(context: &Context) -> Result<Self, InvalidSetting> {
        Ok(Self { client: Client::new(&context.config), pool: context.settings.required("USER_POOL_ID")? })
    }

    /// Whether this user exists, is enabled, and may send invitations in this division.
    pub async fn may_send(&self, user: &str, division: &DivisionId) -> Result<bool, OperatorsError> {
        let answer = self.client.admin_get_user().user_pool_id(&self.pool).username(user).send().await;
        match answer {
            Ok(answer) if answer.enabled => {}
            Ok(_) => return Ok(false),
            Err(SdkError::ServiceError(error)) if error.err().is_user_not_found_exception() => return Ok(false),
            Err(error) => return Err(OperatorsError::of(error)),
        }
        let request = self.client.admin_list_groups_for_user().user_pool_id(&self.pool).username(user);
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(OperatorsError::of)?;
            let groups = page.groups().iter().filter_map(|group| group.group_name());
            if Permission::SendInvitations.divisions(groups).is_some_and(|divisions| divisions.includes(division)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
