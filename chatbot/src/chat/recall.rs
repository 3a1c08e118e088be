//! What was said before, as much of it as a prompt has room for.

use super::ports::Turn;

/// Turns that are looked at.
pub(super) const TURNS: usize = 12;
/// Characters of earlier turns in a prompt; room is left for sources, which matter more.
const MAX_CHARS: usize = 3000;

/// The latest turns that fit, oldest first, starting with the person's: an answer without its question misleads a
/// model.
pub(super) fn fitting(turns: Vec<Turn>) -> Vec<Turn> {
    let mut room = MAX_CHARS;
    let fits = |turn: &&Turn| {
        let length = turn.text.chars().count();
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    let count = turns.iter().rev().take_while(fits).count();
    let latest = turns.into_iter().rev().take(count).collect::<Vec<_>>().into_iter().rev();
    latest.skip_while(|turn| turn.speaker != super::ports::Speaker::Person).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ports::{Speaker, Turn};
    use super::fitting;

    fn turn(speaker: Speaker, length: usize) -> Turn {
        Turn { speaker, text: "س".repeat(length) }
    }

    #[test]
    fn the_latest_turns_that_fit_are_kept_in_order_and_begin_with_a_question() {
        let (person, chatbot) = (Speaker::Person, Speaker::Chatbot);
        let lengths = |turns: &[(Speaker, usize)]| {
            let turns = turns.iter().map(|(speaker, length)| turn(*speaker, *length)).collect();
            fitting(turns).iter().map(|turn| turn.text.chars().count()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[]), [0_usize; 0]);
        assert_eq!(lengths(&[(person, 10), (chatbot, 20), (person, 30), (chatbot, 40)]), [10, 20, 30, 40]);
        assert_eq!(lengths(&[(person, 2000), (chatbot, 1500), (person, 30), (chatbot, 40)]), [30, 40]);
        assert_eq!(lengths(&[(person, 30), (chatbot, 5000)]), [0_usize; 0]);
    }
}
