// Sends the same messages with gelf-pro. Arguments: where the packages are, the adapter, the port, perhaps a
// certificate to trust, and how long a payload is.
'use strict';

const fs = require('fs');
const [packages, adapterName, port, ...rest] = process.argv.slice(1);
const log = require(`${packages}/gelf-pro`);
const payloadChars = Number(rest[rest.length - 1]);

const adapterOptions = { host: '127.0.0.1', port: Number(port), timeout: 20000 };
if (rest.length > 1) {
  adapterOptions.ca = [fs.readFileSync(rest[0])];
}
const client = `gelf_pro_${adapterName.replace('-', '_')}`;
log.setConfig({ adapterName, adapterOptions, fields: { sent_by: client } });

function sent(error) {
  if (error) {
    console.error(error);
    process.exitCode = 1;
  }
}

for (let number = 0; number < 20; number += 1) {
  const fields = { user_email: `user${number}@example.com`, payload: 'x'.repeat(payloadChars) };
  log.error(`message ${number}`, fields, sent);
}
log.error(new Error('no such order'), sent);
