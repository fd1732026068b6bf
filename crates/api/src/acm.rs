//! Automatic certificates (ACM): turned on and off for an app; a stage gets them.

use model::domain::{Domain, DomainKind};
use store::{App, StoreError, Tx};

use crate::apps;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

/// The domains that automatic certificates are for: a user's own certificate has precedence.
fn managed(tx: &Tx<'_>, app: &App) -> Result<Vec<Domain>, StoreError> {
    let is_managed = |domain: &Domain| domain.kind == DomainKind::Custom && domain.endpoint.is_none();
    Ok(tx.domains(app.id)?.into_iter().filter(is_managed).collect())
}

fn answer(tx: &Tx<'_>, call: &Call, app: &App) -> Answer {
    let app = tx.app(app.id)?.ok_or(StoreError::Missing { what: "app" })?;
    Ok(Reply::ok(&apps::show(tx, call, &app)?))
}

/// Turns them on.
pub(crate) async fn enable(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        tx.set_acm(app.id, true)?;
        for domain in managed(tx, &app)? {
            tx.want_certificate(&domain.hostname)?;
        }
        answer(tx, call, &app)
    })
    .await
}

/// Has those tried again that failed.
pub(crate) async fn refresh(call: Call, Json(change): Json<wire::AcmChange>) -> Answer {
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        if !app.acm {
            return Err(Problem::Invalid(format!(
                "Automatic Certificate Management is not enabled on {}. Enable it with certs:auto:enable.",
                app.name
            )));
        }
        if change.acm_refresh.is_some_and(|wire::Flag(on)| on) {
            for domain in managed(tx, &app)? {
                tx.refresh_certificate(&domain.hostname)?;
            }
        }
        answer(tx, call, &app)
    })
    .await
}

/// Turns them off; the certificates go at once.
pub(crate) async fn disable(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        tx.set_acm(app.id, false)?;
        for domain in managed(tx, &app)? {
            tx.forget_certificate(&domain.hostname)?;
        }
        answer(tx, call, &app)
    })
    .await
}
