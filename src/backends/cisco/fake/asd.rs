//! The Automated Software Distribution (ASD) API v4.0: which images there are, where they are, and what a person has to
//! agree to before.
//!
//! Images of IOS XE need the agreement about strong encryption, those of IOS a contract; those of NX-OS are given at once.
//! Nothing is kept: an agreement is received and changes nothing. The form of its errors is not documented.

use http::Method;
use serde_json::Value;

use super::answer::{Answer, Page, array, fill, nothing, strings};
use super::asked::Asked;
use super::world::{IOS, IOSXE, Os, PRODUCTS, Product, product_of};

/// Below the host.
pub(super) const PREFIX: &str = "/software/v4.0";

const PAGED: &str = r#"{"pagination":{"pageIndex":<<index>>,"lastIndex":<<last>>,"totalRecords":<<total>>,"pageRecords":<<count>>},"selfLink":"https://api.cisco.com/software/v4.0<link>",
"title":"ASD metadata","metadataTransId":"<transaction>","invalidImages":<<invalid>>,"metadata":<<metadata>>}"#;
const PRODUCT: &str = r#"[{"pid":"<pid>","products":[{"mdfId":"<mdf>","mdfConceptName":"<name>","softwareTypes":[{"softwareTypeId":"282046477","softwareTypeName":"<type>","operatingSystems":[{"name":"<type>","releases":<<releases>>}]}]}]}]"#;
const RELEASE: &str = r#"{"version":"<release>","fcsDate":"2024-07-26","message":"","lifeCycle":"ED","fieldNotice":null,"securityAdvisory":null,"docs":[],"isSuggested":"<suggested>","catalogMessage":"","images":[<<image>>]}"#;
const IMAGE: &str = r#"{"imageGuid":"<guid>","name":"<image>","size":"1900000000","imageDescription":"Example image","featureSetDescription":"UNIVERSAL","minDram":"0","minFlash":"0","encryptionSoftwareIndicator":"<k9>",
"md5":"00000000000000000000000000000000","sha512":"00","isDeleted":"N","deletedDate":"","releaseDate":"2024-07-26","softwareAdvisory":null,"deferralNotice":null,"isRelated":"N","additionalEntitlement":null,"psirtIndicator":"N","exception":null}"#;
const DOWNLOAD: &str =
    r#"{"url":"<url>","token":"<token>","imageGuid":"<guid>","imageName":"<image>","exception":<<exception>>}"#;
const DOWNLOADS: &str = r#"{"sessionId":"SESSION1","acceptanceForm":<<form>>,"downloads":<<downloads>>}"#;
const FORM: &str = r#"{"k9Content":"<p>I will not export this.</p>","eulaContent":null,"webForm":"https://software.cisco.com/k9","subAppVersion":"1"}"#;
const AGREEMENT: &str = r#"{"statusCode":"200","statusMessage":"SUCCESS","subAppVersion":"1","<what>Content":"<p>I will not export this.</p>","userDetails":{"userId":"exampleuser","firstname":"Example","lastname":"Person","fullname":"Example Person","userEmail":"user@example.com"},"webForm":null}"#;
const EXCEPTION: &str = r#"{"exceptionCode":"<code>","exceptionMessage":"<what>"}"#;

