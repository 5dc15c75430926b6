//! DuckDB and pyarrow read the folder of a server that runs, and agree with its own answers.
//!
//! A differential test: random questions, each in our language and in SQL, over random records. The SQL says what
//! a value of any type means in some lines of macros, the program in some thousand lines of Rust with filters,
//! statistics and page indexes, so an error in one of them shows. `WEIR_TEST_SEED` repeats a run.

/// The fields, and their values in SQL.
mod fields;
/// Random filters.
mod filters;
/// Random lines.
mod lines;
/// The other programs.
mod reader;
/// Random statistics.
mod statistics;

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::fs;

use serde_json::Value;

use self::filters::{Filter, filter};
use self::lines::{DAY, DAYS, events, requests};
pub use self::reader::Reader;
use self::statistics::{Statistics, key_text, statistics};
use crate::support::{
    Folder, Random, Server, date_time, escaped, gzip, now_seconds, repository, until, weir,
};

/// Questions whose answer is records.
const SEARCHES: usize = 700;

/// Questions whose answer is numbers.
const STATISTICS: usize = 320;

/// Questions that are asked of the plain files too; each reads them all.
const FILE_SEARCHES: usize = 25;

/// After how many questions more records come, on a day that nobody asks for.
const QUESTIONS_PER_ARRIVAL: usize = 220;

/// Rounds of records, each of which is in files before the next comes.
const ROUNDS: usize = 2;

/// Records of a file.
const RECORDS_PER_FILE: usize = 120;

/// Records of the largest file, which has several pages of each column.
const RECORDS_OF_A_LARGE_FILE: usize = 4_500;

/// Records of a page at most: more than there are.
const PAGE_MAX: usize = 10_000;

/// A span of time.
struct Span {
    /// Inclusive, RFC 3339.
    from: String,
    /// Exclusive, RFC 3339.
    to: String,
}

impl Span {
    fn sql(&self) -> String {
        let Self { from, to } = self;
        format!("\"@timestamp\" >= TIMESTAMPTZ '{from}' AND \"@timestamp\" < TIMESTAMPTZ '{to}'")
    }
}

/// As parameters of a question.
impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "from={}&to={}", self.from, self.to)
    }
}

/// A server and its records, and who reads its files.
struct Comparison {
    folder: Folder,
    data: String,
    server: Server,
    random: Random,
    /// The first second of the first day.
    begin: i64,
    records: usize,
}

impl Comparison {
    fn start(seed: u64) -> Self {
        let folder = Folder::new();
        let logs = folder.path("");
        let config = folder.write(
            "weir.yaml",
            format!(
                "sources:\n- {{name: web, type: file, format: nginx_json, path: \"{logs}/web*\"}}\n\
                 - {{name: app, type: file, format: ndjson, path: \"{logs}/app*\"}}\n"
            ),
        );
        let data = folder.path("data");
        let server = Server::start_in(&data, &["-c", &config]);
        let begin = now_seconds() / DAY * DAY - (DAYS + 1) * DAY;
        Self { folder, data, server, random: Random::new(seed), begin, records: 0 }
    }

    /// Lets files arrive and waits until they are counted.
    fn publish(&mut self, files: &[(String, String)]) {
        for (name, text) in files {
            self.records += text.lines().count();
            self.folder.publish(name, gzip(text));
        }
        self.server.await_sum("weir_source_stored_total", &[], self.records as f64);
    }

    /// Has everything that is in memory written to files: a deletion does that first.
    fn roll(&self) {
        let nobody = br#"{"query": "user_email:nobody", "from": "0", "to": "1", "dry_run": false}"#;
        let headers = [("Content-Type", "application/json")];
        until("all records to be in files", || {
            let answer = self.server.request("POST", "/api/delete", &headers, nobody);
            assert_eq!(answer.status, 200, "{}", answer.lossy());
            self.records_in_files()
        });
    }

    /// `Some` when nothing is in the write-ahead segments.
    fn records_in_files(&self) -> Option<()> {
        let segments = fs::read_dir(format!("{}/store/wal", self.data)).unwrap();
        (segments.count() == 0).then_some(())
    }

