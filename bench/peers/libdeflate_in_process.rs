//! The measuring stick: how long the fastest gunzip takes for the same files, and nothing else.
//!
//! `libdeflate-gunzip` starts a process per file and maps memory anew for each, which flatters whoever
//! is compared with it. Here all files are in memory before the clock starts, and one buffer, already
//! touched, takes every output. It calls the library that weir links, built by the same `cargo build`.
//!
//! Usage: `libdeflate_in_process FILE.gz...`, each of one gzip member.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_free_decompressor, libdeflate_gzip_decompress,
    libdeflate_result_LIBDEFLATE_SUCCESS,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let answer = match arguments.as_slice() {
        [flag] if flag == "--version" => Ok("libdeflate of libdeflate-sys, as in Cargo.lock".to_owned()),
        paths => measure(paths),
    };
    match answer {
        Ok(text) => {
            println(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(paths: &[String]) -> anyhow::Result<String> {
    let read = |path: &String| fs::read(path).with_context(|| format!("cannot read {path}"));
    let files = paths.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let text_bytes_max = files.iter().map(|file| text_bytes(file)).max().unwrap_or_default();
    // Written to once, so that the first file does not pay for the kernel's zeroed pages.
    let mut text = vec![1; text_bytes_max];

    let (cpu_before_s, start) = (cpu_s()?, now());
    let bytes = gunzip_all(&files, &mut text)?;
    let wall_s = start.elapsed().as_secs_f64();
    let cpu_s = cpu_s()? - cpu_before_s;
    Ok(format!("cpu_s={cpu_s:.3} wall_s={wall_s:.3} bytes={bytes}"))
}

/// Unpacks each file into `text`, which is long enough for the longest; the bytes of all.
#[expect(unsafe_code, reason = "calls libdeflate: three calls, with what each needs beside it")]
fn gunzip_all(files: &[Vec<u8>], text: &mut [u8]) -> anyhow::Result<usize> {
    // SAFETY: takes no arguments; null is handled below.
    let decompressor = unsafe { libdeflate_alloc_decompressor() };
    if decompressor.is_null() {
        bail!("no memory for a decompressor");
    }
    let mut bytes = 0;
    for gzip in files {
        let wanted = text_bytes(gzip);
        let out = text.get_mut(..wanted).context("a file is longer than the buffer")?;
        // SAFETY: both slices are valid for the lengths given. Without a place for the written length,
        // the library fails unless it fills `out` exactly.
        let result = unsafe {
            libdeflate_gzip_decompress(
                decompressor,
                gzip.as_ptr().cast(),
                gzip.len(),
                out.as_mut_ptr().cast(),
                out.len(),
                std::ptr::null_mut(),
            )
        };
        if result != libdeflate_result_LIBDEFLATE_SUCCESS {
            bail!("a file is damaged or has more than one gzip member");
        }
        bytes += wanted;
    }
    // SAFETY: allocated above and not used again.
    unsafe { libdeflate_free_decompressor(decompressor) };
    Ok(bytes)
}

/// What the trailer says of the size (RFC 1952, ISIZE).
fn text_bytes(gzip: &[u8]) -> usize {
    gzip.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

/// CPU time of this one thread, from the scheduler's own clock in nanoseconds (proc(5), schedstat). It lags
/// by a tick at most, a few milliseconds.
fn cpu_s() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/schedstat").context("cannot read /proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    Ok(nanoseconds.context("/proc/self/schedstat has an unknown layout")? / 1e9)
}

#[allow(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "the times are this program's result")]
fn println(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "the one place that says what went wrong")]
fn complain(text: &str) {
    eprintln!("{text}");
}
