//! Schedules.

use aws_config::SdkConfig;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target,
};

/// `group` is one, without schedules.
pub async fn scenario(config: &SdkConfig, group: &str) {
    let scheduler = aws_sdk_scheduler::Client::new(config);
    let target = Target::builder()
        .arn("arn:aws:lambda:us-east-1:000000000000:function:nothing")
        .role_arn("arn:aws:iam::000000000000:role/nobody")
        .input("{}")
        .dead_letter_config(DeadLetterConfig::builder().arn("arn:aws:sqs:us-east-1:000000000000:nowhere").build())
        .build()
        .unwrap();
    let exactly = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap();
    let create = |group: &str| {
        scheduler
            .create_schedule()
            .group_name(group)
            .name("s")
            .schedule_expression("cron(0 9 ? * MON *)")
            .schedule_expression_timezone("America/New_York")
            .flexible_time_window(exactly.clone())
            .target(target.clone())
            .send()
    };
    let update = |expression: &str| {
        scheduler
            .update_schedule()
            .group_name(group)
            .name("s")
            .schedule_expression(expression)
            .state(ScheduleState::Disabled)
            .action_after_completion(ActionAfterCompletion::Delete)
            .flexible_time_window(exactly.clone())
            .target(target.clone())
            .send()
    };
    let get = || scheduler.get_schedule().group_name(group).name("s").send();
    let delete = || scheduler.delete_schedule().group_name(group).name("s").send();
    let no_group = create(&format!("{group}-not")).await.unwrap_err();
    assert!(no_group.as_service_error().unwrap().is_resource_not_found_exception());
    let unknown = update("rate(1 hour)").await.unwrap_err();
    assert!(unknown.as_service_error().unwrap().is_resource_not_found_exception());

    let arn = create(group).await.unwrap().schedule_arn;
    let known = get().await.unwrap();
    assert_eq!((known.arn.as_deref(), known.group_name.as_deref()), (Some(arn.as_str()), Some(group)));
    assert_eq!(known.schedule_expression.as_deref(), Some("cron(0 9 ? * MON *)"));
    assert_eq!(known.schedule_expression_timezone.as_deref(), Some("America/New_York"));
    assert_eq!((known.state, known.target), (Some(ScheduleState::Enabled), Some(target.clone())));
    assert_eq!(known.action_after_completion, Some(ActionAfterCompletion::None));
    assert!(create(group).await.unwrap_err().as_service_error().unwrap().is_conflict_exception());

    update("at(2099-12-01T09:00:00)").await.unwrap();
    let known = get().await.unwrap();
    assert_eq!(known.schedule_expression.as_deref(), Some("at(2099-12-01T09:00:00)"));
    assert_eq!(known.schedule_expression_timezone.as_deref(), Some("UTC"), "what is not said is not kept");
    assert_eq!(known.state, Some(ScheduleState::Disabled));
    delete().await.unwrap();
    assert!(get().await.unwrap_err().as_service_error().unwrap().is_resource_not_found_exception());
    assert!(delete().await.unwrap_err().as_service_error().unwrap().is_resource_not_found_exception());
}
