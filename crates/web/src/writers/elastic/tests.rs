//! Answers to bulks, in full and as far as clients ask for them.

use super::super::room::Room;
use super::*;

fn taken(body: &str, rejected: &[usize]) -> Taken<Vec<Item>> {
    let mut messages = Messages::new(1 << 20);
    let decoded = bulk::decode(body.as_bytes(), "logs", &mut messages).expect("items");
    let rejected = rejected
        .iter()
        .map(|&index| Rejected {
            index,
            reason: "not_json",
            text: "column 2: expected one JSON object".to_owned(),
        })
        .collect();
    Taken { decoded, count: messages.len(), rejected, is_known: false, ticket: Room::default().ticket() }
}

#[test]
fn each_item_has_its_own_status() {
    let body =
        "{\"create\":{\"_id\":\"a\"}}\n{}\n{\"delete\":{\"_id\":\"b\"}}\n{\"index\":{\"_id\":\"c\"}}\nx\n";
    let answer = bulk_answer(&taken(body, &[1]), Parts::of(None), 7);
    let found: Value = serde_json::from_str(&answer).expect("JSON");
    let expected = json!({"took": 7, "errors": true, "items": [
        {"create": {"_index": "logs", "_id": "a", "_version": 1, "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0}, "_seq_no": 0, "_primary_term": 1, "status": 201}},
        {"delete": {"_index": "logs", "_id": "b", "status": 400, "error": {
            "type": "illegal_argument_exception",
            "reason": "logs are added and never changed, so there is no delete; use create"}}},
        {"index": {"_index": "logs", "_id": "c", "status": 400, "error": {
            "type": "mapper_parsing_exception",
            "reason": "not_json: column 2: expected one JSON object"}}},
    ]});
    assert_eq!(found, expected);
}

#[test]
fn only_what_was_asked_for_is_answered() {
    let body = "{\"create\":{}}\n{}\n{\"create\":{}}\n\n";
    for (filter, expected) in [
        (
            "errors,items.*.error,items.*.status",
            concat!(
                r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":400,"#,
                r#""error":{"reason":"the document is an empty line","type":"mapper_parsing_exception"}}}]}"#
            ),
        ),
        (
            "items.*.error",
            concat!(
                r#"{"items":[{"create":{"#,
                r#""error":{"reason":"the document is an empty line","type":"mapper_parsing_exception"}}}]}"#
            ),
        ),
        ("errors", r#"{"errors":true}"#),
        ("nothing", "{}"),
    ] {
        assert_eq!(bulk_answer(&taken(body, &[]), Parts::of(Some(filter)), 7), expected, "{filter}");
    }
}

#[test]
fn ids_differ() {
    let ids = Ids::new();
    assert_eq!(ids.of(1).len(), 20);
    assert_ne!(ids.of(1), ids.of(2));
    assert_ne!(Ids::new().of(1), ids.of(1));
}

#[test]
fn only_paths_below_the_prefix_are_its_own() {
    for (path, expected) in
        [("/es", true), ("/es/", true), ("/es/_bulk", true), ("/essay", false), ("/", false)]
    {
        assert_eq!(is_elastic(path), expected, "{path}");
    }
}