    fn publish_all(&mut self) {
        for round in 0..ROUNDS {
            let mut files = Vec::new();
            for day in 0..DAYS {
                let (midnight, random) = (self.begin + day * DAY, &mut self.random);
                let is_large = round == 0 && day == 1;
                let count = if is_large { RECORDS_OF_A_LARGE_FILE } else { RECORDS_PER_FILE };
                files.push((format!("web-{round}-{day}.gz"), requests(random, midnight, count)));
                files.push((format!("app-{round}-{day}.gz"), events(random, midnight, RECORDS_PER_FILE)));
            }
            self.publish(&files);
            self.roll();
        }
    }

    /// A random span of time, within the days that are asked for.
    fn span(&mut self) -> Span {
        let (mut from, mut to) = (self.begin, self.begin + DAYS * DAY);
        if self.random.once_in(4) {
            from += i64::try_from(self.random.below(40)).unwrap() * 3_600;
            to = to.min(from + i64::try_from(1 + self.random.below(30)).unwrap() * 3_600);
        }
        Span { from: format!("{}Z", date_time(from)), to: format!("{}Z", date_time(to)) }
    }

    /// Asks both for records.
    fn search(&mut self, reader: &mut Reader) -> Result<usize, String> {
        let filter = filter(&mut self.random, self.begin);
        let span = self.span();
        let is_newest_first = self.random.once_in(2);
        let (order, direction) = if is_newest_first { ("newest", "DESC") } else { ("oldest", "ASC") };
        let limit = if self.random.once_in(8) { PAGE_MAX } else { 60 };
        let Filter { query, sql } = &filter;
        let sql = format!(
            "SELECT epoch_us(\"@timestamp\"), _sequence FROM records WHERE {} AND {sql} \
             ORDER BY 1 {direction}, 2 {direction}",
            span.sql()
        );
        reader.ask(&sql);
        let path =
            format!("/api/search?query={}&{span}&order={order}&limit={limit}&fields=status", escaped(query));
        let response = self.server.get(&path);
        let expected = reader.rows().map_err(|error| format!("{query}\n{sql}\n{error}"))?;
        let answer = response.json();
        let explained = |problem: String| format!("{query}\n{span} {order} {limit}\n{sql}\n{problem}");
        if response.status != 200 {
            return Err(explained(answer.to_string()));
        }
        let found: Vec<(i64, i64)> = answer["hits"].as_array().unwrap().iter().map(place).collect();
        let number = |row: &Value, index: usize| row[index].as_i64().unwrap();
        let expected: Vec<(i64, i64)> = expected.iter().map(|row| (number(row, 0), number(row, 1))).collect();
        if answer["total"].as_u64() != Some(expected.len() as u64) {
            let missing = expected.iter().find(|place| !found.contains(place));
            let surplus = found.iter().find(|place| !expected.contains(place));
            return Err(explained(format!(
                "weir finds {}, DuckDB {}; only DuckDB: {missing:?}, only weir: {surplus:?}",
                answer["total"],
                expected.len()
            )));
        }
        if found[..] != expected[..limit.min(expected.len())] {
            return Err(explained(format!("other records or another order: {found:?} {expected:?}")));
        }
        Ok(expected.len())
    }

