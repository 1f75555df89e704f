//! Reaching an instance: the socket of its server, or its database when no server runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use control::{Control, ControlConfig};
use domain::{SystemClock, SystemRng};
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::server::{CALL_PATH, SOCKET_FILE};
use super::{Call, CallError, Operator};
use crate::folder::{DataFolder, FolderError};

/// Which instance.
#[derive(Debug)]
pub struct Place {
    /// How its control plane is opened where no server runs; names the data folder.
    pub control: ControlConfig,
}

/// Runs a call on an instance.
///
/// # Errors
/// With a sentence for whoever called.
pub async fn run(place: Place, call: Call) -> Result<Value, CallError> {
    let line = Line::open(place).await?;
    let result = line.call(call).await;
    line.close().await;
    result
}

/// Runs a call on the server of a data folder, and on nothing else: no database is opened where none runs.
///
/// # Errors
/// With a sentence for whoever called; also when no server runs.
pub async fn ask_server(data_dir: &Path, call: &Call) -> Result<Value, CallError> {
    match UnixStream::connect(data_dir.join(SOCKET_FILE)).await {
        Ok(stream) => over_socket(stream, call).await,
        Err(error) => Err(CallError(format!("no server answers on {}: {error}", data_dir.display()))),
    }
}

/// A way to an instance that stays open for several calls.
#[derive(Debug)]
pub struct Line(Way);

#[derive(Debug)]
enum Way {
    /// The socket of its server.
    Server(PathBuf),
    /// Its database, which is this process's own meanwhile.
    Database { control: Arc<Control>, operator: Operator, _folder: DataFolder },
}

impl Line {
    /// Finds an instance: its server, or its database where none runs.
    ///
    /// # Errors
    /// With a sentence for whoever called.
    pub async fn open(place: Place) -> Result<Self, CallError> {
        open(place).await.map(Self)
    }

    /// Runs a call.
    ///
    /// # Errors
    /// With a sentence for whoever called.
    pub async fn call(&self, call: Call) -> Result<Value, CallError> {
        match &self.0 {
            Way::Server(socket) => match UnixStream::connect(socket).await {
                Ok(stream) => over_socket(stream, &call).await,
                Err(error) => Err(CallError(format!("the server can't be reached any more: {error}"))),
            },
            Way::Database { operator, .. } => operator.execute(call).await,
        }
    }

    /// Ends it; a database that was opened is closed.
    pub async fn close(self) {
        if let Way::Database { control, .. } = self.0 {
            control.close().await;
        }
    }
}

async fn open(place: Place) -> Result<Way, CallError> {
    let data_dir = place.control.data_dir.clone();
    if !data_dir.is_dir() {
        return Err(CallError(format!(
            "there is no data folder {}: give the one of the instance with --data-dir or --config",
            data_dir.display()
        )));
    }
    let socket = data_dir.join(SOCKET_FILE);
    match UnixStream::connect(&socket).await {
        Ok(_) => Ok(Way::Server(socket)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            locally(place.control, &data_dir).await
        }
        Err(error) => Err(CallError(format!(
            "the server of {} can't be reached: {error}. Run this as the user that runs the server",
            data_dir.display()
        ))),
    }
}

async fn locally(config: ControlConfig, data_dir: &Path) -> Result<Way, CallError> {
    let folder = match DataFolder::open(data_dir) {
        Ok(folder) => folder,
        Err(FolderError::InUse(path)) => {
            return Err(CallError(format!(
                "a server uses {} but doesn't answer at its socket: it may be starting or ending. Try again in a moment",
                path.display()
            )));
        }
        Err(error) => return Err(CallError::from_error(&error)),
    };
    let control = Control::open(config, Arc::new(SystemClock), Arc::new(SystemRng))
        .await
        .map_err(|error| CallError::from_error(&error))?;
    let operator = Operator::new(Arc::clone(&control), None);
    Ok(Way::Database { control, operator, _folder: folder })
}

async fn over_socket(stream: UnixStream, call: &Call) -> Result<Value, CallError> {
    let broken = |error: &dyn std::error::Error| {
        CallError(format!("the server ended the conversation: {error}. Its log says why"))
    };
    let body = serde_json::to_vec(call).map_err(|error| CallError::from_error(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let driver = tokio::spawn(connection);
    let request = Request::post(CALL_PATH)
        .header(header::HOST, "operator")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| CallError::from_error(&error))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let bytes = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
    driver.abort();
    let mut answer: Value = serde_json::from_slice(&bytes).map_err(|_| {
        CallError(format!(
            "the server answered {status} and nothing that this version understands: use the same version"
        ))
    })?;
    match (answer["ok"].take(), answer["error"].as_str()) {
        (_, Some(error)) => Err(CallError(error.to_owned())),
        (value, None) => Ok(value),
    }
}
