/**
 * `work` for every item, at most `concurrency` at once; results in order. After an error nothing new is begun, unless
 * `goOn`; rejects with the first error once what was begun has ended.
 */
export async function each<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
  { goOn = false } = {},
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const errors: unknown[] = [];
  let at = 0;
  const worker = async () => {
    while (at < items.length && (goOn || errors.length === 0)) {
      const i = at++;
      try {
        results[i] = await work(items[i] as T);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
