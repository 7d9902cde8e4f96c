//! Committed files are what the program generates; `NETKIT_BLESS=1` rewrites them.

use std::path::{Path, PathBuf};

use crate::support::netkit;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a committed file, or rewrites it.
#[track_caller]
fn committed(path: &Path, generated: &str) {
    if std::env::var_os("NETKIT_BLESS").is_some() {
        let folder = path.parent().expect("it lies in the project");
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, generated));
        written.expect("the project can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let how = "NETKIT_BLESS=1 cargo test --test cli generated";
    assert!(
        found == generated,
        "{} is not what netkit generates; run {how}",
        path.display()
    );
}

#[test]
fn completions_are_up_to_date() {
    let shells = [
        ("bash", "netkit.bash"),
        ("zsh", "_netkit"),
        ("fish", "netkit.fish"),
        ("elvish", "netkit.elv"),
        ("powershell", "_netkit.ps1"),
    ];
    for (shell, file) in shells {
        let script = netkit("generate completions")
            .arg(shell)
            .run()
            .status(0)
            .stdout;
        assert!(
            script.contains("keepalive-interval"),
            "{shell} does not know every flag"
        );
        committed(&root().join("completions").join(file), &script);
    }
}

#[test]
fn man_pages_are_up_to_date_and_whole() {
    let dir = std::env::temp_dir().join(format!("netkit-man-{}", std::process::id()));
    netkit("generate man").arg(&dir).run().status(0);
    let mut names: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "netkit-demo.1",
            "netkit-dial.1",
            "netkit-heartbeat.1",
            "netkit-listen.1",
            "netkit-parse-addr.1",
            "netkit-resolve.1",
            "netkit.1"
        ]
        .map(PathBuf::from)
    );
    for name in names {
        let page = std::fs::read_to_string(dir.join(&name)).unwrap();
        let sections: &[&str] = match name.to_str() {
            Some("netkit-demo.1") => &["SEE ALSO"],
            _ => &["EXAMPLES", "EXIT STATUS", "JSON", "SEE ALSO"],
        };
        for section in sections {
            assert!(
                page.contains(&format!(".SH {section}\n")),
                "{} lacks {section}",
                name.display()
            );
        }
        committed(&root().join("man").join(name), &page);
    }
    std::fs::remove_dir_all(dir).unwrap();
}

const BEGIN: &str = "<!-- netkit generate readme-help -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_help_in_the_readme_is_up_to_date() {
    let block = netkit("generate readme-help").run().status(0).stdout;
    let path = root().join("README.md");
    let Ok(readme) = std::fs::read_to_string(&path) else {
        panic!("README.md cannot be read")
    };
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("README.md marks the place of the help");
    let (_, after) = rest
        .split_once(END)
        .expect("README.md marks the end of the help");
    committed(&path, &format!("{before}{BEGIN}{block}{END}{after}"));
}
