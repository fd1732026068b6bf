//! Features of accounts and apps (`heroku labs`): there are none to switch yet.

use crate::call::Call;
use crate::error::Problem;
use crate::reply::Answer;

const MISSING: Problem = Problem::NotFound { resource: "feature" };

/// One feature of the account.
pub(crate) async fn of_account(_: Call) -> Answer {
    Err(MISSING)
}

/// One feature of an app.
pub(crate) async fn of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        call.app(tx)?;
        Err(MISSING)
    })
    .await
}
