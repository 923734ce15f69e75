/**
 * Mocha reporter: the spec list, what was skipped and why, and a plain last line `N passed, N failed[, N skipped]`.
 */
import Mocha from 'mocha';
import { skipReason } from './skip.ts';

export default class Reporter extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    const { passes, failures } = this.stats;
    const skipped: Mocha.Test[] = [];
    this.runner.suite.eachTest((test: Mocha.Test) => {
      if (test.isPending()) skipped.push(test);
    });
    if (skipped.length > 0) {
      console.log('Skipped:');
      for (const test of skipped) console.log(`  - ${test.fullTitle()}: ${skipReason(test)}`);
      console.log();
    }
    const rest = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
    console.log(`${passes} passed, ${failures} failed${rest}`);
  }
}
