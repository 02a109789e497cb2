//! A font: how wide its letters are, and the part of it that a document embeds.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::Write as _,
};

use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Filter, Finish as _, Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use skrifa::{
    FontRef, GlyphId, MetadataProvider as _,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
    raw::TableProvider as _,
    string::StringId,
};
use subsetter::GlyphRemapper;

use super::PrintError;

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// How many units a letter's size has in a PDF.
const EM: f32 = 1000.0;

/// A font, and which of its glyphs were used.
pub(super) struct Face<'a> {
    data: &'a [u8],
    font: FontRef<'a>,
    letters: Charmap<'a>,
    widths: GlyphMetrics<'a>,
    /// From the font's units to those of a PDF.
    scale: f32,
    used: GlyphRemapper,
    /// Which letter each used glyph is, by its number in the part.
    meaning: BTreeMap<u16, char>,
}

impl<'a> Face<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, PrintError> {
        let font = FontRef::new(data).map_err(|error| PrintError::Font(error.to_string()))?;
        if font.glyf().is_err() {
            return Err(PrintError::Font("its letters are not drawn as TrueType's".to_owned()));
        }
        let units = font.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
        if units == 0 {
            return Err(PrintError::Font("its letters have no size".to_owned()));
        }
        let (letters, widths) =
            (font.charmap(), font.glyph_metrics(Size::unscaled(), LocationRef::default()));
        let scale = EM / f32::from(units);
        let used = GlyphRemapper::new();
        Ok(Self { data, font, letters, widths, scale, used, meaning: BTreeMap::new() })
    }

    /// Whether it has this letter.
    pub(super) fn has(&self, letter: char) -> bool {
        self.glyph(letter).is_some()
    }

    /// How wide a text is at a size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let width: f32 =
            text.chars().filter_map(|letter| self.glyph(letter)).map(|glyph| self.advance(glyph)).sum();
        width * size / EM
    }

    /// A text as the page's content names its glyphs; they are used from now on.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(text.len());
        for letter in text.chars() {
            let Some(glyph) = self.glyph(letter) else { continue };
            let number = self.used.remap(glyph);
            if let Entry::Vacant(place) = self.meaning.entry(number) {
                place.insert(letter);
            }
            encoded.extend(number.to_be_bytes());
        }
        encoded
    }

    fn glyph(&self, letter: char) -> Option<u16> {
        let glyph = self.letters.map(letter)?.to_u32();
        u16::try_from(glyph).ok().filter(|glyph| *glyph != 0)
    }

    fn advance(&self, glyph: u16) -> f32 {
        self.widths.advance_width(GlyphId::from(glyph)).unwrap_or_default() * self.scale
    }

    /// Embeds what was used, as the font `id`; `next` gives the ids of its parts.
    pub(super) fn embed(&self, pdf: &mut Pdf, id: Ref, next: &mut Ref) -> Result<(), PrintError> {
        let [cid, descriptor, unicode, file] = [(); 4].map(|()| next.bump());
        let name = self.name();
        let name = Name(name.as_bytes());
        let mut font = pdf.type0_font(id);
        font.base_font(name).encoding_predefined(Name(b"Identity-H"));
        font.descendant_font(cid).to_unicode(unicode);
        font.finish();
        self.describe_letters(pdf, cid, name, descriptor);
        self.describe(pdf, descriptor, name, file);
        pdf.cmap(unicode, &self.meaning_map(name)).finish();
        let part = subsetter::subset(self.data, 0, &self.used);
        let part = part.map_err(|error| PrintError::Font(error.to_string()))?;
        let packed = deflated(&part);
        let mut stream = pdf.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), i32::try_from(part.len()).unwrap_or(i32::MAX));
        Ok(())
    }

    fn describe_letters(&self, pdf: &mut Pdf, id: Ref, name: Name<'_>, descriptor: Ref) {
        let mut font = pdf.cid_font(id);
        font.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY);
        font.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        font.widths().consecutive(0, self.used.remapped_gids().map(|glyph| self.advance(glyph)));
    }

    fn describe(&self, pdf: &mut Pdf, id: Ref, name: Name<'_>, file: Ref) {
        let metrics = self.font.metrics(Size::unscaled(), LocationRef::default());
        let scaled = |value: f32| value * self.scale;
        let bounds = metrics.bounds.unwrap_or_default();
        let [left, low, right, high] = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(scaled);
        let mut descriptor = pdf.font_descriptor(id);
        descriptor.name(name).flags(FontFlags::SYMBOLIC).bbox(Rect::new(left, low, right, high));
        descriptor.italic_angle(metrics.italic_angle).ascent(scaled(metrics.ascent));
        descriptor.descent(scaled(metrics.descent)).stem_v(80.0).font_file2(file);
        descriptor.cap_height(scaled(metrics.cap_height.unwrap_or(metrics.ascent)));
    }

    /// So that who searches or copies gets letters.
    fn meaning_map(&self, name: Name<'_>) -> Vec<u8> {
        let mut map = UnicodeCmap::new(name, IDENTITY);
        self.meaning.iter().for_each(|(number, letter)| map.pair(*number, *letter));
        map.finish().to_vec()
    }

    /// Its PostScript name, marked as that of a part (ISO 32000-1, section 9.6.4).
    fn name(&self) -> String {
        let name = self.font.localized_strings(StringId::POSTSCRIPT_NAME).english_or_first();
        let name: String = name.into_iter().flat_map(|name| name.chars().collect::<Vec<_>>()).collect();
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        format!("SILLOK+{}", if name.is_empty() { "Text" } else { &name })
    }
}

/// As PDF's filter FlateDecode reads it.
pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes what is written to it")
}
