//! `sightline completions`: prints the completion script of a shell.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

/// `sightline completions`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_long_help = "\
EXAMPLES
  bash:
    sightline completions bash \\
        > ~/.local/share/bash-completion/completions/sightline
  zsh, with ~/.zfunc in fpath:
    sightline completions zsh > ~/.zfunc/_sightline
  fish:
    sightline completions fish > ~/.config/fish/completions/sightline.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the completions of `command`.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn run(
    args: CompletionsArgs,
    command: &mut Command,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    // `generate` panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "sightline", &mut script);
    Ok(out.write_all(&script)?)
}
