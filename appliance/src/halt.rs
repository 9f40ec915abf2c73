//! The one plain screen PID 1 draws itself, when there is nothing else left to draw.

use std::io;

use ratatui::Terminal;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::screen::Console;

const PLAIN: Style = Style::new().fg(Color::Gray).bg(Color::Black);
const BAD: Style = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);

/// Said when the screens have ended by themselves. `how` says how they ended.
pub(crate) fn ended(how: &str) -> Vec<String> {
    vec![
        "HALT. The program that draws the screens has stopped unexpectedly.".into(),
        String::new(),
        format!("It {how}. The kernel has wiped its memory."),
        "Write down what was on the screen before, and what you did last.".into(),
        String::new(),
        "P  power off".into(),
        "R  fresh start: begins again from the medium".into(),
    ]
}

/// Said while the kernel gathers randomness, which takes seconds on a machine that offers little.
pub(crate) fn gathering() -> Vec<String> {
    vec!["WAIT. Gathering randomness.".into(), String::new(), "Pressing keys helps.".into()]
}

/// Said when the machine could not be made ready: there are no keys then.
pub(crate) fn not_ready(what: &str) -> Vec<String> {
    vec![
        "HALT. This machine could not be made ready.".into(),
        String::new(),
        format!("Failed: {what}"),
        String::new(),
        "Hold the power button to switch it off. Try another machine.".into(),
    ]
}

/// Puts these lines on the console, whatever was there before; a halt in red.
pub(crate) fn show(words: &[String], title: &str) -> io::Result<()> {
    let mut terminal = Terminal::new(Console::open()?)?;
    let title = Line::styled(format!(" {title}"), PLAIN);
    let style = |words: &str| if words.starts_with("HALT") { BAD } else { PLAIN };
    let lines = words.iter().map(|words| Line::styled(format!(" {words}"), style(words)));
    let page = [title, Line::default()].into_iter().chain(lines).collect::<Vec<_>>();
    terminal.draw(|frame| frame.render_widget(Paragraph::new(page).style(PLAIN), frame.area()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_80_columns_and_says_what_to_do() {
        let ended = ended("was stopped by signal 31");
        let not_ready = not_ready("mount /sys/kernel/security: EOPNOTSUPP");
        for line in ended.iter().chain(&not_ready).chain(&gathering()) {
            assert!(line.len() < 80 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        }
        assert!(ended.iter().any(|line| line.starts_with("P  power off")));
        assert!(not_ready.iter().any(|line| line.starts_with("Hold the power button")));
    }
}
