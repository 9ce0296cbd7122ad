/** Node's adapters of the ports, and what has a lifetime. */
export { openDataDirectory } from "./data-directory.js";
export { DisposalStack } from "./disposal-stack.js";
export type { Closable } from "./disposal-stack.js";
export { fileStorage } from "./file-storage.js";
export { hmacAuthentication, keyNameOf } from "./hmac-authentication.js";
export type { SecretSource } from "./hmac-authentication.js";
export { IDENTITY_FILE, loadIdentity } from "./identity.js";
export type { NodeIdentity } from "./identity.js";
export { inMemoryMeter } from "./in-memory-meter.js";
export { createKeyRing, isKeyRing } from "./key-ring.js";
export type { KeyRing, SecretList } from "./key-ring.js";
export { loadProbe } from "./load-probe.js";
export { nodeClock } from "./node-clock.js";
export { createNodeKey, loadNodeKey, NODE_KEY_FILE, verifyNodeSignature } from "./node-key.js";
export { nodeRandom } from "./node-random.js";
export { ambientRuntime, defaultRuntime, nodeRuntime, provideRuntime } from "./node-runtime.js";
export { nodeSignals } from "./node-signals.js";
export { isProcessRunning, processBirth } from "./process-birth.js";
export { isSecret, Secret } from "./secret.js";
export {
  isStorageName,
  nameFailure as storageNameFailure,
  storageFailure,
} from "./storage-name.js";
