//! A message as it goes over the wire.

use serde::Serialize;
use std::io::{self, Write};

/// A message with its header, ready to be written.
pub(super) type Frame = Vec<u8>;

/// Makes a frame of a message.
pub(super) fn frame(message: &impl Serialize) -> io::Result<Frame> {
    let body = serde_json::to_vec(message)?;
    let mut frame = Vec::with_capacity(body.len() + 32);
    write!(frame, "Content-Length: {}\r\n\r\n", body.len())?;
    frame.extend_from_slice(&body);
    Ok(frame)
}
