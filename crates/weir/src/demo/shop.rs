//! The demo's config: the shop's logs, what its API promises, and the team that gets mail when it is broken.
//!
//! A text, as a user would write it, rather than values that are put together: what the demo shows is what these lines
//! of YAML do, and they are read by the same code.

use std::net::SocketAddr;
use std::path::Path;

use crate::config::{self, Config};
use crate::sample::NGINX_FILE;

/// What the config is made of.
pub struct Shop<'a> {
    /// Where the logs are.
    pub folder: &'a Path,
    /// Where the application sends its errors.
    pub gelf: SocketAddr,
    /// Where mail is handed over.
    pub mail: SocketAddr,
    /// Where HTTP is served.
    pub listen: SocketAddr,
}

impl Shop<'_> {
    /// The config.
    ///
    /// # Errors
    ///
    /// A folder whose name no config can have.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = config::parse("the demo's own config", &self.text(), &|_| None)?;
        config.http.listen = self.listen;
        Ok(config)
    }

    fn text(&self) -> String {
        let Self { folder, gelf, mail, listen } = self;
        let quoted = |path: &str| serde_json::Value::from(format!("{}/{path}", folder.display())).to_string();
        let [data, objects, nginx] = ["weir-data", "**/*.log.gz", NGINX_FILE].map(quoted);
        let [https, http, listeners] = ["rules-443.json", "rules-80.json", "listeners.json"].map(quoted);
        format!(
            "version: 1
data_dir: {data}
http: {{external_url: \"http://{listen}/\"}}
sources:
- {{name: alb, type: alb, path: {objects}, listener_rules: [{https}, {http}, {listeners}]}}
- {{name: nginx, type: file, path: {nginx}, format: nginx_json}}
- {{name: errors, type: gelf, udp: \"{gelf}\", tcp: \"{gelf}\"}}
services:
- {{name: api, match: {{host: [api.shop.example.com]}}}}
slas:
- name: api-latency
  service: api
  source: nginx
  by: [route, method]
  indicator: {{latency: {{threshold: 0.4s}}}}
  objective: 95
  overrides:
  - {{route: /api/v1/orders, method: POST, threshold: 2s}}
  - {{route: '/api/v1/orders/{{id}}/invoice.pdf', threshold: 2s}}
  - {{route: '/api/v1/payments/{{uuid}}/capture', threshold: 2s}}
  alerting: [{{name: ApiSlow, kind: threshold, window: 5m, min_events: 20}}]
notifications:
  global: {{smtp_smarthost: \"{mail}\", smtp_from: weir@shop.example.com, smtp_require_tls: false}}
  route: {{receiver: team, group_by: [sla, route, method], group_wait: 5s, group_interval: 15s}}
  receivers:
  - name: team
    email_configs: [{{to: team@shop.example.com, send_resolved: true}}]
"
        )
    }
}
