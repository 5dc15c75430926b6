//! What the function's environment says: where to push, and as whom.
//!
//! The names are those of the script that this replaces, so that a function is moved by changing its code and
//! nothing else. An empty variable is one that is not set: consoles and templates leave them behind.

use std::path::Path;

use weir_ship::Authorization;

use crate::password_file::{PasswordFileError, read_password};

/// The job under which is pushed unless `JOB` says otherwise.
const JOB_DEFAULT: &str = "weir";

/// Where to push, and as whom.
pub struct Settings {
    /// The gateway's address, with or without scheme.
    pub push_endpoint: String,
    /// The job that is part of where to push.
    pub job: String,
    /// How the gateway knows who pushes.
    pub authorization: Authorization,
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nobody says where to push.
    #[error(
        "PUSH_ENDPOINT is not set; set it in the function's environment to the address of the push gateway, as \
         gateway.example.com:9099"
    )]
    NoEndpoint,
    /// A name without a password, or the other way round.
    #[error("{given} is set and {missing} is not; set both, or none")]
    HalfCredentials {
        /// The variable that is set.
        given: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// Two passwords.
    #[error("PASSWORD and PASSWORD_FILE are both set; remove one")]
    TwoPasswords,
    /// The file with the password is of no use.
    #[error("PASSWORD_FILE: {0}")]
    PasswordFile(#[from] PasswordFileError),
}

impl Settings {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// See [`SettingsError`].
    pub fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set =
            |name: &str| environment(name).map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let push_endpoint = set("PUSH_ENDPOINT").ok_or(SettingsError::NoEndpoint)?;
        let job = set("JOB").unwrap_or_else(|| JOB_DEFAULT.to_owned());
        // Spaces may belong to a password.
        let password = environment("PASSWORD").filter(|password| !password.is_empty());
        let password = match (password, set("PASSWORD_FILE")) {
            (Some(_), Some(_)) => return Err(SettingsError::TwoPasswords),
            (Some(password), None) => Some(password),
            (None, Some(path)) => Some(read_password(Path::new(&path))?),
            (None, None) => None,
        };
        let authorization = match (set("USERNAME"), password) {
            (Some(username), Some(password)) => Authorization::Basic { username, password },
            (None, None) => Authorization::None,
            (Some(_), None) => {
                return Err(SettingsError::HalfCredentials { given: "USERNAME", missing: "PASSWORD" });
            }
            (None, Some(_)) => {
                return Err(SettingsError::HalfCredentials { given: "PASSWORD", missing: "USERNAME" });
            }
        };
        Ok(Self { push_endpoint, job, authorization })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Endpoint, job and credentials; or the error.
    fn outline(variables: &[(&str, &str)]) -> String {
        let environment =
            |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        match Settings::read(environment) {
            Ok(settings) => {
                let who = match settings.authorization {
                    Authorization::Basic { username, password } => format!("{username}:{password}"),
                    _ => "-".to_owned(),
                };
                format!("{} {} {who}", settings.push_endpoint, settings.job)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_variables_are_those_of_the_script_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from file\n").unwrap();
        let file = file.to_str().unwrap();
        let endpoint = ("PUSH_ENDPOINT", "gateway:9099");
        for (variables, expected) in [
            (vec![endpoint], "gateway:9099 weir -"),
            (vec![endpoint, ("JOB", "alb")], "gateway:9099 alb -"),
            (vec![endpoint, ("JOB", ""), ("USERNAME", ""), ("PASSWORD", "")], "gateway:9099 weir -"),
            (vec![endpoint, ("USERNAME", "push"), ("PASSWORD", " s ")], "gateway:9099 weir push: s "),
            (
                vec![endpoint, ("USERNAME", "push"), ("PASSWORD_FILE", file)],
                "gateway:9099 weir push:from file",
            ),
            (vec![endpoint, ("USERNAME", "push")], "USERNAME is set and PASSWORD is not; set both, or none"),
            (vec![endpoint, ("PASSWORD", "s")], "PASSWORD is set and USERNAME is not; set both, or none"),
            (
                vec![endpoint, ("PASSWORD", "s"), ("PASSWORD_FILE", file)],
                "PASSWORD and PASSWORD_FILE are both set; remove one",
            ),
        ] {
            assert_eq!(outline(&variables), expected);
        }
        for variables in [vec![], vec![("PUSH_ENDPOINT", " ")]] {
            assert!(outline(&variables).starts_with("PUSH_ENDPOINT is not set; set it in"));
        }
        let missing = outline(&[endpoint, ("PASSWORD_FILE", "/nowhere/password")]);
        assert!(missing.starts_with("PASSWORD_FILE: cannot read the password file /nowhere/"), "{missing}");
    }
}
