//! A router on its own, for measuring it: `bench_router ADDR WORKERS BACKEND…`.
//!
//! It routes every host it is asked for on `localhost` and `127.0.0.1` to the backends, without a control server.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use model::id::AppId;
use model::time::Timestamp;
use router::table::{Route, RouteState, Upstream};
use router::{Limits, Listen, RouterConfig, Table};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: bench_router ADDR WORKERS BACKEND…")?.parse()?;
    let workers = arguments.next().ok_or("how many workers?")?.parse()?;
    let backend = |(number, backend): (usize, String)| -> Result<Upstream, Box<dyn Error>> {
        Ok(Upstream { name: format!("web.{}", number + 1), addr: backend.parse()? })
    };
    let dynos = arguments.enumerate().map(backend).collect::<Result<Vec<_>, _>>()?;
    let route = Route {
        app_id: AppId::from_u128(1),
        app_name: "bench".to_owned(),
        state: RouteState::Serving { dynos },
        maintenance: false,
        error_page_url: None,
        maintenance_page_url: None,
    };
    let hosts = ["localhost", "127.0.0.1"];
    let table = Table {
        generation: 1,
        routes: hosts.map(|host| (host.to_owned(), route.clone())).into(),
        ..Table::default()
    };
    let home = PathBuf::from(std::env::var("BENCH_DIR").unwrap_or_else(|_| "bench-router".to_owned()));
    std::fs::create_dir_all(&home)?;
    std::fs::write(home.join("table.json"), serde_json::to_vec(&table)?)?;
    let config = RouterConfig {
        listen: vec![Listen::Address(address)],
        control_socket: home.join("control.sock"),
        table_file: home.join("table.json"),
        spool_dir: home.join("spool"),
        workers,
        limits: Limits { dyno_in_flight: 10_000, upstream_idle_max: 512, ..Limits::default() },
    };
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let now = move || Timestamp::from_micros(i64::try_from(now()).unwrap_or(i64::MAX));
    Ok(router::serve(config, Arc::new(now))?)
}
