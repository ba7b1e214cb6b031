//! A person who allows: reads the consent page, presses Allow and follows the redirect to the listener.

use http::{HeaderValue, Method, Request, Response, header};
use url::Url;

use super::untrue;
use crate::http::{Http, Limits};
use crate::report::Report;

/// The name that the person types.
const NAME: &str = "alice";
const MOST_REDIRECTS: usize = 5;

/// Opens the login page, allows what it asks and returns when the last page has arrived.
pub(super) async fn allow(http: &Http, page: Url) -> Result<(), Report> {
    let mut cookie = None;
    let (page, answer) = follow(http, page, None, &mut cookie).await?;
    let html = String::from_utf8_lossy(answer.body()).into_owned();
    let form = form(&html).ok_or_else(|| untrue("the provider showed no consent page", &html))?;
    let action = page.join(&form.action).map_err(|_| untrue("the consent page has no address", &form.action))?;
    let (_, answer) = follow(http, action, Some(form.body), &mut cookie).await?;
    if !answer.status().is_success() {
        return Err(untrue("the listener did not accept the answer", answer.status().as_str()));
    }
    Ok(())
}

async fn follow(
    http: &Http,
    mut page: Url,
    mut body: Option<String>,
    cookie: &mut Option<HeaderValue>,
) -> Result<(Url, Response<Vec<u8>>), Report> {
    for _ in 0..MOST_REDIRECTS {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request = Request::builder()
            .method(method)
            .uri(page.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, page.origin().ascii_serialization())
            .body(body.take().unwrap_or_default().into_bytes());
        let mut request = request.map_err(|_| untrue("a page has no usable address", page.path()))?;
        request.headers_mut().extend(cookie.clone().map(|cookie| (header::COOKIE, cookie)));
        let limits = Limits { time: std::time::Duration::from_secs(60), ..Limits::METADATA };
        let answer =
            http.send(request, limits).await.map_err(|error| untrue("a page did not arrive", &error.to_string()))?;
        if let Some(set) = answer.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok()) {
            *cookie = set.split(';').next().and_then(|pair| HeaderValue::from_str(pair).ok());
        }
        let Some(next) = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()) else {
            return Ok((page, answer));
        };
        page = page.join(next).map_err(|_| untrue("a redirect leads nowhere", page.path()))?;
    }
    Err(untrue("the pages redirect in a circle", page.path()))
}

struct Form {
    action: String,
    body: String,
}

/// The form of the sandbox's consent page, filled in. It reads that one page, not HTML.
fn form(html: &str) -> Option<Form> {
    let start = html.find("<form")?;
    let form = html.get(start..)?;
    let action = attribute(form.get(..form.find('>')?)?, "action")?;
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for tag in form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button")) {
        let tag = tag.split('>').next()?;
        let (Some(name), value) = (attribute(tag, "name"), attribute(tag, "value").unwrap_or_default()) else {
            continue;
        };
        let is_deny = tag.starts_with("button") && attribute(tag, "id").as_deref() != Some("allow");
        if is_deny {
            continue;
        }
        let typed = if attribute(tag, "type").as_deref() == Some("text") { NAME.to_owned() } else { value };
        body.append_pair(&name, &typed);
    }
    Some(Form { action, body: body.finish() })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    let value = rest.split('"').next()?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
