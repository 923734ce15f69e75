import assert from 'node:assert/strict';
import { Book } from '../../../nodes/gateway/src/byHand/Book.ts';
import { HandIn } from '../../../nodes/gateway/src/byHand/HandIn.ts';
import { type HandContext, HandOut, type HandOutWire } from '../../../nodes/gateway/src/byHand/HandOut.ts';
import {
  ANNOUNCE_MS,
  CLAIM_MS,
  LEAVE_MS,
  REFUSED_MS,
  SILENT_MS,
  TICK_MS,
} from '../../../nodes/gateway/src/byHand/times.ts';
import type { InStreamOptions, OutStreamOptions } from '../../../nodes/gateway/src/ports.ts';
import type { Notice, Speaker } from '../../../src/wire/byHand.ts';
import { isEchoError } from '../../../src/wire/errors.ts';
import { type Disposables, disposables } from '../../kit/cleanup.ts';

const STREAM = 'readings';

/** Node-REDs on one broker, and a clock that the test moves on. */
class Hall {
  readonly #kit: Disposables;
  readonly boxes: Box[] = [];
  now = 0;

  constructor(kit: Disposables) {
    this.#kit = kit;
  }

  box(gateway: string, more: Partial<Speaker> & { folder?: string } = {}): Box {
    const { folder = this.#kit.folder(), ...rest } = more;
    const instance = `i${this.boxes.length}`;
    const box = new Box(this, { gateway, disk: `disk-${gateway}`, boot: 1, instance, ...rest }, folder);
    this.boxes.push(box);
    return box;
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += TICK_MS;
      for (const { on, ends } of this.boxes) if (on) for (const each of ends) each.tick(this.now);
    }
  }

  say(notice: Notice, from: Box): void {
    if (!from.on) return;
    for (const { on, ends } of this.boxes)
      if (on) for (const each of ends) each.hear(structuredClone(notice), this.now);
  }
}

/** One Node-RED, its streams only noted down. */
class Box {
  readonly #hall: Hall;
  readonly self: Speaker;
  readonly folder: string;
  readonly ends: (HandOut | HandIn)[] = [];
  readonly outs: OutStreamOptions[] = [];
  readonly ins: InStreamOptions[] = [];
  readonly retired: string[] = [];
  readonly warnings: string[] = [];
  appended = 0;
  on = true;

  constructor(hall: Hall, self: Speaker, folder: string) {
    this.#hall = hall;
    this.self = self;
    this.folder = folder;
  }

  out(wire: Partial<HandOutWire> = {}): HandOut {
    const whole = { stream: STREAM, choice: {}, receivers: [], tab: 't', ...wire };
    return this.#begin(new HandOut(this.#context, { level: 'at-least-once', ...whole }));
  }

  in(producer = ''): HandIn {
    return this.#begin(new HandIn(this.#context, { stream: STREAM, producer, tab: 't', deliver: () => {} }));
  }

  link(up: boolean): void {
    this.on = up;
    for (const end of this.ends) end.link(up, this.#hall.now);
  }

  /** The process ends, killed; what it knew is on disk. */
  end(): void {
    this.on = false;
    this.ends.length = 0;
  }

  #begin<End extends HandOut | HandIn>(end: End): End {
    this.ends.push(end);
    if (this.on) end.link(true, this.#hall.now);
    return end;
  }

  get #context(): HandContext {
    return {
      self: this.self,
      book: new Book(this.folder),
      streams: {
        openOut: (options) => void this.outs.push(options),
        openIn: (options) => void this.ins.push(options),
        closeOut: async () => {},
        closeIn: async () => {},
        append: async () => {
          this.appended++;
        },
        retire: async (streams) => void this.retired.push(...streams),
      },
      log: { info: () => {}, warn: (text) => void this.warnings.push(text) },
      say: (notice) => this.#hall.say(notice, this),
    };
  }
}

