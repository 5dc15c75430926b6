//! Records and rows on standard output, in the form that was asked for.
//!
//! The same for what a server sends and what is found in files, so that neither can look different.

use std::io::{self, BufWriter, Stdout, Write};

use weir_web::{AggregateAnswer, ExportFormat, Hit, csv_cell, export_line};

use super::arguments::SearchOutput;
use super::rows_table::rows_table;
use super::text_line::text_line;
use crate::output::{harmless_json, is_on_terminal, shown_csv};
use crate::report::terminal_columns;

/// Prints records one after the other.
pub struct Printer {
    out: BufWriter<Stdout>,
    output: SearchOutput,
    /// The fields that the user has chosen.
    chosen: Option<Vec<String>>,
    /// For a table of records: its columns, once they are known.
    columns: Option<ExportFormat>,
    /// What came from a server of a line that is not whole yet.
    rest: Vec<u8>,
    hits: u64,
}

impl Printer {
    /// A printer of this form.
    pub fn new(output: SearchOutput, chosen: Option<Vec<String>>) -> Self {
        Self { out: BufWriter::new(io::stdout()), output, chosen, columns: None, rest: Vec::new(), hits: 0 }
    }

    /// Prints the header of a table of records.
    ///
    /// # Errors
    ///
    /// Nobody reads it; so with all that follow.
    pub fn columns(&mut self, columns: Vec<String>) -> io::Result<()> {
        if self.output == SearchOutput::Csv {
            let names = columns.iter().map(|name| match name.as_str() {
                "@timestamp" => name.clone(),
                _ => csv_cell(&name.as_str().into()),
            });
            let header = names.collect::<Vec<_>>().join(",") + "\r\n";
            self.out.write_all(shown_csv(header).as_bytes())?;
            self.columns = Some(ExportFormat::Csv(columns));
        }
        Ok(())
    }

    /// Records that were printed.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Prints a record.
    pub fn hit(&mut self, hit: &Hit) -> io::Result<()> {
        self.hits += 1;
        let line = match (self.output, &self.columns) {
            (SearchOutput::Text, _) => text_line(hit, self.chosen.as_deref()) + "\n",
            (SearchOutput::Csv, Some(columns)) => shown_csv(exported(columns, hit)),
            (SearchOutput::Json | SearchOutput::Csv, _) => {
                let line = exported(&ExportFormat::Ndjson, hit);
                return self.out.write_all(harmless_json(&line).as_bytes());
            }
        };
        self.out.write_all(line.as_bytes())
    }

    /// Prints rows of numbers.
    pub fn rows(&mut self, answer: &AggregateAnswer) -> io::Result<()> {
        match self.output {
            SearchOutput::Text => {
                self.out.write_all(rows_table(&answer.rows, terminal_columns()).as_bytes())?;
            }
            SearchOutput::Json => answer.rows.iter().try_for_each(|row| self.hit(row))?,
            SearchOutput::Csv => {
                if let Some(first) = answer.rows.first() {
                    self.columns(first.0.iter().map(|(name, _)| name.clone()).collect())?;
                }
                answer.rows.iter().try_for_each(|row| self.hit(row))?;
            }
        }
        self.flush()
    }

    /// Prints what came from a server of a table, in parts that end anywhere.
    pub fn table(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !is_on_terminal() {
            return self.out.write_all(bytes);
        }
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        self.out.write_all(shown_csv(String::from_utf8_lossy(&lines).into_owned()).as_bytes())
    }

    /// Lets everything be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.out.write_all(shown_csv(String::from_utf8_lossy(&rest).into_owned()).as_bytes())?;
        self.out.flush()
    }
}

/// A record as a line, as exports have it.
fn exported(format: &ExportFormat, hit: &Hit) -> String {
    let mut line = Vec::new();
    export_line(&mut line, format, hit);
    String::from_utf8_lossy(&line).into_owned()
}
