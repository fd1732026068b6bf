//! Webhooks of an app, what was told to them, and how that went. The stage `deliver` sends.

mod witness;

use model::config_var::Secret;
use model::id::{DeliveryId, WebhookEventId, WebhookId};
use model::webhook::{
    Delivery, Include, Level, TEXT_BYTES_MAX, WEBHOOKS_PER_APP_MAX, Webhook, WebhookEvent, WebhookUrl,
};
use serde_json::{Map, Value};
use store::{App, Tx, WebhookWish};

use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::range;
use crate::reply::{Answer, Reply, WEBHOOK_SECRET};

pub(crate) use witness::witness;

/// Fields a webhook list can be sorted by.
const FIELDS: &[&str] = &["id"];
/// What events and deliveries are listed by.
const SEQUENCE: &str = "seq";
/// Bytes of a secret that is made up (Heroku: 30, as hexadecimal digits).
const SECRET_BYTES: usize = 30;

const MISSING: Problem = Problem::NotFound { resource: "webhook" };

fn show(webhook: &Webhook) -> wire::Webhook {
    wire::Webhook {
        created_at: webhook.created_at.to_api(),
        id: webhook.id.to_string(),
        include: webhook.include.iter().map(ToString::to_string).collect(),
        level: webhook.level.as_str().to_owned(),
        updated_at: webhook.updated_at.to_api(),
        url: webhook.url.expose_secret().to_owned(),
    }
}

fn find(tx: &Tx<'_>, call: &Call, app: &App) -> Result<Webhook, Problem> {
    let id: WebhookId = call.param("webhook").parse().map_err(|_| MISSING)?;
    tx.webhook(id)?.filter(|webhook| webhook.app == app.id).ok_or(MISSING)
}

/// An app's webhooks.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        call.list(tx.webhooks(app.id)?.iter().map(show).collect(), FIELDS)
    })
    .await
}

/// One webhook.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(&find(tx, call, &app)?)))
    })
    .await
}

/// Adds a webhook. Its secret is told once, in a header of this answer.
pub(crate) async fn create(call: Call, Json(request): Json<wire::WebhookRequest>) -> Answer {
    let wire::WebhookRequest { authorization, include, level, secret, url } = request;
    let made_up = || -> String {
        let bytes: [u8; SECRET_BYTES] = rand::random();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let secret = secret.filter(|secret| !secret.is_empty()).unwrap_or_else(made_up);
    let wish = WebhookWish {
        url: url.parse::<WebhookUrl>().map_err(Problem::invalid)?,
        include: includes(&include)?,
        level: level.parse().map_err(Problem::invalid)?,
        secret: header_text("Secret", secret)?,
        authorization: authorization.map(|it| header_text("Authorization", it)).transpose()?,
    };
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        if tx.webhooks(app.id)?.len() >= WEBHOOKS_PER_APP_MAX {
            return Err(Problem::Invalid(format!(
                "{} has {WEBHOOKS_PER_APP_MAX} webhooks, and more are not possible. Remove one first: heroku \
                 webhooks:remove ID",
                app.name
            )));
        }
        let webhook = tx.create_webhook(app.id, &wish)?;
        witness::remember(tx, call, &app)?;
        Ok(Reply::created(&show(&webhook)).with(WEBHOOK_SECRET, wish.secret.expose_secret()))
    })
    .await
}

/// Changes a webhook. A new secret is told back once.
pub(crate) async fn update(call: Call, Json(change): Json<wire::WebhookChange>) -> Answer {
    let wire::WebhookChange { authorization, include, level, secret, url } = change;
    let url: Option<WebhookUrl> = url.map(|url| url.parse().map_err(Problem::invalid)).transpose()?;
    let include = include.map(|include| includes(&include)).transpose()?;
    let level: Option<Level> = level.map(|level| level.parse().map_err(Problem::invalid)).transpose()?;
    let secret = secret.filter(|secret| !secret.is_empty());
    let secret = secret.map(|secret| header_text("Secret", secret)).transpose()?;
    let authorization = authorization.map(|it| header_text("Authorization", it)).transpose()?;
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let is = find(tx, call, &app)?;
        let wish = WebhookWish {
            url: url.unwrap_or(is.url),
            include: include.unwrap_or(is.include),
            level: level.unwrap_or(is.level),
            secret: secret.clone().unwrap_or(is.secret),
            authorization: authorization.or(is.authorization),
        };
        let reply = Reply::ok(&show(&tx.set_webhook(is.id, &wish)?));
        Ok(match secret {
            Some(secret) => reply.with(WEBHOOK_SECRET, secret.expose_secret()),
            None => reply,
        })
    })
    .await
}

