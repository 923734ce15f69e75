/** What is done to a world, and how often it was. */
import type { Gateway } from './Gateway.ts';
import type { Stream, World } from './World.ts';

export interface FaultCounts {
  /** Packets. */
  lost: number;
  doubled: number;
  late: number;
  cut: number;
  /** Gateways. */
  kill: number;
  power: number;
  wipe: number;
  pause: number;
  clock: number;
  /** The broker and the links to it. */
  outage: number;
  partition: number;
  /** Routes. */
  replaced: number;
  added: number;
  moved: number;
  /** An operator gives up what waits, or passes over a message. */
  purged: number;
  skipped: number;
  /** Checkpoints that the disk did not take. */
  unwritten: number;
  /** Messages that met a full log. */
  refused: number;
}

export const noFaults = (): FaultCounts => ({
  lost: 0,
  doubled: 0,
  late: 0,
  cut: 0,
  kill: 0,
  power: 0,
  wipe: 0,
  pause: 0,
  clock: 0,
  outage: 0,
  partition: 0,
  replaced: 0,
  added: 0,
  moved: 0,
  purged: 0,
  skipped: 0,
  unwritten: 0,
  refused: 0,
});

const MOST_APART_MS = 1_200;
const MOST_PAUSE_MS = 600;
const SKEWS = [-3_600_000, -1_000, 0, 1_000, 3_600_000];

/** Each run suffers some of the kinds, so that every combination is met in few seeds. */
export function scheduleFaults(world: World): void {
  const { random } = world;
  const enabled = kinds.filter(() => random.chance(0.5));
  if (enabled.length === 0) return;
  const apart = random.pick([300, MOST_APART_MS]);
  const strike = (): void => {
    if (world.calm) return;
    random.pick(enabled)(world);
    world.clock.later(random.below(apart), strike);
  };
  world.clock.later(random.below(apart), strike);
}

const kinds: readonly ((world: World) => void)[] = [
  (world) => anyGateway(world).crash('kill'),
  (world) => anyGateway(world).crash('power'),
  (world) => anyGateway(world).crash('wipe'),
  pause,
  skewClock,
  outage,
  partition,
  replaceConsumer,
  addConsumer,
  moveProducer,
  purge,
  skip,
];

const anyGateway = ({ random, gateways }: World): Gateway => random.pick(gateways.slice(0, -1));

function pause(world: World): void {
  world.faults.pause++;
  const gateway = anyGateway(world);
  world.note(() => `${gateway.name} pauses`);
  gateway.pause(world.random.below(MOST_PAUSE_MS));
}

function skewClock(world: World): void {
  world.faults.clock++;
  anyGateway(world).clockOffset = world.random.pick(SKEWS);
}

function outage(world: World): void {
  world.faults.outage++;
  world.note(() => 'the broker goes away');
  world.network.outage(world.random.below(MOST_APART_MS));
}

function partition(world: World): void {
  world.faults.partition++;
  world.network.partition(anyGateway(world).name, world.random.below(MOST_APART_MS));
}

function purge(world: World): void {
  const outs = [...anyGateway(world).outs.values()];
  if (outs.length === 0) return;
  world.faults.purged++;
  world.random.pick(outs).purge();
}

function skip(world: World): void {
  const ins = [...anyGateway(world).ins.values()];
  if (ins.length === 0) return;
  world.faults.skipped++;
  world.random.pick(ins).skip();
}

/** A place at the end of a chain is given to another gateway. */
function replaceConsumer(world: World): void {
  if (!world.settled) return;
  const { random } = world;
  const stream = random.pick(ends(world));
  const place = random.index(stream.consumers.length);
  const coming = fitFor(world, stream, place);
  if (coming === undefined) return;
  world.faults.replaced++;
  world.reroute({ ...stream, consumers: stream.consumers.with(place, coming) });
}

function addConsumer(world: World): void {
  if (!world.settled) return;
  const stream = world.random.pick(ends(world));
  const coming = fitFor(world, stream, stream.consumers.length);
  if (coming === undefined || stream.consumers.length > 2) return;
  world.faults.added++;
  world.reroute({ ...stream, consumers: [...stream.consumers, coming] });
}

/** A deploy lets a stream drain before a gateway takes another place of it; here each keeps to one. */
function fitFor(world: World, stream: Stream, place: number): string | undefined {
  const free = idle(world, stream).filter((name) => (world.placeOf(stream.name, name) ?? place) === place);
  return free.length === 0 ? undefined : world.random.pick(free);
}

/** A source moves to a spare gateway or back: after a drain, or at once because its gateway is given up. */
function moveProducer(world: World): void {
  const { random } = world;
  const stream = random.pick(world.streams.filter((s) => s.fedBy.length === 0));
  if (world.stopped.has(stream.name)) return;
  if (random.chance(0.5)) {
    move(world, stream.name);
    return;
  }
  world.stopped.add(stream.name);
  const drained = (): void => {
    if (world.calm || world.gateway(stream.producer).outs.get(stream.name)?.drained) {
      world.stopped.delete(stream.name);
      if (!world.calm) move(world, stream.name);
      return;
    }
    world.clock.later(20, drained);
  };
  drained();
}

function move(world: World, name: string): void {
  const { random } = world;
  const stream = world.streams.find((s) => s.name === name)!;
  const free = idle(world, stream);
  if (free.length === 0 || !world.settled) return;
  world.faults.moved++;
  const producer = random.pick(free);
  // As often as not behind that of the producer before.
  world.gateway(producer).clockOffset = random.pick(SKEWS);
  world.reroute({ ...stream, producer, epoch: stream.epoch + 1 });
}

/** Streams that feed no other. */
const ends = ({ streams }: World): Stream[] =>
  streams.filter((s) => !streams.some((other) => other.fedBy.includes(s.name)));

/** Gateways that have to do with no stream but may have had. */
function idle(world: World, { producer, consumers }: Stream): string[] {
  const spare = world.gateways.slice(-2).map((g) => g.name);
  return spare.filter((name) => name !== producer && !consumers.includes(name));
}
