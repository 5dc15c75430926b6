//! The mail server of the demo: it takes whatever comes and leaves it as files, so that nothing is ever sent.
//!
//! A few commands of SMTP, on this machine only, one connection after the other. Each mail is a file that any mail
//! program opens, and a few lines on the terminal: what it is about, and how to see what it tells of.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::output::{harmless, say};

/// How long a client may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The longest line of a command or a mail, in bytes; SMTP has 1,000.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// The largest mail, in bytes; weir's own stay below 100 KB.
const MAIL_BYTES_MAX: usize = 4 << 20;

/// Mails that are kept.
const MAILS_MAX: usize = 1_000;

/// A mail server that runs for as long as the program does.
pub struct MailSink {
    /// Where it listens.
    pub address: SocketAddr,
}

impl MailSink {
    /// Starts one that leaves mails in a folder.
    ///
    /// # Errors
    ///
    /// A folder that cannot be made, or no port.
    pub fn start(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        std::thread::Builder::new().name("mail sink".to_owned()).spawn(move || {
            let mut taken = 0;
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that is gone is its own affair.
                let _ = serve(stream, &folder, &mut taken);
            }
        })?;
        Ok(Self { address })
    }
}

/// One client, from its greeting to its end.
fn serve(stream: TcpStream, folder: &Path, taken: &mut usize) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let mut answers = stream.try_clone()?;
    let mut commands = BufReader::new(stream);
    answers.write_all(b"220 demo\r\n")?;
    while let Some(line) = line(&mut commands)? {
        let command = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
        let answer: &[u8] = match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => b"250-demo\r\n250 8BITMIME\r\n",
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                let Some(mail) = mail(&mut commands)? else { return Ok(()) };
                if *taken >= MAILS_MAX {
                    b"452 the demo has enough mail\r\n"
                } else {
                    *taken += 1;
                    keep(&mail, &folder.join(format!("{taken}.eml")))?;
                    b"250 taken\r\n"
                }
            }
            "QUIT" => {
                answers.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 fine\r\n",
            _ => b"502 the demo does not know that\r\n",
        };
        answers.write_all(answer)?;
    }
    Ok(())
}

/// The next line with its end; `None` at the end of what comes.
fn line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(line.ends_with(b"\n").then_some(line))
}

/// A mail up to the line with only a dot; `None` if it ends before or is too large.
fn mail(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    while let Some(line) = line(from)? {
        if line == b".\r\n" || line == b".\n" {
            return Ok(Some(mail));
        }
        mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        if mail.len() > MAIL_BYTES_MAX {
            return Ok(None);
        }
    }
    Ok(None)
}

fn keep(mail: &[u8], path: &Path) -> io::Result<()> {
    fs::write(path, mail)?;
    let text = String::from_utf8_lossy(mail);
    say(&format_args!("\nmail:     {}\n          {}", harmless(&subject(&text)), path.display()));
    let body = plain_text(&text);
    for name in ["The very lines:", "The same:"] {
        let found = body.lines().find_map(|line| line.trim_start().strip_prefix(name));
        if let Some(shown) = found {
            say(&format_args!("          {}", harmless(shown.trim())));
        }
    }
    Ok(())
}

/// The subject, also where it takes more than a line.
fn subject(mail: &str) -> String {
    let mut lines = mail.lines().skip_while(|line| !line.to_ascii_lowercase().starts_with("subject:"));
    let first = lines.next().map_or("", |line| line[8..].trim());
    let rest = lines.take_while(|line| line.starts_with([' ', '\t'])).map(str::trim);
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ")
}

/// The part with plain text, decoded.
fn plain_text(mail: &str) -> String {
    let Some((_, part)) = mail.split_once("Content-Type: text/plain") else { return String::new() };
    let Some((headers, body)) = part.split_once("\r\n\r\n") else { return String::new() };
    let body = body.split("\r\n--").next().unwrap_or_default();
    if headers.contains("quoted-printable") { decoded(body) } else { body.to_owned() }
}

/// Quoted-printable as text.
fn decoded(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let hex = (*byte == b'=').then(|| behind.get(..2)).flatten();
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: a@example.com\r\nSubject: [FIRING] a\r\n b\r\nContent-Type: multipart/alternative; boundary=\"x\"\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        The very lines: http://a/?b=3Dc=\r\nd\r\n..dot\r\n\r\n--x--\r\n";

    #[test]
    fn a_mail_becomes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let sink = MailSink::start(folder.path().join("mails")).unwrap();
        let mut stream = TcpStream::connect(sink.address).unwrap();
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        let mut said = |command: &str| {
            stream.write_all(command.as_bytes()).unwrap();
            let mut answer = String::new();
            while answer.lines().last().is_none_or(|line| line.as_bytes()[3] != b' ') {
                answers.read_line(&mut answer).unwrap();
            }
            answer[..3].to_owned()
        };
        let conversation = ["", "EHLO x\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n"];
        assert_eq!(conversation.map(&mut said), ["220", "250", "250", "250", "354"]);
        assert_eq!(said(&format!("{MAIL}.\r\n")), "250");
        assert_eq!(["EXPN a\r\n", "QUIT\r\n"].map(said), ["502", "221"]);
        let kept = fs::read_to_string(folder.path().join("mails/1.eml")).unwrap();
        assert_eq!(kept, MAIL.replace("..dot", ".dot"));
    }

    #[test]
    fn what_it_is_about_is_read_from_it() {
        assert_eq!(subject(MAIL), "[FIRING] a b");
        assert_eq!(plain_text(MAIL), "The very lines: http://a/?b=cd\r\n..dot\r\n");
        assert_eq!(decoded("a=3D=C3=A9=ZZ="), "a=é=ZZ=");
    }
}
