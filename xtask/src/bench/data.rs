//! The data: made by `weir demo`, the same bytes from the same seed, made once and kept.
//!
//! Made rather than downloaded, because real logs cannot be published and a generator can be read.
//! Sizes are counted with `gzip` and `wc`, not taken from the generator's word, since every rate in a
//! record depends on them.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::shell::Shell;
use super::subject::DataSet;

/// Lines of the full data sets.
pub const REQUESTS: u64 = 2_000_000;

/// Lines with `--quick`.
pub const REQUESTS_QUICK: u64 = 200_000;

/// The object that memory is measured on has more text than this, with all lines.
const BIG_TEXT_BYTES_MIN: u64 = 5_000_000_000;

/// Prints checksums of a small sample: another sum is another generator, and all data is made anew.
const GENERATOR: &str = "rm -rf sample; for format in alb nginx_json nginx_json_user errors; do \
    weir demo --write sample --requests 20000 --files 1 --format $format --plain --seed 1 2> /dev/null; \
    cksum < sample/part-0000.log; done; rm -r sample";

/// How one data set is made, in a folder of its own name. `$REQUESTS` is the number of lines.
struct Recipe {
    data: DataSet,
    /// What must be there before.
    from: Option<DataSet>,
    script: &'static str,
}

/// In an order in which each finds what it is made from.
const RECIPES: &[Recipe] = &[
    Recipe {
        data: DataSet::Equal,
        from: None,
        script: "weir demo --write equal --requests $REQUESTS --files 40 --seed 1",
    },
    Recipe {
        data: DataSet::Half,
        from: None,
        script: "weir demo --write half --requests $REQUESTS --files 40 --half-in-one --seed 1",
    },
    Recipe {
        data: DataSet::Big,
        from: Some(DataSet::Equal),
        script: "for copy in 1 2 3 4; do cat equal/*.log.gz; done > big/part.log.gz",
    },
    Recipe {
        data: DataSet::HeadPacked,
        from: Some(DataSet::Equal),
        script: "cp equal/part-000[0-3].log.gz head-packed",
    },
    Recipe {
        data: DataSet::HeadPlain,
        from: Some(DataSet::HeadPacked),
        script: "gzip -dc head-packed/*.log.gz | LC_ALL=C tr '\\200-\\377' '?' > head-plain/part.log",
    },
    Recipe {
        data: DataSet::Nginx,
        from: None,
        script: "weir demo --write nginx --requests $REQUESTS --files 1 --format nginx_json --plain --seed 1",
    },
    Recipe {
        data: DataSet::NginxHead,
        from: Some(DataSet::Nginx),
        script: "head -n $((REQUESTS / 10)) nginx/part-0000.log > nginx-head/part.log",
    },
    Recipe {
        data: DataSet::NginxUser,
        from: None,
        script: "weir demo --write nginx-user --requests $REQUESTS --files 1 --format nginx_json_user --plain --seed 1",
    },
    Recipe {
        data: DataSet::Errors,
        from: Some(DataSet::NginxUser),
        script: "weir demo --write errors --requests $((REQUESTS / 10)) --files 1 --format errors --plain --seed 1",
    },
    Recipe {
        data: DataSet::Objects,
        from: None,
        script: "weir demo --write objects --requests $((REQUESTS * 5)) --files $((REQUESTS / 1000)) --seed 2",
    },
];

/// How much a data set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Which.
    pub data: DataSet,
    /// Lines.
    pub lines: u64,
    /// Bytes of text, unpacked.
    pub text_bytes: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
}

impl DataSet {
    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Half => "half",
            Self::Big => "big",
            Self::HeadPacked => "head-packed",
            Self::HeadPlain => "head-plain",
            Self::Nginx => "nginx",
            Self::NginxHead => "nginx-head",
            Self::NginxUser => "nginx-user",
            Self::Errors => "errors",
            Self::Objects => "objects",
        }
    }
}

