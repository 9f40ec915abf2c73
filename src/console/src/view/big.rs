//! Hex digits three columns wide and three rows high, from half blocks: read from the back of a room.

/// Rows of a digit.
pub(super) const HEIGHT: usize = 3;

/// Five rows of three pixels each, top first, from 0 to f.
const DIGITS: [[u8; 5]; 16] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
    [0b010, 0b101, 0b111, 0b101, 0b101],
    [0b100, 0b100, 0b110, 0b101, 0b110],
    [0b011, 0b100, 0b100, 0b100, 0b011],
    [0b001, 0b001, 0b011, 0b101, 0b011],
    [0b111, 0b100, 0b110, 0b100, 0b111],
    [0b111, 0b100, 0b110, 0b100, 0b100],
];

/// One text row of `hex` written large. Characters that are no hex digit leave a gap.
pub(super) fn row(hex: &str, row: usize) -> String {
    let mut out = String::new();
    for digit in hex.chars() {
        let pixels = digit.to_digit(16).and_then(|value| DIGITS.get(value as usize));
        let line = |at: usize| pixels.and_then(|rows| rows.get(at)).copied().unwrap_or(0);
        let (top, bottom) = (line(2 * row), line(2 * row + 1));
        for bit in [0b100, 0b010, 0b001] {
            out.push(match (top & bit != 0, bottom & bit != 0) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_looks_different() {
        let mut seen: Vec<String> =
            "0123456789abcdef".chars().map(|c| (0..HEIGHT).map(|at| row(&c.to_string(), at)).collect()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 16);
    }

    #[test]
    fn a_digit_is_drawn_as_its_pixels() {
        assert_eq!([row("7-", 0), row("7-", 1), row("7-", 2)], ["▀▀█     ", " █      ", " ▀      "]);
    }
}