/// How it refuses.
pub(super) fn refused(status: u16, code: &str, what: &str) -> Answer {
    let error = fill(EXCEPTION, &[("code", code), ("what", what)]);
    Answer::json(status, fill(r#"{"exception":<<error>>}"#, &[("error", &error)]))
}

fn wrong(code: &str) -> Answer {
    refused(400, code, "A member of the request is missing or not of its form")
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let post = *asked.method == Method::POST;
    let outcome = match asked.path() {
        ["metadata", "pidrelease"] if post => by_release(asked),
        ["metadata", "pidimage"] if post => by_image(asked, true),
        ["metadata", "images"] if post => by_image(asked, false),
        ["download", "pidimage"] if post => download(asked),
        ["compliance", what @ ("k9" | "eula")] => agreement(asked, what, post),
        _ => Err(nothing()),
    };
    outcome.unwrap_or_else(|refusal| refusal)
}

/// A text of the request.
fn text<'a>(asked: &'a Asked<'_>, name: &str) -> Option<&'a str> {
    asked.body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A list of texts of the request.
fn texts<'a>(asked: &'a Asked<'_>, name: &str) -> Vec<&'a str> {
    let all = asked.body.get(name).and_then(Value::as_array);
    all.map(|all| all.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

fn product(asked: &Asked<'_>) -> Result<(&'static Product, Os), Answer> {
    let pid = text(asked, "pid").ok_or_else(|| wrong("PID_MISSING"))?;
    let product = product_of(pid).ok_or_else(|| wrong("PID_INVALID"))?;
    // A 401 that has nothing to do with the token.
    let os = product.os.ok_or_else(|| refused(401, "SW_NO_LONGER_AVL", "The software is no longer available"))?;
    Ok((product, os))
}

fn paging(asked: &Asked<'_>) -> Result<(usize, usize), Answer> {
    let number = |name: &str, usual: u64| asked.body.get(name).map_or(Some(usual), Value::as_u64);
    let (index, size) = (number("pageIndex", 1), number("perPage", 25));
    let both = index.zip(size).filter(|(index, size)| *index > 0 && (1..=25).contains(size));
    let both = both.and_then(|(index, size)| Some((usize::try_from(index).ok()?, usize::try_from(size).ok()?)));
    both.ok_or_else(|| wrong("INVALID_INPUT"))
}

fn releases(os: Os) -> impl Iterator<Item = &'static str> + Clone {
    [os.suggested.0].into_iter().chain(os.releases.iter().copied())
}

fn image_of(os: Os, release: &str) -> String {
    format!("{}{}{}", os.image.0, release.replace(['(', ')'], ".").trim_end_matches('.'), os.image.1)
}

/// A name that only the service can make out.
fn guid(image: &str) -> String {
    let hash = image
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016X}{:016X}", hash.rotate_left(17))
}

fn transaction(product: &Product) -> String {
    format!("4200{}", product.mdf)
}

fn by_release(asked: &Asked<'_>) -> Result<Answer, Answer> {
    let (product, os) = product(asked)?;
    let current = text(asked, "currentReleaseVersion").ok_or_else(|| wrong("CUR_REL_MISSING"))?;
    let wanted = text(asked, "outputReleaseVersion").ok_or_else(|| wrong("OUT_REL_MISSING"))?;
    let found: Vec<&str> = match wanted.to_lowercase().as_str() {
        "latest" => vec![os.suggested.0],
        "above" => releases(os).take_while(|release| *release != current).collect(),
        other => releases(os).filter(|release| release.eq_ignore_ascii_case(other)).collect(),
    };
    if found.is_empty() {
        return Err(refused(404, "NO_DATA_FOUND", "No data found"));
    }
    metadata(asked, (product, os), &found, &[])
}

fn metadata(
    asked: &Asked<'_>,
    (product, os): (&Product, Os),
    found: &[&str],
    invalid: &[&str],
) -> Result<Answer, Answer> {
    let (index, size) = paging(asked)?;
    let page = Page::of(found, index, size);
    let release = |release: &&str| {
        let image = image_of(os, release);
        let k9 = if os == IOSXE { "Y" } else { "N" };
        let image = fill(IMAGE, &[("guid", &guid(&image)), ("image", &image), ("k9", k9)]);
        let suggested = if *release == os.suggested.0 { "Y" } else { "N" };
        fill(RELEASE, &[("release", release), ("suggested", suggested), ("image", &image)])
    };
    let releases = array(&page.records.iter().map(release).collect::<Vec<_>>());
    let pid = text(asked, "pid").unwrap_or(product.pid);
    let values =
        [("pid", pid), ("mdf", product.mdf), ("name", product.name), ("type", os.suggestion), ("releases", &releases)];
    let (metadata, invalid, transaction) = (fill(PRODUCT, &values), strings(invalid), transaction(product));
    let more = [("link", asked.rest), ("transaction", &transaction), ("invalid", &invalid), ("metadata", &metadata)];
    Ok(Answer::json(200, page.fill(PAGED, &more)))
}

fn by_image(asked: &Asked<'_>, of_product: bool) -> Result<Answer, Answer> {
    let names = texts(asked, "imageNames");
    if names.is_empty() {
        return Err(wrong("IMG_NM_MISSING"));
    }
    if names.len() > 5 {
        return Err(wrong("IMAGE_LIMIT_EXCEEDED"));
    }
    let has = |os: Os, name: &str| releases(os).find(|release| image_of(os, release) == name);
    let (product, os) = match of_product {
        true => product(asked)?,
        false => {
            let any =
                |product: &&Product| product.os.is_some_and(|os| names.iter().any(|name| has(os, name).is_some()));
            let found = PRODUCTS.iter().find(any).and_then(|product| Some((product, product.os?)));
            found.ok_or_else(|| refused(404, "NO_DATA_FOUND", "No data found"))?
        }
    };
    let found: Vec<&str> = names.iter().filter_map(|name| has(os, name)).collect();
    let invalid: Vec<&str> = names.iter().filter(|name| has(os, name).is_none()).copied().collect();
    if found.is_empty() {
        return Err(wrong("IMG_NM_INVALID"));
    }
    metadata(asked, (product, os), &found, &invalid)
}

fn download(asked: &Asked<'_>) -> Result<Answer, Answer> {
    let (product, os) = product(asked)?;
    text(asked, "mdfId").filter(|mdf| *mdf == product.mdf).ok_or_else(|| wrong("MDFID_INVALID"))?;
    let transaction = text(asked, "metadataTransId").ok_or_else(|| wrong("MTRANSID_MISSING"))?;
    if transaction != self::transaction(product) {
        return Err(wrong(if transaction.starts_with("4200") { "MTRANSID_EXPIRED" } else { "INVALID_MTRANSID" }));
    }
    let guids = texts(asked, "imageGuids");
    match guids.len() {
        0 => return Err(wrong("IMAGE_GUID_MISSING")),
        1..=5 => {}
        _ => return Err(wrong("IMAGE_LIMIT_EXCEEDED")),
    }
    let code = if os == IOSXE { "K9_FORM_AR" } else { "IMG_CONTRACT_REQD" };
    let blocked = os == IOSXE || os == IOS;
    let exception = match blocked {
        true => fill(EXCEPTION, &[("code", code), ("what", "The image is not given yet")]),
        false => "null".to_owned(),
    };
    let mut downloads = Vec::new();
    for one in guids {
        let image = releases(os).map(|release| image_of(os, release)).find(|image| guid(image) == one);
        let image = image.ok_or_else(|| wrong("IMAGE_GUID_INVALID"))?;
        let url = if blocked { String::new() } else { format!("https://dl.cisco.com/swc/{image}?SESSION1") };
        let token = if blocked { "" } else { "TOKEN1" };
        let values = [("url", &*url), ("token", token), ("guid", one), ("image", &*image), ("exception", &*exception)];
        downloads.push(fill(DOWNLOAD, &values));
    }
    let form = if os == IOSXE { FORM } else { "null" };
    Ok(Answer::json(200, fill(DOWNLOADS, &[("form", form), ("downloads", &array(&downloads))])))
}

fn agreement(asked: &Asked<'_>, what: &str, post: bool) -> Result<Answer, Answer> {
    if !post {
        return Ok(Answer::json(200, fill(AGREEMENT, &[("what", what)])));
    }
    match text(asked, "status") {
        Some("Accepted" | "Declined") => {
            Ok(Answer::json(200, r#"{"statusCode":"200","statusMessage":"SUCCESS"}"#.to_owned()))
        }
        _ => Err(wrong("INVALID_INPUT")),
    }
}
