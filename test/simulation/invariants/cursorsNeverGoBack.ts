/** I7: a stored cursor never goes back, of a consumer and of its producer's view of it, unless its disk lost writes. */
import { compareIncarnations } from '../../../src/wire/stream.ts';
import type { Invariant, Observations } from '../world/Witness.ts';
import type { Report } from './books.ts';

type ConsumerStored = Observations['consumerStored'];
type ProducerStored = Observations['producerStored'];

export function cursorsNeverGoBack(report: Report): Invariant {
  const consumers = new Map<string, ConsumerStored>();
  const producers = new Map<string, ProducerStored>();
  return {
    consumerStored(event) {
      const { stream, consumer, disk, cursor } = event;
      const key = `${stream} ${consumer} ${disk}`;
      const before = consumers.get(key)?.cursor;
      if (cursor === undefined) {
        consumers.delete(key);
        return;
      }
      consumers.set(key, event);
      if (before === undefined) return;
      const order = compareIncarnations(cursor.incarnation, before.incarnation);
      if (order < 0 || (order === 0 && cursor.stable < before.stable))
        report(`${stream}: the cursor of ${consumer} went back from ${before.stable} to ${cursor.stable}`);
    },
    producerStored(event) {
      const { stream, log, disk, consumer, cursor } = event;
      const key = `${stream} ${log} ${disk} ${consumer}`;
      const before = producers.get(key)?.cursor;
      if (cursor === undefined) {
        producers.delete(key);
        return;
      }
      producers.set(key, event);
      if (before === undefined) return;
      if (cursor.stable < before.stable)
        report(`${stream}: the producer's cursor of ${consumer} went back to ${cursor.stable}`);
      const { boot } = cursor;
      if (boot === undefined || before.boot === undefined) return;
      const older = boot.disk === before.boot.disk && boot.count < before.boot.count;
      if (older) report(`${stream}: the producer went back to an earlier boot of ${consumer}`);
    },
    powerCut({ disk }) {
      for (const map of [consumers, producers])
        for (const [key, event] of map) if (event.disk === disk) map.delete(key);
    },
  };
}