    /// Asks both for numbers.
    fn statistics(&mut self, reader: &mut Reader) -> Result<usize, String> {
        let filter = if self.random.once_in(3) {
            Filter { query: "*".to_owned(), sql: "true".to_owned() }
        } else {
            filter(&mut self.random, self.begin)
        };
        let span = self.span();
        let Statistics { query, mut body, sql, keys, metrics } =
            statistics(&mut self.random, &filter, &span.sql());
        reader.ask(&sql);
        let response = if self.random.once_in(2) {
            self.server.get(&format!("/api/aggregate?query={}&{span}", escaped(&query)))
        } else {
            (body["from"], body["to"]) = (span.from.as_str().into(), span.to.as_str().into());
            let headers = [("Content-Type", "application/json")];
            self.server.request("POST", "/api/aggregate", &headers, body.to_string().as_bytes())
        };
        let expected = reader.rows().map_err(|error| format!("{query}\n{sql}\n{error}"))?;
        let answer = response.json();
        let explained = |problem: String| format!("{query}\n{span}\n{sql}\n{problem}");
        if response.status != 200 || answer["is_exact"] != true {
            return Err(explained(answer.to_string()));
        }
        let numbers_of = |numbers: Vec<&Value>| numbers.into_iter().map(Value::as_f64).collect::<Vec<_>>();
        let mut found = BTreeMap::new();
        for row in answer["rows"].as_array().unwrap() {
            let key: Vec<String> = keys.iter().map(|key| key_text(&row[*key])).collect();
            let numbers = numbers_of((0..metrics).map(|index| &row[format!("m{index}")]).collect());
            found.insert(key, numbers);
        }
        let mut wanted = BTreeMap::new();
        for row in &expected {
            let row = row.as_array().unwrap();
            let key: Vec<String> =
                row[..keys.len()].iter().map(|key| key.as_str().unwrap().to_owned()).collect();
            wanted.insert(key, numbers_of(row[keys.len()..].iter().collect()));
        }
        // Without groups SQL has a row of nothing where we have none.
        if keys.is_empty() && found.is_empty() {
            wanted
                .retain(|_, numbers| numbers.iter().any(|number| number.is_some_and(|number| number != 0.0)));
        }
        match difference(&found, &wanted) {
            Some(problem) => Err(explained(problem)),
            None => Ok(expected.len()),
        }
    }
}

type Groups = BTreeMap<Vec<String>, Vec<Option<f64>>>;

/// The first group that differs.
fn difference(found: &Groups, wanted: &Groups) -> Option<String> {
    if let Some(key) = wanted.keys().find(|key| !found.contains_key(*key)) {
        return Some(format!("weir lacks the group {key:?} {:?}", wanted[key]));
    }
    let is_same = |one: &Option<f64>, other: &Option<f64>| match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(1.0),
        (one, other) => one == other,
    };
    found.iter().find_map(|(key, numbers)| match wanted.get(key) {
        None => Some(format!("DuckDB lacks the group {key:?} {numbers:?}")),
        Some(wanted)
            if numbers.len() != wanted.len()
                || !numbers.iter().zip(wanted).all(|(one, other)| is_same(one, other)) =>
        {
            Some(format!("group {key:?}: weir {numbers:?}, DuckDB {wanted:?}"))
        }
        Some(_) => None,
    })
}

/// A record as pyarrow has it, in the words of our API.
fn as_hit(record: &Value) -> BTreeMap<String, Value> {
    let mut hit = BTreeMap::new();
    for (name, value) in record.as_object().unwrap() {
        let entries =
            || value.as_array().unwrap().iter().map(|entry| (entry[0].as_str().unwrap(), &entry[1]));
        match name.as_str() {
            "_text" => hit.extend(entries().map(|(name, text)| (name.to_owned(), text.clone()))),
            "_json" => hit.extend(entries().map(|(name, text)| {
                (name.to_owned(), serde_json::from_str(text.as_str().unwrap()).unwrap())
            })),
            "@timestamp" => {
                let time = value.as_str().unwrap().replace(".000000Z", "Z");
                hit.insert(name.clone(), Value::from(time));
            }
            _ => {
                hit.insert(name.clone(), value.clone());
            }
        }
    }
    hit
}

/// Where a record stands among all: its time, and its arrival number.
fn place(hit: &Value) -> (i64, i64) {
    let id = hit["_id"].as_str().unwrap();
    let number = |digits: &str| u64::from_str_radix(digits, 16).unwrap().cast_signed();
    (number(&id[..16]), number(&id[16..]))
}

