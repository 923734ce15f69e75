import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointFile } from '../../../nodes/gateway/src/checkpoint/CheckpointFile.ts';
import { disposables } from '../../kit/cleanup.ts';

const parts = (all: Record<string, string>) =>
  new Map(Object.entries(all).map(([name, text]) => [name, Buffer.from(text)]));
const read = (file: CheckpointFile) =>
  Object.fromEntries([...file.parts].map(([name, bytes]) => [name, bytes.toString()]));

describe('checkpoint file', () => {
  const kit = disposables();
  const fresh = () => join(kit.folder(), 'checkpoints', 'app.log');

  it('holds the last checkpoint, of which only what changed is written', () => {
    const path = fresh();
    const file = new CheckpointFile(path);
    file.write(parts({ 'in a': '1', state: 'x'.repeat(10_000) }), false);
    const before = statSync(path).size;
    file.write(parts({ 'in a': '2', state: 'x'.repeat(10_000) }), false);
    assert.ok(statSync(path).size - before < 200);
    file.write(parts({ 'in a': '3' }), false);
    file.close();
    assert.deepEqual(read(new CheckpointFile(path)), { 'in a': '3' });
  });

  it('a torn checkpoint does not count at all: the one before does, and is written on', () => {
    const path = fresh();
    const file = new CheckpointFile(path);
    file.write(parts({ cursor: '1', state: 'one' }), false);
    file.write(parts({ cursor: '2', state: 'two' }), false);
    file.close();
    truncateSync(path, statSync(path).size - 1);
    const again = new CheckpointFile(path);
    assert.deepEqual(read(again), { cursor: '1', state: 'one' });
    again.write(parts({ cursor: '3', state: 'three' }), false);
    again.close();
    assert.deepEqual(read(new CheckpointFile(path)), { cursor: '3', state: 'three' });
  });

  it('a damaged checkpoint does not count, nor do those after it', () => {
    const path = fresh();
    const file = new CheckpointFile(path);
    for (const cursor of ['1', '2', '3']) file.write(parts({ cursor }), false);
    file.close();
    const bytes = readFileSync(path);
    const second = bytes.readUInt32BE(0) + 8;
    bytes[second + 12]! ^= 1;
    writeFileSync(path, bytes);
    assert.deepEqual(read(new CheckpointFile(path)), { cursor: '1' });
  });

  it('does not grow without end', () => {
    const path = fresh();
    const file = new CheckpointFile(path);
    for (let i = 0; i < 300; i++) file.write(parts({ state: `${i}`.padEnd(20_000, 'x') }), false);
    assert.ok(file.bytes < 1_200_000, `${file.bytes} bytes`);
    assert.equal(read(new CheckpointFile(path)).state?.slice(0, 4), '299x');
  });

  it('durably: resolves when it is synced, and writes nothing where nothing changed', async () => {
    const path = fresh();
    const file = new CheckpointFile(path);
    const written = file.write(parts({ cursor: '1' }), true);
    assert.ok(written instanceof Promise);
    await written;
    const { size } = statSync(path);
    file.write(parts({ cursor: '1' }), true);
    assert.equal(statSync(path).size, size);
  });
});
