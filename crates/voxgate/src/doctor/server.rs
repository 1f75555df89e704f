//! The running server.

use domain::Clock;
use tokio::net::UnixStream;

use super::{Deployment, Report, clock};
use crate::operator::CallError;
use crate::remote::{HttpClient, ServerUrl};

const ABOUT: &str = "server";

/// The server that runs on the data folder.
#[derive(Debug)]
pub(super) struct Running {
    /// Its process.
    pub(super) process: i32,
}

/// Whether one runs, by its operator's socket.
pub(super) async fn look(report: &mut Report, deployment: &Deployment) -> Option<Running> {
    let path = deployment.control.data_dir.join("operator.sock");
    let Ok(stream) = UnixStream::connect(&path).await else {
        report.ok(ABOUT, "no server runs on this data folder");
        return None;
    };
    let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let Some(process) = process else {
        report.warn(
            ABOUT,
            "a server runs, but the system doesn't tell which process it is",
            "nothing, if it serves",
        );
        return None;
    };
    report.ok(ABOUT, format!("a server runs on this data folder (process {process})"));
    Some(Running { process })
}

/// The address at which clients reach the management API.
pub(super) async fn look_from_outside(
    report: &mut Report,
    http: &HttpClient,
    address: &ServerUrl,
    clock: &dyn Clock,
) {
    let asked = clock.now();
    match http.get(&address.join("/.well-known/jwks.json")).await {
        Ok(answer) if answer.status.is_success() => {
            report.ok(ABOUT, format!("{address} answers with the instance's key set"));
            clock::against_answer(report, &address.to_string(), &answer.headers, asked, clock.now());
        }
        Ok(answer) => report.fail(
            ABOUT,
            format!("{address} answers {} where the key set should be", answer.status),
            "check that this URL leads to the management API (hosts.management, and the proxy in front)",
        ),
        Err(error) => {
            let CallError(why) = CallError::from_error(&error);
            report.fail(
                ABOUT,
                format!("{address} can't be reached: {why}"),
                "check name resolution, the firewall, the proxy in front and its certificate",
            );
        }
    }
}
