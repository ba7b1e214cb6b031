//! Software: what Cisco suggests, what there is, what fits an installed image, and metadata of images (Software
//! Suggestion API v2, Automated Software Distribution API v4.0).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Batch, Batches, Found, Paged};
use super::path;
use super::products::sift;
use super::record::{Column, Detail, Form as F, list};
use super::tool::{LIMIT, OFFSET, Request, Spec};
use super::{bugs, value};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Products in one request for suggestions.
const BATCH: usize = 10;
/// Images in one request for metadata.
const IMAGES: usize = 5;
/// Entries on a page of metadata: the most that may be asked for.
const PAGE: u64 = 25;

const IMAGE: &[Column] = &[
    Column::new("imageName", "name", F::Line, "The file."),
    Column::new("imageSize", "bytes", F::Whole, "Its size."),
    Column::new("featureSet", "features", F::Line, "What it can do."),
    Column::new("description", "description", F::Line, "What it is."),
    Column::new("requiredDRAM", "dram", F::Line, "Memory it needs."),
    Column::new("requiredFlash", "flash", F::Line, "Flash memory it needs."),
];

pub(super) const RELEASE: &[Column] = &[
    Column::new("input", "input", F::Line, "What was asked about."),
    Column::new("product.basePID", "product_id", F::Line, "The product."),
    Column::new("product.mdfId", "mdf_id", F::Line, "The product's number in Cisco's metadata framework (MDF)."),
    Column::new("product.productName", "product", F::Line, "The product's name."),
    Column::new("product.softwareType", "software", F::Line, "The kind of software."),
    Column::new("relDispName", "release", F::Line, "The release."),
    Column::new("releaseFormat1", "release", F::Line, ""),
    Column::new("version", "release", F::Line, ""),
    Column::new("releaseFormat2", "release_as", F::Line, "The release in another spelling."),
    Column::new("isSuggested", "suggested", F::Flag, "Whether Cisco suggests it."),
    Column::new("releaseDate", "released", F::Date, "When it was released."),
    Column::new("fcsDate", "released", F::Date, ""),
    Column::new("releaseLifeCycle", "life_cycle", F::Line, "Its place in the life cycle."),
    Column::new("lifeCycle", "life_cycle", F::Line, ""),
    Column::new("trainDispName", "train", F::Line, "The train it belongs to."),
    Column::new("majorRelease", "major_release", F::Line, "The major release."),
    Column::new("operatingSystem", "operating_system", F::Line, "The operating system."),
    Column::new("message", "message", F::Line, "What Cisco says about the release."),
    Column::new("images", "images", F::Rows(IMAGE), "Its images."),
    Column::new("image.name", "image", F::Line, "The file."),
    Column::new("image.imageGuid", "image_id", F::Line, "The file's id."),
    Column::new("image.size", "bytes", F::Whole, "Its size."),
    Column::new("image.imageDescription", "description", F::Line, "What it is."),
    Column::new("image.featureSetDescription", "features", F::Line, "What it can do."),
    Column::new("image.minDram", "dram", F::Line, "Memory it needs."),
    Column::new("image.minFlash", "flash", F::Line, "Flash memory it needs."),
    Column::new("image.sha512", "sha512", F::Line, "Its checksum."),
    Column::new("image.md5", "md5", F::Line, "Its older checksum."),
    Column::new("image.encryptionSoftwareIndicator", "strong_encryption", F::Flag, "Whether export rules apply."),
    Column::new("image.isDeleted", "withdrawn", F::Flag, "Whether Cisco has withdrawn it."),
    Column::new("image.softwareAdvisory", "advisory", F::Line, "A warning about it."),
    Column::new("image.deferralNotice", "deferral", F::Line, "Why it is deferred."),
    Column::new(
        "image.exception.exceptionCode",
        "blocked_by",
        F::Lines,
        "Why this account cannot download it: contract, export or licence forms.",
    ),
    Column::new("image.exception", "blocked_by", F::Lines, ""),
    Column::new("image.additionalEntitlement", "entitlement", F::Line, "What else is needed."),
];

