/** Records that wait in streams which a change takes away, and the question what becomes of them. */
import type { DeployNotice } from '../../../../src/wire/editor.ts';
import type { StrandedStream } from '../../../../src/wire/stranded.ts';
import { h } from './dom.ts';
import { deployAgain } from './fleet.ts';
import { dot, section } from './parts.ts';
import { say } from './red.ts';

type Question = Extract<DeployNotice, { kind: 'stranded' }>;

export interface Answer {
  readonly text: string;
  readonly click: () => void;
}

/** Of a plan: with what a deploy would do with them. */
export function strandedSection(streams: readonly StrandedStream[]): HTMLElement[] {
  if (streams.length === 0) return [];
  const items = streams.map((one) => item(one, `${one.stream} · ${say(`stranded.${one.action}`)}`));
  return [section(say('stranded.title'), h('ul', { class: 'echo-list' }, ...items))];
}

/** Of a question. */
export const strandedList = (streams: readonly StrandedStream[]): HTMLElement =>
  h('ul', { class: 'echo-list' }, ...streams.map((one) => item(one, one.stream)));

function item({ from, consumers, away, records, ...size }: StrandedStream, about: string): HTMLElement {
  const facts = [
    say('stranded.records', { count: records }),
    ...(size.bytes === undefined ? [] : [bytes(size.bytes)]),
    ...(size.ageMs === undefined ? [] : [say('stranded.oldest', { age: duration(size.ageMs) })]),
  ];
  const gateway = (id: string): HTMLElement =>
    h('span', {}, dot(id), away.includes(id) ? say('stranded.away', { gateway: id }) : id);
  return h(
    'li',
    {},
    h('b', {}, facts.join(', ')),
    h('div', {}, gateway(from), ' → ', ...consumers.flatMap((id, at) => [at === 0 ? '' : ', ', gateway(id)])),
    h('div', { class: 'echo-small' }, about),
  );
}

/** Whoever holds the log must be there for it to drain. */
const drainable = (streams: readonly StrandedStream[]): boolean =>
  streams.every(({ from, away }) => !away.includes(from));

/** What a user can say: give up, wait for it, or (no answer) leave everything as it is. */
export function answers({ application, stranded }: Question): Answer[] {
  const discard = {
    text: say('stranded.answer.discard'),
    click: () => deployAgain({ application, stranded: 'discard' }),
  };
  const drain = {
    text: say('stranded.answer.drain'),
    click: () => deployAgain({ application, stranded: 'drain' }),
  };
  return drainable(stranded) ? [discard, drain] : [discard];
}

/** The question as the body of a dialog. */
export const questionBody = ({ name, stranded, problem }: Question): HTMLElement =>
  h(
    'div',
    { class: 'echo-question' },
    h('p', {}, h('b', {}, say('stranded.question', { name }))),
    strandedList(stranded),
    h('p', {}, say(drainable(stranded) ? 'stranded.help.drain' : 'stranded.help.away')),
    h('p', {}, say('stranded.help.discard')),
    h('p', { class: 'echo-small' }, `${problem.code}: ${problem.message}`),
  );

const UNITS = ['B', 'kB', 'MB', 'GB'];

function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${Number((count / 1000 ** power).toPrecision(3))} ${UNITS[power]}`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
