//! The routing table, made whole from one picture.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use model::dyno::DynoState;
use router::table::{Certificate, ControlRoute, Route, RouteState, Table, Upstream};

use crate::plan::{AppSeen, Seen};

/// Makes certificates for hosts that have none of another's making.
pub trait Certificates: Send + Sync {
    /// Certificates that cover `hosts`. The first also serves clients that name no host.
    fn certificates(&self, hosts: &BTreeSet<String>) -> Vec<Certificate>;
}

/// What the table says besides the apps' own routes.
#[derive(Clone)]
pub(crate) struct Frame {
    /// Host names that the control server answers.
    pub(crate) control_hosts: Vec<String>,
    /// Where it listens.
    pub(crate) control_socket: PathBuf,
    /// Parts of the platform with hosts of their own.
    pub(crate) services: Vec<ControlRoute>,
    /// Certificates for every host of the table.
    pub(crate) certificates: Arc<dyn Certificates>,
}

/// Makes the table; its generation is set at publication. `switched` is the release whose rollout is taken as done.
pub(crate) fn table(seen: &Seen, frame: &Frame, switched: Option<model::id::ReleaseId>) -> Table {
    let mut table = Table::default();
    for (id, app) in &seen.apps {
        let is_switched = app.rolling.as_ref().is_some_and(|rolling| Some(rolling.release) == switched);
        let route = Route {
            app_id: *id,
            app_name: app.name.clone(),
            state: state(app, is_switched),
            maintenance: app.maintenance,
            error_page_url: app.error_page_url.clone(),
            maintenance_page_url: app.maintenance_page_url.clone(),
        };
        table.routes.extend(app.hosts.iter().map(|host| (host.clone(), route.clone())));
    }
    let served: BTreeSet<&String> = seen.certificates.iter().flat_map(|served| &served.hosts).collect();
    let of_services = frame.services.iter().flat_map(|service| &service.hosts);
    let hosts = frame.control_hosts.iter().chain(of_services).chain(table.routes.keys());
    let hosts = hosts.filter(|host| !served.contains(host)).cloned().collect();
    table.certificates = frame.certificates.certificates(&hosts);
    table.certificates.extend(seen.certificates.iter().map(|served| Certificate {
        hosts: served.hosts.clone(),
        chain_pem: served.chain_pem.clone(),
        key_pem: served.key_pem.expose_secret().to_owned(),
    }));
    table.challenges.clone_from(&seen.challenges);
    table.services.clone_from(&frame.services);
    table.control =
        Some(ControlRoute { hosts: frame.control_hosts.clone(), socket: frame.control_socket.clone() });
    table
}

fn state(app: &AppSeen, switched: bool) -> RouteState {
    let upstream = |dyno: &&model::dyno::Dyno| {
        dyno.address.map(|addr| Upstream { name: dyno.name.to_string(), addr: SocketAddr::V4(addr) })
    };
    let dynos: Vec<_> = app.serving(switched).iter().filter_map(upstream).collect();
    if !dynos.is_empty() {
        return RouteState::Serving { dynos };
    }
    let wanted = app.wanted();
    let mut web = wanted.keys().filter(|name| name.kind.is_web()).peekable();
    if app.target().is_none() {
        RouteState::Blank
    } else if web.peek().is_none() {
        RouteState::NoWebProcess
    } else if web.all(|name| app.fresh(&wanted, name).is_some_and(|dyno| dyno.state == DynoState::Crashed)) {
        RouteState::Crashed
    } else {
        RouteState::Starting
    }
}
