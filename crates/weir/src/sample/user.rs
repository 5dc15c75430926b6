//! Who is logged in: an e-mail for each customer, the same in every log that names them.
//!
//! Records of one person among millions are what a support team looks for, so the same address comes back, from
//! a few times to some hundred, and no two customers share one.

use super::text::put_number;

const FIRST_NAMES: [&str; 12] =
    ["anna", "jonas", "lea", "paul", "mia", "emil", "ida", "noah", "clara", "felix", "zoe", "max"];
const LAST_NAMES: [&str; 10] =
    ["berg", "costa", "dubois", "fischer", "hansen", "kowalski", "larsen", "moreau", "rossi", "silva"];

/// Of 10 clients, how many never log in.
pub const ANONYMOUS_OF_10: u64 = 3;

/// How many customers can be told apart.
const NUMBERS: u64 = 1_000_000;

/// Appends the e-mail of the customer with this number.
pub fn put_email(customer: u64, out: &mut Vec<u8>) {
    let name = |names: &'static [&'static str], bits: u64| {
        names.get((bits % names.len() as u64) as usize).copied().unwrap_or_default().as_bytes()
    };
    out.extend_from_slice(name(&FIRST_NAMES, customer >> 40));
    out.push(b'.');
    out.extend_from_slice(name(&LAST_NAMES, customer >> 50));
    put_number(out, customer % NUMBERS);
    out.extend_from_slice(b"@example.com");
}
