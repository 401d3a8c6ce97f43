//! E-mails.

use aws_config::SdkConfig;
use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};

/// `domain` is verified.
pub async fn scenario(config: &SdkConfig, domain: &str) {
    let ses = aws_sdk_sesv2::Client::new(config);
    let account = ses.get_account().send().await.unwrap();
    assert!(account.sending_enabled && account.send_quota.unwrap().max_send_rate > 0.0);
    let text = |text: &str| Content::builder().data(text).build().unwrap();
    let body = Body::builder().html(text("<p>H")).text(text("T")).build();
    let message = Message::builder().subject(text("S")).body(body).build();
    let send = |from: String| {
        ses.send_email()
            .from_email_address(from)
            .destination(Destination::builder().to_addresses(format!("to@{domain}")).build())
            .reply_to_addresses(format!("reply@{domain}"))
            .email_tags(MessageTag::builder().name("attempt").value("1").build().unwrap())
            .configuration_set_name("tests")
            .content(EmailContent::builder().simple(message.clone()).build())
            .send()
    };
    let ids = [send(format!("from@{domain}")).await, send(format!("from@{domain}")).await];
    let [first, second] = ids.map(|sent| sent.unwrap().message_id.unwrap());
    assert!(!first.is_empty() && first != second);
    let rejected = send(format!("from@not-{domain}")).await.unwrap_err();
    assert!(rejected.as_service_error().unwrap().is_message_rejected());
    assert!(rejected.message().unwrap().starts_with("Email address is not verified."), "{rejected:?}");
    let verified = ses.get_email_identity().email_identity(domain).send().await.unwrap();
    assert!(verified.verified_for_sending_status);
    // A name that has to be encoded in a path.
    let unknown = ses.get_email_identity().email_identity(format!("a+b@{domain}")).send().await.unwrap_err();
    assert!(unknown.as_service_error().unwrap().is_not_found_exception());
}
