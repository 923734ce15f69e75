/**
 * Who may say and hear what on a broker of ECHO's own. Pure.
 *
 * A gateway speaks as itself only and hears only what is addressed to it, by exact topics; the orchestrator may use
 * every ECHO topic; nobody else is let in.
 */
import { parseTopic } from './topics.ts';

/** User name of the orchestrator's own connections; no gateway can have it (`GATEWAY_ID`). */
export const ORCHESTRATOR_USER = '$orchestrator';

export function mayPublish(user: string, topic: string): boolean {
  if (user === ORCHESTRATOR_USER) return topic.startsWith('echo/');
  const parsed = parseTopic(topic);
  switch (parsed?.kind) {
    case 'status':
    case 'up':
      return parsed.gateway === user;
    case 'data':
      return parsed.producer === user;
    case 'ack':
      return parsed.consumer === user;
    default:
      return false;
  }
}

export function maySubscribe(user: string, filter: string): boolean {
  if (user === ORCHESTRATOR_USER) return filter.startsWith('echo/');
  const parsed = parseTopic(filter);
  switch (parsed?.kind) {
    case 'down':
      return parsed.gateway === user;
    case 'data':
      return parsed.consumer === user;
    case 'ack':
      return parsed.producer === user;
    default:
      return false;
  }
}
