//! API keys, management tokens and live sessions in the portal, as browsers see them.

mod callers;
mod keys;
mod leaks;
mod lists;
mod live;
mod rooms;
mod tokens;
