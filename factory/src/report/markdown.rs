//! A report as Markdown (CommonMark with tables): charts are files beside it.

use super::document::{Block, Document};

/// The text, and the charts that it shows by their file names.
pub(crate) fn markdown(document: &Document) -> (String, Vec<(&'static str, String)>) {
    let mut charts = Vec::new();
    let mut text = format!("# {}\n", inline(&document.title));
    for block in &document.blocks {
        text.push('\n');
        match block {
            Block::Heading(heading) => text.push_str(&format!("## {}\n", inline(heading))),
            Block::Text(paragraph) => text.push_str(&format!("{}\n", inline(paragraph))),
            Block::Table { head, numbers, rows } => text.push_str(&table(head, numbers, rows)),
            Block::Chart { file, title, svg } => {
                text.push_str(&format!("![{}]({file})\n", inline(title)));
                charts.push((*file, svg.clone()));
            }
        }
    }
    (text, charts)
}

fn table(head: &[String], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(head.len(), Vec::len);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    // A table without a head gets an empty one: Markdown has no other.
    let head = (0..columns).map(|column| head.get(column).map(|cell| inline(cell)).unwrap_or_default()).collect();
    let rule = (0..columns).map(|column| if numbers.contains(&column) { "---:" } else { "---" }.to_owned()).collect();
    let rows = rows.iter().map(|row| line(row.iter().map(|cell| inline(cell)).collect()));
    [line(head), line(rule)].into_iter().chain(rows).collect()
}

/// Text that is nothing but text.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { ' ' } else { character });
    }
    escaped
}
