/** Moves a cursor until the file may not grow any more (`ulimit -f`); prints the last value that was reported written. */
import { CursorJournal } from '../../../nodes/gateway/src/streams/CursorJournal.ts';

let failed = false;
let last = 0;
const journal = new CursorJournal(process.argv[2]!, () => {
  failed = true;
});
for (let i = 1; !failed && i < 10_000; i++) {
  journal.set('in app/task:0', { stable: i }, () => {
    last = i;
  });
  journal.flush();
}
process.stdout.write(String(last), () => process.exit());
