//! Notices, events and users.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

/// `topic` is the ARN of one.
pub async fn notices(config: &SdkConfig, topic: &str) {
    let sns = aws_sdk_sns::Client::new(config);
    let publish = |topic: String| sns.publish().topic_arn(topic).subject("A & b").message("ä = <m>\n").send();
    assert!(!publish(topic.to_owned()).await.unwrap().message_id.unwrap().is_empty());
    let unknown = publish(format!("{topic}-not")).await.unwrap_err();
    assert!(unknown.as_service_error().unwrap().is_not_found_exception(), "{unknown:?}");
}

/// `bus` is one.
pub async fn events(config: &SdkConfig, bus: &str) {
    let events = aws_sdk_eventbridge::Client::new(config);
    let entry =
        || PutEventsRequestEntry::builder().event_bus_name(bus).source("s").detail_type("t").detail("{\"a\":1}");
    let put = |entries: Vec<PutEventsRequestEntry>| events.put_events().set_entries(Some(entries)).send();
    let answer = put(vec![entry().build(), entry().build()]).await.unwrap();
    assert_eq!((answer.failed_entry_count, answer.entries().len()), (0, 2));
    assert!(answer.entries().iter().all(|entry| entry.event_id().is_some()));
    let answer = put(vec![entry().source("aws.s").build(), entry().build()]).await.unwrap();
    let codes: Vec<_> = answer.entries().iter().map(|entry| entry.error_code()).collect();
    assert_eq!((answer.failed_entry_count, codes), (1, vec![Some("NotAuthorizedForSourceException"), None]));
    let refused = put(vec![entry().build(); 11]).await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
}

/// In `pool`, `on` is in the groups `390` and `directory`, and `off` is disabled.
pub async fn users(config: &SdkConfig, pool: &str) {
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(config);
    let get = |name: &str| cognito.admin_get_user().user_pool_id(pool).username(name).send();
    let groups = async |name: &str| {
        let request = cognito.admin_list_groups_for_user().user_pool_id(pool).username(name);
        let groups = request.send().await.map(|answer| answer.groups.unwrap_or_default());
        groups.map(|groups| {
            let mut names: Vec<_> = groups.into_iter().filter_map(|group| group.group_name).collect();
            names.sort();
            names
        })
    };
    assert!(get("on").await.unwrap().enabled && !get("off").await.unwrap().enabled);
    assert_eq!(get("on").await.unwrap().username, "on");
    assert_eq!(groups("on").await.unwrap(), ["390", "directory"]);
    assert!(groups("off").await.unwrap().is_empty());
    assert!(get("nobody").await.unwrap_err().as_service_error().unwrap().is_user_not_found_exception());
    assert!(groups("nobody").await.unwrap_err().as_service_error().unwrap().is_user_not_found_exception());
}
