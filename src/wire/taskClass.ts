/**
 * What a task keeps between messages, and how a checkpoint can hold it. By type and configuration of the node; a row for
 * each core type of Node-RED 4.1 and 5.x that is not stateless.
 */

export type TaskClass =
  /** Nothing. */
  | 'stateless'
  /** Node and flow context. */
  | 'context'
  /** The messages it has not completed: handed in again, they bring it where it was. */
  | 'journal'
  /** Members of the node instance. */
  | 'property'
  /** A type that is not Node-RED's own: node and flow context, if it uses them. */
  | 'contributed'
  /** Something nobody can read: timers, sockets, variables of its own. */
  | 'opaque';

/** A node as configured. */
export interface TaskConfig {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** Members that hold the state of the types of class `property`. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  rbe: ['previous'],
  switch: ['previousValue'],
};

/** Core types that keep nothing, whatever their configuration says. */
const STATELESS = new Set([
  ...[
    'inject',
    'debug',
    'complete',
    'catch',
    'status',
    'link in',
    'link out',
    'link call',
    'comment',
    'junction',
  ],
  ...['range', 'template', 'exec', 'json', 'xml', 'yaml', 'html', 'csv', 'file', 'file in', 'watch'],
  ...['http in', 'http response', 'http request', 'mqtt in', 'mqtt out', 'udp in', 'udp out', 'tcp out'],
  ...['websocket in', 'websocket out', 'echo in', 'echo out', 'echo channel', 'unknown', 'global-config'],
]);

const READS_OR_SETS = /\b(?:context|flow)\s*\.\s*(?:get|set|keys)\b/;
const TIMERS = /\bset(?:Timeout|Interval)\s*\(/;

export function taskClass(node: TaskConfig): TaskClass {
  // Of a subflow, the nodes inside count.
  if (STATELESS.has(node.type) || node.type.startsWith('subflow:')) return 'stateless';
  switch (node.type) {
    case 'function':
      return functionClass([node.func, node.initialize, node.finalize].join('\n'));
    case 'change':
      return rulesOf(node).some(setsContext) ? 'context' : 'stateless';
    case 'switch':
      return rulesOf(node).some(({ vt, v2t }) => vt === 'prev' || v2t === 'prev') ? 'property' : 'stateless';
    case 'rbe':
      return 'property';
    case 'delay':
      return node.pauseType === 'burst' || node.drop === true ? 'opaque' : 'journal';
    case 'join':
      return node.accumulate === true ? 'opaque' : 'journal';
    case 'batch':
    case 'sort':
      return 'journal';
    case 'split':
      return node.stream === true ? 'opaque' : 'stateless';
    case 'trigger':
    case 'tcp in':
    case 'tcp request':
      return 'opaque';
    default:
      return 'contributed';
  }
}

/** The members a checkpoint keeps of a task of class `property`. */
export const stateMembers = (type: string): readonly string[] => MEMBERS[type] ?? [];

function functionClass(code: string): TaskClass {
  if (READS_OR_SETS.test(code)) return 'context';
  return TIMERS.test(code) ? 'opaque' : 'stateless';
}

interface Rule {
  readonly t?: unknown;
  readonly pt?: unknown;
  readonly tot?: unknown;
  readonly vt?: unknown;
  readonly v2t?: unknown;
}

const rulesOf = ({ rules }: TaskConfig): readonly Rule[] => (Array.isArray(rules) ? (rules as Rule[]) : []);

/** A rule that moves puts it where `tot` says. */
const setsContext = ({ t, pt, tot }: Rule): boolean => pt === 'flow' || (t === 'move' && tot === 'flow');