#[test]
fn duckdb_agrees_with_a_thousand_answers() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let mut comparison = Comparison::start(seed);
    comparison.publish_all();
    let mut reader = Reader::start(&comparison.data);
    let (mut found, mut problems) = (0, Vec::new());
    for question in 0..SEARCHES + STATISTICS {
        if question % QUESTIONS_PER_ARRIVAL == QUESTIONS_PER_ARRIVAL - 1 {
            // The folder changes while it is read.
            let later = comparison.begin + DAYS * DAY;
            let text = events(&mut comparison.random, later, RECORDS_PER_FILE);
            comparison.publish(&[(format!("app-later-{question}.gz"), text)]);
            comparison.roll();
        }
        let answered = if question % ((SEARCHES + STATISTICS) / STATISTICS) == 0 {
            comparison.statistics(&mut reader)
        } else {
            comparison.search(&mut reader)
        };
        match answered {
            Ok(rows) => found += usize::from(rows > 0),
            Err(problem) => problems.push(problem),
        }
    }
    assert!(problems.is_empty(), "{} answers differ:\n{}", problems.len(), problems.join("\n\n"));
    println!("{} questions, of which {found} found something", SEARCHES + STATISTICS);
    assert!(
        found > (SEARCHES + STATISTICS) / 4,
        "most questions found nothing, so little was shown: {found}"
    );
}

/// The times and lines of records, sorted.
fn places(lines: &str) -> Vec<(String, u64)> {
    let place = |line: &str| {
        let hit: Value = serde_json::from_str(line).unwrap();
        (hit["@timestamp"].as_str().unwrap().to_owned(), hit["_line"].as_u64().unwrap())
    };
    let mut places: Vec<(String, u64)> = lines.lines().map(place).collect();
    places.sort();
    places
}

#[test]
fn a_search_in_the_plain_files_finds_what_the_server_finds() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let mut comparison = Comparison::start(seed);
    comparison.publish_all();
    let logs = [("nginx_json", comparison.folder.path("web*")), ("ndjson", comparison.folder.path("app*"))];
    let mut asked = 0;
    while asked < FILE_SEARCHES {
        let Filter { query, .. } = filter(&mut comparison.random, comparison.begin);
        // What a server adds to a line is not in a file.
        if query.contains("source") || query.contains("_line") {
            continue;
        }
        asked += 1;
        let span = comparison.span();
        let path = format!("/api/search?query={}&{span}&format=ndjson", escaped(&query));
        let expected = comparison.server.get(&path).text();
        let mut found = String::new();
        for (format, path) in &logs {
            let options = ["--format", format, "--output", "json", "--from", &span.from, "--to", &span.to];
            found += &weir(&[&["search", &query, path], &options[..]].concat()).expect(0).stdout;
        }
        assert_eq!(places(&found), places(&expected), "{query}\n{span}");
    }
}

#[test]
fn pyarrow_reads_every_record_with_every_field() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let mut comparison = Comparison::start(seed);
    comparison.publish_all();
    let mut expected: Vec<BTreeMap<String, Value>> =
        Reader::start(&comparison.data).records().unwrap().iter().map(as_hit).collect();
    expected.sort_by_key(|hit| hit["_sequence"].as_i64());
    let export = comparison.server.get("/api/search?format=ndjson&from=0&to=now").text();
    let mut found: Vec<BTreeMap<String, Value>> =
        export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for hit in &mut found {
        let (_, sequence) = place(&Value::Object(hit.clone().into_iter().collect()));
        hit.remove("_id");
        hit.insert("_sequence".to_owned(), sequence.into());
    }
    found.sort_by_key(|hit| hit["_sequence"].as_i64());
    assert_eq!(found.len(), comparison.records);
    assert_eq!(expected.len(), comparison.records);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn the_sql_of_the_documentation_runs() {
    let mut comparison = Comparison::start(1);
    let text = events(&mut comparison.random, comparison.begin, RECORDS_PER_FILE);
    comparison.publish(&[("app.gz".to_owned(), text)]);
    comparison.roll();
    let page = fs::read_to_string(repository("docs/search.md")).unwrap();
    let (_, block) = page.split_once("```sql\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut reader = Reader::start(&comparison.data);
    let statements: Vec<&str> = block.split(';').map(str::trim).filter(|sql| !sql.is_empty()).collect();
    assert!(!statements.is_empty());
    for sql in statements {
        let sql = sql.replace("weir-data/", &format!("{}/", comparison.data));
        reader.ask(&sql);
        reader.rows().unwrap_or_else(|error| panic!("{sql}\n{error}"));
    }
}
