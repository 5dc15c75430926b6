//! Where and on what was measured.
//!
//! Read from the system rather than typed, so that a record cannot name another machine, a wrong
//! version or a quieter hour than it was made in.

use anyhow::Context;

use super::shell::Shell;

/// The machine and the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this system may use.
    pub cores: usize,
    /// Memory, with its unit.
    pub memory: String,
    /// Distribution and kernel.
    pub system: String,
    /// Date and time in UTC, RFC 3339.
    pub time: String,
    /// Short hash of the commit, and whether files differ from it.
    pub commit: String,
}

impl Machine {
    /// Asks the system; commands run in `shell`.
    ///
    /// # Errors
    ///
    /// When a command of any Linux system, or git, fails.
    pub fn look(shell: &Shell) -> anyhow::Result<Self> {
        let of_file = |path: &str| shell.output(&format!("cat {path}"));
        let is_changed = !shell.output("git status --porcelain --untracked-files=no")?.is_empty();
        let commit = shell.output("git rev-parse --short HEAD")?;
        Ok(Self {
            processor: field(&of_file("/proc/cpuinfo")?, "model name")
                .unwrap_or("unknown processor")
                .to_owned(),
            cores: shell.output("nproc")?.parse().context("`nproc` gave no number")?,
            memory: memory(&of_file("/proc/meminfo")?).unwrap_or("unknown size".to_owned()),
            system: shell.output(". /etc/os-release; echo \"$PRETTY_NAME, $(uname -sr)\"")?,
            time: shell.output("date -u +%Y-%m-%dT%H:%M:%SZ")?,
            commit: if is_changed { format!("{commit}, with uncommitted changes") } else { commit },
        })
    }

    /// A name for the folder of a record: date, processor, cores.
    pub fn slug(&self) -> String {
        let date = self.time.get(..10).unwrap_or(&self.time);
        let name: String = self.processor.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).take(4).collect();
        format!("{date}-{}-{}-cores", words.join("-"), self.cores)
    }
}

/// The value behind `name:` in a file such as /proc/cpuinfo.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The total of /proc/meminfo, which counts in KiB whatever it calls them.
fn memory(meminfo: &str) -> Option<String> {
    const KIB_PER_GIB: f64 = 1_048_576.0;
    let kib: f64 = field(meminfo, "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / KIB_PER_GIB))
}

/// Load averages, as /proc/loadavg has them.
///
/// # Errors
///
/// When there is no such file.
pub fn load(shell: &Shell) -> anyhow::Result<String> {
    shell.output("cut -d ' ' -f 1-3 /proc/loadavg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_found() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC: 7\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC: 7"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(memory("MemTotal:       24682416 kB\n").as_deref(), Some("23.5 GiB"));
    }

    #[test]
    fn a_record_is_named_by_day_and_machine() {
        let machine = Machine {
            processor: "Intel(R) Xeon(R) CPU @ 2.20GHz".to_owned(),
            cores: 8,
            memory: String::new(),
            system: String::new(),
            time: "2026-11-23T15:00:00Z".to_owned(),
            commit: String::new(),
        };
        assert_eq!(machine.slug(), "2026-11-23-intel-r-xeon-r-8-cores");
    }
}
