/**
 * @foundation/consensus/etcd: the engine of the recipes over a real etcd. Written by hand, because what stands here is
 * the public surface.
 */
export { etcdEngine } from "./etcd-engine.js";
export { ETCD_LIMITS, ETCD_TIMES } from "./limits.js";
export type { EtcdLimits, EtcdTimes } from "./limits.js";
export type { EtcdCredentials, EtcdEngineOptions, EtcdTls } from "./settings.js";
