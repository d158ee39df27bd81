//! What Moto has as SQS.

use serde_json::{Value, json};

use super::{Moto, credential};
use crate::support::client;

impl Moto {
    /// The URL of a new queue.
    pub(crate) async fn queue(&self, name: &str, attributes: Value) -> String {
        let made = json!({ "QueueName": name, "Attributes": attributes });
        let made = self.sqs("CreateQueue", &made).await;
        made["QueueUrl"]
            .as_str()
            .expect("the queue's URL")
            .to_owned()
    }

    /// Takes all messages out of a queue.
    pub(crate) async fn messages(&self, queue_url: &str) -> Vec<Value> {
        let receive = json!({
            "QueueUrl": queue_url, "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"], "AttributeNames": ["All"],
        });
        let mut messages = Vec::new();
        loop {
            let answer = self.sqs("ReceiveMessage", &receive).await;
            let Some(received) = answer["Messages"].as_array().filter(|all| !all.is_empty()) else {
                return messages;
            };
            for message in received {
                let delete =
                    json!({ "QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"] });
                self.sqs("DeleteMessage", &delete).await;
                messages.push(message.clone());
            }
        }
    }

    async fn sqs(&self, action: &str, parameters: &Value) -> Value {
        let request = client()
            .post(self.url())
            .header("authorization", credential("sqs"))
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(parameters.to_string());
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{action}: {answer:?}");
        let text = answer.text().await.expect("a text");
        serde_json::from_str(&text).unwrap_or_default()
    }
}