pub(super) static SPEC: Spec = Spec {
    name: "software",
    title: "Find Cisco software",
    description: "Software for products: `suggested` (the default) names the releases that Cisco suggests with their images, \
                  `releases` all suggestions without images, `compatible` what fits an installed image, release, features or \
                  hardware, `images` metadata of images (size, checksums, advisories) of a product or by file name. It never \
                  downloads: export and licence forms are for a person to accept, at https://software.cisco.com.",
    toolset: "software",
    takes: arguments!(&[
        (Field::new("product_ids", Form::Texts(200)), "Product ids."),
        (Field::new("mdf_ids", Form::Texts(200)), "Numeric ids in Cisco's metadata framework."),
        (Field::new("image_names", Form::Texts(50)), "With `images`: file names; without a product id of any product."),
        (
            Field::new("about", Form::Choice(&["suggested", "releases", "compatible", "images"])),
            "What to find; `suggested` unless given.",
        ),
        (Field::new("current_image", Form::Text(59)), "With `compatible`: the installed image file."),
        (Field::new("current_release", Form::Text(40)), "With `compatible` or `images`: the installed release."),
        (Field::new("features", Form::Texts(10)), "With `compatible`: features it must have."),
        (Field::new("hardware", Form::Texts(20)), "With `compatible`: hardware it must support."),
        (
            Field::new("output_release", Form::Text(40)),
            "With `images`: `latest` (the default), `above` for all newer ones, or a release.",
        ),
        (Field::new("limit", Form::Whole(1, 2_000)), LIMIT),
        (Field::new("offset", Form::Whole(0, 100_000)), OFFSET),
    ]),
    returns: written!(Listing::write, Listing { name: "releases", columns: RELEASE, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let about = request.text("about").unwrap_or("suggested");
        let compatible = about == "compatible";
        request.only_with(&["current_image", "features", "hardware"], compatible, "`about` `compatible`")?;
        request.only_with(&["current_release"], compatible || about == "images", "`about` `compatible` or `images`")?;
        request.only_with(&["image_names", "output_release"], about == "images", "`about` `images`")?;
        let host = request.client.host();
        if about == "images" {
            return images(&request).await;
        }
        let subject = request.one_of(&["product_ids", "mdf_ids"])?;
        let all = page::distinct(&request.texts(subject));
        let rows = request.bounded(Rows::new("Software", "releases", RELEASE));
        if compatible {
            let [one] = all.as_slice() else {
                return Err(Error::Arguments(format!("`compatible` takes one of `{subject}` at a time")));
            };
            let paged = fitting(&request, subject, one)?;
            let mut found = page::read(&request.client, &paged, request.window(), &request.progress).await?;
            let mut batches = Batches { rows: std::mem::take(&mut found.rows), ..Batches::default() };
            sift(&request.client, &mut batches, "input");
            let Batches { rows: sound, failed, .. } = batches;
            found.rows = sound;
            return bugs::answer(found, Rows { failed, ..rows }, &host);
        }
        let batches = suggested(&request.client, (about, subject), &all, &request.progress).await?;
        let Batches { rows: found, missing, failed } = batches;
        let found = found.into_iter().map(|row| row.fields).collect();
        request.windowed(Rows { missing, failed, rows: found, ..rows }).output(&host)
    })
}

/// Suggestions for products (`suggested`, with images, or `releases`), one row for each release.
pub(super) async fn suggested(
    client: &Client,
    (about, subject): (&str, &str),
    all: &[String],
    progress: &Progress,
) -> Result<Batches, Error> {
    let operation = if about == "releases" { "releases" } else { "software" };
    let subject = if subject == "mdf_ids" { "mdfIds" } else { "productIds" };
    let make = |all: &[String]| {
        let path = format!("/{operation}/{subject}/{}", path::list(all)?);
        let ask = move |page: u64| Ask::get(Api::Software, path.clone()).with("pageIndex", page.to_string());
        let records = if subject == "mdfIds" { of_mdf } else { of_products };
        Ok(Paged { ask: Arc::new(ask), records, columns: RELEASE, detail: Detail::default(), size: None })
    };
    let mut batches = page::batched(client, all, Batch { size: BATCH, key: "input" }, &make, progress).await?;
    sift(client, &mut batches, "input");
    Ok(batches)
}

fn fitting(request: &Request, subject: &str, one: &str) -> Result<Paged, Error> {
    let subject = if subject == "mdf_ids" { "mdfId" } else { "productId" };
    let path = format!("/compatible/{subject}/{}", path::one(one)?);
    let mut query = Vec::new();
    query.extend(request.text("current_image").map(|image| ("currentImage", image.to_owned())));
    query.extend(request.text("current_release").map(|release| ("currentRelease", release.to_owned())));
    for (name, parameter) in [("features", "supportedFeatures"), ("hardware", "supportedHardware")] {
        let all = request.texts(name);
        if !all.is_empty() {
            query.push((parameter, all.join(",")));
        }
    }
    let ask = move |page: u64| {
        Ask { query: query.clone(), ..Ask::get(Api::Software, path.clone()) }.with("pageIndex", page.to_string())
    };
    Ok(Paged { ask: Arc::new(ask), records: of_one, columns: RELEASE, detail: Detail::default(), size: None })
}

pub(super) fn of_products(answer: &mut Value) -> Vec<Value> {
    of_list(answer, "basePID")
}

pub(super) fn of_mdf(answer: &mut Value) -> Vec<Value> {
    of_list(answer, "mdfId")
}

/// One record for each suggestion, which names its product; one for a product that has an error or nothing.
fn of_list(answer: &mut Value, key: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for mut entry in list(answer.get_mut("productList").map(Value::take)) {
        let product = entry.get("product").cloned().unwrap_or(Value::Null);
        let input = product.get(key).and_then(value::line);
        let suggestions = list(entry.get_mut("suggestions").map(Value::take));
        if suggestions.is_empty() {
            let fault = entry.get("errorDetailsResponse").cloned().unwrap_or(Value::Null);
            let named = fault.get("inputIdentifier").and_then(value::line);
            records.push(json!({"product": product, "input": input.clone().or(named), "errorDetailsResponse": fault}));
        }
        for mut suggestion in suggestions {
            if let Some(members) = suggestion.as_object_mut() {
                members.insert("product".to_owned(), product.clone());
                members.insert("input".to_owned(), input.clone().into());
            }
            records.push(suggestion);
        }
    }
    records
}

