//! `sightline completions`: what a shell needs to complete the command line.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;

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

/// Writes the script to standard output.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    let script = script(args.shell);
    Ok(std::io::stdout().write_all(&script)?)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sightline", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_learns_the_commands_and_their_options() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for word in ["upload", "analyze", "redrive", "jobs"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
