/** What must hold whatever fails. */
import type { Invariant } from '../world/Witness.ts';
import type { Report } from './books.ts';
import { cursorsNeverGoBack } from './cursorsNeverGoBack.ts';
import { drainsInTheEnd } from './drainsInTheEnd.ts';
import { effectivelyOnce } from './effectivelyOnce.ts';
import { everyMessageTakesEffect } from './everyMessageTakesEffect.ts';
import { inOrder } from './inOrder.ts';
import { lineageNeverForks } from './lineageNeverForks.ts';
import { noNumberTwice } from './noNumberTwice.ts';
import { nothingBeforeItsTime } from './nothingBeforeItsTime.ts';
import { stateIsTheFold } from './stateIsTheFold.ts';
import { trimmedOnlyWhenStored } from './trimmedOnlyWhenStored.ts';
import { withinQuota } from './withinQuota.ts';

export const invariants: readonly ((report: Report) => Invariant)[] = [
  everyMessageTakesEffect,
  noNumberTwice,
  inOrder,
  lineageNeverForks,
  stateIsTheFold,
  effectivelyOnce,
  trimmedOnlyWhenStored,
  cursorsNeverGoBack,
  withinQuota,
  nothingBeforeItsTime,
  drainsInTheEnd,
];
