/** How Node.js runs Propylaia, wherever it is started from. */
export const nodeFlags = [
  // node:sqlite and crypto.argon2 work as we use them; their warnings would only frighten.
  '--disable-warning=ExperimentalWarning',
  // MiB. From a small start V8 marks the whole heap every few seconds under load: 11 % more CPU a
  // SAML response (npm run bench, measured side by side), for some 60 MiB less resident memory.
  '--initial-heap-size=600',
]
