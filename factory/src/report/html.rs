//! A report as one HTML page: no script, no font, no image from anywhere else, so that it can be mailed, archived and printed.

use super::chart::escape;
use super::document::{Block, Document};
use fuda_cli::globals::Lang;

const STYLE: &str = "body{font-family:system-ui,'Noto Sans','Noto Sans JP','Hiragino Sans','Yu Gothic',sans-serif;color:#222;background:#fff;\
max-width:760px;margin:2rem auto;padding:0 1rem;line-height:1.5}h1{font-size:1.5rem;border-bottom:2px solid #2b6ca3;padding-bottom:.3rem}\
h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}table{border-collapse:collapse;width:100%;font-size:.85rem;margin:.5rem 0}\
th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #d9dee3;vertical-align:top;overflow-wrap:anywhere}\
th{color:#556;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
table.facts td:first-child{color:#556;width:9rem;overflow-wrap:normal}svg{max-width:100%;height:auto;margin:.5rem 0}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}svg,tr{break-inside:avoid}}";

/// The page.
pub(crate) fn html(document: &Document) -> String {
    let lang = match document.lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    };
    let title = escape(&document.title);
    let body: String = document.blocks.iter().map(block).collect();
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("<h2>{}</h2>\n", escape(text)),
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::Chart { svg, .. } => format!("{svg}\n"),
        Block::Table { head, numbers, rows } => table(head, numbers, rows),
    }
}

fn table(head: &[String], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let cell = |tag: &str, column: usize, text: &String| {
        let class = if numbers.contains(&column) { " class=\"n\"" } else { "" };
        format!("<{tag}{class}>{}</{tag}>", escape(text))
    };
    let row = |tag: &str, cells: &[String]| {
        let cells: String = cells.iter().enumerate().map(|(column, text)| cell(tag, column, text)).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let (class, head) = if head.is_empty() { (" class=\"facts\"", String::new()) } else { ("", row("th", head)) };
    let rows: String = rows.iter().map(|cells| row("td", cells)).collect();
    format!("<table{class}>\n{head}{rows}</table>\n")
}
