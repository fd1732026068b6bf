//! The pages that the router shows itself. They need nothing from anywhere else: no script, no font, no CDN.

use crate::failure::Failure;

/// An answer made by the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) retry_after: Option<u32>,
    pub(crate) body: String,
}

const HTML: &str = "text/html; charset=utf-8";
/// Seconds after which a client should ask the control server again.
const CONTROL_RETRY_AFTER: u32 = 2;

const STYLE: &str = "html,body{height:100%;margin:0}body{display:flex;align-items:center;justify-content:center;\
background:#f7f8fb;color:#2a2f45;font:17px/1.5 system-ui,sans-serif}main{max-width:34rem;padding:2rem}\
h1{font-size:1.6rem;margin:0 0 .6rem}p{margin:.4rem 0;color:#525a78}\
code{background:#e9ebf3;border-radius:4px;padding:.1em .4em;font-size:.9em}\
@media(prefers-color-scheme:dark){body{background:#151827;color:#e8eaf4}p{color:#a3abc8}code{background:#262b42}}";

/// The page for a failure; `url` is the app's own page for it, if it has one.
pub(crate) fn failure(failure: Failure, url: Option<&str>) -> Page {
    let (_, _, status) = failure.facts();
    let status = if status == 0 { 503 } else { status };
    let (title, paragraphs): (&str, &[&str]) = match failure {
        Failure::Maintenance => (
            "Offline for Maintenance",
            &["This application is undergoing maintenance right now.", "Please check back later."],
        ),
        Failure::Blank => (
            "Nothing here yet",
            &[
                "This app has not been deployed.",
                "If it is yours, push code to it: <code>git push heroku main</code>.",
            ],
        ),
        Failure::BadRequest(..) => ("Bad Request", &["The request could not be understood."]),
        Failure::Misdirected => {
            ("Misdirected Request", &["This connection was opened for another site; please try again."])
        }
        _ => (
            "Application Error",
            &["An error occurred in the application and your page could not be served. If you are the \
                 application owner, check your logs for details. You can do this from the command line with \
                 <code>hokku logs --tail</code>."],
        ),
    };
    html(status, title, paragraphs, url)
}

/// For a host that no app has.
pub(crate) fn no_such_app() -> Page {
    let paragraphs = [
        "There is no app configured at that hostname.",
        "Perhaps the app owner has renamed it, or you mistyped the URL.",
    ];
    html(404, "No such app", &paragraphs, None)
}

/// For a request whose host cannot even be told.
pub(crate) fn refused(status: u16) -> Page {
    let (title, paragraph) = match status {
        405 => ("Method Not Allowed", "This is not a forward proxy."),
        408 => ("Request Timeout", "The request did not arrive in time."),
        501 => ("Not Implemented", "Only the chunked transfer coding is understood."),
        _ => ("Bad Request", "The request could not be understood."),
    };
    html(status, title, &[paragraph], None)
}

/// The control server does not answer: it is being restarted, while apps go on.
pub(crate) fn control_unavailable() -> Page {
    Page {
        status: 503,
        content_type: "application/json",
        retry_after: Some(CONTROL_RETRY_AFTER),
        body: "{\"id\":\"unavailable\",\"message\":\"The control server is restarting; apps keep running. Please \
               try again in a moment.\"}\n"
            .to_owned(),
    }
}

/// What a certificate authority wants to read, to see that the host is ours.
pub(crate) fn challenge(answer: String) -> Page {
    Page { status: 200, content_type: "application/octet-stream", retry_after: None, body: answer }
}

fn html(status: u16, title: &str, paragraphs: &[&str], url: Option<&str>) -> Page {
    let body = match url {
        Some(url) => format!(
            "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <style>html,body,iframe{{margin:0;border:0;width:100%;height:100%}}iframe{{position:fixed;inset:0}}</style>\n\
             </head>\n<body>\n<iframe src=\"{}\"></iframe>\n</body>\n</html>\n",
            escape(url)
        ),
        None => {
            let text: String = paragraphs.iter().map(|paragraph| format!("<p>{paragraph}</p>\n")).collect();
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{text}</main>\n</body>\n</html>\n"
            )
        }
    };
    Page { status, content_type: HTML, retry_after: None, body }
}

fn escape(url: &str) -> String {
    let mut safe = String::with_capacity(url.len());
    for letter in url.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The reason phrase of the statuses above.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        499 => "Client Closed Request",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        _ => "Service Unavailable",
    }
}

impl Page {
    /// The whole response. `head`: without the body; `keep_alive`: the connection goes on after it.
    pub(crate) fn render(&self, head: bool, keep_alive: bool) -> String {
        let retry = self.retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 {} {}\r\nServer: Hokku\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Cache-Control: no-cache, no-store\r\n{retry}Connection: {}\r\n\r\n{}",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
            if keep_alive { "keep-alive" } else { "close" },
            if head { "" } else { &self.body },
        )
    }
}

#[cfg(test)]
mod tests;
