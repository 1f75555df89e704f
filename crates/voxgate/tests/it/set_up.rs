//! The first start of an instance: no account, no default password, and one link on the console.

use std::path::Path;
use std::process::Stdio;

use testkit::within;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::command::{ok, run};
use crate::program::BINARY;
use crate::serve::free_address;

const PASSWORD: &str = "correct horse battery staple";

/// Starts the server, and gives what it writes to standard output until it says that it is ready.
async fn start(config: &Path) -> (Child, Vec<String>) {
    let mut child = Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let mut console = BufReader::new(child.stdout.take().unwrap()).lines();
    within("the server is ready", async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("voxgate is ready") {
                break;
            }
        }
    })
    .await;
    // What is said before it is ready is there by now.
    while let Ok(Ok(Some(line))) =
        tokio::time::timeout(std::time::Duration::from_secs(1), console.next_line()).await
    {
        said.push(line);
    }
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    (child, said)
}

async fn end(mut child: Child) {
    child.kill().await.unwrap();
}

/// A browser without a memory: a page, the cookie of its form, and the form's token.
pub(crate) async fn page(client: &reqwest::Client, url: &str, host: &str) -> (u16, String, String, String) {
    let answer = client.get(url).header("host", host).send().await.unwrap();
    let status = answer.status().as_u16();
    let cookie = answer.headers().get("set-cookie").map_or("", |value| value.to_str().unwrap());
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    let token = form_token(&text);
    (status, cookie, token, text)
}

/// The token of the forms on a page, if it has any.
pub(crate) fn form_token(text: &str) -> String {
    let token = text.split_once("name=\"form_token\" value=\"").map_or("", |(_, rest)| rest);
    token.split('"').next().unwrap().to_owned()
}

/// A first start shows a link at the configured address, which makes an operator's account once; a start with an account
/// shows none, and whoever runs the instance makes another one by a command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_offers_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address().await;
    let config = folder.path().join("voxgate.toml");
    let text = format!(
        "data_dir = \"{}\"\n[hosts]\nportal = [\"desk.localhost\"]\n[admin]\naddress = \"\"\n[[listener]]\naddress = \"{address}\"\n",
        folder.path().join("data").display()
    );
    std::fs::write(&config, text).unwrap();
    let (server, said) = start(&config).await;
    let host = format!("desk.localhost:{}", address.port());
    let base = format!("http://{host}");
    let link = said.iter().find_map(|line| line.strip_prefix(&base)).unwrap_or_else(|| panic!("{said:?}"));
    let secret = link.strip_prefix("/set-up?token=").unwrap().to_owned();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!("http://{address}{link}");
    let (status, cookie, token, shown) = page(&client, &url, &host).await;
    assert_eq!(status, 200, "{shown}");
    let fields = [
        ("form_token", token.as_str()),
        ("token", &secret),
        ("email", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let body =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+").replace('@', "%40")));
    let body = body.collect::<Vec<_>>().join("&");
    let made = client
        .post(format!("http://{address}/set-up"))
        .header("host", &host)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(made.send().await.unwrap().status().as_u16(), 303);
    assert_eq!(page(&client, &url, &host).await.0, 409, "it works once");
    let config_text = config.to_str().unwrap();
    let users = ok(&run(&["users", "list", "--json", "--config", config_text]).await);
    assert!(users.contains("ada@example.org"), "{users}");
    let by_command = ok(&run(&["users", "set-up-link", "--config", config_text]).await);
    assert!(by_command.starts_with(&format!("{base}/set-up?token=")), "{by_command}");
    let (status, ..) =
        page(&client, &by_command.trim().replace(&base, &format!("http://{address}")), &host).await;
    assert_eq!(status, 200);
    end(server).await;
    let offline = ok(&run(&["users", "set-up-link", "--config", config_text]).await);
    assert!(offline.starts_with(&format!("{base}/set-up?token=")), "{offline}");
    let (server, said) = start(&config).await;
    assert!(said.iter().all(|line| !line.contains("token")), "{said:?}");
    end(server).await;
}
