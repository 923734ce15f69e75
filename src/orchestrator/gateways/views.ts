/** What others see of a gateway: its record, with what changes by the second laid over it. Pure. */
import type { Candidate } from '../../placement/types.ts';
import type { Heartbeat } from '../../wire/control.ts';
import type { Liveness } from '../health/liveness.ts';
import type { GatewayView } from '../types.ts';
import type { GatewayRecord } from './gatewayItem.ts';

/** What applications put on it is not known here: `Orchestrator` fills in `tasks` and `applications`. */
export function viewOf(
  { id, facts, lastSeen }: GatewayRecord,
  { health, heardAt, troubles }: Liveness,
  heartbeat: Heartbeat | undefined,
): GatewayView {
  return {
    id,
    tier: facts.tier,
    health,
    lastSeen: new Date(heardAt ?? lastSeen).toISOString(),
    adminUrl: facts.adminUrl,
    nodeRedVersion: facts.nodeRedVersion,
    nodeVersion: facts.nodeVersion,
    arch: facts.arch,
    cpuCores: facts.cpuCores,
    memTotalMB: facts.memTotalMB,
    capabilities: facts.capabilities,
    tasks: 0,
    applications: [],
    ...(health === 'degraded' ? { troubles: Object.values(troubles) } : {}),
    ...(facts.site === undefined ? {} : { site: facts.site }),
    ...(facts.maxTasks === undefined ? {} : { maxTasks: facts.maxTasks }),
    ...(heartbeat === undefined ? {} : { cpuPct: heartbeat.cpuPct, memFreeMB: heartbeat.memFreeMB }),
  };
}

/** `taken`: slots held by other applications. */
export function candidateOf(
  { id, facts }: GatewayRecord,
  { health }: Liveness,
  heartbeat: Heartbeat | undefined,
  taken: number,
): Candidate {
  return {
    id,
    tier: facts.tier,
    health,
    nodeTypes: new Set(facts.nodeTypes),
    capabilities: new Set(facts.capabilities),
    ...(facts.site === undefined ? {} : { site: facts.site }),
    ...(facts.maxTasks === undefined ? {} : { freeTasks: Math.max(0, facts.maxTasks - taken) }),
    ...(heartbeat === undefined ? {} : { cpuPct: heartbeat.cpuPct }),
  };
}