pub(super) fn of_one(answer: &mut Value) -> Vec<Value> {
    match answer.get("suggestions") {
        Some(_) => list(answer.get_mut("suggestions").map(Value::take)),
        // Some answers have the shape of the others.
        None => of_products(answer),
    }
}

/// Metadata of images: of a product from a release on, or by file name.
async fn images(request: &Request) -> Result<Output, Error> {
    request.only_with(&["mdf_ids"], false, "suggestions")?;
    let rows = request.bounded(Rows::new("Images", "releases", RELEASE));
    let products = page::distinct(&request.texts("product_ids"));
    let names = page::distinct(&request.texts("image_names"));
    let host = request.client.host();
    let product = match products.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => return Err(Error::Arguments("`images` takes one of `product_ids` at a time".to_owned())),
    };
    if names.is_empty() {
        let Some(product) = product else {
            return Err(Error::Arguments("one of `product_ids`, `image_names` is needed".to_owned()));
        };
        let found = of_releases(request, &product).await?;
        return bugs::answer(found, rows, &host);
    }
    let operation = if product.is_some() { "/metadata/pidimage" } else { "/metadata/images" };
    let make = |names: &[String]| {
        let mut body = json!({"imageNames": names});
        if let (Some(body), Some(product)) = (body.as_object_mut(), &product) {
            body.insert("pid".to_owned(), product.clone().into());
        }
        Ok(posted(operation, body))
    };
    let Batches { rows: found, missing, failed } =
        page::batched(&request.client, &names, Batch { size: IMAGES, key: "image" }, &make, &request.progress).await?;
    let found = found.into_iter().map(|row| row.fields).collect();
    Rows { missing, failed, rows: found, ..rows }.output(&host)
}

async fn of_releases(request: &Request, product: &str) -> Result<Found, Error> {
    let Some(current) = request.text("current_release") else {
        return Err(Error::Arguments("`images` of a product needs `current_release`".to_owned()));
    };
    let output = match request.text("output_release") {
        Some(word) if word.eq_ignore_ascii_case("above") => "Above",
        Some(word) if !word.eq_ignore_ascii_case("latest") => word,
        _ => "Latest",
    };
    let body = |name: &str| json!({"pid": product, "currentReleaseVersion": current, name: output});
    let read = |name: &str| {
        let paged = posted("/metadata/pidrelease", body(name));
        async move { page::read(&request.client, &paged, request.window(), &request.progress).await }
    };
    match read("outputReleaseVersion").await {
        // The documentation writes the name in two ways.
        Err(Error::Refused { said, .. }) if said.contains("OUT_REL_MISSING") => read("OutputReleaseVersion").await,
        outcome => outcome,
    }
}

fn posted(operation: &'static str, body: Value) -> Paged {
    let ask = move |page: u64| {
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("pageIndex".to_owned(), page.into());
            body.insert("perPage".to_owned(), PAGE.into());
        }
        Ask { body: Some(body), ..Ask::get(Api::Images, operation.to_owned()) }
    };
    Paged { ask: Arc::new(ask), records: of_metadata, columns: RELEASE, detail: Detail::default(), size: None }
}

/// One record for each image, which names its release and its product; the answer nests them six deep.
pub(super) fn of_metadata(answer: &mut Value) -> Vec<Value> {
    let mut records = Vec::new();
    for entry in list(answer.get_mut("metadata").map(Value::take)) {
        let pid = entry.get("pid").and_then(value::line);
        for product in list(entry.get("products").cloned()) {
            let concept = product.get("mdfConceptName").and_then(value::line);
            for software in list(product.get("softwareTypes").cloned()) {
                let named = json!({
                    "basePID": pid, "mdfId": product.get("mdfId"), "productName": concept,
                    "softwareType": software.get("softwareTypeName"),
                });
                for system in list(software.get("operatingSystems").cloned()) {
                    of_system(&system, &named, &mut records);
                }
            }
        }
    }
    records
}

fn of_system(system: &Value, product: &Value, records: &mut Vec<Value>) {
    for mut release in list(system.get("releases").cloned()) {
        let images = list(release.get_mut("images").map(Value::take));
        let Value::Object(mut members) = release else { continue };
        members.remove("images");
        members.insert("product".to_owned(), product.clone());
        members.insert("operatingSystem".to_owned(), system.get("name").cloned().unwrap_or_default());
        if images.is_empty() {
            records.push(Value::Object(members.clone()));
        }
        let with = |image: Value| {
            let mut record: Map<String, Value> = members.clone();
            record.insert("image".to_owned(), image);
            Value::Object(record)
        };
        records.extend(images.into_iter().map(with));
    }
}
