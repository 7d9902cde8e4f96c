//! `netkit generate`: what is derived from the command line's definition and committed.
//!
//! Completions, man pages, the JSON Schema and the README's help block come from the same
//! definitions as `--help`; a test compares the committed files, so none of them can grow old.

mod man;
mod schema;

use std::io;
use std::path::Path;

use crate::args::{Generate, Shell, command};
use crate::exit::Exit;
use crate::output::Out;

/// Columns of generated help: what fits a README on a screen.
const WIDTH: usize = 100;

/// Writes what was asked for.
pub(crate) fn run(what: &Generate) -> io::Result<Exit> {
    match what {
        Generate::Completions { shell } => print(&completions(*shell)),
        Generate::Man { dir: Some(dir) } => write_man(dir),
        Generate::Man { dir: None } => {
            let pages: Vec<_> = man::pages()?.into_iter().map(|(_, page)| page).collect();
            print(&pages.concat())
        }
        Generate::Schema => print(&schema::text()),
        Generate::ReadmeHelp => print(&readme_help()),
    }
}

fn print(text: &str) -> io::Result<Exit> {
    let mut out = Out::default();
    let _ = out.write(text);
    match out.failure() {
        Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
        None => Ok(Exit::Success),
    }
}

fn completions(shell: Shell) -> String {
    use clap_complete::aot::{Shell as Aot, generate};
    let shell = match shell {
        Shell::Bash => Aot::Bash,
        Shell::Zsh => Aot::Zsh,
        Shell::Fish => Aot::Fish,
        Shell::Elvish => Aot::Elvish,
        Shell::Powershell => Aot::PowerShell,
    };
    let mut script = Vec::new();
    generate(shell, &mut command(), "netkit", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn write_man(dir: &Path) -> io::Result<Exit> {
    std::fs::create_dir_all(dir)?;
    for (name, page) in man::pages()? {
        std::fs::write(dir.join(name), page)?;
    }
    Ok(Exit::Success)
}

fn readme_help() -> String {
    let mut cli = command().term_width(WIDTH);
    cli.build();
    let help = cli
        .find_subcommand_mut("dial")
        .map(|dial| dial.render_help().to_string());
    let help = help.unwrap_or_default();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    format!(
        "```text\n$ netkit dial -h\n{}\n```\n",
        lines.join("\n").trim_end()
    )
}
