//! The words of a command that takes an environment, which may be left out, and one thing more; options may stand anywhere.

use super::PluginError;

/// The environment's name, where it is given, and the other word.
///
/// # Errors
/// When there are more than two: `what` is then probably a text whose quotes were forgotten.
pub(super) fn name_and(what: &str, words: &[String]) -> Result<(Option<String>, String), PluginError> {
    match words {
        [only] => Ok((None, only.clone())),
        [name, other] => Ok((Some(name.clone()), other.clone())),
        _ => Err(PluginError::Words(format!(
            "{} words where an environment and {what} were expected: put the {what} in quotes",
            words.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::plugin::ask;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: ask::Arguments,
    }

    #[test]
    fn options_may_stand_between_the_name_and_the_question() {
        for line in ["ask prod --user bob why?", "ask --user bob prod why?", "ask prod why? --user bob"] {
            let cli = Cli::parse_from(line.split(' '));
            let words = name_and("question", &cli.arguments.words).unwrap();
            assert_eq!(words, (Some("prod".to_owned()), "why?".to_owned()), "{line}");
        }
        assert!(Cli::try_parse_from(["ask"]).is_err());
        assert_eq!(name_and("question", &["why?".to_owned()]).unwrap(), (None, "why?".to_owned()));
    }

    #[test]
    fn a_question_without_quotes_is_told_so() {
        let words = ["prod", "why", "is", "it"].map(str::to_owned);
        let told = name_and("question", &words).unwrap_err().to_string();
        assert_eq!(told, "4 words where an environment and question were expected: put the question in quotes");
    }
}