describe('wires by hand: their two ends', () => {
  const kit = disposables();
  let hall: Hall;
  let a: Box;
  let b: Box;

  beforeEach(() => {
    hall = new Hall(kit);
    a = hall.box('a');
    b = hall.box('b');
  });

  const joinedPair = (wire: Partial<HandOutWire> = {}) => {
    const ends = { out: a.out(wire), into: b.in() };
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.equal(ends.into.standing, 'joined');
    return ends;
  };

  it('a consumer joins, and takes from the producer what its options say', () => {
    const { out } = joinedPair({ choice: { window: 5, whenFull: 'sample', attempts: 3 } });
    assert.deepEqual(out.consumers, ['b']);
    const { stream, consumers, choice } = a.outs.at(-1)!;
    assert.deepEqual(
      { stream, consumers, choice },
      { stream: 'readings@a', consumers: ['b'], choice: { whenFull: 'sample' } },
    );
    const taken = b.ins.at(-1)!;
    assert.deepEqual([taken.stream, taken.producer, taken.attempts], ['readings@a', 'a', 3]);
    assert.deepEqual(taken.choice, { window: 5, attempts: 3 });
  });

  it('a consumer that is there first is taken in when the producer comes', () => {
    const into = b.in();
    hall.pass(ANNOUNCE_MS);
    assert.equal(into.standing, 'seeking');
    a.out();
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.equal(into.standing, 'joined');
  });

  it('while nobody has joined, messages are counted and not kept, unless the start is the earliest', async () => {
    const out = a.out();
    await out.append({}, undefined);
    assert.deepEqual([out.unheard, a.appended], [1, 0]);
    await hall
      .box('c')
      .out({ choice: { start: 'earliest' } })
      .append({}, undefined);
    assert.equal(hall.boxes[2]!.appended, 1);
  });

  it('both go on as agreed after a restart, each while the other is away', () => {
    joinedPair();
    b.end();
    a.end();
    const again = hall.box('b', { folder: b.folder, boot: 2 });
    assert.equal(again.in().standing, 'joined');
    assert.equal(again.ins.at(-1)?.stream, 'readings@a');
    const producer = hall.box('a', { folder: a.folder, boot: 2 });
    const out = producer.out();
    assert.deepEqual([out.standing, out.consumers], ['granted', ['b']]);
    assert.deepEqual(producer.outs.at(-1)?.consumers, ['b']);
  });

  it('a consumer that is away is owed everything until it is taken off', () => {
    const { out } = joinedPair();
    b.link(false);
    hall.pass(10 * SILENT_MS);
    assert.deepEqual(out.consumers, ['b']);
    assert.equal(out.forget('b', hall.now), true);
    assert.deepEqual(a.outs.at(-1)?.consumers, []);
  });

  it('a consumer leaves when its node is deleted, not when it is drawn anew in the same deploy', async () => {
    const { out, into } = joinedPair();
    await into.close(true, hall.now);
    hall.pass(2 * TICK_MS);
    b.ends.length = 0;
    const anew = b.in();
    hall.pass(ANNOUNCE_MS);
    assert.deepEqual([anew.standing, out.consumers, b.retired], ['joined', ['b'], []]);
    await anew.close(true, hall.now);
    hall.pass(LEAVE_MS + ANNOUNCE_MS);
    assert.deepEqual([anew.left, out.consumers, b.retired], [true, [], ['readings@a']]);
  });

  it('those named are owed everything from the start, and others are told that they get nothing', () => {
    const out = a.out({ receivers: ['b', 'd'] });
    assert.deepEqual(a.outs.at(-1)?.consumers, ['b', 'd']);
    const [into, other] = [b.in(), hall.box('c').in()];
    hall.pass(CLAIM_MS + REFUSED_MS + ANNOUNCE_MS);
    assert.deepEqual([into.standing, other.standing], ['joined', 'outside']);
    assert.deepEqual(out.consumers, ['b', 'd']);
  });

  it('a second producer is refused with an error, and the first goes on', async () => {
    const { out, into } = joinedPair();
    const second = hall.box('c').out({ receivers: ['b'] });
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.deepEqual([second.standing, second.rival], ['refused', 'a']);
    assert.deepEqual([out.standing, into.producer], ['granted', 'a']);
    await assert.rejects(second.append({}, undefined), (e) => isEchoError(e, 'ECHO_HAND_STREAM_TAKEN'));
  });

  it('of two producers that could not hear each other the earlier keeps the stream, and its consumer returns to it', () => {
    const { out, into } = joinedPair();
    a.link(false);
    const c = hall.box('c');
    const second = c.out();
    hall.pass(SILENT_MS + CLAIM_MS + 3 * ANNOUNCE_MS);
    assert.deepEqual([second.standing, into.producer], ['granted', 'c']);
    a.link(true);
    hall.pass(ANNOUNCE_MS);
    assert.deepEqual([out.standing, second.standing, into.producer], ['granted', 'refused', 'a']);
    assert.deepEqual(b.retired, []);
  });

  it('a producer whose node was deleted leaves the name to others', async () => {
    const { out, into } = joinedPair();
    await out.close(true);
    a.ends.length = 0;
    const c = hall.box('c').out();
    hall.pass(CLAIM_MS + SILENT_MS + 2 * ANNOUNCE_MS);
    assert.deepEqual([c.standing, into.producer], ['granted', 'c']);
    const back = a.out();
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.deepEqual([back.standing, into.producer], ['refused', 'c']);
  });

  it('two consumers of one name: the second is told, until the first has been silent', () => {
    const { into } = joinedPair();
    const namesake = hall.box('b', { disk: 'another' });
    const second = namesake.in();
    hall.pass(REFUSED_MS + ANNOUNCE_MS);
    assert.deepEqual([into.standing, second.standing], ['joined', 'taken']);
    assert.deepEqual(namesake.ins, []);
    b.end();
    hall.pass(SILENT_MS + 2 * ANNOUNCE_MS);
    assert.equal(second.standing, 'joined');
  });

  it('of a copied folder only the process started last takes part', () => {
    const { into } = joinedPair();
    const copy = hall.box('b', { boot: 2, folder: b.folder });
    const second = copy.in();
    hall.pass(REFUSED_MS + 2 * ANNOUNCE_MS);
    assert.deepEqual([into.standing, second.standing], ['taken', 'joined']);
    assert.deepEqual(b.retired, ['readings@a']);
  });

  it('a consumer of what its own Node-RED sends is told so', () => {
    const into = a.in();
    a.out();
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.equal(into.standing, 'own');
    assert.equal(a.warnings.length, 1);
  });

  it('a consumer that names its producer listens to no other', () => {
    const into = b.in('c');
    a.out();
    hall.pass(CLAIM_MS + ANNOUNCE_MS);
    assert.equal(into.standing, 'seeking');
  });
});
