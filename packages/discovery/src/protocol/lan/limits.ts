/** Limits and intervals of everything that talks to the local network, and what happens at them. */
export const lanLimits = {
  /** Interfaces are looked at this often: a laptop changes its network, a container gets a second one. */
  interfaceScanMs: 2_000,
  /** Interface addresses that are announced on; further ones are left out, in the order of their names. */
  pathsMax: 16,
  /** Sources whose rate is remembered; the one not heard for longest is forgotten. */
  sourcesMax: 1_024,
  /** Datagrams a second that are looked at from one source address, and at once after a silence. */
  arrivalsPerSourcePerSecond: 200,
  arrivalsPerSourceBurst: 600,
  /** The same for all sources together; what is above is dropped unread and counted. */
  arrivalsPerSecond: 2_000,
  arrivalsBurst: 4_000,
  /** Closing sockets is not waited for longer: the kernel needs no time for it. */
  closeMs: 1_000,
} as const;
