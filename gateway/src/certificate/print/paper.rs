//! Paper: sheets of A4 with text, lines and areas on them, in points from the upper left corner.

use jiff::civil::DateTime;
use pdf_writer::{
    Content, Date, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{ActionType, AnnotationType},
};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    Fonts, PrintError,
    face::{Face, deflated},
};

const SHEET: [f32; 2] = [595.28, 841.89];
/// Left, upper, right and lower edge of what is written.
const LEFT: f32 = 58.0;
const TOP: f32 = 62.0;
const RIGHT: f32 = SHEET[0] - LEFT;
const BOTTOM: f32 = SHEET[1] - 74.0;
/// How wide a line is.
pub(super) const MEASURE: f32 = RIGHT - LEFT;
/// The frames around what is written: how far from the edge, and how thick.
const FRAMES: [(f32, f32); 2] = [(32.0, 1.4), (36.0, 0.5)];
/// From a text's size to the height of its line, and to its letters' foot in it.
const LEADING: f32 = 1.5;
const FOOT: f32 = 1.08;
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// How letters look.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f32,
    pub(super) bold: bool,
    /// 0 is black.
    pub(super) gray: f32,
}

impl Type {
    /// Black, of this size.
    pub(super) const fn of(size: f32) -> Self {
        Self { size, bold: false, gray: 0.0 }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn gray(self) -> Self {
        Self { gray: 0.35, ..self }
    }

    /// How high a line of it is.
    pub(super) const fn line(self) -> f32 {
        self.size * LEADING
    }
}

/// Where a text stands between two edges.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// What the document says of itself.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) author: &'a str,
    pub(super) language: &'a str,
    pub(super) made: DateTime,
    /// What stands at the foot of each sheet, beside its number.
    pub(super) foot: &'a str,
    /// Names this document among all.
    pub(super) id: [u8; 32],
}

struct Sheet {
    content: Content,
    links: Vec<(Rect, String)>,
}

/// A document that is being written, from the top downwards.
pub(super) struct Paper<'a> {
    regular: Face<'a>,
    bold: Face<'a>,
    full: Vec<Sheet>,
    sheet: Sheet,
    /// How far down the last sheet is written.
    y: f32,
}

impl<'a> Paper<'a> {
    /// How much is written on one sheet.
    pub(super) const HEIGHT: f32 = BOTTOM - TOP;

    /// An empty sheet.
    pub(super) fn new(fonts: &'a Fonts) -> Result<Self, PrintError> {
        let (regular, bold) = (Face::new(&fonts.regular)?, Face::new(&fonts.bold)?);
        Ok(Self { regular, bold, full: Vec::new(), sheet: Sheet::new(), y: TOP })
    }

    /// How far down the last sheet is written.
    pub(super) fn y(&self) -> f32 {
        self.y
    }

    /// How much of it is free.
    pub(super) fn left(&self) -> f32 {
        BOTTOM - self.y
    }

    /// Leaves so much free.
    pub(super) fn feed(&mut self, height: f32) {
        self.y += height;
    }

    /// Goes to a new sheet, if there is less than this left of the last one.
    pub(super) fn need(&mut self, height: f32) {
        if self.left() < height && self.y > TOP {
            self.turn();
        }
    }

    /// Goes to a new sheet.
    pub(super) fn turn(&mut self) {
        self.full.push(std::mem::replace(&mut self.sheet, Sheet::new()));
        self.y = TOP;
    }

    /// A paragraph over the whole measure.
    pub(super) fn paragraph(&mut self, text: &str, look: Type, align: Align) {
        for line in self.wrap(text, look, MEASURE) {
            self.need(look.line());
            self.write(&line, look, [LEFT, self.y, MEASURE], align);
            self.feed(look.line());
        }
    }

    /// One line, between x and x + width, its upper edge at y.
    pub(super) fn write(&mut self, text: &str, look: Type, [x, y, width]: [f32; 3], align: Align) {
        let free = width - self.width(text, look);
        let x = match align {
            Align::Left => x,
            Align::Center => x + free / 2.0,
            Align::Right => x + free,
        };
        let (face, name) = if look.bold { (&mut self.bold, BOLD) } else { (&mut self.regular, REGULAR) };
        let glyphs = face.encode(text);
        let content = &mut self.sheet.content;
        content.set_fill_gray(look.gray).begin_text().set_font(name, look.size);
        content.next_line(x, up(y + look.size * FOOT)).show(Str(&glyphs)).end_text();
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str, look: Type) -> f32 {
        if look.bold { self.bold.width(text, look.size) } else { self.regular.width(text, look.size) }
    }

