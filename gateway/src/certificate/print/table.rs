//! Tables that go on over as many sheets as they need.

use super::{
    paper::{Align, MEASURE, Paper, Type, margin},
    record::Printout,
};

const CELL: Type = Type::of(8.5);
const HEAD: Type = Type::of(8.5).bold();
const SECOND: Type = Type::of(7.0).gray();
/// Between a cell's text and its edges.
const PAD: f32 = 4.0;
/// The widest that a column asks for.
const WIDEST: f32 = 260.0;
const LINE: f32 = CELL.line();
/// How many lines of a long row stand at a sheet's foot at least.
const FEW: f32 = 4.0;

/// A table with its widths.
struct Drawn {
    widths: Vec<f32>,
    /// Each column's heading, in the lines that it takes.
    heads: Vec<Vec<(String, Type)>>,
}

/// Writes a table with its title. The columns' headings stand on each sheet that it reaches; a row that is longer than a
/// sheet goes on on the next.
pub(super) fn write(paper: &mut Paper<'_>, table: &Printout, none: &str) {
    let title = Type::of(11.0).bold();
    let drawn = Drawn::of(paper, table);
    paper.need(title.line() + drawn.head_height() + 3.0 * LINE);
    paper.paragraph(&format!("■ {}", table.title), title, Align::Left);
    paper.feed(2.0);
    drawn.head(paper);
    for row in &table.rows {
        drawn.row(paper, row);
    }
    if table.rows.is_empty() {
        paper.paragraph(none, CELL.gray(), Align::Center);
    }
    paper.feed(10.0);
}

impl Drawn {
    fn of(paper: &Paper<'_>, table: &Printout) -> Self {
        let widths = widths(paper, table);
        let heads = table.columns.iter().zip(&widths).map(|(heading, width)| {
            let lines = heading.iter().zip([HEAD, SECOND]).flat_map(|(line, look)| {
                paper.wrap(line, look, width - PAD).into_iter().map(move |line| (line, look))
            });
            lines.collect()
        });
        Self { heads: heads.collect(), widths }
    }

    fn head_height(&self) -> f32 {
        let height = |heading: &Vec<(String, Type)>| heading.iter().map(|(_, look)| look.line()).sum();
        self.heads.iter().map(height).fold(0.0, f32::max) + PAD
    }

    fn head(&self, paper: &mut Paper<'_>) {
        let (top, height) = (paper.y(), self.head_height());
        paper.fill([margin(), top, MEASURE, height], 0.91);
        for ((x, width), heading) in self.places().zip(&self.heads) {
            let mut y = top + PAD / 2.0;
            for (line, look) in heading {
                paper.write(line, *look, [x, y, width], Align::Center);
                y += look.line();
            }
        }
        self.lines(paper, top, height, 0.9);
        paper.feed(height);
    }

    fn row(&self, paper: &mut Paper<'_>, row: &[String]) {
        let cells = row.iter().zip(&self.widths);
        let cells: Vec<_> = cells.map(|(text, width)| paper.wrap(text, CELL, width - 2.0 * PAD)).collect();
        let (mut done, count) = (0, cells.iter().map(Vec::len).max().unwrap_or(1));
        let height = count as f32 * LINE + PAD;
        // One that no sheet holds begins where it is.
        let is_whole = height <= Paper::HEIGHT - self.head_height();
        if paper.left() < if is_whole { height } else { FEW * LINE } {
            self.over(paper);
        }
        while done < count {
            let room = ((paper.left() - PAD) / LINE).floor().max(1.0) as usize;
            let lines = room.min(count - done);
            self.part(paper, &cells, done, lines);
            done += lines;
            if done < count {
                self.over(paper);
            }
        }
    }

    /// Goes on on a new sheet.
    fn over(&self, paper: &mut Paper<'_>) {
        paper.turn();
        self.head(paper);
    }

    /// Some lines of a row.
    fn part(&self, paper: &mut Paper<'_>, cells: &[Vec<String>], from: usize, count: usize) {
        let (top, height) = (paper.y(), count as f32 * LINE + PAD);
        for ((x, width), cell) in self.places().zip(cells) {
            let align = if cell.len() == 1 && width < WIDEST / 2.0 { Align::Center } else { Align::Left };
            let mut y = top + PAD / 2.0;
            for line in cell.iter().skip(from).take(count) {
                paper.write(line, CELL, [x + PAD, y, width - 2.0 * PAD], align);
                y += LINE;
            }
        }
        self.lines(paper, top, height, 0.4);
        paper.feed(height);
    }

    /// The lines around some cells, the lowest so thick.
    fn lines(&self, paper: &mut Paper<'_>, top: f32, height: f32, thickness: f32) {
        let (left, right, bottom) = (margin(), margin() + MEASURE, top + height);
        paper.rule([left, top], [right, top], 0.4);
        paper.rule([left, bottom], [right, bottom], thickness);
        for x in self.places().map(|(x, _)| x).chain([right]) {
            paper.rule([x, top], [x, bottom], 0.4);
        }
    }

    /// Each column's left edge and width.
    fn places(&self) -> impl Iterator<Item = (f32, f32)> {
        self.widths.iter().scan(margin(), |x, width| {
            let place = (*x, *width);
            *x += width;
            Some(place)
        })
    }
}

/// What each column gets: what it asks for and an equal part of what is left; if all ask for too much, those that ask for
/// less than an equal share get it, and the others share the rest.
fn widths(paper: &Paper<'_>, table: &Printout) -> Vec<f32> {
    let asked: Vec<f32> = (0..table.columns.len()).map(|column| asked(paper, table, column)).collect();
    let sum: f32 = asked.iter().sum();
    if sum <= MEASURE {
        let more = (MEASURE - sum) / asked.len().max(1) as f32;
        return asked.iter().map(|width| width + more).collect();
    }
    let mut share = MEASURE / asked.len() as f32;
    for _ in &asked {
        let modest: Vec<_> = asked.iter().filter(|width| **width <= share).collect();
        let others = asked.len() - modest.len();
        if others == 0 {
            break;
        }
        share = (MEASURE - modest.into_iter().sum::<f32>()) / others as f32;
    }
    asked.iter().map(|width| width.min(share)).collect()
}

fn asked(paper: &Paper<'_>, table: &Printout, column: usize) -> f32 {
    let heading = table.columns[column].iter().zip([HEAD, SECOND]);
    let heading = heading.map(|(line, look)| paper.width(line, look));
    let cells = table.rows.iter().filter_map(|row| row.get(column));
    let cells = cells.flat_map(|cell| cell.lines()).map(|line| paper.width(line, CELL));
    heading.chain(cells).fold(0.0, f32::max).min(WIDEST) + 2.0 * PAD
}
