// Loaded before the scenario (`node -r`): what it emitted waits STAY_S seconds for the shutdown, so
// that retries, or their absence, are seen of an SDK in use. Timers and all else are the SDK's own.
'use strict';

const { createRequire } = require('module');
const path = require('path');

const { NodeSDK } = createRequire(path.resolve(process.argv[1]))('@opentelemetry/sdk-node');
const shutdown = NodeSDK.prototype.shutdown;

NodeSDK.prototype.shutdown = async function shutdownLater() {
  await new Promise((resolve) => setTimeout(resolve, 1000 * Number(process.env.STAY_S)));
  return shutdown.call(this);
};
