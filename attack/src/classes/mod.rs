//! The classes, each with its cases.

pub(crate) mod answers;
pub(crate) mod at_rest;
pub(crate) mod foreign;
pub(crate) mod framing;
pub(crate) mod headers;
pub(crate) mod jwt;
pub(crate) mod paths;
pub(crate) mod tenants;
pub(crate) mod websocket;

use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

use crate::Fault;
use crate::arena::Arena;
use crate::trial::{Trial, closing_line};

/// One class of attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// What is stored, tried as a credential
    AtRest,
    /// Forged, bent and foreign tokens
    Jwt,
    /// Every row of the answers table, on every surface
    Answers,
    /// Spellings of paths, and what the engine makes of them
    Paths,
    /// Requests that can be read in two ways
    Framing,
    /// Headers that want to pass for somebody
    Headers,
    /// Frames, floods and pages of others
    Websocket,
    /// Every route, every kind of caller, the ids of others
    Tenants,
    /// nginx, Apache, HAProxy, Node and uvicorn behind the gateway
    Foreign,
}

/// A secret whose last character is another one.
pub(crate) fn mistyped(secret: &str) -> String {
    let other = if secret.ends_with('0') { '1' } else { '0' };
    format!("{}{other}", &secret[..secret.len().saturating_sub(1)])
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::AtRest => "at-rest",
            Self::Jwt => "jwt",
            Self::Answers => "answers",
            Self::Paths => "paths",
            Self::Framing => "framing",
            Self::Headers => "headers",
            Self::Websocket => "websocket",
            Self::Tenants => "tenants",
            Self::Foreign => "foreign",
        }
    }

    /// How many cases there must be at least.
    fn least(self) -> usize {
        match self {
            Self::AtRest => 200,
            Self::Jwt => 550,
            Self::Answers => 200,
            Self::Paths => 2300,
            Self::Framing => 400,
            Self::Headers => 200,
            Self::Websocket => 100,
            Self::Tenants => 200,
            Self::Foreign => 2000,
        }
    }

    async fn run(self, arena: &Arena, trial: &mut Trial, program: &Path) -> Result<(), Fault> {
        match self {
            Self::AtRest => at_rest::run(arena, trial).await,
            Self::Jwt => jwt::run(arena, trial).await,
            Self::Answers => answers::run(arena, trial, program).await,
            Self::Paths => paths::run(arena, trial).await,
            Self::Framing => framing::run(arena, trial).await,
            Self::Headers => headers::run(arena, trial).await,
            Self::Websocket => websocket::run(arena, trial).await,
            Self::Tenants => tenants::run(arena, trial).await,
            Self::Foreign => foreign::run(arena, trial).await,
        }
    }
}

/// Runs the classes named, or all; tells whether everything held.
pub(crate) async fn run(program: &Path, only: &[Class], as_json: bool) -> Result<bool, Fault> {
    let chosen = Class::value_variants().iter().filter(|class| only.is_empty() || only.contains(class));
    let mut arena = Arena::build(program, "").await?;
    let mut trials = Vec::new();
    for class in chosen {
        let mut trial = Trial::new(class.name(), class.least());
        let panics = arena.instance.panics();
        arena.recorder.clear();
        if let Err(fault) = class.run(&arena, &mut trial, program).await {
            trial.miss(format!("the class broke off: {fault}"));
        }
        arena.judge_strays(&mut trial);
        trial.panicked(arena.instance.panics() - panics);
        if !arena.instance.is_alive() {
            trial.miss("the instance is gone");
        }
        if !as_json {
            trial.show();
        }
        trials.push(trial);
    }
    if as_json {
        println!("{:#}", json!(trials.iter().map(Trial::json).collect::<Vec<_>>()));
    }
    println!("{}", closing_line(&trials));
    Ok(trials.iter().all(Trial::is_fine))
}
