//! A request over HTTP/2 that is sent in two halves (RFC 9113), since no HTTP client can do this.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::server::DEADLINE;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` in the static table of HPACK (RFC 7541 appendix A).
const STATUS_200: u8 = 0x88;

/// A request of which the server has the first half.
pub(crate) struct HalfSent {
    stream: TcpStream,
    second_half: Vec<u8>,
}

struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl HalfSent {
    /// Connects, and sends the first half of a request for `/route1`.
    pub(crate) fn send(address: &str, key: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline is set");
        let mut half_sent = Self { stream, second_half: Vec::new() };
        half_sent
            .stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .expect("the preface is sent");
        half_sent.write(SETTINGS, 0, 0, &[]);
        // From here on, the server counts this connection as one of HTTP/2.
        half_sent.read_until(SETTINGS);
        half_sent.write(SETTINGS, ACK, 0, &[]);

        let mut fields = vec![0x82, 0x86]; // `:method: GET`, `:scheme: http`
        fields.push(0x04); // `:path`, as a literal
        push_text(&mut fields, "/route1");
        fields.push(0x01); // `:authority`, as a literal
        push_text(&mut fields, address);
        fields.push(0x10); // a header that no table may store
        push_text(&mut fields, "x-api-key");
        push_text(&mut fields, key);
        half_sent.second_half = fields.split_off(fields.len() / 2);
        half_sent.write(HEADERS, END_STREAM, 1, &fields);
        half_sent
    }

    /// Waits until the server announces that it accepts no more requests.
    pub(crate) fn wait_for_shutdown(&mut self) {
        self.read_until(GOAWAY);
    }

    /// Sends the second half, and reads the response: whether its status is 200, and its body.
    pub(crate) fn finish(mut self) -> (bool, String) {
        let second_half = std::mem::take(&mut self.second_half);
        self.write(CONTINUATION, END_HEADERS, 1, &second_half);
        let mut ok = false;
        let mut body = Vec::new();
        loop {
            let frame = self.read();
            match frame.kind {
                PING if frame.flags & ACK == 0 => self.write(PING, ACK, 0, &frame.payload),
                HEADERS => ok = frame.payload.first() == Some(&STATUS_200),
                DATA => body.extend(frame.payload),
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                return (ok, String::from_utf8(body).expect("a response is text"));
            }
        }
    }

    fn read_until(&mut self, kind: u8) {
        while self.read().kind != kind {}
    }

    fn read(&mut self) -> Frame {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).expect("the server runs until it has responded");
        let [high, middle, low, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.stream.read_exact(&mut payload).expect("a frame is whole");
        Frame { kind, flags, payload }
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).expect("these frames are short");
        let frame = [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat();
        self.stream.write_all(&frame).expect("the server reads");
    }
}

/// A text without Huffman coding (RFC 7541 section 5.2).
fn push_text(fields: &mut Vec<u8>, text: &str) {
    fields
        .push(u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text"));
    fields.extend(text.as_bytes());
}
