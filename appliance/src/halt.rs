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
        "Write down these words, what you remember of the last screen and what you did".into(),
        "last.".into(),
        String::new(),
        "R  fresh start: begins again from the medium. A ceremony goes on from its log".into(),
        "   drives: after the first screens plug in one of them instead of the plan.".into(),
        "P  power off. A ceremony can go on later in the same way.".into(),
        String::new(),
        "Only a built-in keyboard counts here. If no key answers, hold the power".into(),
        "button: it does the same as P.".into(),
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

/// Puts these lines on the console, whatever was there before.
pub(crate) fn show(words: &[String], title: &str) -> io::Result<()> {
    let mut terminal = Terminal::new(Console::open()?)?;
    terminal.draw(|frame| frame.render_widget(page(words, title), frame.area()))?;
    Ok(())
}

/// These lines below the title; a halt in red.
fn page(words: &[String], title: &str) -> Paragraph<'static> {
    let title = Line::styled(format!(" {title}"), PLAIN);
    let style = |words: &str| if words.starts_with("HALT") { BAD } else { PLAIN };
    let lines = words.iter().map(|words| Line::styled(format!(" {words}"), style(words)));
    Paragraph::new([title, Line::default()].into_iter().chain(lines).collect::<Vec<_>>()).style(PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::widgets::Widget;

    /// Compares a screen of 80 by 25 characters with its golden file.
    #[track_caller]
    fn check(words: &[String], golden: &str) {
        let area = Rect::new(0, 0, 80, 25);
        let mut screen = Buffer::empty(area);
        page(words, "Conclave 0.1.0").render(area, &mut screen);
        let row = |y| (0..area.width).map(|x| screen[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        let rows: Vec<String> = (0..area.height).map(row).collect();
        assert_eq!(rows.join("\n").trim_end(), golden.trim_end());
        assert!(words.iter().all(|line| line.len() < 80 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte))));
        let red = (0..area.height).filter(|y| screen[(1, *y)].style().bg == BAD.bg).count();
        assert_eq!(red, usize::from(golden.contains("HALT")), "one line is red where it is a halt");
    }

    #[test]
    fn screens_that_ended_say_how_and_both_ways_on() {
        check(&ended("was stopped by signal 31"), include_str!("../golden/halt-ended.txt"));
    }

    #[test]
    fn a_machine_that_gathers_randomness_asks_for_keys() {
        check(&gathering(), include_str!("../golden/halt-gathering.txt"));
    }

    #[test]
    fn a_machine_that_could_not_be_made_ready_says_what_failed() {
        check(&not_ready("mount /sys/kernel/security: EOPNOTSUPP"), include_str!("../golden/halt-not-ready.txt"));
    }
}
