//! Reason codes of MQTT 5, and why a connection ends.

use std::borrow::Cow;

/// The codes this endpoint gives. 3.1.1 has hardly any, so there most of them only reach the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Reason {
    Success = 0x00,
    NoSubscriptionExisted = 0x11,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecific = 0x83,
    UnsupportedVersion = 0x84,
    ClientIdNotValid = 0x85,
    ServerBusy = 0x89,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    QuotaExceeded = 0x97,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QosNotSupported = 0x9B,
    SharedSubscriptionsNotSupported = 0x9E,
    SubscriptionIdsNotSupported = 0xA1,
}

impl Reason {
    pub(super) fn code(self) -> u8 {
        self as u8
    }

    /// Whether the bytes that came in were to blame.
    pub(super) fn is_clients_fault(self) -> bool {
        match self {
            Reason::MalformedPacket
            | Reason::ProtocolError
            | Reason::TopicFilterInvalid
            | Reason::TopicNameInvalid
            | Reason::ReceiveMaximumExceeded
            | Reason::TopicAliasInvalid
            | Reason::PacketTooLarge
            | Reason::RetainNotSupported
            | Reason::QosNotSupported
            | Reason::SubscriptionIdsNotSupported => true,
            Reason::Success
            | Reason::NoSubscriptionExisted
            | Reason::UnspecifiedError
            | Reason::ImplementationSpecific
            | Reason::UnsupportedVersion
            | Reason::ClientIdNotValid
            | Reason::ServerBusy
            | Reason::ServerShuttingDown
            | Reason::BadAuthenticationMethod
            | Reason::KeepAliveTimeout
            | Reason::SessionTakenOver
            | Reason::QuotaExceeded
            | Reason::PayloadFormatInvalid
            | Reason::SharedSubscriptionsNotSupported => false,
        }
    }
}

/// What the sender did wrong, or what we cannot do: the connection ends with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) what: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(reason: Reason, what: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { reason, what: what.into() }
    }
}

pub(super) fn malformed(what: &'static str) -> Refusal {
    Refusal::new(Reason::MalformedPacket, what)
}

pub(super) fn protocol_error(what: &'static str) -> Refusal {
    Refusal::new(Reason::ProtocolError, what)
}

/// How a connection came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// DISCONNECT without a wish for the will.
    Clean,
    /// DISCONNECT that asks for the will to be published (5 only).
    CleanWithWill,
    /// The socket broke or was closed without a DISCONNECT.
    Lost(String),
    /// We end it.
    Refused(Refusal),
    /// This program stops.
    Stopping,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> End {
        End::Refused(refusal)
    }
}
