//! `sync:syncState` of an entry (sync 4.3).

use super::WireError;
use super::names::SYNC;
use super::reader::{Token, XmlReader};
use super::writer::XmlWriter;
use crate::protocol::{Endpoint, Stamp, SyncState, Tick};
use std::io::BufRead;

/// The state that came with an entry. One that cannot be read is the entry's fault, not the feed's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StateRead {
    /// The entry has none.
    #[default]
    Absent,
    /// It has one that cannot be; the text says why.
    Malformed(String),
    /// It has one.
    Given {
        /// Where the change was made; `None` means the origin of the feed's digest.
        endpoint: Option<Endpoint>,
        /// The endpoint's tick for it.
        tick: Tick,
        /// When it was made, where the sender says.
        stamp: Option<Stamp>,
        /// Who made it, where the sender says.
        user: Option<String>,
    },
}

/// Reads the state whose start the reader stands at.
pub(super) fn read_state<R: BufRead>(reader: &mut XmlReader<R>) -> Result<StateRead, WireError> {
    let (mut endpoint, mut tick, mut stamp, mut user) = (String::new(), String::new(), String::new(), String::new());
    loop {
        match reader.next()? {
            Token::Start if reader.at(SYNC, "endpoint") => endpoint = reader.text_content()?,
            Token::Start if reader.at(SYNC, "tick") => tick = reader.text_content()?,
            Token::Start if reader.at(SYNC, "stamp") => stamp = reader.text_content()?,
            Token::Start if reader.at(SYNC, "user") => user = reader.text_content()?,
            Token::Start => reader.skip()?,
            Token::Text => {}
            Token::End | Token::Eof => break,
        }
    }
    Ok(state_of(reader, &endpoint, &tick, &stamp, user).unwrap_or_else(StateRead::Malformed))
}

fn state_of<R: BufRead>(
    reader: &mut XmlReader<R>,
    endpoint: &str,
    tick: &str,
    stamp: &str,
    user: String,
) -> Result<StateRead, String> {
    let endpoint = match endpoint.trim() {
        "" => None,
        url => Some(reader.endpoint(url).map_err(|error| format!("syncState endpoint: {error}"))?),
    };
    // A digest that has taken the change in says the tick after it, which must be one, too.
    let known = tick.trim().parse().ok().and_then(Tick::new).filter(|tick| *tick < Tick::MAX);
    let tick = known.ok_or_else(|| {
        format!("syncState: '{}' is no tick of a change; it is an integer from 0 and below {}", tick.trim(), Tick::MAX)
    })?;
    let stamp = match stamp.trim() {
        "" => None,
        text => Some(Stamp::parse(text).ok_or_else(|| format!("syncState: '{text}' is no stamp in ISO 8601"))?),
    };
    Ok(StateRead::Given { endpoint, tick, stamp, user: Some(user).filter(|user| !user.is_empty()) })
}

/// Writes `sync:syncState`.
pub(super) fn write_state(xml: &mut XmlWriter, state: &SyncState) -> Result<(), WireError> {
    xml.open("sync:syncState");
    xml.element("sync:endpoint", state.endpoint.as_str())?;
    xml.plain("sync:tick", state.tick)?;
    xml.plain("sync:stamp", state.stamp)?;
    xml.optional("sync:user", state.user.as_deref())?;
    xml.close("sync:syncState");
    Ok(())
}
