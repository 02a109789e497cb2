//! QR codes (ISO/IEC 18004).

use qrcode::{Color, EcLevel, QrCode};

use super::{PrintError, paper::Paper};

/// A code, ready to be drawn.
pub(super) struct Qr {
    modules: Vec<bool>,
    across: usize,
}

impl Qr {
    /// Of a text. Up to 15 % of it may be stained.
    pub(super) fn of(text: &str) -> Result<Self, PrintError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| PrintError::Address)?;
        let across = code.width();
        Ok(Self { modules: code.to_colors().into_iter().map(|color| color == Color::Dark).collect(), across })
    }

    /// Draws it into a square, with its left and its upper edge there; the paper around it stays white.
    pub(super) fn draw(&self, paper: &mut Paper<'_>, x: f32, y: f32, side: f32) {
        let module = side / self.across as f32;
        for (row, modules) in self.modules.chunks(self.across).enumerate() {
            let mut column = 0;
            // Neighbours in one piece: no hair of light is seen between them.
            for run in modules.chunk_by(|one, next| one == next) {
                if run[0] {
                    let (left, top) = (x + column as f32 * module, y + row as f32 * module);
                    paper.fill([left, top, run.len() as f32 * module, module], 0.0);
                }
                column += run.len();
            }
        }
    }
}
