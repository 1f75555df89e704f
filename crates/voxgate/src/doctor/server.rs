//! The running server.

use domain::Clock;
use tokio::net::UnixStream;

use serde_json::{Value, json};

use super::{Deployment, Report, clock};
use crate::admin;
use crate::operator::{self, Call, CallError};
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
    gateways(report, deployment).await;
    readiness(report, deployment).await;
    Some(Running { process })
}

/// Whether the gateways enforce everything that control has decided, and reach their engines.
async fn gateways(report: &mut Report, deployment: &Deployment) {
    let answer = match operator::ask_server(&deployment.control.data_dir, &Call::Gateways).await {
        Ok(answer) => answer,
        Err(CallError(says)) => {
            report.fail(ABOUT, says, "restart the server, with the same version as this command");
            return;
        }
    };
    for gateway in answer.as_array().into_iter().flatten() {
        let name = gateway["name"].as_str().unwrap_or("?");
        let (lag, enforced) = (&gateway["lag"], &gateway["enforced_revision"]);
        if *lag == json!(0) {
            report.ok(ABOUT, format!("the gateway {name} enforces everything, up to revision {enforced}"));
        } else {
            report.warn(
                ABOUT,
                format!("the gateway {name} is {lag} revisions behind: what was revoked since works there"),
                "look again in a minute; if it stays behind, restart it",
            );
        }
        let is_down = |region: &&Value| region["engine_answers"] == json!(false);
        for region in gateway["regions"].as_array().into_iter().flatten().filter(is_down) {
            let region = region["region"].as_str().unwrap_or("?");
            report.warn(
                ABOUT,
                format!("the gateway {name} gets no answer from the engine of {region}"),
                "start the engine; clients are told of the failover region meanwhile",
            );
        }
    }
}

/// Whether its administration listener says that it is ready.
async fn readiness(report: &mut Report, deployment: &Deployment) {
    let Some(address) = deployment.settings.as_ref().and_then(|settings| settings.admin.address) else {
        return;
    };
    match admin::ask_ready(super::listeners::reachable(address)).await {
        Ok((true, _)) => report.ok(ABOUT, format!("it says at {address} that it is ready")),
        Ok((false, says)) => report.fail(ABOUT, format!("it is not ready: {says}"), "its log says more"),
        Err(error) => {
            let CallError(why) = CallError::from_error(&error);
            report.fail(
                ABOUT,
                format!("its administration listener at {address} doesn't answer: {why}"),
                "restart the server, so that it takes the present configuration",
            );
        }
    }
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
