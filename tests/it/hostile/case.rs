//! What a hostile client sends, and the answer it must get.

use crate::support::raw::RawAnswer;
use sdata_sync::wire::read_diagnoses;

/// One hostile input.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// What it is, in words; unique.
    pub(super) name: String,
    /// The bytes, without what [`Case::bytes`] adds.
    request: Request,
    /// What must come back.
    pub(super) answer: Answer,
    /// Whether the client stops sending when it has sent all.
    pub(super) ends: bool,
}

#[derive(Debug, Clone)]
enum Request {
    /// As they are.
    Bytes(Vec<u8>),
    /// Method, target, further headers each with its line end, and body.
    Http(String, String, String, Vec<u8>),
}

/// What must come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Diagnoses, the first of them with this code: the application's own, else SData's.
    Refused(u16, &'static str),
    /// A status without a body: the HTTP library refuses the head before the provider sees it.
    Bare(u16),
    /// What was sent is harmless and means something.
    Fine(u16),
    /// The connection ends without an answer.
    Ends,
}

impl Answer {
    /// In words.
    pub(super) fn text(self) -> String {
        match self {
            Self::Refused(status, code) => format!("{status} `{code}`"),
            Self::Bare(status) => format!("{status}, no body"),
            Self::Fine(status) => format!("{status}"),
            Self::Ends => "the connection ends".to_owned(),
        }
    }

    /// What an answer is.
    pub(super) fn of(answer: &RawAnswer) -> Result<(u16, Option<String>), String> {
        let Some(status) = answer.status else { return Err("the connection ends".to_owned()) };
        let media_type = answer.header("content-type").unwrap_or_default();
        if status < 400 || answer.body.is_empty() {
            return Ok((status, None));
        }
        let diagnoses = match media_type {
            "application/xml" => read_diagnoses(&answer.body).map_err(|error| error.to_string())?,
            other => return Err(format!("{status} as {other}")),
        };
        let diagnosis = diagnoses.first().ok_or("no diagnosis")?;
        let own = Some(&diagnosis.application_code).filter(|code| !code.is_empty());
        Ok((status, Some(own.map_or_else(|| diagnosis.sdata_code.as_str().to_owned(), Clone::clone))))
    }

    /// Whether `answer` is this one; else what it is instead.
    pub(super) fn check(self, answer: &RawAnswer) -> Result<(), String> {
        let found = Self::of(answer);
        let is_right = match (self, &found) {
            (Self::Refused(status, code), Ok((found, Some(said)))) => (*found, said.as_str()) == (status, code),
            (Self::Bare(status), Ok((found, None))) => *found == status && answer.body.is_empty(),
            (Self::Fine(status), Ok((found, None))) => *found == status,
            (Self::Ends, Err(_)) => answer.status.is_none(),
            _ => false,
        };
        if is_right {
            return Ok(());
        }
        Err(match found {
            Ok((status, Some(code))) => format!("{status} {code}"),
            Ok((status, None)) => format!("{status} with {} bytes", answer.body.len()),
            Err(other) => other,
        })
    }
}

impl Case {
    /// A connection on which just these bytes are sent.
    pub(super) fn bytes(name: &str, bytes: impl Into<Vec<u8>>, answer: Answer) -> Self {
        let request = Request::Bytes(bytes.into());
        Self { name: name.to_owned(), request, answer, ends: false }
    }

    /// A request with nothing unusual but its target.
    pub(super) fn get(name: &str, target: impl Into<String>, answer: Answer) -> Self {
        Self::http(name, "GET", target, "", answer)
    }

    /// A request without a body; every header ends with its line.
    pub(super) fn http(name: &str, method: &str, target: impl Into<String>, headers: &str, answer: Answer) -> Self {
        let request = Request::Http(method.to_owned(), target.into(), headers.to_owned(), Vec::new());
        Self { name: name.to_owned(), request, answer, ends: false }
    }

    /// A request with a body; every header ends with its line.
    pub(super) fn post(
        name: &str,
        target: impl Into<String>,
        headers: &str,
        body: impl Into<Vec<u8>>,
        answer: Answer,
    ) -> Self {
        let request = Request::Http("POST".to_owned(), target.into(), headers.to_owned(), body.into());
        Self { name: name.to_owned(), request, answer, ends: false }
    }

    /// The same from a client that stops sending when it has sent all.
    pub(super) fn and_ends(mut self) -> Self {
        self.ends = true;
        self
    }

    /// What goes over the connection; `{own}` in a body is the collection's URL.
    pub(super) fn sent(&self, own: &str) -> Vec<u8> {
        match &self.request {
            Request::Bytes(bytes) => bytes.clone(),
            Request::Http(method, target, headers, body) => {
                let body = match std::str::from_utf8(body) {
                    Ok(text) => text.replace("{own}", own).into_bytes(),
                    Err(_) => body.clone(),
                };
                let length =
                    if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
                let head = format!(
                    "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}{headers}\r\n"
                );
                [head.into_bytes(), body].concat()
            }
        }
    }
}
