/** Which boot of a gateway speaks: a message of an older process must not undo what a newer one said. Pure. */
import type { Boot } from '../../wire/control.ts';

export type BootOrder = 'same' | 'newer' | 'older';

/**
 * Another disk is another identity (wiped or replaced): it takes over with its hello, and until then is not the one
 * we know.
 */
export function compareBoots(known: Boot | undefined, said: Boot, isHello: boolean): BootOrder {
  if (known === undefined) return 'newer';
  if (known.disk !== said.disk) return isHello ? 'newer' : 'older';
  if (said.count === known.count) return 'same';
  return said.count > known.count ? 'newer' : 'older';
}
