import assert from 'node:assert/strict';
import { type TaskClass, type TaskConfig, taskClass } from '../../src/wire/taskClass.ts';

const fn = (func: string, more: object = {}): TaskConfig => ({ type: 'function', func, ...more });
const rows: readonly (readonly [TaskClass, TaskConfig])[] = [
  ['stateless', fn('msg.payload++; return msg;')],
  ['context', fn('const n = context.get("n") ?? 0; context.set("n", n + 1); return msg;')],
  ['context', fn('flow.set("last", msg); return msg;')],
  ['context', fn('return msg;', { initialize: 'context.set("n", 0)' })],
  ['opaque', fn('setTimeout(() => node.send(msg), 1000);')],
  ['stateless', { type: 'change', rules: [{ t: 'set', p: 'payload', pt: 'msg', to: '1', tot: 'num' }] }],
  ['context', { type: 'change', rules: [{ t: 'set', p: 'last', pt: 'flow', to: 'payload', tot: 'msg' }] }],
  ['context', { type: 'change', rules: [{ t: 'move', p: 'payload', pt: 'msg', to: 'last', tot: 'flow' }] }],
  ['stateless', { type: 'switch', rules: [{ t: 'eq', v: '1', vt: 'num' }] }],
  ['property', { type: 'switch', rules: [{ t: 'neq', v: '', vt: 'prev' }] }],
  ['property', { type: 'rbe' }],
  ['journal', { type: 'delay', pauseType: 'delay' }],
  ['journal', { type: 'delay', pauseType: 'rate', drop: false }],
  ['journal', { type: 'delay', pauseType: 'queue' }],
  ['opaque', { type: 'delay', pauseType: 'rate', drop: true }],
  ['opaque', { type: 'delay', pauseType: 'burst' }],
  ['journal', { type: 'join', mode: 'custom' }],
  ['journal', { type: 'join', mode: 'reduce' }],
  ['opaque', { type: 'join', mode: 'custom', accumulate: true }],
  ['journal', { type: 'batch', mode: 'count', overlap: 2 }],
  ['journal', { type: 'sort' }],
  ['stateless', { type: 'split' }],
  ['opaque', { type: 'split', stream: true }],
  ['opaque', { type: 'trigger' }],
  ['opaque', { type: 'tcp request' }],
  ['stateless', { type: 'http request' }],
  ['stateless', { type: 'subflow:abc' }],
  ['stateless', { type: 'echo channel' }],
  ['contributed', { type: 'of another package' }],
];

describe('class of a task', () => {
  for (const [expected, config] of rows) {
    const { type, ...rest } = config;
    it(`${type} ${JSON.stringify(rest)} is ${expected}`, () => {
      assert.equal(taskClass(config), expected);
    });
  }
});
