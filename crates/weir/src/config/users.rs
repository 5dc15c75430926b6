//! `http.auth`: who may use the endpoint, and for what.
//!
//! The config names files with secrets and never holds one: a config is printed, copied and kept in git.
//! The files are opened where the server starts, so that a config can be checked on a machine that has none
//! of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use weir_web::Role;

use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};

/// Each attempt to log in is compared with the users; a thousand is more than a file is the right place for.
const USERS_MAX: usize = 1000;

/// One user of the HTTP endpoint; at least one of the two files is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name for basic authentication and for logs; no two users have the same.
    pub name: String,
    /// The file with the password or its bcrypt hash.
    pub password_file: Option<PathBuf>,
    /// The file with the bearer token.
    pub token_file: Option<PathBuf>,
    /// What the user may do; at least one role, each once.
    pub roles: Vec<Role>,
}

/// The names of the roles, in the order of the documentation.
const ROLES: [(&str, Role); 4] =
    [("read", Role::Read), ("scrape", Role::Scrape), ("push", Role::Push), ("admin", Role::Admin)];

/// Reads `auth` where it is a section. A user that is wrong is left out, and the mistakes are reported.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Vec<User> {
    let Some(list) = field.fields(&keys::AUTH, errors).and_then(|fields| fields.require("users", errors))
    else {
        return Vec::new();
    };
    let mut users = Vec::new();
    let mut names = BTreeSet::new();
    for item in list.some_items("a list of users", USERS_MAX, errors) {
        let Some(fields) = item.fields(&keys::USER, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| read_name(field, &mut names, errors));
        users.extend(read_user(&fields, name, errors));
    }
    users
}

/// Reads a name and reports it where an earlier user has the same.
fn read_name<'a>(
    field: Field<'a>,
    names: &mut BTreeSet<&'a str>,
    errors: &mut Vec<ConfigError>,
) -> Option<&'a str> {
    let name = field.text(errors)?;
    if name.contains(':') {
        let error = field.wrong("a name without `:`", &quoted(name));
        errors.push(error.with_hint("basic authentication ends the name at the first `:`"));
        return None;
    }
    if !names.insert(name) {
        let error = ConfigError::new(field.position(), format!("a second user is named {}", quoted(name)));
        errors.push(error.with_hint("a user may have several roles, and both a password and a token"));
    }
    Some(name)
}

fn read_user(fields: &Fields, name: Option<&str>, errors: &mut Vec<ConfigError>) -> Option<User> {
    let password = fields.get("password_file");
    let token = fields.get("token_file");
    if password.is_none() && token.is_none() {
        let message = "`password_file` or `token_file` is missing in `http.auth.users[]`";
        errors.push(ConfigError::new(fields.position, message));
    }
    let password_file = password.and_then(|field| field.file_path(errors));
    let token_file = token.and_then(|field| field.file_path(errors));
    let mut roles = Vec::new();
    if let Some(field) = fields.require("roles", errors) {
        for item in field.one_or_more("a role", errors) {
            roles.extend(item.one_of(&ROLES, errors).filter(|role| !roles.contains(role)));
        }
    }
    Some(User { name: name?.to_owned(), password_file, token_file, roles })
}
