import assert from 'node:assert/strict';
import {
  BY_HAND_ROOT,
  decodeNotice,
  encodeNotice,
  handLogName,
  handStreamName,
  handStreamOf,
  keepsStream,
  type Notice,
  noticesTopic,
} from '../../src/wire/byHand.ts';

describe('wires by hand: what their ends tell each other', () => {
  const self = { gateway: 'hall-a', disk: 'd', boot: 3, instance: 'i' };
  const notices: Notice[] = [
    {
      ...{ v: 1, role: 'producer', stream: 'a/b +#', ...self, since: 5, level: 'at-least-once' },
      choice: { window: 10, attempts: 2 },
      consumers: { 'hall-b': 'x', constructor: '' },
    },
    { v: 1, role: 'consumer', stream: 'readings', ...self, leaves: false },
  ];

  it('arrives as it was said', () => {
    for (const notice of notices) assert.deepEqual(decodeNotice(encodeNotice(notice)), notice);
  });

  it('is passed over where it is none, or of another version', () => {
    for (const text of ['', 'null', '{}', JSON.stringify({ ...notices[1], v: 2 })])
      assert.equal(decodeNotice(Buffer.from(text)), undefined, text);
    assert.equal(decodeNotice(Buffer.from(JSON.stringify({ ...notices[1], gateway: 'a/b' }))), undefined);
  });

  it('has one exact topic a stream, whatever its name', () => {
    assert.equal(noticesTopic('a/b +#'), `${BY_HAND_ROOT}/stream/a%2Fb%20%2B%23`);
    for (const name of ['', ' ', 'a\nb', '__proto__', 'x'.repeat(129)])
      assert.equal(handStreamName.safeParse(name).success, false, name);
  });

  it('a log is named after the stream and its producer', () => {
    assert.equal(handLogName('a@b', 'hall-a'), 'a@b@hall-a');
    assert.equal(handStreamOf('a@b@hall-a'), 'a@b');
  });

  describe('who keeps a stream', () => {
    const other = { ...self, gateway: 'hall-c', disk: 'e', instance: 'j' };
    const agree = (keeper: Parameters<typeof keepsStream>[0], loser: Parameters<typeof keepsStream>[0]) => {
      assert.equal(keepsStream(keeper, loser), true);
      assert.equal(keepsStream(loser, keeper), false);
    };

    it('the one that was granted it, before one that only claims it', () => {
      agree({ ...self, since: 9 }, { ...other, since: 0 });
      agree({ ...other, since: 9 }, { ...self, since: 0 });
    });

    it('of two that were, the earlier', () => {
      agree({ ...other, since: 8 }, { ...self, since: 9 });
    });

    it('of two that came at once, always the same', () => {
      agree({ ...self, since: 0 }, { ...other, since: 0 });
      agree({ ...self, since: 7 }, { ...other, since: 7 });
    });

    it('of a disk and its copy, the process started later', () => {
      agree({ ...self, boot: 4, instance: 'a', since: 9 }, { ...self, since: 1 });
      agree({ ...self, instance: 'z', since: 9 }, { ...self, since: 1 });
    });
  });
});
