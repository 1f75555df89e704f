//! The program: everything is in the library.

use std::process::ExitCode;

/// What a flood made the process take, this allocator gives back to the machine (decision 18).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    voxgate::cli::main()
}
