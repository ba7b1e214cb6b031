//! The Software Suggestion API v2. Parameters that it does not know are refused.

use super::answer::{Answer, Page, array, fill, nothing};
use super::asked::{Asked, list};
use super::trouble::is_marked;
use super::world::{Os, Product, product_of, product_of_mdf};

/// Below the host.
pub(super) const PREFIX: &str = "/software/suggestion/v2/suggestions";

const PAGED: &str = r#"{"paginationResponseRecord":{"pageIndex":"<index>","lastIndex":"<last>","totalRecords":"<total>","pageRecords":"<count>"},
"<list>":<<records>>,"status":"Success","errorDetailsResponse":null}"#;
const PRODUCT: &str = r#"{"id":"<id>","product":{"basePID":"<pid>","mdfId":"<mdf>","productName":"<name>","softwareType":"<type>"},"suggestions":<<suggestions>><<error>>}"#;
const SUGGESTION: &str = r#"{"id":"<id>","isSuggested":"<suggested>","releaseFormat1":"<release>","releaseFormat2":"<release>","releaseDate":"<date>","majorRelease":"<major>",
"releaseTrain":"<train>","releaseLifeCycle":"NA","relDispName":"<release>","trainDispName":"<train>"<<images>>,"errorDetailsResponse":null}"#;
const IMAGES: &str = r#","images":[{"imageName":"<image>","imageSize":"1900000000","featureSet":"","description":"Example image","requiredDRAM":"0","requiredFlash":"0"}]"#;
const ERROR: &str = r#"{"errorCode":"<code>","errorDescription":"<what>","suggestedAction":"Please consult the API documentation"<<input>>}"#;

/// How it refuses: with 200.
pub(super) fn refused(status: u16, code: &str, what: &str) -> Answer {
    let error = fill(ERROR, &[("code", code), ("what", what), ("input", "")]);
    let body =
        r#"{"paginationResponseRecord":null,"productList":null,"status":"Failure","errorDetailsResponse":<<error>>}"#;
    Answer::json(status, fill(body, &[("error", &error)]))
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let (kind, by, ids) = match asked.path() {
        [kind @ ("software" | "releases"), by @ ("productIds" | "mdfIds"), ids]
        | [kind @ "compatible", by @ ("productId" | "mdfId"), ids] => (*kind, *by, list(ids)),
        [_, by @ ("productIds" | "mdfIds" | "productId" | "mdfId")] => {
            let code = if by.starts_with('p') { "S3_BASEPID_REQ" } else { "S3_MDFID_REQ" };
            return refused(200, code, "An identifier is required");
        }
        _ => return nothing(),
    };
    let compatible = kind == "compatible";
    let known = |name: &str| {
        let own = ["currentImage", "currentRelease", "supportedFeatures", "supportedHardware"];
        name == "pageIndex" || (compatible && own.contains(&name))
    };
    let Some(index) = asked.page("pageIndex").filter(|page| *page < 10_000 && asked.names().all(known)) else {
        return refused(200, "S3_INV_QUERY_PARAM", "A query parameter is not valid");
    };
    let by_pid = by.starts_with("product");
    let most = if compatible { 1 } else { 10 };
    if ids.len() > most || ids.iter().any(|id| by_pid && id.chars().count() > 20) {
        let code = if by_pid { "S3_INV_BASEPID" } else { "S3_INV_MDFID" };
        return refused(200, code, &format!("An identifier is too long, or there are more than {most}"));
    }
    let find = |id: &String| if by_pid { product_of(id) } else { product_of_mdf(id) };
    if !compatible {
        let page = Page::of(&ids, index, 10);
        let records: Vec<String> =
            page.records.iter().zip(1..).map(|(id, number)| entry(kind, (id, by_pid), find(id), number)).collect();
        return Answer::json(200, page.fill(PAGED, &[("list", "productList"), ("records", &array(&records))]));
    }
    let suggestions = match ids.first().and_then(find).and_then(|product| product.os) {
        Some(os) => fitting(asked, os),
        None => {
            Err(refused(200, if by_pid { "S3_BASEPID_NO_SUPPORT" } else { "S3_MDFID_NO_SUPPORT" }, "Not supported"))
        }
    };
    match suggestions {
        Ok(all) => {
            let page = Page::of(&all, index, 25);
            Answer::json(200, page.fill(PAGED, &[("list", "suggestions"), ("records", &array(page.records))]))
        }
        Err(refusal) => refusal,
    }
}

