//! What must hold for any tree, any record and any text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Texts with everything that has a meaning somewhere.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "a",
            "500",
            "5xx",
            "0.4",
            "AND",
            "or",
            "TO",
            "a@b.com",
            "/api/{id}",
            "now-1h",
            "count",
            "10.0.0.0/8",
            "10.1.2.3",
            "10.1.2.3:80",
            "-1"
        ])
        .prop_map(str::to_owned),
        r#"[ab5*?\\"():<>=!~&|+\-\[\]{}. é_@/]{1,8}"#,
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let part = prop_oneof![Just('*'), Just('?'), select(vec!['a', '-', '\\', ' ', ':', 'é', '"'])];
    vec((part, any::<bool>()), 1..6).prop_filter_map("no wildcard", |parts| {
        let mut pattern = Pattern::default();
        for (char, is_wild) in parts {
            match char {
                '*' if is_wild => pattern.push_any(),
                '?' if is_wild => pattern.0.push(PatternPart::One),
                char => pattern.push_char(char),
            }
        }
        (!pattern.is_plain() && !pattern.is_any()).then_some(pattern)
    })
}

fn term() -> impl Strategy<Value = Term> {
    prop_oneof![
        text().prop_map(Term::Bare),
        prop_oneof![Just(String::new()), text()].prop_map(Term::Quoted),
        pattern().prop_map(Term::Pattern),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    let bound = || (text(), any::<bool>()).prop_map(|(text, is_inclusive)| RangeBound { text, is_inclusive });
    let bounds = (proptest::option::of(bound()), proptest::option::of(bound()));
    prop_oneof![
        Just(Operand::Exists),
        term().prop_map(Operand::Is),
        bounds.prop_filter_map("no bound", |(lower, upper)| {
            (lower.is_some() || upper.is_some()).then_some(Operand::Range { lower, upper })
        }),
        r#"[ab.*+?^$| ]{0,6}"#.prop_map(Operand::Regex),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let name = prop_oneof![
        select(vec!["status", "message", "tags", "@timestamp", "n"]).prop_map(str::to_owned),
        text()
    ];
    let leaf = prop_oneof![
        1 => Just(Expression::All),
        6 => (name, operand()).prop_map(|(name, operand)| Expression::Field { name, operand, column: Column(0) }),
        3 => term().prop_map(|term| Expression::Words { term, column: Column(0) }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Expression::And),
            vec(inner.clone(), 2..4).prop_map(Expression::Or),
            inner.prop_map(|part| Expression::Not(Box::new(part))),
        ]
    })
}

fn any_record() -> impl Strategy<Value = TestRecord> {
    let value = prop_oneof![
        text().prop_map(|text| Value::Text(text.into())),
        select(vec![5i64, 500, -1, i64::MAX]).prop_map(Value::Integer),
        select(vec![0.4, 500.0, -0.5]).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Boolean),
        (-5_000..5_000i64).prop_map(|second| Value::Time(now().plus_micros(second * 1_000_000))),
        select(vec![r#"["a",5]"#, "[]"]).prop_map(|list| Value::Json(list.into())),
    ];
    let fields = vec((select(vec!["status", "message", "tags", "@timestamp", "n"]), value), 0..5);
    fields.prop_map(|fields| {
        TestRecord(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    })
}

/// The records that a tree finds by definition, without folding.
fn finds_plainly(tree: &Expression, record: &TestRecord) -> Option<bool> {
    Some(match tree {
        Expression::All => true,
        Expression::Not(part) => !finds_plainly(part, record)?,
        Expression::And(parts) => all_of(parts, record)?.into_iter().all(|it| it),
        Expression::Or(parts) => all_of(parts, record)?.into_iter().any(|it| it),
        leaf => leaf.compile(now()).ok()?.matches(record),
    })
}

fn all_of(parts: &[Expression], record: &TestRecord) -> Option<Vec<bool>> {
    parts.iter().map(|part| finds_plainly(part, record)).collect()
}

fn compiled(tree: &Expression) -> Option<Predicate> {
    tree.compile(now()).ok()
}

const ANY_QUERY: &str =
    r#"([ab5 "\\():<>=!~&|+*?\-\[\]{},./@é]|AND|OR|NOT|TO|stats|count\(\)|by|_exists_|now){0,16}"#;

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same_tree(tree in expression()) {
        let printed = tree.to_string();
        prop_assert_eq!(parse(&printed).map(|query| query.filter), Ok(tree), "{}", printed);
    }

    #[test]
    fn any_text_is_a_query_or_an_error(query in ANY_QUERY) {
        match parse(&query) {
            Ok(parsed) => {
                let printed = parsed.to_string();
                prop_assert_eq!(parse(&printed), Ok(parsed.clone()), "{} {}", query, printed);
                let _ = parsed.filter.compile(now());
            }
            Err(error) => prop_assert!((1..=query.chars().count() + 1).contains(&error.column), "{}", error),
        }
    }

    #[test]
    fn folding_changes_no_answer(tree in expression(), record in any_record()) {
        if let (Some(predicate), Some(expected)) = (compiled(&tree), finds_plainly(&tree, &record)) {
            prop_assert_eq!(predicate.matches(&record), expected, "{}", tree);
        }
    }

    #[test]
    fn negation_follows_the_laws(one in expression(), other in expression(), record in any_record()) {
        let not = |tree: &Expression| Expression::Not(Box::new(tree.clone()));
        let both = Expression::And(vec![one.clone(), other.clone()]);
        if let (Some(plain), Some(twice)) = (compiled(&one), compiled(&not(&not(&one)))) {
            prop_assert_eq!(plain.matches(&record), twice.matches(&record));
        }
        let (neither, apart) = (not(&both), Expression::Or(vec![not(&one), not(&other)]));
        if let (Some(neither), Some(apart)) = (compiled(&neither), compiled(&apart)) {
            prop_assert_eq!(neither.matches(&record), apart.matches(&record));
        }
    }

    #[test]
    fn pruning_loses_no_record(tree in expression(), record in any_record()) {
        if let Some(predicate) = compiled(&tree)
            && let Some(Value::Time(time)) = record.field("@timestamp")
            && predicate.matches(&record)
        {
            let (from, to) = predicate.time_range();
            prop_assert!(from.is_none_or(|from| from <= time) && to.is_none_or(|to| time <= to));
        }
    }

    #[test]
    fn a_match_is_in_every_filter(
        operand in operand(), value in any_record(), name in select(vec!["n", "message", "tags"]),
    ) {
        let tree = Expression::Field { name: name.to_owned(), operand, column: Column(0) };
        for value in value.0.values() {
            if let Some(Predicate::Field(asked)) = compiled(&tree) && asked.matches(value) {
                let (mut values, mut words) = (Vec::new(), Vec::new());
                value_needles(value, asked.is_list, |needle| values.push(needle.to_owned()));
                value_tokens(value, |word| words.push(word.to_owned()));
                let needles = asked.test.needles();
                prop_assert!(needles.values.is_empty() || needles.values.iter().any(|needle| values.contains(needle)));
                prop_assert!(needles.words.iter().all(|needle| words.contains(needle)));
                let number = match value {
                    Value::Integer(integer) => Some(*integer as f64),
                    Value::Float(float) => Some(*float),
                    _ => None,
                };
                if let (Some(number), Some((from, to))) = (number, asked.test.number_range()) {
                    prop_assert!((from..=to).contains(&number), "{tree} {number}");
                }
            }
        }
    }
}