/// The command that makes `data`, for the record.
pub fn script(data: DataSet) -> &'static str {
    RECIPES.iter().find(|recipe| recipe.data == data).map_or("", |recipe| recipe.script)
}

/// Makes what of `wanted` is not there yet in the shell's folder, and what it is made from; the sizes.
///
/// # Errors
///
/// When a command fails, as without room on the disk, or the large object is not as large as its budget says.
pub fn prepare(shell: &Shell, requests: u64, wanted: &[DataSet]) -> anyhow::Result<Vec<Size>> {
    let generator = shell.output(GENERATOR)?;
    let recipes = RECIPES.iter().filter(|recipe| wanted.iter().any(|&data| is_needed(recipe.data, data)));
    let sizes = recipes.map(|recipe| prepare_one(shell, recipe, requests, &generator));
    let sizes = sizes.collect::<anyhow::Result<Vec<_>>>()?;
    let is_too_small = |size: &&Size| size.data == DataSet::Big && size.text_bytes <= BIG_TEXT_BYTES_MIN;
    match sizes.iter().find(is_too_small) {
        Some(big) if requests >= REQUESTS => {
            bail!("the large object has {} bytes of text, too few; add a copy to its recipe", big.text_bytes)
        }
        _ => Ok(sizes),
    }
}

/// Whether `wanted` is `data` or is made from it.
fn is_needed(data: DataSet, wanted: DataSet) -> bool {
    let from = RECIPES.iter().find(|recipe| recipe.data == wanted).and_then(|recipe| recipe.from);
    data == wanted || from.is_some_and(|from| is_needed(data, from))
}

/// A set is complete once its size and origin are written beside it; one without, or of another recipe or
/// generator, is made anew.
fn prepare_one(shell: &Shell, recipe: &Recipe, requests: u64, generator: &str) -> anyhow::Result<Size> {
    let name = recipe.data.folder();
    let size_path = shell.folder().join(format!("{name}.size"));
    let kept = fs::read_to_string(&size_path).unwrap_or_default();
    let origin = format!("{}\n{generator}\n", recipe.script);
    if let Some(size) = parse_size(recipe.data, &kept).filter(|_| kept.ends_with(&origin)) {
        return Ok(size);
    }
    crate::complain(&format!("making {name} ..."));
    remove(&shell.folder().join(name))?;
    shell.output(&format!("mkdir {name}; REQUESTS={requests}; {}", recipe.script))?;
    let text = shell.output(&format!("gzip -dcf {name}/*.log* | wc -lc; cat {name}/*.log* | wc -c"))?;
    let size = parse_size(recipe.data, &text).with_context(|| format!("`wc` counted `{text}` for {name}"))?;
    fs::write(&size_path, format!("{text}\n{origin}"))
        .with_context(|| format!("cannot write {}", size_path.display()))?;
    Ok(size)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// Reads lines, bytes of text and bytes of files.
fn parse_size(data: DataSet, text: &str) -> Option<Size> {
    let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
    let (lines, text_bytes, file_bytes) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some(Size { data, lines, text_bytes, file_bytes })
}

#[cfg(test)]
mod tests {
    use super::super::subject::SUBJECTS;
    use super::*;

    #[test]
    fn everything_that_is_read_can_be_made() {
        for subject in SUBJECTS {
            assert!(script(subject.data).contains(subject.data.folder()), "{}", subject.name);
            assert!(subject.command.contains(&format!("{}/", subject.data.folder())), "{}", subject.name);
        }
    }

    #[test]
    fn sizes_are_read_back() {
        let size = Size { data: DataSet::Equal, lines: 2, text_bytes: 30, file_bytes: 10 };
        assert_eq!(parse_size(DataSet::Equal, "      2      30\n10\nweir demo"), Some(size));
        assert_eq!(parse_size(DataSet::Equal, "2 30\n"), None);
    }
}
