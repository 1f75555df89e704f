//! What clients say.

use super::error::{ErrorKind, SessionError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

/// A client's text message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ClientMessage {
    StartRecognition(Value),
    EndOfStream,
    EndOfChannel { channel: String },
    AddChannelAudio { channel: String, audio: Bytes },
    ForceEndOfUtterance { channel: Option<String> },
    SetRecognitionConfig(Value),
    GetSpeakers { at_end: bool },
}

impl ClientMessage {
    /// Reads a text frame.
    pub(crate) fn parse(text: &str) -> Result<ClientMessage, SessionError> {
        let mut message: Value = serde_json::from_str(text)
            .map_err(|error| invalid(format!("the message is not JSON: {error}")))?;
        let name = message["message"].as_str().ok_or_else(|| invalid("the field message is missing"))?;
        match name {
            "StartRecognition" => Ok(ClientMessage::StartRecognition(message)),
            "EndOfStream" => {
                number(&message, "last_seq_no")?;
                Ok(ClientMessage::EndOfStream)
            }
            "EndOfChannel" => {
                number(&message, "last_seq_no")?;
                Ok(ClientMessage::EndOfChannel { channel: string(&message, "channel")? })
            }
            "AddChannelAudio" => {
                let data =
                    message["data"].as_str().ok_or_else(|| invalid("data in AddChannelAudio is missing"))?;
                let audio = STANDARD
                    .decode(data)
                    .map_err(|_| invalid("data in AddChannelAudio is not base64"))?
                    .into();
                Ok(ClientMessage::AddChannelAudio { channel: string(&message, "channel")?, audio })
            }
            "ForceEndOfUtterance" => {
                let channel = message.get("channel").map(|_| string(&message, "channel")).transpose()?;
                Ok(ClientMessage::ForceEndOfUtterance { channel })
            }
            "SetRecognitionConfig" => {
                Ok(ClientMessage::SetRecognitionConfig(message["transcription_config"].take()))
            }
            "GetSpeakers" => match &message["final"] {
                Value::Null => Ok(ClientMessage::GetSpeakers { at_end: false }),
                Value::Bool(at_end) => Ok(ClientMessage::GetSpeakers { at_end: *at_end }),
                _ => Err(invalid("final in GetSpeakers is true or false")),
            },
            other => Err(invalid(format!("the message {other:?} is not known"))),
        }
    }
}

/// The official clients count the confirmations that they have read, which may be behind: the number is only checked to be one.
fn number(message: &Value, name: &str) -> Result<u64, SessionError> {
    message[name].as_u64().ok_or_else(|| invalid(format!("{name} is missing or no whole number")))
}

fn string(message: &Value, name: &str) -> Result<String, SessionError> {
    let text = message[name].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| invalid(format!("{name} is missing or no text")))
}

fn invalid(reason: impl Into<String>) -> SessionError {
    SessionError::new(ErrorKind::InvalidMessage, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every documented message is read; what isn't one is refused with the reason.
    #[test]
    fn messages_are_read_or_refused() {
        let good = [
            r#"{"message":"StartRecognition"}"#,
            r#"{"message":"EndOfStream","last_seq_no":0}"#,
            r#"{"message":"EndOfChannel","channel":"a","last_seq_no":3}"#,
            r#"{"message":"AddChannelAudio","channel":"a","data":"AAE="}"#,
            r#"{"message":"ForceEndOfUtterance","timestamp":1.5}"#,
            r#"{"message":"SetRecognitionConfig","transcription_config":{"language":"en"}}"#,
            r#"{"message":"GetSpeakers","final":true}"#,
        ];
        for text in good {
            assert!(ClientMessage::parse(text).is_ok(), "{text}");
        }
        let bad = [
            ("nonsense", "not JSON"),
            ("[]", "message is missing"),
            (r#"{"message":3}"#, "message is missing"),
            (r#"{"message":"StartConversation"}"#, "\"StartConversation\" is not known"),
            (r#"{"message":"EndOfStream"}"#, "last_seq_no"),
            (r#"{"message":"EndOfStream","last_seq_no":"4"}"#, "last_seq_no"),
            (r#"{"message":"AddChannelAudio","channel":"a","data":"!"}"#, "base64"),
            (r#"{"message":"AddChannelAudio","data":"AAE="}"#, "channel"),
            (r#"{"message":"GetSpeakers","final":"yes"}"#, "final"),
        ];
        for (text, reason) in bad {
            let error = ClientMessage::parse(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidMessage);
            assert!(error.reason.contains(reason), "{text}: {}", error.reason);
        }
    }

    proptest! {
        /// No text makes the parser panic.
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = ClientMessage::parse(&text);
        }
    }
}
