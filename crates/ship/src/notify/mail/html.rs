//! A mail as HTML: tables and inline styles, which is all that mail programs agree on. No pictures, no scripts,
//! nothing that is fetched.

use super::document::{Document, Section, Status, Table};

/// Writes it down.
pub(super) fn write(document: &Document) -> String {
    let mut html = String::from(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n\
         <body style=\"font-family:sans-serif;font-size:14px;color:#222\">\n",
    );
    html.push_str(&format!(
        "<h2 style=\"font-size:18px;color:{}\">{}</h2>\n",
        color(document.status),
        escaped(&document.headline)
    ));
    document.sections.iter().for_each(|section| write_section(&mut html, section));
    if !document.named.is_empty() || document.left_out > 0 {
        html.push_str("<ul>\n");
        document
            .named
            .iter()
            .for_each(|name| html.push_str(&format!("<li>{}</li>\n", escaped(name.trim_end()))));
        if document.left_out > 0 {
            html.push_str(&format!("<li>and {} more</li>\n", document.left_out));
        }
        html.push_str("</ul>\n");
    }
    let footer: Vec<String> = document.footer.iter().map(|line| escaped(line)).collect();
    let url = escaped(&document.external_url);
    html.push_str(&format!(
        "<p style=\"font-size:12px;color:#666\">{}<br><a href=\"{url}\">{url}</a></p>\n</body></html>\n",
        footer.join("<br>")
    ));
    html
}

fn write_section(html: &mut String, section: &Section) {
    html.push_str(&format!(
        "<h3 style=\"font-size:16px;border-left:4px solid {};padding-left:8px\">{} {}</h3>\n<table>\n",
        color(section.status),
        section.status.name(),
        escaped(&section.title)
    ));
    for (name, fact) in &section.facts {
        html.push_str(&format!(
            "<tr><td style=\"color:#666;vertical-align:top;padding-right:12px\">{}</td><td>{}</td></tr>\n",
            escaped(name),
            escaped(fact)
        ));
    }
    html.push_str("</table>\n");
    section.tables.iter().for_each(|table| write_table(html, table));
    if !section.lines.is_empty() {
        let lines: Vec<String> = section.lines.iter().map(|line| escaped(line)).collect();
        let name = if section.has_times { "Slowest" } else { "Last lines" };
        html.push_str(&format!("<p>{name}:</p>\n<pre style=\"font-size:12px\">{}</pre>\n", lines.join("\n")));
    }
    if let Some(link) = &section.link {
        html.push_str(&format!("<p><a href=\"{}\">Open the very lines</a></p>\n", escaped(link)));
    }
    let commands = [("bad", &section.search_command), ("with the good", &section.search_command_of_all)];
    for (name, command) in commands {
        if let Some(command) = command {
            html.push_str(&format!(
                "<p style=\"margin:0\">{name}:</p>\n<pre style=\"font-size:12px\">{}</pre>\n",
                escaped(command)
            ));
        }
    }
    let labels: Vec<String> =
        section.labels.iter().map(|(name, value)| escaped(&format!("{name}=\"{value}\""))).collect();
    html.push_str(&format!("<p style=\"font-size:12px;color:#666\">{}</p>\n", labels.join(" ")));
}

fn write_table(html: &mut String, table: &Table) {
    html.push_str(&format!(
        "<table style=\"margin:8px 0\"><tr><th align=\"left\">{}</th><th>bad</th><th>of the bad</th><th>of all</th>\
         <th></th></tr>\n",
        escaped(&table.field)
    ));
    for [value, counts, of_bad, of_all, times] in &table.rows {
        html.push_str(&format!(
            "<tr><td>{}</td><td align=\"right\">{counts}</td><td align=\"right\">{of_bad}</td>\
             <td align=\"right\">{of_all}</td><td align=\"right\">{times}</td></tr>\n",
            escaped(value)
        ));
    }
    html.push_str("</table>\n");
}

fn color(status: Status) -> &'static str {
    match status {
        Status::Firing => "#c0392b",
        Status::Resolved => "#1e8449",
    }
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}
