//! Receiving the parts of a new job.

use super::reply::{ErrorName, Refusal};
use crate::limits::{BODY_IDLE_SECONDS_MAX, CONFIG_BYTES_MAX, DATA_NAME_BYTES_MAX, UPLOAD_BYTES_MAX};
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// What a request brought.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub(crate) config: Option<Vec<u8>>,
    /// The name of the file, which itself is on disk.
    pub(crate) data_name: Option<String>,
}

/// Receives a multipart request: the file goes to `data`, a block at a time.
pub(crate) async fn receive(request: Request<Incoming>, data: &Path) -> Result<Upload, Refusal> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
    let Some(boundary) = boundary else {
        drain(request.into_body()).await;
        return Err(malformed("expected multipart/form-data with the parts config and data_file"));
    };
    // The parts' heads and the boundaries come on top of what is in them.
    let whole = UPLOAD_BYTES_MAX + CONFIG_BYTES_MAX as u64 + (1 << 20);
    let limits =
        Constraints::new().size_limit(SizeLimit::new().whole_stream(whole).per_field(UPLOAD_BYTES_MAX));
    let body = request.into_body().into_data_stream();
    let mut parts = Multipart::with_constraints(body, boundary, limits);
    let mut upload = Upload::default();
    // After a mistake the rest is read all the same, so that its sender comes to read the answer.
    let mut mistake = None;
    while let Some(part) = in_time(parts.next_field()).await? {
        match part.name().unwrap_or_default() {
            "config" if upload.config.is_none() => {
                let config = receive_config(part).await?;
                if config.len() > CONFIG_BYTES_MAX {
                    let detail = format!("config is larger than {CONFIG_BYTES_MAX} bytes");
                    mistake = Some(Refusal::new(400, ErrorName::JobRejected, detail));
                }
                upload.config = Some(config);
            }
            "data_file" if upload.data_name.is_none() => {
                let name = data_name(part.file_name());
                receive_data(part, data).await?;
                upload.data_name = Some(name);
            }
            "config" | "data_file" => {
                skip(part).await?;
                mistake = Some(malformed("config and data_file may be sent only once"));
            }
            _ => skip(part).await?,
        }
    }
    mistake.map_or(Ok(upload), Err)
}

/// The config, or a little more than the largest: what is beyond isn't kept.
async fn receive_config(mut part: Field<'_>) -> Result<Vec<u8>, Refusal> {
    let mut config = Vec::new();
    while let Some(bytes) = in_time(part.chunk()).await? {
        let room = (CONFIG_BYTES_MAX + 1).saturating_sub(config.len());
        config.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
    Ok(config)
}

async fn receive_data(mut part: Field<'_>, path: &Path) -> Result<(), Refusal> {
    let mut file = File::create(path).await?;
    while let Some(bytes) = in_time(part.chunk()).await? {
        file.write_all(&bytes).await?;
    }
    // On disk before the job is acknowledged.
    file.sync_all().await?;
    Ok(())
}

async fn skip(mut part: Field<'_>) -> Result<(), Refusal> {
    while in_time(part.chunk()).await?.is_some() {}
    Ok(())
}

/// Reads a body that nobody wants, so that its sender comes to read the answer.
async fn drain(mut body: Incoming) {
    let mut left = UPLOAD_BYTES_MAX;
    let wait = Duration::from_secs(BODY_IDLE_SECONDS_MAX);
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(wait, body.frame()).await {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        left = left.saturating_sub(bytes);
        if left == 0 {
            return;
        }
    }
}

async fn in_time<T>(read: impl Future<Output = multer::Result<T>>) -> Result<T, Refusal> {
    match tokio::time::timeout(Duration::from_secs(BODY_IDLE_SECONDS_MAX), read).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. })) => {
            let detail = format!("data_file is larger than {UPLOAD_BYTES_MAX} bytes");
            Err(Refusal::new(400, ErrorName::JobRejected, detail))
        }
        Ok(Err(error)) => Err(malformed(format!("the multipart body can't be read: {error}"))),
        Err(_) => Err(malformed(format!("nothing arrived for {BODY_IDLE_SECONDS_MAX} seconds"))),
    }
}

/// The last part of the client's file name, without what could disturb a terminal.
fn data_name(file_name: Option<&str>) -> String {
    let name = file_name.unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = name.chars().filter(|character| !character.is_control()).collect();
    let end = name.floor_char_boundary(DATA_NAME_BYTES_MAX);
    name.truncate(end);
    if name.is_empty() { "data_file".to_owned() } else { name }
}

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::new(400, ErrorName::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are names: no folders, no control characters, no more than the limit.
    #[test]
    fn names_are_cleaned() {
        assert_eq!(data_name(Some("a b.wav")), "a b.wav");
        assert_eq!(data_name(Some("../../etc/passwd")), "passwd");
        assert_eq!(data_name(Some("C:\\x\\y.wav")), "y.wav");
        assert_eq!(data_name(Some("a\r\n\u{1b}b")), "ab");
        assert_eq!((data_name(None), data_name(Some("x/"))), ("data_file".into(), "data_file".into()));
        assert_eq!(data_name(Some(&"é".repeat(300))).len(), 254);
        assert_eq!(data_name(Some(&"e".repeat(DATA_NAME_BYTES_MAX))).len(), DATA_NAME_BYTES_MAX);
    }
}