/// One product with its suggestions, or with the error that stands for them.
fn entry(kind: &str, (id, by_pid): (&str, bool), product: Option<&Product>, number: usize) -> String {
    let os = product.and_then(|product| product.os);
    let code = match (product, os, by_pid) {
        (Some(_), Some(_), _) => "",
        (Some(_), None, true) => "S3_BASEPID_NO_SUPPORT",
        (Some(_), None, false) => "S3_MDFID_NO_SUPPORT",
        (None, _, true) => "S3_INV_BASEPID",
        (None, _, false) => "S3_INV_MDFID",
    };
    let suggestions: Vec<String> = os.iter().map(|os| suggestion(*os, os.suggested, 1, kind != "releases")).collect();
    let input = fill(r#","inputIdentifier":"<id>""#, &[("id", id)]);
    let error = fill(ERROR, &[("code", code), ("what", "No suggestion for this input"), ("input", &input)]);
    let error = fill(r#","errorDetailsResponse":<<error>>"#, &[("error", &error)]);
    let (number, suggestions) = (number.to_string(), array(&suggestions));
    let mut values =
        vec![("id", &*number), ("suggestions", &suggestions), ("error", if code.is_empty() { "" } else { &error })];
    values.push(("pid", product.map_or(if by_pid { id } else { "" }, |product| product.pid)));
    values.push(("mdf", product.map_or(if by_pid { "" } else { id }, |product| product.mdf)));
    values.push(("name", product.map_or("", |product| product.name)));
    values.push(("type", os.map_or("", |os| os.suggestion)));
    fill(PRODUCT, &values)
}

fn suggestion(os: Os, (release, date): (&str, &str), number: usize, images: bool) -> String {
    let (major, _) = release.split_once('.').unwrap_or((release, ""));
    let train = release.split(['(', ')']).next().unwrap_or(release);
    let train = if train == release { release.rsplit_once('.').map_or(release, |(train, _)| train) } else { train };
    let image = format!("{}{}{}", os.image.0, release.replace(['(', ')'], ".").trim_end_matches('.'), os.image.1);
    let images = if images { fill(IMAGES, &[("image", &image)]) } else { String::new() };
    let number = number.to_string();
    let suggested = if release == os.suggested.0 { "Y" } else { "N" };
    let values = [("id", &*number), ("suggested", suggested), ("release", release), ("date", date), ("major", major)];
    let more = [("train", train), ("images", &*images)];
    fill(SUGGESTION, &[&values[..], &more[..]].concat())
}

/// The releases that fit a device, newest first.
fn fitting(asked: &Asked<'_>, os: Os) -> Result<Vec<String>, Answer> {
    let long = |name: &str, most: usize| asked.get(name).is_some_and(|value| value.chars().count() > most);
    if long("currentRelease", 15) {
        return Err(refused(200, "S3_INV_RELEASE", "The release is too long"));
    }
    if long("currentImage", 59) {
        return Err(refused(200, "S3_INV_IMAGE", "The name of the image is too long"));
    }
    if long("supportedFeatures", 512) || asked.get("supportedFeatures").is_some_and(|all| all.split(',').count() > 10) {
        return Err(refused(200, "S3_INV_INPUT", "There are too many features"));
    }
    let all = [os.suggested.0].into_iter().chain(os.releases.iter().copied());
    let newer: Vec<&str> = match asked.get("currentRelease") {
        Some(current) if !all.clone().any(|release| release == current) && !is_marked(current) => {
            return Err(refused(200, "S3_NO_REC_FOUND", "No record found"));
        }
        Some(current) => all.take_while(|release| *release != current).collect(),
        None => all.collect(),
    };
    if newer.is_empty() {
        return Err(refused(200, "S3_NO_SOFT_AVL", "There is no newer software for this product"));
    }
    let dated = |release: &str| if release == os.suggested.0 { os.suggested.1 } else { "01-Feb-2022" };
    Ok(newer
        .into_iter()
        .zip(1..)
        .map(|(release, number)| suggestion(os, (release, dated(release)), number, true))
        .collect())
}
