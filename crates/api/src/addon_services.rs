//! Add-on services and their plans: the same on every platform, and free.

use model::addon::{BUCKETEER, PLANS, POSTGRES, Plan};

use crate::call::Call;
use crate::error::Problem;
use crate::identity::{cedar, fixed, fixed_ref};
use crate::regions::EPOCH;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["name", "id"];
const SERVICE: &str = "addon-service";
const PLAN: &str = "plan";
const MISSING_SERVICE: Problem = Problem::NotFound { resource: "add_on service" };
const MISSING_PLAN: Problem = Problem::NotFound { resource: "plan" };
const GIB: u64 = 1 << 30;

pub(crate) fn service_ref(name: &str) -> wire::Ref {
    fixed_ref(SERVICE, name)
}

pub(crate) fn plan_ref(plan: &Plan) -> wire::Ref {
    fixed_ref(PLAN, &plan.full_name())
}

fn human_name(service: &str) -> &str {
    match service {
        POSTGRES => "Postgres",
        BUCKETEER => "Bucketeer",
        other => other,
    }
}

fn services() -> Vec<&'static str> {
    let mut names: Vec<_> = PLANS.iter().map(|plan| plan.service).collect();
    names.dedup();
    names
}

fn find_service(identity: &str) -> Result<&'static str, Problem> {
    let is_meant = |name: &&str| *name == identity || fixed(SERVICE, name) == identity;
    services().into_iter().find(is_meant).ok_or(MISSING_SERVICE)
}

fn service(name: &str) -> wire::AddonService {
    wire::AddonService {
        cli_plugin_name: None,
        created_at: EPOCH.to_owned(),
        human_name: human_name(name).to_owned(),
        id: fixed(SERVICE, name),
        name: name.to_owned(),
        state: "ga".to_owned(),
        supported_generations: vec![cedar()],
        supports_multiple_installations: true,
        supports_sharing: true,
        updated_at: EPOCH.to_owned(),
    }
}

/// A plan as JSON.
pub(crate) fn plan(plan: &Plan) -> wire::Plan {
    let is_default = PLANS.iter().find(|it| it.service == plan.service) == Some(plan);
    let rows = plan.rows.map_or_else(String::new, |rows| format!(", {rows} rows"));
    let description = match plan.service {
        BUCKETEER => format!("{} GB", plan.bytes / GIB),
        _ => format!("{} GB, {} connections{rows}", plan.bytes / GIB, plan.connections),
    };
    wire::Plan {
        addon_service: service_ref(plan.service),
        compliance: None,
        created_at: EPOCH.to_owned(),
        default: is_default,
        description,
        human_name: plan.human_name.to_owned(),
        id: plan_ref(plan).id,
        installable_inside_private_network: false,
        installable_outside_private_network: true,
        name: plan.full_name(),
        price: wire::Price { cents: 0, contract: false, unit: "month".to_owned() },
        space_default: false,
        state: "ga".to_owned(),
        updated_at: EPOCH.to_owned(),
        visible: true,
    }
}

/// Every service.
pub(crate) async fn list(call: Call) -> Answer {
    call.list(services().into_iter().map(service).collect(), FIELDS)
}

/// One service by name or id.
pub(crate) async fn info(call: Call) -> Answer {
    Ok(Reply::ok(&service(find_service(call.param("service"))?)))
}

/// A service's plans.
pub(crate) async fn plans(call: Call) -> Answer {
    let service = find_service(call.param("service"))?;
    call.list(PLANS.iter().filter(|it| it.service == service).map(plan).collect(), FIELDS)
}

/// One plan of a service, by name with or without the service, or id.
pub(crate) async fn plan_of_service(call: Call) -> Answer {
    let service = find_service(call.param("service"))?;
    let asked = call.param("plan");
    let is_meant = |it: &&Plan| {
        it.service == service && (it.name == asked || it.full_name() == asked || plan_ref(it).id == asked)
    };
    let found = PLANS.iter().find(is_meant).ok_or(MISSING_PLAN)?;
    Ok(Reply::ok(&plan(found)))
}

/// One plan by full name or id.
pub(crate) async fn plan_info(call: Call) -> Answer {
    let asked = call.param("plan");
    let is_meant = |it: &&Plan| it.full_name() == asked || plan_ref(it).id == asked;
    let found = PLANS.iter().find(is_meant).ok_or(MISSING_PLAN)?;
    Ok(Reply::ok(&plan(found)))
}
