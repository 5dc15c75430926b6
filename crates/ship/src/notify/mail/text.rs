//! A mail as plain text.
//!
//! Not made of the HTML, as many programs do it: on a terminal or a watch it is all that is seen, so it is laid out
//! for itself.

use super::document::{Document, Section, Table};

/// Writes it down; lines end in `\n`.
pub(super) fn write(document: &Document) -> String {
    let mut text = format!("{}\n", document.headline);
    document.sections.iter().for_each(|section| write_section(&mut text, section));
    if !document.named.is_empty() {
        text.push_str(if document.sections.is_empty() { "\n" } else { "\nAlso:\n" });
        document.named.iter().for_each(|name| text.push_str(&format!("  {}\n", name.trim_end())));
    }
    if document.left_out > 0 {
        text.push_str(&format!("  and {} more\n", document.left_out));
    }
    text.push_str("\n-- \n");
    document.footer.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text.push_str(&format!("{}\n", document.external_url));
    text
}

fn write_section(text: &mut String, section: &Section) {
    text.push_str(&format!("\n{} {}\n", section.status.name(), section.title));
    let width = section.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(20);
    for (name, fact) in &section.facts {
        text.push_str(&format!("  {:<width$}  {fact}\n", format!("{name}:"), width = width + 1));
    }
    section.tables.iter().for_each(|table| write_table(text, table));
    if !section.lines.is_empty() {
        text.push_str(if section.has_times { "\n  Slowest:\n" } else { "\n  Last lines:\n" });
        section.lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    if let Some(link) = &section.link {
        text.push_str(&format!("\n  The very lines: {link}\n"));
    }
    if let Some(command) = &section.search_command {
        text.push_str(&format!("  The same:       {command}\n"));
    }
    if let Some(command) = &section.search_command_of_all {
        text.push_str(&format!("  With the good:  {command}\n"));
    }
    let labels: Vec<String> =
        section.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    text.push_str(&format!("\n  Labels: {}\n", labels.join(" ")));
}

fn write_table(text: &mut String, table: &Table) {
    let width = table.rows.iter().map(|[value, ..]| value.chars().count()).max().unwrap_or(0).clamp(8, 40);
    text.push_str(&format!("\n  By {}:\n", table.field));
    for [value, counts, of_bad, of_all, times] in &table.rows {
        let of_all =
            if of_all.is_empty() { String::new() } else { format!(", {of_all:>7} of all  {times:>6}") };
        let line = format!("    {value:<width$}  {of_bad:>7} of the bad{of_all}  {counts} bad");
        text.push_str(&format!("{}\n", line.trim_end()));
    }
}
