//! Server-sent events, read from pieces of any size.

/// Longest event that is kept.
const MAX_BYTES: usize = 4 << 20;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its `event:` field.
    pub name: String,
    /// Its `data:` lines, joined by line breaks.
    pub data: String,
}

/// Collects bytes until an event is complete.
#[derive(Debug, Default)]
pub struct Parser {
    bytes: Vec<u8>,
}

impl Parser {
    /// Adds what arrived.
    ///
    /// # Errors
    /// When an event grows too long.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), &'static str> {
        if self.bytes.len().saturating_add(chunk.len()) > MAX_BYTES {
            return Err("an event of the answer is longer than 4 MiB");
        }
        self.bytes.extend(chunk.iter().filter(|byte| **byte != b'\r'));
        Ok(())
    }

    /// Takes the next complete event; comments and keep-alives are passed over.
    pub fn take(&mut self) -> Option<Event> {
        loop {
            let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let event = parse(&String::from_utf8_lossy(&block));
            if event != Event::default() {
                return Some(event);
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    let mut data = Vec::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => data.push(value),
            _ => {}
        }
    }
    event.data = data.join("\n");
    event
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str =
        ": start\n\nevent: token\r\ndata: {\"text\":\"سلام\"}\r\n\r\n:\n\nevent: done\ndata: a\ndata: b\n\n";

    fn events(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(chunk).unwrap();
            events.extend(std::iter::from_fn(|| parser.take()));
        }
        events
    }

    #[test]
    fn comments_are_passed_over_and_lines_joined() {
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        assert_eq!(events(&[STREAM.as_bytes()]), [event("token", "{\"text\":\"سلام\"}"), event("done", "a\nb")]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        assert!(parser.push(&vec![b'x'; MAX_BYTES]).is_ok());
        assert!(parser.push(b"x").is_err());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_events(size in 1_usize..40) {
            let pieces: Vec<&[u8]> = STREAM.as_bytes().chunks(size).collect();
            prop_assert_eq!(events(&pieces), events(&[STREAM.as_bytes()]));
        }
    }
}