/// Removes a webhook and what is on its way to it.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        let webhook = find(tx, call, &app)?;
        tx.delete_webhook(webhook.id)?;
        Ok(Reply::ok(&show(&webhook)))
    })
    .await
}

fn includes(words: &[String]) -> Result<Vec<Include>, Problem> {
    let mut include: Vec<Include> =
        words.iter().map(|word| word.parse().map_err(Problem::invalid)).collect::<Result<_, _>>()?;
    include.sort_unstable();
    include.dedup();
    if include.is_empty() {
        return Err(Problem::Invalid(
            "Include is empty. Name what to be told of, such as api:release.".to_owned(),
        ));
    }
    Ok(include)
}

/// A text that must be fit to stand in an HTTP header.
fn header_text(what: &str, text: String) -> Result<Secret, Problem> {
    if text.len() > TEXT_BYTES_MAX || !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Problem::Invalid(format!(
            "{what} is invalid: it can have up to {TEXT_BYTES_MAX} printable ASCII characters."
        )));
    }
    Ok(Secret::new(text))
}

// === events

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

fn show_event(event: &WebhookEvent) -> wire::WebhookEvent {
    wire::WebhookEvent {
        created_at: event.created_at.to_api(),
        id: event.id.to_string(),
        include: event.include.to_string(),
        payload: wire::WebhookPayload {
            action: event.action.as_str().to_owned(),
            actor: wire::UserRef { email: event.actor_email.clone(), id: event.actor.to_string() },
            data: object(&event.data),
            previous_data: object(&event.previous_data),
            resource: event.resource.as_str().to_owned(),
            version: wire::WebhookPayload::VERSION.to_owned(),
        },
        updated_at: event.created_at.to_api(),
    }
}

/// What happened to an app.
pub(crate) async fn events(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let events = tx.webhook_events(app.id)?;
        let shown = events.iter().map(|event| (event.sequence, show_event(event))).collect();
        range::list_numbered(shown, SEQUENCE, call.range())
    })
    .await
}

/// One event.
pub(crate) async fn event(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let missing = Problem::NotFound { resource: "webhook event" };
        let Ok(id) = call.param("event").parse::<WebhookEventId>() else { return Err(missing) };
        let event = tx.webhook_event(id)?.filter(|event| event.app == app.id).ok_or(missing)?;
        Ok(Reply::ok(&show_event(&event)))
    })
    .await
}

// === deliveries

fn show_delivery(delivery: &Delivery) -> wire::WebhookDelivery {
    wire::WebhookDelivery {
        created_at: delivery.created_at.to_api(),
        event: wire::WebhookEventRef {
            id: delivery.event.to_string(),
            include: delivery.include.to_string(),
        },
        id: delivery.id.to_string(),
        last_attempt: delivery.last.as_ref().map(|attempt| wire::WebhookAttempt {
            code: attempt.code,
            created_at: attempt.at.to_api(),
            error_class: attempt.error.clone(),
            id: attempt.id.to_string(),
            status: if attempt.error.is_none() { "succeeded" } else { "failed" }.to_owned(),
            updated_at: attempt.at.to_api(),
        }),
        next_attempt_at: delivery.next_attempt_at.map(|at| at.to_api()),
        num_attempts: delivery.attempts,
        status: delivery.status.as_str().to_owned(),
        updated_at: delivery.updated_at.to_api(),
        webhook: wire::WebhookRef {
            id: delivery.webhook.to_string(),
            level: delivery.level.as_str().to_owned(),
        },
    }
}

/// What was told to an app's webhooks; `?eq[status]=failed` leaves out the rest.
pub(crate) async fn deliveries(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let status = call.query("eq[status]");
        let deliveries = tx.deliveries(app.id)?;
        let wanted = deliveries
            .iter()
            .filter(|delivery| status.as_deref().is_none_or(|status| status == delivery.status.as_str()));
        let shown = wanted.map(|delivery| (delivery.sequence, show_delivery(delivery))).collect();
        range::list_numbered(shown, SEQUENCE, call.range())
    })
    .await
}

/// One delivery.
pub(crate) async fn delivery(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let missing = Problem::NotFound { resource: "webhook delivery" };
        let Ok(id) = call.param("delivery").parse::<DeliveryId>() else { return Err(missing) };
        let found = tx.deliveries(app.id)?.into_iter().find(|delivery| delivery.id == id);
        Ok(Reply::ok(&show_delivery(&found.ok_or(missing)?)))
    })
    .await
}
