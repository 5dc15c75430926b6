//! Records and rows on standard output, in the form that was asked for.
//!
//! The same for what a server sends and what is found in files, so that neither can look different.

use std::io::{self, BufWriter, Stdout, Write};

use weir_web::{AggregateAnswer, ExportFormat, Hit, csv_cell, export_line};

use super::arguments::SearchOutput;
use super::rows_table::rows_table;
use super::text_line::text_line;
use crate::report::terminal_columns;

/// Prints records one after the other.
pub struct Printer {
    out: BufWriter<Stdout>,
    output: SearchOutput,
    /// The fields that the user has chosen.
    chosen: Option<Vec<String>>,
    /// For a table of records: its columns, once they are known.
    columns: Option<ExportFormat>,
    hits: u64,
}

impl Printer {
    /// A printer of this form.
    pub fn new(output: SearchOutput, chosen: Option<Vec<String>>) -> Self {
        Self { out: BufWriter::new(io::stdout()), output, chosen, columns: None, hits: 0 }
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
            write!(self.out, "{}\r\n", names.collect::<Vec<_>>().join(","))?;
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
        let mut line = Vec::new();
        match (self.output, &self.columns) {
            (SearchOutput::Text, _) => {
                line = text_line(hit, self.chosen.as_deref()).into_bytes();
                line.push(b'\n');
            }
            (SearchOutput::Csv, Some(columns)) => export_line(&mut line, columns, hit),
            (SearchOutput::Json | SearchOutput::Csv, _) => export_line(&mut line, &ExportFormat::Ndjson, hit),
        }
        self.out.write_all(&line)
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

    /// Prints what came from a server as it is.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Lets everything be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
