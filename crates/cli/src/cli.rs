//! The command line: all commands, and the help that they share.

use clap::{Parser, Subcommand};

use crate::{
    analyze::AnalyzeArgs,
    backfill::BackfillArgs,
    backup::{BackupArgs, RestoreArgs},
    completions::CompletionsArgs,
    delete::DeleteArgs,
    erase::EraseArgs,
    export::ExportArgs,
    get::GetArgs,
    local::LocalArgs,
    models::ModelsArgs,
    open_page::OpenArgs,
    redrive::RedriveArgs,
    reindex::ReindexArgs,
    search::SearchArgs,
    upload::UploadArgs,
};

/// Sightline tells you what is in your pictures.
#[derive(Debug, Parser)]
#[command(
    name = "sightline",
    version,
    propagate_version = true,
    after_long_help = "\
GETTING STARTED
  Run everything on this machine, without an account:
    sightline local
  Upload a picture from another terminal:
    sightline upload cat.jpg
  Find it again:
    sightline search --label Cat
  Ask Rekognition directly and draw the boxes:
    sightline analyze cat.jpg --draw boxes.png --open

AWS OR THIS MACHINE
  upload, search, get, delete and open talk to the API at SIGHTLINE_API
  (--api).
  analyze, backfill, reindex, export and erase talk to AWS through its usual
  variables (AWS_PROFILE, AWS_REGION, ...). To use the local mode instead, set
  AWS_ENDPOINT_URL and the keys that `sightline local` prints.

