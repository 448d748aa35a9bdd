//! From an accepted socket to an accepted client: CONNECT, checked, and CONNACK.

use std::sync::Arc;

use super::connect::{self, Connect};
use super::frame::{self, Version};
use super::peer::Peer;
use super::reason::{Reason, Refusal};
use super::shared::Shared;
use super::wire::{self, Welcome};
use crate::ingress::socket::{Read, Socket};

/// The longest CONNECT, its will and credentials included.
const CONNECT_BYTES_MAX: usize = 256 * 1024;

/// Whether there is room for one more connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    Full,
}

/// A client that may come in.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) connect: Connect,
    pub(super) peer: Arc<Peer>,
}

/// What the client is told if it may not; `None` if there is nothing one could say to it.
struct Rejection {
    refusal: Refusal,
    version: Option<Version>,
    with_text: bool,
}

impl Rejection {
    fn silent(refusal: Refusal) -> Rejection {
        Rejection { refusal, version: None, with_text: false }
    }
}

/// Reads the CONNECT and puts the answer into the output of the socket. `Ok(None)`: the client went away.
pub(super) async fn greet(socket: &mut Socket, shared: &Shared, admission: Admission) -> Result<Option<Client>, Refusal> {
    let found = match read_connect(socket).await {
        Ok(None) => return Ok(None),
        Ok(Some(connect)) => accept(connect, shared, admission),
        Err(rejection) => Err(rejection),
    };
    let answer = found.and_then(|(connect, welcome)| match wire::connack(connect.version, &welcome) {
        Ok(connack) => Ok((connect, connack)),
        Err(error) => Err(Rejection::silent(Refusal::new(Reason::UnspecifiedError, format!("CONNACK cannot be written: {error:?}")))),
    });
    match answer {
        Ok((connect, connack)) => {
            socket.output.extend_from_slice(&connack);
            let peer = Peer::new(connect.client_id.clone(), connect.version, connect.packet_bytes_max, shared.config.subscriber_bytes_max);
            Ok(Some(Client { connect, peer: Arc::new(peer) }))
        }
        Err(rejection) => {
            let connack =
                rejection.version.and_then(|version| wire::connack_refused(version, &rejection.refusal, rejection.with_text).ok());
            socket.output.extend_from_slice(&connack.unwrap_or_default());
            Err(rejection.refusal)
        }
    }
}

async fn read_connect(socket: &mut Socket) -> Result<Option<Connect>, Rejection> {
    loop {
        let header = frame::header(&socket.input, None, CONNECT_BYTES_MAX).map_err(Rejection::silent)?;
        if let Some(header) = header
            && header.end <= socket.input.len()
        {
            let packet = socket.input.split_to(header.end).freeze();
            let version = connect::version(&header, &packet).map_err(|refusal| wrong_version(refusal, &packet))?;
            // 3.1.1 has no answer to a malformed CONNECT; 5 has.
            let answerable = (version == Version::V5).then_some(version);
            let reject = |refusal| Rejection { refusal, version: answerable, with_text: false };
            return connect::read(&header, &packet, version).map(Some).map_err(reject);
        }
        match socket.ready(true).await.and_then(|_| socket.read()) {
            Ok(Read::Bytes(_) | Read::Nothing) => {}
            Ok(Read::End) | Err(_) => return Ok(None),
        }
    }
}

/// A later version than 5 is answered as 5 would be, an earlier than 3.1.1 as 3.1.1, and what is not MQTT not at all.
fn wrong_version(refusal: Refusal, packet: &[u8]) -> Rejection {
    let is_old = packet.windows(6).take(16).any(|name| name == b"MQIsdp");
    let is_mqtt = refusal.reason == Reason::UnsupportedVersion;
    let version = is_mqtt.then_some(if is_old { Version::V3 } else { Version::V5 });
    Rejection { refusal, version, with_text: false }
}

fn accept(mut connect: Connect, shared: &Shared, admission: Admission) -> Result<(Connect, Welcome), Rejection> {
    let config = &shared.config;
    let reject = |reason, what: String| {
        let with_text = connect.version == Version::V5 && connect.wants_reasons && what.len() + 16 <= connect.packet_bytes_max;
        Rejection { refusal: Refusal::new(reason, what), version: Some(connect.version), with_text }
    };
    if admission == Admission::Full {
        return Err(reject(Reason::ServerBusy, format!("all {} connections are taken: try again later", config.connections_max)));
    }
    if connect.wants_authentication {
        return Err(reject(Reason::BadAuthenticationMethod, "no extended authentication is offered here".to_owned()));
    }
    if connect.client_id.len() > config.client_id_bytes_max {
        return Err(reject(Reason::ClientIdNotValid, format!("a client id has at most {} bytes", config.client_id_bytes_max)));
    }
    if connect.version == Version::V3 && connect.client_id.is_empty() && !connect.clean_start {
        return Err(reject(Reason::ClientIdNotValid, "a session that is to be kept needs a client id".to_owned()));
    }
    if connect.version == Version::V5
        && let Some(will) = &connect.will
    {
        if will.qos == 2 {
            return Err(reject(Reason::QosNotSupported, "a will has at most QoS 1 here".to_owned()));
        }
        if will.retain {
            return Err(reject(Reason::RetainNotSupported, "retained messages are not available yet".to_owned()));
        }
    }
    let assigned_client_id = connect.client_id.is_empty().then(|| shared.new_client_id());
    if let Some(id) = &assigned_client_id {
        connect.client_id.clone_from(id);
    }
    let welcome = Welcome {
        receive_max: config.receive_max(),
        packet_bytes_max: u32::try_from(config.packet_bytes_max).unwrap_or(u32::MAX),
        topic_alias_max: config.topic_aliases_max,
        assigned_client_id,
        refuses_session: connect.session_expiry_s != 0,
    };
    Ok((connect, welcome))
}
