//! Line beginnings that every reader of the HTML sees, so that the texts before and after can't join to one address.

/// Elements whose start tag begins a line wherever it stands. `html`, `head` and `body` don't: a second one is passed
/// over. Nor does an end tag, which is passed over if there is nothing to end; but `</p>` makes a paragraph then.
const LINES: &str = "\
    p div center h1 h2 h3 h4 h5 h6 ul ol li dl dt dd pre blockquote br hr address article section header footer \
    main nav aside figure figcaption";

/// The tables that are open, and of each whether a cell or its caption is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Tables(Vec<bool>);

impl Tables {
    /// Goes on over a tag; whether a line begins there.
    pub fn tag(&mut self, name: &str, is_end: bool) -> bool {
        match name {
            "table" if is_end => self.0.pop().is_some(),
            "table" => {
                if self.wants_no_text() {
                    self.0.pop();
                }
                self.0.push(false);
                false
            }
            // Outside of a table these tags are ignored.
            "td" | "th" | "caption" => self.set(!is_end),
            "tr" | "tbody" | "thead" | "tfoot" | "colgroup" | "col" => {
                self.set(false);
                false
            }
            "p" => true,
            _ => !is_end && LINES.split(' ').any(|listed| listed == name),
        }
    }

    /// Whether browsers would move text here to before the table, next to the text there.
    pub fn wants_no_text(&self) -> bool {
        self.0.last() == Some(&false)
    }

    fn set(&mut self, in_cell: bool) -> bool {
        self.0.last_mut().map(|cell| *cell = in_cell).is_some()
    }
}
