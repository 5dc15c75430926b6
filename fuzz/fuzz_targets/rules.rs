//! Any text as the output of `aws elbv2 describe-rules` or `describe-listeners`.
#![no_main]

use weir_enrich::ListenerRules;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut builder = ListenerRules::builder();
    match builder.add_json("rules.json", text) {
        Ok(_) => {
            let once = builder.clone().build().rule_count();
            let is_accepted_again = builder.add_json("rules.json", text).is_ok();
            assert!(is_accepted_again, "a file is accepted once and refused the second time");
            assert_eq!(builder.build().rule_count(), once, "the same file twice adds nothing");
        }
        Err(error) => {
            assert!(error.to_string().starts_with("rules.json: "), "an error names its file: {error}");
            assert!(builder.build().is_empty(), "a refused file adds nothing");
        }
    }
});
