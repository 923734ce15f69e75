/**
 * Requests that wait for their answer where they came in: HTTP, WebSocket and TCP. The connection is an object of
 * one process and cannot travel.
 */
import { describe } from '../anatomy.ts';
import type { Task, Together } from '../types.ts';
import type { Findings, Ground, Warning } from './ground.ts';
import { codeOf } from './properties.ts';
import { reachability } from './reach.ts';

export function pairsRule(ground: Ground): Findings {
  const tasks = [...ground.tasks.values()];
  const { forward, backward } = reachability(ground.wires);
  const warnings: Warning[] = [];
  const http = tasks
    .filter((task) => task.type === 'http in')
    .map((request): Together => {
      const after = forward(request.id);
      const answers = tasks.filter((task) => after.has(task.id) && answersHttp(task));
      if (answers.length === 0) {
        warnings.push({
          code: 'http-unanswered',
          where: request.id,
          message: `No http response node can be reached from ${describe(request.raw)}: its requests stay open.`,
        });
      }
      const between = new Set(answers.flatMap((task) => [task.id, ...backward(task.id)]));
      return {
        tasks: [request.id, ...tasks.filter((t) => after.has(t.id) && between.has(t.id)).map((t) => t.id)],
        rule: 'http-pair',
        reason: `The request of ${describe(request.raw)} is answered on the gateway it came in at.`,
      };
    });
  const sockets = tasks.filter((task) => task.type === 'tcp in').map((task) => task.id);
  const tcp = tasks
    .filter((task) => task.type === 'tcp out' && task.raw.beserver === 'reply')
    .map((reply) => {
      const askers = sockets.filter((id) => backward(reply.id).has(id));
      return {
        // One that no tcp in leads to writes to every connection of its process.
        tasks: [...(askers.length > 0 ? askers : sockets), reply.id],
        rule: 'tcp-pair',
        reason: `${describe(reply.raw)} replies on the connection its messages came in by.`,
      };
    });
  return { together: [...http, ...websockets(ground), ...tcp], warnings };
}

/** A function may answer by itself through `msg.res`. */
const answersHttp = (task: Task): boolean =>
  task.type === 'http response' ||
  codeOf(task.raw).some(({ source }) => /\bmsg\s*\.\s*res\s*\./.test(source));

/** One listener is one path of one gateway's web server; one client is one connection. */
function websockets({ parts, tasks }: Ground): Together[] {
  return [...parts.configs.values()]
    .filter((config) => config.type === 'websocket-listener' || config.type === 'websocket-client')
    .map((config) => ({
      tasks: [...tasks.values()].filter((task) => task.configs.includes(config.id)).map((task) => task.id),
      rule: 'websocket-pair',
      reason: `They share the connections of ${describe(config)}.`,
    }));
}
