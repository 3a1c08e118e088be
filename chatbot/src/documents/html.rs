//! HTML → text with headings, lists, tables and code as Markdown. What a reader of the page does not see is left out: scripts,
//! styles, and elements that are hidden.

use ego_tree::iter::Edge;
use scraper::{Html, Node, node::Element};

/// Elements whose content is no text of the page.
const UNSEEN: [&str; 14] = [
    "head", "title", "script", "style", "noscript", "template", "iframe", "object", "svg", "canvas", "audio", "video",
    "select", "dialog",
];
/// Elements that stand apart from what is around them.
const PARAGRAPHS: [&str; 17] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "dl",
    "table",
    "pre",
    "blockquote",
    "section",
    "article",
    "figure",
    "hr",
];
/// Elements that begin a line.
const LINES: [&str; 15] = [
    "div",
    "li",
    "tr",
    "dt",
    "dd",
    "br",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "address",
    "form",
    "figcaption",
    "caption",
];
/// Ways to hide an element, written without spaces.
const HIDING_STYLES: [&str; 5] = ["display:none", "visibility:hidden", "font-size:0", "opacity:0;", "opacity:0.0"];

/// What a reader of the page sees.
pub(super) fn text(html: &str) -> String {
    let page = Html::parse_document(html);
    let mut writer = Writer::default();
    // No recursion: how deep a page is nested is up to whoever wrote it.
    for edge in page.tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(element) => writer.open(element),
                Node::Text(text) => writer.text(text),
                Node::Document
                | Node::Fragment
                | Node::Doctype(_)
                | Node::Comment(_)
                | Node::ProcessingInstruction(_) => {}
            },
            Edge::Close(node) => {
                if let Node::Element(element) = node.value() {
                    writer.close(element);
                }
            }
        }
    }
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    /// How many of the open elements hide their content.
    hidden: usize,
    /// How many keep their white space.
    preformatted: usize,
    /// A space is due before the next word.
    space: bool,
}

impl Writer {
    fn open(&mut self, element: &Element) {
        self.hidden += usize::from(is_hidden(element));
        if self.hidden > 0 {
            return;
        }
        self.apart(element);
        match element.name() {
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                let level = name.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                self.text.push_str(&"#".repeat(level));
                self.space = true;
            }
            "li" => self.text.push_str("- "),
            "td" | "th" if !self.text.is_empty() && !self.text.ends_with('\n') => {
                self.text.push_str(" |");
                self.space = true;
            }
            "pre" => {
                self.preformatted += 1;
                self.text.push_str("```\n");
            }
            _ => {}
        }
    }

    fn close(&mut self, element: &Element) {
        if self.hidden > 0 {
            self.hidden -= usize::from(is_hidden(element));
            return;
        }
        if element.name() == "pre" {
            self.preformatted -= 1;
            self.lines(1);
            self.text.push_str("```");
        }
        self.apart(element);
    }

    /// Where an element begins and ends, so does a paragraph or a line.
    fn apart(&mut self, element: &Element) {
        let name = element.name();
        if PARAGRAPHS.contains(&name) {
            self.lines(2);
        } else if LINES.contains(&name) {
            self.lines(1);
        }
    }

    /// Ends what is there with so many line ends.
    fn lines(&mut self, wanted: usize) {
        self.space = false;
        if self.text.is_empty() {
            return;
        }
        let there = self.text.bytes().rev().take(wanted).take_while(|byte| *byte == b'\n').count();
        self.text.push_str(&"\n".repeat(wanted - there));
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        if self.preformatted > 0 {
            self.text.push_str(text);
            return;
        }
        self.space |= text.starts_with(is_space);
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            if self.space && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
                self.text.push(' ');
            }
            self.text.push_str(word);
            self.space = true;
        }
        self.space = text.ends_with(is_space) || (self.space && text.trim().is_empty());
    }
}

/// The white space of HTML.
const fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn is_hidden(element: &Element) -> bool {
    let style = || element.attr("style").unwrap_or_default().to_ascii_lowercase();
    let tight = || style().chars().filter(|letter| !letter.is_whitespace()).chain(";".chars()).collect::<String>();
    UNSEEN.contains(&element.name())
        || element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || element.attr("style").is_some() && HIDING_STYLES.iter().any(|hiding| hides(&tight(), hiding))
}

/// `font-size:0` hides, and `font-size:0.9em` does not.
fn hides(style: &str, hiding: &str) -> bool {
    style.split(hiding).skip(1).any(|rest| !rest.starts_with(['.', '1', '2', '3', '4', '5', '6', '7', '8', '9']))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_page_becomes_what_its_reader_sees() {
        let table = [
            ("<h1>Guide</h1><p>Read\n this.</p><h2>Part <b>one</b></h2>", "# Guide\n\nRead this.\n\n## Part one\n\n"),
            ("<p>one<p>two<br>three", "one\n\ntwo\nthree\n\n"),
            ("<ul><li>one<li>two</ul>", "- one\n- two\n\n"),
            ("<table><tr><th>Day<th>Hour<tr><td>Monday<td>nine</table>", "Day | Hour\nMonday | nine\n\n"),
            ("<pre>a\n  b</pre>x", "```\na\n  b\n```\n\nx"),
            ("Mon<b>day</b> <i>morning</i>", "Monday morning"),
            ("<p dir=rtl>سلام <span>دنیا</span></p>", "سلام دنیا\n\n"),
            ("&lt;script&gt; &amp; more", "<script> & more"),
        ];
        for (html, expected) in table {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn what_the_reader_does_not_see_is_left_out() {
        let table = [
            "<script>steal()</script>",
            "<style>p {}</style>",
            "<title>t</title>",
            "<p hidden>x</p>",
            "<div style='display: none'><p>x</p></div>",
            "<span style='FONT-SIZE:0'>x</span>",
            "<span style='font-size:0px'>x</span>",
            "<span style='opacity:0'>x</span>",
            "<div aria-hidden=true>x</div>",
            "<template>x</template>",
            "<!-- x -->",
            "<svg><text>x</text></svg>",
        ];
        for html in table {
            assert_eq!(text(&format!("<p>seen</p>{html}")).trim(), "seen", "{html}");
        }
        assert_eq!(text("<p style='font-size:0.9em;opacity:0.5'>seen</p>").trim(), "seen");
    }

    #[test]
    fn however_deep_a_page_is_nested_it_is_read() {
        let html = format!("{}deep", "<div>".repeat(10_000));
        assert_eq!(text(&html).trim(), "deep");
    }
}
