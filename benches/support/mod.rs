//! What the benchmarks share: running programs, comparing them, and the options.

pub(crate) mod compare;
pub(crate) mod process;

/// How thorough a benchmark is, and which of its parts run.
pub(crate) struct Options {
    /// Seconds instead of minutes: fewer rounds on less work. Shows that the benchmark works; its
    /// ratios are rough.
    pub(crate) quick: bool,
    /// Parts whose name contains one of these; none means all.
    only: Vec<String>,
}

impl Options {
    /// Reads the command line (`--quick`, names of parts) and `NETKIT_BENCH_QUICK`.
    pub(crate) fn read() -> Self {
        let args: Vec<_> = std::env::args().skip(1).collect();
        let env = std::env::var_os("NETKIT_BENCH_QUICK").is_some_and(|value| value != "0");
        let quick = env || args.iter().any(|arg| arg == "--quick");
        // Cargo itself adds `--bench`.
        let only = args
            .into_iter()
            .filter(|arg| !arg.starts_with('-'))
            .collect();
        Self { quick, only }
    }

    /// Whether a part is wanted.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| part.contains(only))
    }

    /// One of two numbers.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}