EXIT CODES
  0 success; 1 some pictures failed, or any other error;
  2 invalid command line; 3 the service could not be reached;
  4 access denied (keys, permissions, sign-in); 130 interrupted"
)]
pub(crate) struct Cli {
    /// The command
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A command and its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: pages, API, S3, Rekognition, queue and processor
    Local(Box<LocalArgs>),
    /// Upload pictures and show what is in them
    Upload(Box<UploadArgs>),
    /// Analyse one picture with Rekognition and draw its boxes
    Analyze(Box<AnalyzeArgs>),
    /// Find pictures by words, labels, text, colours, dates and more
    #[command(visible_alias = "list")]
    Search(Box<SearchArgs>),
    /// Show what is known about a stored picture, or download it
    Get(Box<GetArgs>),
    /// Delete stored pictures with their results
    Delete(Box<DeleteArgs>),
    /// Open a stored picture in the gallery, in the browser
    Open(Box<OpenArgs>),
    /// Queue pictures that were in the bucket before
    Backfill(Box<BackfillArgs>),
    /// Rebuild the search index from stored results
    Reindex(ReindexArgs),
    /// Write everything that is stored for one person to a folder
    Export(Box<ExportArgs>),
    /// Delete everything that is stored for one person
    Erase(Box<EraseArgs>),
    /// Return dead letters to the queue, even while `sightline local` runs
    Redrive(RedriveArgs),
    /// Copy all data of `sightline local` to a new folder, even while it runs
    Backup(BackupArgs),
    /// Make a data folder of a backup
    Restore(RestoreArgs),
    /// Install, list, remove and check models for `sightline local`
    Models(ModelsArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completions;
    use clap::{CommandFactory, ValueEnum as _, error::ErrorKind};
    use clap_complete::Shell;

    #[test]
    fn the_command_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_the_help_is_shown() {
        let error = Cli::try_parse_from(["sightline"]).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
    }

    /// All commands with their names, the top level included.
    fn commands() -> Vec<(String, clap::Command)> {
        let mut cli = Cli::command();
        cli.build();
        cli.get_subcommands()
            .filter(|command| command.get_name() != "help")
            .chain([&cli])
            .map(|command| (command.get_name().to_owned(), command.clone()))
            .collect()
    }

    fn after_help(command: &clap::Command) -> String {
        command
            .get_after_long_help()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    #[test]
    fn the_help_of_each_command_fits_80_columns() {
        for (name, command) in commands() {
            let help = after_help(&command);
            assert!(!help.is_empty(), "{name}");
            let rendered = command.term_width(80).render_long_help().to_string();
            let rendered: Vec<_> = rendered.lines().collect();
            for line in help.lines() {
                assert!(line.chars().count() <= 78, "{name}: {line}");
                assert!(rendered.contains(&line), "{name}: {line}");
            }
        }
    }

    /// The shell commands among the examples.
    #[cfg(unix)]
    fn examples(help: &str) -> Vec<String> {
        let mut examples: Vec<String> = Vec::new();
        let mut continued = false;
        for line in help
            .split("\n\n")
            .filter(|part| part.starts_with("EXAMPLES") || part.starts_with("GETTING STARTED"))
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("    "))
        {
            match examples.last_mut().filter(|_| continued) {
                Some(example) => *example = format!("{example}\n{line}"),
                None => examples.push(line.to_owned()),
            }
            continued = line.ends_with('\\');
        }
        assert!(!continued, "{help}");
        examples
    }

    #[cfg(unix)]
    #[test]
    fn every_example_can_be_pasted() {
        for (name, command) in commands() {
            let examples = examples(&after_help(&command));
            assert!(!examples.is_empty(), "{name}");
            for example in examples {
                // What the shell passes to the program. Nothing is written to the file that a script would go to.
                let (pasted, _) = example.split_once(" > ").unwrap_or((&example, ""));
                let shell = std::process::Command::new("sh")
                    .args(["-euc"])
                    .arg(format!(
                        "sightline() {{ printf '%s\\n' sightline \"$@\"; }}; jq() {{ cat; }}; scanimage() {{ :; }}\n{pasted}\n"
                    ))
                    .output()
                    .unwrap();
                let complaints = String::from_utf8(shell.stderr).unwrap();
                assert!(
                    shell.status.success() && complaints.is_empty(),
                    "{example}: {complaints}"
                );
                let arguments = String::from_utf8(shell.stdout).unwrap();
                let parsed = Cli::try_parse_from(arguments.lines());
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }

    /// The long options of all commands and their subcommands.
    fn options(command: &clap::Command) -> Vec<String> {
        let own = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(str::to_owned);
        own.chain(command.get_subcommands().flat_map(options))
            .collect()
    }

    #[test]
    fn the_guide_names_every_command_and_no_unknown_option() {
        // Options of other programs.
        const OTHERS: [&str; 6] = [
            "check",
            "ignore-missing",
            "path",
            "repo",
            "endpoint-url",
            "guests",
        ];
        let guide = include_str!("../../../docs/cli.md");
        for (name, _) in commands().iter().filter(|(name, _)| name != "sightline") {
            let row = format!("| `{name}");
            assert!(
                guide.contains(&row) || guide.contains(&format!(", `{name} ")),
                "{name}"
            );
        }
        let mut cli = Cli::command();
        cli.build();
        let known = options(&cli);
        let mut count = 0;
        for (at, _) in guide.match_indices("--") {
            let is_start = guide[..at].ends_with([' ', '`', '(', '\n']);
            let name: String = guide[at + 2..]
                .chars()
                .take_while(|char| char.is_ascii_lowercase() || *char == '-')
                .collect();
            if is_start && !name.is_empty() {
                count += 1;
                assert!(
                    known.contains(&name) || OTHERS.contains(&name.as_str()),
                    "--{name}"
                );
            }
        }
        assert!(count > 30, "only {count} options");
    }

    #[test]
    fn each_shell_completes_the_commands_and_their_options() {
        for shell in Shell::value_variants() {
            let name = shell.to_string();
            let cli = Cli::try_parse_from(["sightline", "completions", &name]).unwrap();
            let Command::Completions(args) = cli.command else {
                panic!("another command")
            };
            let mut script = Vec::new();
            completions::run(args, &mut Cli::command(), &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in [
                "upload", "analyze", "redrive", "jobs", "get", "delete", "open",
            ] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
