//! A visitor of the portal: keeps cookies, and sends forms as a browser does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, RequestBuilder, StatusCode};

use super::Result;

/// What one request brought.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Where it leads.
    pub(crate) location: Option<String>,
    /// Its body.
    pub(crate) text: String,
    /// From the first byte sent to the last one received.
    pub(crate) took: Duration,
}

/// Somebody with a cookie jar.
#[derive(Debug)]
pub(crate) struct Visitor {
    origin: String,
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// A visitor whose connections come from this loopback address.
    pub(crate) fn new(port: u16, from: Ipv4Addr) -> Result<Self> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(IpAddr::V4(from))
            // By address: the name also stands for ::1, which can't be reached from here.
            .resolve("localhost", (Ipv4Addr::LOCALHOST, port).into())
            .no_proxy()
            .build()?;
        Ok(Self { origin: format!("http://localhost:{port}"), client, cookies: BTreeMap::new() })
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = self.client.get(format!("{}{path}", self.origin)).header("Sec-Fetch-Site", "none");
        self.send(request).await
    }

    /// Sends these fields, and the token of the form on `page`.
    pub(crate) async fn submit(&mut self, page: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let token = self.form_token(page).await?;
        self.post(page, &token, fields).await
    }

    /// The token that forms on `page` carry.
    pub(crate) async fn form_token(&mut self, page: &str) -> Result<String> {
        let text = self.get(page).await?.text;
        let (_, rest) =
            text.split_once("name=\"form_token\" value=\"").ok_or_else(|| format!("{page} has no form"))?;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }

    /// Sends a form with its token.
    pub(crate) async fn post(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs([("form_token", token)]).extend_pairs(fields);
        let request = self
            .client
            .post(format!("{}{path}", self.origin))
            .header("Sec-Fetch-Site", "same-origin")
            .header(ORIGIN, &self.origin)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.finish());
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Answer> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        let begun = Instant::now();
        let response = request.send().await?;
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let took = begun.elapsed();
        for line in headers.get_all(SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Answer { status, location, text, took })
    }
}
