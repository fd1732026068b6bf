//! The one stack.

use model::slug::STACK;

use crate::call::Call;
use crate::error::Problem;
use crate::identity::{fixed, fixed_ref};
use crate::regions::EPOCH;
use crate::reply::{Answer, Reply};

const KIND: &str = "stack";
const FIELDS: &[&str] = &["name", "id"];

pub(crate) fn stack_ref(name: &str) -> wire::Ref {
    fixed_ref(KIND, name)
}

fn show() -> wire::Stack {
    wire::Stack {
        created_at: EPOCH.to_owned(),
        default: true,
        id: fixed(KIND, STACK),
        name: STACK.to_owned(),
        state: "public".to_owned(),
        updated_at: EPOCH.to_owned(),
    }
}

/// Every stack.
pub(crate) async fn list(call: Call) -> Answer {
    call.list(vec![show()], FIELDS)
}

/// The stacks an app may use: every one.
pub(crate) async fn available(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        call.list(vec![show()], FIELDS)
    })
    .await
}

/// One stack.
pub(crate) async fn info(call: Call) -> Answer {
    let asked = call.param("stack");
    if asked == STACK || asked == fixed(KIND, STACK) {
        Ok(Reply::ok(&show()))
    } else {
        Err(Problem::NotFound { resource: "stack" })
    }
}
