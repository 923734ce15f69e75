/**
 * The rules of docs/PROTOCOL.md, each with the change of source that takes it away: of the state machines in `src/wire`
 * themselves, and for what a gateway's disk does, of the model of it in `world/`.
 */
export interface Mutation {
  readonly rule: string;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  /** Stands there exactly once. */
  readonly text: string;
  readonly instead: string;
}

const RECEIVER = 'src/wire/receiver.ts';
const SENDER = 'src/wire/sender.ts';
const CONSUMER = 'src/wire/consumer.ts';
const STREAM = 'src/wire/stream.ts';
const LINEAGE = 'src/wire/lineage.ts';
const OUT = 'test/simulation/world/OutStream.ts';
const INTAKE = 'test/simulation/world/Intake.ts';
const LOG = 'test/simulation/world/Log.ts';
const GATEWAY = 'test/simulation/world/Gateway.ts';
const IN = 'test/simulation/world/InStream.ts';
const FRAGMENT = 'test/simulation/world/Fragment.ts';
const TASKS = 'test/simulation/world/Tasks.ts';
const CHECKPOINT = 'src/wire/checkpoint.ts';

const without = (rule: string, file: string, text: string, instead = ''): Mutation => ({
  rule,
  edits: [{ file, text, instead }],
});

export const mutations: readonly Mutation[] = [
  without('a number had already is not taken again', RECEIVER, 'if (entry.to <= received) {', 'if (false) {'),
  without('only the next number is taken', RECEIVER, 'if (entry.seq > received + 1) missing = true;'),
  without(
    'stable is what is stored, never what is done',
    RECEIVER,
    'const { incarnation, received, done, stable } = state;',
    'const { incarnation, received, done } = state; const stable = done;',
  ),
  without('only the highest log is heard', RECEIVER, 'if (order < 0 || !meant)', 'if (!meant)'),
  without('the epoch goes before the birth', STREAM, 'a.pe - b.pe || a.born - b.born', 'a.born - b.born'),
  without(
    'what is meant for another boot is not taken',
    RECEIVER,
    "const meant = frame.boot.disk === '' || sameBoot(frame.boot, before.boot);",
    'const meant = true;',
  ),
  without(
    'base above what is awaited is declared loss',
    RECEIVER,
    "return frame.base > state.received + 1 ? lose(state, frame.base - 1, 'base', effects) : state;",
    'return state;',
  ),
  without(
    'a GAP is declared',
    RECEIVER,
    "effects.push({ type: 'loss', from: received + 1, to: entry.to, reason: entry.record.reason });",
  ),
  without('boots are ordered', GATEWAY, 'this.#disk.boots++;'),
  without(
    'an ACK of an older boot is ignored',
    CONSUMER,
    'return c.boot?.disk === boot.disk && boot.count < c.boot.count;',
    'return false;',
  ),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
  without('a new disk is a new identity', GATEWAY, '-${this.#disks}`,', '`,'),
  without(
    'numbers that may have been sent are burnt',
    LOG,
    "if (file.reserved > head) entries.push(gap(head + 1, file.reserved, 'lost-tail'));",
  ),
  without(
    'numbers are reserved before they are sent',
    LOG,
    'if (reserved >= this.#committed) return this.#committed;',
    'return this.#committed;',
  ),
  without(
    'a record is on disk before it is sent',
    OUT,
    'return this.#intake.append(value, cause, written);',
    "const taken = this.#intake.append(value, cause, written); const seq = this.#log.head; if (taken) this.#frame(this.stream.consumers[0]!, seq, [{ seq, to: seq, record: { kind: 'message', ts: value, codec: 0, body: new Uint8Array(0) } }]); return taken;",
  ),
  without(
    'a record is on disk before its giver is told',
    INTAKE,
    'this.#batch.push({ seq, value, caused: cause !== undefined, written });',
    'this.#accepted({ seq, value }); this.#batch.push({ seq, value, caused: cause !== undefined, written: () => {} }); written();',
  ),
  without(
    'refused messages are declared',
    INTAKE,
    'if (this.#refused > 0) this.#log.appendGap(this.#refused);',
  ),
  without(
    'a GAP is sent whole or not at all',
    LOG,
    'return across !== undefined && across.to > reserved ? across.seq - 1 : reserved;',
    'return reserved;',
  ),
  without(
    'a number is reserved before its giver is told',
    INTAKE,
    'takeUpTo(this.#unsaid, safe)',
    'takeUpTo(this.#unsaid, Number.POSITIVE_INFINITY)',
  ),
  without(
    'a process that starts again sends only what is reserved',
    OUT,
    'const extent = { head: this.#log.sendable,',
    'const extent = { head: this.#log.head,',
  ),
  without(
    'what was sent before the first ACK was noted is marked',
    SENDER,
    'const redeliveredTo = cursor.boot === undefined ? log.head : cursor.redeliveredTo;',
    'const { redeliveredTo } = cursor;',
  ),
  without('a log keeps to its quota', INTAKE, 'if (this.#log.size >= this.#log.quota) {', 'if (false) {'),
  without(
    'a new consumer is known after a power cut',
    OUT,
    'earliest, at: this.#now });\n    if (!this.#closed) this.#gateway.journal.flush(true);',
    'earliest, at: this.#now });',
  ),
  without('a log has a birth', GATEWAY, 'born: this.wallClock }', 'born: 1 }'),
  without('a log that is outborn is born again', OUT, 'this.#rebirth(effect.by.born);'),
  without(
    'the sender goes back when the consumer wants it',
    CONSUMER,
    'const wanted = restarted ? received + 1 : ack.want;',
    'const wanted = restarted ? received + 1 : 0;',
  ),
  without('nothing is sent above the credit', SENDER, 'Math.min(state.head, c.credit)', 'state.head'),
  without('credit follows what is done', RECEIVER, 'state.done + state.window', 'state.done + 10_000'),
  without(
    'while anything is owed the producer probes',
    SENDER,
    "if (due) effects.push({ type: 'probe', consumer: id });",
  ),
  without('trim waits for every consumer', SENDER, 'Math.min(...stables)', 'Math.max(...stables)'),
  without(
    'what may have been had by an earlier boot is marked',
    CONSUMER,
    'const redeliveredTo = c.boot === undefined ? c.redeliveredTo : c.sentTo;',
    'const { redeliveredTo } = c;',
  ),
  without(
    'a lineage id names one message',
    LINEAGE,
    'id: mix(mix(cause.id, streamHash), ordinal)',
    'id: mix(cause.id, streamHash)',
  ),
  without(
    'work done again is recognised',
    LINEAGE,
    'if (!this.#young.add(id)) return true;',
    'this.#young.add(id);',
  ),
  without(
    'what caused a message is in a stored checkpoint before it is sent',
    FRAGMENT,
    'this.#later(WRITE_MS, () => this.#write(checkpoint));',
    'for (const [name, { upTo }] of checkpoint.released) outs.get(name)?.release(upTo); this.#later(WRITE_MS, () => this.#write(checkpoint));',
  ),
  without(
    'a checkpoint releases only what it holds',
    FRAGMENT,
    'for (const { out, upTo } of current) out.release(upTo);',
    'for (const { out } of current) out.release(out.position().upTo);',
  ),
  without(
    'stable goes with the checkpoint',
    IN,
    'if (fragment.checkpointed) fragment.changed();',
    "if (fragment.checkpointed) { fragment.changed(); this.#machine.dispatch({ type: 'persisted', cursor, at: this.#gateway.world.now }); }",
  ),
  without(
    'cursors and state are one record',
    FRAGMENT,
    'this.#file.write(checkpoint);',
    'this.#file.write({ ...checkpoint, tasks: this.#file.last?.tasks ?? new Map() }); this.#gateway.later(5, () => this.#file.write(checkpoint));',
  ),
  without(
    'a checkpoint is of a quiet fragment',
    CHECKPOINT,
    'if (quiet || impatient) return',
    'if (quiet !== undefined) return',
  ),
  without(
    'what is finished beyond the cursor is not handed over again',
    RECEIVER,
    'else if (!isEarly(state.early, entry.seq)) messages.push(entry);',
    'else messages.push(entry);',
  ),
  without(
    'what tasks hold is handed in again',
    TASKS,
    'this.#states = new Map(states);',
    'this.#states = new Map([...states].map(([stream, state]) => [stream, { ...state, held: [] }]));',
  ),
  without(
    'what was not released is void after a crash',
    INTAKE,
    'if (!unsure || gateway.world.fsync) voidAbove(file, Math.max(heldSince, released));',
    'if (!unsure || gateway.world.fsync) {}',
  ),
  without(
    'a log knows since when it waits for checkpoints',
    INTAKE,
    'if (heldSince === undefined) return;\n    const known = gateway.fragment.releasedOf(stream().name);',
    'const known = gateway.fragment.releasedOf(stream().name); if (known === undefined || heldSince === undefined) return;',
  ),
  without(
    'where the last checkpoint may be lost nothing is void',
    INTAKE,
    'if (!unsure || gateway.world.fsync) voidAbove',
    'if (true) voidAbove',
  ),
  without(
    'what was kept once is never void',
    INTAKE,
    'else file.heldSince = Math.max(heldSince, this.#log.head);',
  ),
  without(
    'what has no cause is never void',
    LOG,
    "record.kind === 'message' && record.lineage !== undefined",
    "record.kind === 'message'",
  ),
  {
    rule: 'with fsync what a checkpoint releases is synced before it',
    edits: [
      {
        file: INTAKE,
        text: 'gateway.world.fsync ? Math.min(accepted, file.synced) : accepted',
        instead: 'gateway.world.fsync ? accepted : accepted',
      },
      {
        file: FRAGMENT,
        text: 'if (world.fsync) for (const out of this.#gateway.outs.values()) out.sync();',
        instead: '',
      },
    ],
  },
  without(
    'with fsync a checkpoint is synced before it counts',
    FRAGMENT,
    'if (!world.fsync) {',
    'if (true) {',
  ),
  without(
    'with fsync a checkpoint is synced before a start counts on it',
    FRAGMENT,
    'if (gateway.world.fsync) file.sync();',
  ),
  without(
    'cursors are kept by themselves when there are no checkpoints any more',
    FRAGMENT,
    'for (const input of ins.values()) input.keepAlone();',
  ),
];