    /// A text in lines of at most this width: between words, and within one only if it is longer than a line. Letters come
    /// composed; one that the fonts lack is named by its number, so that nothing is left out unseen.
    pub(super) fn wrap(&self, text: &str, look: Type, width: f32) -> Vec<String> {
        let text = self.writable(text);
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let mut line = String::new();
            for word in paragraph.split_inclusive(' ') {
                if !line.is_empty() && self.width(&line, look) + self.width(word.trim_end(), look) > width {
                    lines.push(std::mem::take(&mut line));
                }
                for letter in word.chars() {
                    line.push(letter);
                    if letter != ' ' && line.chars().nth(1).is_some() && self.width(&line, look) > width {
                        line.pop();
                        lines.push(std::mem::replace(&mut line, letter.to_string()));
                    }
                }
            }
            lines.push(line);
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    fn writable(&self, text: &str) -> String {
        let known = |letter: char| letter == '\n' || (self.regular.has(letter) && self.bold.has(letter));
        let mut written = String::with_capacity(text.len());
        for letter in text.nfc().map(|letter| if letter == '\t' { ' ' } else { letter }) {
            match known(letter) {
                true => written.push(letter),
                false => written.push_str(&format!("[U+{:04X}]", u32::from(letter))),
            }
        }
        written
    }

    /// A line.
    pub(super) fn rule(&mut self, from: [f32; 2], to: [f32; 2], thickness: f32) {
        let content = &mut self.sheet.content;
        content.set_stroke_gray(0.2).set_line_width(thickness);
        content.move_to(from[0], up(from[1])).line_to(to[0], up(to[1])).stroke();
    }

    /// An area: left and upper edge, width and height.
    pub(super) fn fill(&mut self, [x, y, width, height]: [f32; 4], gray: f32) {
        self.sheet.content.set_fill_gray(gray).rect(x, up(y + height), width, height).fill_nonzero();
    }

    /// A part of the last sheet that leads to an address when it is clicked.
    pub(super) fn link(&mut self, [x, y, width, height]: [f32; 4], address: &str) {
        let place = Rect::new(x, up(y + height), x + width, up(y));
        self.sheet.links.push((place, address.to_owned()));
    }

    /// The document.
    pub(super) fn finish(mut self, about: &About<'_>) -> Result<Vec<u8>, PrintError> {
        self.turn();
        self.number(about.foot);
        let mut pdf = Pdf::new();
        let mut next = Ref::new(1);
        let [catalog, tree, info, regular, bold] = [(); 5].map(|()| next.bump());
        pdf.catalog(catalog).pages(tree).lang(TextStr(about.language));
        describe(&mut pdf, info, about);
        let sheets = std::mem::take(&mut self.full);
        let pages: Vec<_> = sheets.iter().map(|_| next.bump()).collect();
        let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(pages.iter().copied()).count(count);
        for (sheet, id) in sheets.into_iter().zip(pages) {
            sheet.put(&mut pdf, id, tree, [(REGULAR, regular), (BOLD, bold)], &mut next);
        }
        self.regular.embed(&mut pdf, regular, &mut next)?;
        self.bold.embed(&mut pdf, bold, &mut next)?;
        Ok(pdf.finish())
    }

    /// Writes each sheet's foot, once it is known how many there are.
    fn number(&mut self, foot: &str) {
        let (look, count) = (Type::of(8.0).gray(), self.full.len());
        let sheets = std::mem::take(&mut self.full);
        for (number, sheet) in (1..).zip(sheets) {
            self.sheet = sheet;
            let place = [LEFT, BOTTOM + 12.0, MEASURE];
            self.write(foot, look, place, Align::Left);
            self.write(&format!("{number} / {count}"), look, place, Align::Right);
            self.full.push(std::mem::replace(&mut self.sheet, Sheet::new()));
        }
    }
}

/// The left edge of what is written.
pub(super) fn margin() -> f32 {
    LEFT
}

impl Sheet {
    fn new() -> Self {
        let mut content = Content::new();
        for (inset, thickness) in FRAMES {
            let [width, height] = SHEET.map(|side| side - 2.0 * inset);
            content.set_stroke_gray(0.25).set_line_width(thickness);
            content.rect(inset, inset, width, height).stroke();
        }
        Self { content, links: Vec::new() }
    }

    fn put(self, pdf: &mut Pdf, id: Ref, tree: Ref, fonts: [(Name<'_>, Ref); 2], next: &mut Ref) {
        let content = next.bump();
        let links: Vec<_> = self.links.iter().map(|_| next.bump()).collect();
        let mut page = pdf.page(id);
        page.media_box(Rect::new(0.0, 0.0, SHEET[0], SHEET[1])).parent(tree).contents(content);
        page.annotations(links.iter().copied());
        page.resources().fonts().pairs(fonts);
        page.finish();
        for ((place, address), link) in self.links.into_iter().zip(links) {
            let mut annotation = pdf.annotation(link);
            annotation.subtype(AnnotationType::Link).rect(place).border(0.0, 0.0, 0.0, None);
            annotation.action().action_type(ActionType::Uri).uri(Str(address.as_bytes()));
        }
        pdf.stream(content, &deflated(&self.content.finish())).filter(Filter::FlateDecode);
    }
}

fn describe(pdf: &mut Pdf, id: Ref, about: &About<'_>) {
    let date = Date::new(u16::try_from(about.made.year()).unwrap_or_default());
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let date = date.month(part(about.made.month())).day(part(about.made.day())).hour(part(about.made.hour()));
    let date = date.minute(part(about.made.minute())).second(part(about.made.second())).utc_offset_hour(9);
    let mut info = pdf.document_info(id);
    info.title(TextStr(about.title))
        .author(TextStr(about.author))
        .creator(TextStr("Sillok"))
        .creation_date(date);
    info.finish();
    pdf.set_file_id((about.id.to_vec(), about.id.to_vec()));
}

/// PDF counts upwards.
fn up(y: f32) -> f32 {
    SHEET[1] - y
}
