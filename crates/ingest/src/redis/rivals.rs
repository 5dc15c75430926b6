//! Who else takes entries from the list.
//!
//! Logstash left running beside weir is the usual mistake of a migration, and a silent one: each gets a part of the
//! lines and neither fails. Redis does not tell which key a client waits for, only its database and its last command,
//! so this can warn and not refuse. Other weirs share a list on purpose and are known by their name.

/// The name that every connection of ours gives itself.
pub(super) const CLIENT_NAME: &str = "weir";

/// Commands that take from a list, and the scripts in which Logstash does it.
const TAKING: [&str; 13] = [
    "blpop",
    "brpop",
    "blmove",
    "blmpop",
    "brpoplpush",
    "lpop",
    "rpop",
    "lmove",
    "lmpop",
    "rpoplpush",
    "ltrim",
    "eval",
    "evalsha",
];

/// A client that takes entries from lists of the same database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rival {
    /// Its address.
    pub(super) address: String,
    /// Its name, if it has given one.
    pub(super) name: String,
    /// The command that it waits in, or that it sent last.
    pub(super) command: String,
}

/// The rivals in an answer to `CLIENT LIST`, from the sight of the connection with the id `own_id`.
pub(super) fn rivals(client_list: &str, own_id: i64) -> Vec<Rival> {
    let own_id = own_id.to_string();
    let own = client_list.lines().find(|line| value(line, "id") == Some(&own_id));
    let database = own.and_then(|line| value(line, "db"));
    let rival = |line: &str| {
        let text = |key| value(line, key).unwrap_or_default().to_owned();
        let rival = Rival { address: text("addr"), name: text("name"), command: text("cmd") };
        let takes = TAKING.contains(&rival.command.as_str());
        (takes && rival.name != CLIENT_NAME && value(line, "db") == database).then_some(rival)
    };
    client_list.lines().filter_map(rival).collect()
}

/// The value of `key=value` in a line.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_on_a_list_of_the_same_database_is_a_rival() {
        let list = "id=3 addr=10.0.0.1:50 laddr=10.0.0.9:6379 fd=8 name=weir age=0 flags=N db=0 sub=0 cmd=client|list user=default\n\
            id=4 addr=10.0.0.2:50 fd=9 name= age=9 flags=b db=0 cmd=blpop user=default\n\
            id=5 addr=10.0.0.3:50 fd=10 name=logstash flags=N db=0 cmd=evalsha\n\
            id=6 addr=10.0.0.4:50 fd=11 name= flags=b db=1 cmd=blpop\n\
            id=7 addr=10.0.0.5:50 fd=12 name=weir flags=N db=0 cmd=eval\n\
            id=8 addr=10.0.0.6:50 fd=13 name= flags=N db=0 cmd=rpush\n";
        let found: Vec<String> = rivals(list, 3)
            .iter()
            .map(|rival| format!("{} {} {}", rival.address, rival.name, rival.command))
            .collect();
        assert_eq!(found, ["10.0.0.2:50  blpop", "10.0.0.3:50 logstash evalsha"]);
        assert_eq!(rivals("nonsense\n\n", 3), []);
    }
}
