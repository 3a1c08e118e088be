//! What was said before, as much of it as a prompt has room for.

use super::ports::{Speaker, Turn};

/// Turns that are looked at.
pub(super) const TURNS: usize = 12;
/// Characters of earlier turns in a prompt; room is left for sources, which matter more.
const MAX_CHARS: usize = 3000;
/// Characters of one turn; what a longer one says beyond is left out. Small enough for the last question and its answer to
/// fit together, or one long answer would wipe out the conversation.
const MAX_TURN_CHARS: usize = 1000;

/// The latest turns that fit, oldest first, starting with the person's: an answer without its question misleads a
/// model.
pub(super) fn fitting(turns: Vec<Turn>) -> Vec<Turn> {
    let turns: Vec<Turn> = turns.into_iter().map(shortened).collect();
    let mut room = MAX_CHARS;
    let fits = |turn: &&Turn| {
        let length = turn.text.chars().count();
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    let count = turns.iter().rev().take_while(fits).count();
    let latest = turns.len() - count;
    turns.into_iter().skip(latest).skip_while(|turn| turn.speaker != Speaker::Person).collect()
}

/// The turn with the beginning of its text: questions and answers say first what they are about.
fn shortened(turn: Turn) -> Turn {
    if turn.text.chars().count() <= MAX_TURN_CHARS {
        return turn;
    }
    let beginning: String = turn.text.chars().take(MAX_TURN_CHARS - 1).collect();
    Turn { text: format!("{beginning}…"), ..turn }
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
        assert_eq!(lengths(&[(person, 900), (chatbot, 950), (person, 800), (chatbot, 940)]), [800, 940]);
        assert_eq!(lengths(&[(chatbot, 950), (person, 800), (chatbot, 940)]), [800, 940]);
    }

    #[test]
    fn a_long_turn_is_shortened_to_its_beginning_and_wipes_nothing_out() {
        let (person, chatbot) = (Speaker::Person, Speaker::Chatbot);
        let turns = vec![turn(person, 30), turn(chatbot, 40), turn(person, 8000), turn(chatbot, 5000)];
        let fitting = fitting(turns);
        let lengths: Vec<usize> = fitting.iter().map(|turn| turn.text.chars().count()).collect();
        assert_eq!(lengths, [30, 40, 1000, 1000]);
        assert!(fitting[3].text.starts_with("سسس") && fitting[3].text.ends_with('…'));
    }
}
