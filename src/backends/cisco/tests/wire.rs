//! Records in every odd form: none is lost, and none stops the others.

use proptest::prelude::*;

use super::*;
use crate::backends::cisco::api::Api;
use crate::backends::cisco::client::{Answer, Ask, Client};
use crate::backends::cisco::record::{Column, Detail, lean, readable};
use crate::backends::schema::Text;

/// Takes the records out of an answer.
type Records = fn(&mut Value) -> Vec<Value>;

/// An answer of the stand-in, and how it is read.
struct Sample {
    answer: Value,
    /// Where its records are.
    list: &'static str,
    records: Records,
    columns: &'static [Column],
}

const EVERYTHING: Detail = Detail { full: true, personal: true };

/// One answer of each kind.
async fn samples() -> Vec<Sample> {
    let stage = stage();
    let client = Client::new(&stage.connection);
    let kinds: [(Api, &str, &'static str, Records, &'static [Column]); 11] = [
        (Api::Bug, "/keyword/many", "/bugs", bugs::records, bugs::BUG),
        (Api::Bug, "/bug_ids/CSCwa00001,CSCwa00002", "/bugs", bugs::records, bugs::BUG),
        (Api::Case, "/case_ids/600000001,600000002", "/cases", cases::records, cases::CASE),
        (
            Api::Eox,
            "/EOXByProductID/1/C9300-48P,WIC-1T%3D?responseencoding=json",
            "/EOXRecord",
            lifecycle::records,
            lifecycle::EOX,
        ),
        (Api::Product, "/serial_numbers/FOC0000A0AA,NOPE", "/product_list", products::records, products::PRODUCT),
        (
            Api::Serial,
            "/coverage/summary/serial_numbers/FOC0000A0AA,NOPE",
            "/serial_numbers",
            coverage::records,
            coverage::DEVICE,
        ),
        (
            Api::Serial,
            "/coverage/summary/instance_numbers/900000001",
            "/instance_numbers",
            coverage::records,
            coverage::DEVICE,
        ),
        (Api::Software, "/compatible/productId/C9300-48P", "/suggestions", software::of_one, software::RELEASE),
        (Api::Rma, "/rma_numbers/800000001", "/returns/RmaRecord", returns::of_number, returns::RETURN),
        (Api::Psirt, "/OSType/iosxe?version=17.9.4a", "/advisories", advisories::records, advisories::ADVISORY),
        (Api::Psirt, "/OSType/nxos?version=9.3(7)", "/advisories", advisories::records, advisories::ADVISORY),
    ];
    let mut samples = Vec::new();
    for (api, path, list, records, columns) in kinds {
        let answer = match client.ask(&Ask::get(api, path.to_owned())).await {
            Ok(Answer::Found(answer)) => answer,
            other => panic!("{path}: {other:?}"),
        };
        assert!(answer.pointer(list).is_some_and(|list| !list[0].is_null()), "{path}: {answer}");
        samples.push(Sample { answer, list, records, columns });
    }
    samples
}

/// What becomes of a member.
#[derive(Clone, Debug)]
enum Oddity {
    Gone,
    Instead(Value),
    /// A number as a text, a text as a number, one record as a list, a list as one record.
    Other,
    Unknown,
}

fn oddity() -> impl Strategy<Value = Oddity> {
    prop_oneof![
        Just(Oddity::Gone),
        Just(Oddity::Other),
        Just(Oddity::Unknown),
        prop_oneof![
            Just(json!(null)),
            Just(json!("")),
            Just(json!(" ")),
            Just(json!("NA")),
            Just(json!(-1)),
            Just(json!(1e300)),
            Just(json!(true)),
            Just(json!([])),
            Just(json!({})),
            Just(json!([[{}]])),
            Just(json!("\u{1b}[2J<b>")),
        ]
        .prop_map(Oddity::Instead),
    ]
}

/// Does it to the member of the record that `which` stands for; to the record itself if it has none.
fn twist(value: &mut Value, which: &[usize], oddity: &Oddity) {
    let Some((first, rest)) = which.split_first() else { return change(value, oddity) };
    let count = match value {
        Value::Object(members) => members.len(),
        Value::Array(all) => all.len(),
        _ => 0,
    };
    if count == 0 {
        return change(value, oddity);
    }
    match value {
        Value::Object(members) => {
            let name = members.keys().nth(first % count).cloned().expect("a member");
            match (rest.is_empty(), oddity) {
                (true, Oddity::Gone) => drop(members.remove(&name)),
                (true, Oddity::Unknown) => drop(members.insert("unheardOf".to_owned(), json!([{"a": 1}]))),
                _ => twist(&mut members[&name], rest, oddity),
            }
        }
        Value::Array(all) => twist(&mut all[first % count], rest, oddity),
        _ => {}
    }
}

fn change(value: &mut Value, oddity: &Oddity) {
    *value = match (oddity, value.take()) {
        (Oddity::Instead(other), _) => other.clone(),
        (Oddity::Other, Value::Number(number)) => Value::String(number.to_string()),
        (Oddity::Other, Value::String(text)) => text.parse::<i64>().map_or_else(|_| json!([text]), Value::from),
        (Oddity::Other, Value::Array(all)) => all.into_iter().next().unwrap_or_default(),
        (Oddity::Other, other) => json!([other]),
        (_, other) => other,
    };
}

#[tokio::test]
async fn every_record_has_a_row_whatever_is_odd_in_it() {
    let samples = samples().await;
    let mut runner = proptest::test_runner::TestRunner::default();
    let odd = (0..samples.len(), prop::collection::vec((prop::collection::vec(0_usize..40, 1..5), oddity()), 1..8));
    let outcome = runner.run(&odd, |(which, oddities)| {
        let sample = &samples[which];
        let mut answer = sample.answer.clone();
        let list = answer.pointer_mut(sample.list).and_then(Value::as_array_mut).expect("records");
        let count = list.len();
        for (place, oddity) in &oddities {
            let record = &mut list[place[0] % count];
            twist(record, &place[1..], oddity);
        }
        let records = (sample.records)(&mut answer);
        prop_assert_eq!(records.len(), count);
        for record in &records {
            let row = lean(record, sample.columns, EVERYTHING);
            let mut text = String::new();
            readable(&mut text, &row.fields, sample.columns, 0);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            let mut schema = Text::<{ 64 << 10 }>::empty();
            record::schema(&mut schema, sample.columns);
            let schema: Value = serde_json::from_str(schema.so_far()).expect("JSON");
            prop_assert!(matches(&Value::Object(row.fields.clone()), &schema), "{:?}", row.fields);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn nested_answers_in_odd_forms_are_read_without_a_panic() {
    let odd = [json!(null), json!("x"), json!(7), json!([null, 7, "x", {}]), json!({})];
    for inner in &odd {
        for outer in
            ["productList", "suggestions", "metadata", "OrderList", "users", "returns", "advisories", "caseDetail"]
        {
            for records in [
                software::of_products,
                software::of_mdf,
                software::of_one,
                software::of_metadata,
                returns::of_user,
                returns::of_number,
                advisories::records,
                cases::detailed,
            ] {
                let _ = records(&mut json!({outer: inner}));
                let _ = records(
                    &mut json!({outer: [{"product": inner, "suggestions": inner, "products": inner, "returns": inner}]}),
                );
            }
        }
    }
}
