//! Where frames go, and what can go wrong on the way.

use std::error::Error;
use std::io;
use std::time::Duration;

use model::drain::{Drain, DrainKind};
use rustls::CertificateError;

use super::frame::Frame;
use super::https::Https;
use super::syslog::Syslog;
use crate::outside::{NotATarget, Outside};

/// One drain's receiver.
#[derive(Debug)]
pub(super) enum Sink {
    Https(Https),
    Syslog(Box<Syslog>),
}

impl Sink {
    /// Gets ready; connects when there is something to send.
    ///
    /// # Errors
    /// In words for the app's people.
    pub(super) fn new(drain: &Drain, outside: &Outside, answer: Duration) -> Result<Self, String> {
        match drain.url.kind() {
            DrainKind::Http => Https::new(drain, outside, answer).map(Self::Https),
            DrainKind::Syslog | DrainKind::SyslogTls => {
                Syslog::new(drain, outside, answer).map(|syslog| Self::Syslog(Box::new(syslog)))
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &Frame) -> Result<(), Trouble> {
        match self {
            Self::Https(https) => https.send(frame).await,
            Self::Syslog(syslog) => syslog.send(frame).await,
        }
    }
}

/// Why a frame was not taken. The texts are for the app's people.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The receiver will never take it.
    #[error("it answered {0}; the lines it was given are dropped")]
    Refused(u16),
    /// The receiver did not take it this time.
    #[error("it answered {0}; they are sent again")]
    Failed(u16),
    /// The connection broke, or no answer came.
    #[error("{0}; lines wait and are sent again")]
    Broken(String),
    /// There was no connection.
    #[error("{0}; lines wait until it can be reached")]
    Unreachable(String),
    /// The receiver is not who it should be.
    #[error("its certificate is not valid: {0}")]
    Certificate(String),
}

impl Trouble {
    /// Whether the frame may have been seen by the receiver: that counts as a try.
    pub(super) const fn was_sent(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Failed(_) | Self::Broken(_))
    }

    /// Whether another try is useless.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// What an error on the way to a connection means.
    pub(super) fn of_connecting(error: &(dyn Error + 'static)) -> Self {
        match certificate(error) {
            Some(why) => Self::Certificate(why),
            None => Self::Unreachable(root(error)),
        }
    }
}

/// What is wrong with a certificate, if that is what is wrong.
pub(crate) fn certificate(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(words(why)),
        _ => None,
    })
}

fn words(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::UnknownIssuer => "nobody that is trusted here has signed it".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        CertificateError::Other(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The last cause: what the system said.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let own = causes(error).find_map(|cause| cause.downcast_ref::<NotATarget>().map(ToString::to_string));
    own.unwrap_or_else(|| causes(error).last().map(ToString::to_string).unwrap_or_default())
}

/// An error and all its causes. An I/O error's inner error is one too, though it is not called its source.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
